/** Classifiers that `tabsense teach` wrote. */

import { readFile } from "node:fs/promises";
import { Embedder, TaughtClassifier } from "../node.js";
import { TabsenseError } from "../api/errors.js";
import type { ClassifierInfo } from "../api/info.js";
import { read } from "../teach/saved.js";
import type { ClassifyOptions, Source, Text } from "../api/types.js";
import type { Score } from "../api/answer-types.js";
import type { EmbedderOptions } from "../api/vector-types.js";

/** What the command needs from a classifier, a taught one or a model's. */
export interface Answering {
  info: ClassifierInfo;
  classify(texts: readonly Text[], options: Pick<ClassifyOptions, "topK" | "signal">): Promise<Score[][]>;
  dispose(): Promise<void>;
}

/** The file's text, and the name of the encoder that it was taught on. */
export async function readTaught(path: string): Promise<{ saved: string; encoder: string }> {
  const saved = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new TabsenseError(
      "invalid_argument",
      `${path} could not be read (${cause.message}). --taught needs a file written by \`tabsense teach\`.`,
      { cause },
    );
  });
  return { saved, encoder: (await read(saved)).encoder.name };
}

/**
 * Loads the encoder, and the classifier on it. If one label is requested, and the classifier isn't sure of a
 * text, the label is empty.
 */
export async function openTaught(saved: string, source: Source, load: EmbedderOptions): Promise<Answering> {
  const embedder = await Embedder.load(source, load);
  try {
    const taught = await TaughtClassifier.from(saved, embedder);
    const { info } = embedder;
    const { threshold } = await read(saved).then(({ trained }) => trained.keep);
    return {
      info: { ...info, model: { ...info.model, labels: taught.labels } },
      async classify(texts, { topK = 1, signal }) {
        const answers = await taught.classify(texts as string[], { topK: null, ...(signal && { signal }) });
        return answers.map((scores) => {
          const all = scores
            .slice(0, topK ?? undefined)
            .map(({ label, score }) => ({ label: label!, score }));
          return topK === 1 && all[0]!.score < threshold ? [{ ...all[0]!, label: "" }] : all;
        });
      },
      dispose: () => embedder.dispose(),
    };
  } catch (thrown) {
    await embedder.dispose();
    throw thrown;
  }
}
