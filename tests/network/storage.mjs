// Storage that fails: each failure, and the outcome of a load. storage-node.test.mjs and
// storage-browser.test.mjs have a test for each; docs/networks.md lists them.

/** The outcome of a load in Node, by the failure of the folder of copies. */
export const NODE = {
  "the folder is a file": "answer",
  "the folder is below a file": "answer",
  "the folder is a link to nothing": "answer",
  "a folder is in the place of the note": "answer",
  "files of more than 100 KB can't be written": "answer",
  "the folder is deleted while copies are read": "answer",
  "the folder is deleted while copies are written": "answer",
  "a byte of config.json is changed": "answer",
  "a byte of tokenizer.json is changed": "answer",
  "a byte of model.safetensors is changed": "answer",
  "a byte of each copy is changed, and the server is gone": "network",
  "a copy is cut": "answer",
  "a copy is gone": "answer",
  "a copy is that of another version": "answer",
  "the note is cut": "answer",
  "the note is of an earlier version of the package": "answer",
  "the note is of a later version of the package": "answer",
  "two processes load at once": "answer",
  "a process is killed while it loads": "answer",
};

/** The same for a browser. */
export const BROWSER = {
  "the quota is used up": "answer",
  "the quota is used up, and there is a new version": "answer",
  "the site's data is cleared while copies are read": "answer",
  "the site's data is cleared while copies are written": "answer",
  "a byte of each copy is changed": "answer",
  "a byte of each copy is changed, and the server is gone": "network",
  "a copy is gone": "answer",
  "the note isn't JSON": "answer",
  "the note is of an earlier version of the package": "answer",
  "the note is of a later version of the package": "answer",
  "a private window is closed, and another one opened": "answer",
  "a page that isn't secure has no storage": "answer",
  "the browser is offline": "answer",
  "the browser is offline, and nothing is kept": "network",
  "the page is reloaded while it loads": "answer",
};
