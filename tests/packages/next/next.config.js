import { fileURLToPath } from "node:url";

export default {
  // The folder that the packages are installed in, which is this one in most projects.
  turbopack: { root: fileURLToPath(new URL("..", import.meta.url)) },
};
