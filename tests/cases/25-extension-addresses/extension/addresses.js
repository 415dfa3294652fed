// Every way in which an extension can name its own files.
export function sources() {
  const url = (name) => chrome.runtime.getURL(name);
  const files = (make) =>
    Object.fromEntries(
      ["config.json", "tokenizer.json", "model.safetensors"].map((name) => [name, make(`model/${name}`)]),
    );
  return {
    "chrome-extension: string with a slash": url("model/"),
    "chrome-extension: string without": url("model"),
    "absolute path": "/model/",
    "relative path": "./model/",
    "files as URLs": files((name) => new URL(url(name))),
    "files as Responses": null,
    "a URL object for the folder": new URL(url("model/")),
    "origin and path": `${location.origin}/model/`,
  };
}
export async function tryAll(Classifier, options) {
  const results = {};
  for (const [name, source] of Object.entries(sources())) {
    try {
      const given =
        source ??
        Object.fromEntries(
          await Promise.all(
            ["config.json", "tokenizer.json", "model.safetensors"].map(async (file) => [
              file,
              await fetch(chrome.runtime.getURL(`model/${file}`)),
            ]),
          ),
        );
      const classifier = await Classifier.load(given, options);
      results[name] = (await classifier.classify("A delight from start to finish."))[0];
      await classifier.dispose();
    } catch (error) {
      results[name] = { kind: error?.kind, name: error?.name, message: String(error?.message) };
    }
  }
  return results;
}
