/**
 * `env`: the settings that transformers.js 4 shares between all calls. `pipeline` reads them;
 * `Classifier.load` has options instead.
 */

import { TabsenseError } from "./errors.js";
import { HUB, kindOf } from "./options.js";

/** How much transformers.js writes to the console. Tabsense writes nothing there. */
export const LogLevel = Object.freeze({
  /** All messages. */
  DEBUG: 10,
  /** Errors, warnings and information. */
  INFO: 20,
  /** Errors and warnings. */
  WARNING: 30,
  /** Only errors. */
  ERROR: 40,
  /** Nothing. */
  NONE: 50,
});

/** Settings of one of onnxruntime's backends. None of them is used. */
export interface BackendSettings {
  /** Use the option `threads` instead. */
  numThreads?: number;
  /** Use the option `wasm` instead. */
  wasmPaths?: unknown;
  /** Use the option `worker` instead. */
  proxy?: boolean;
  [setting: string]: unknown;
}

/** The settings, by their names in transformers.js 4. */
export interface TransformersEnvironment {
  /** Ignored, with a warning if anything is set: there is no onnxruntime. */
  backends: {
    /** Settings of onnxruntime. */
    onnx: {
      /** For its WebAssembly backend. */
      wasm: BackendSettings;
      /** For its WebGL backend. */
      webgl: BackendSettings;
      /** For its WebGPU backend. */
      webgpu: BackendSettings;
      [setting: string]: unknown;
    };
  };
  /** Ignored: nothing is written to the console. */
  logLevel: number;
  /**
   * Whether models may come from `remoteHost`. `false` means `local_files_only: true` for all calls. Default:
   * `true`.
   */
  allowRemoteModels: boolean;
  /** The hub, unless the option `hub` names one. Default: `"https://huggingface.co/"`. */
  remoteHost: string;
  /** The path of a model on `remoteHost`. Default: `"{model}/resolve/{revision}/"`. */
  remotePathTemplate: string;
  /** Whether to look below `localModelPath` first. Default: `true` in Node, `false` elsewhere. */
  allowLocalModels: boolean;
  /**
   * The folder of local models, unless the option `models` names one. Default: `"/models/"`, in Node
   * `"models/"`.
   */
  localModelPath: string;
  /** Ignored: only Node reads paths from disk. */
  useFS: boolean;
  /** Whether browsers cache files, unless the option `cache` is set. Default: `true`. */
  useBrowserCache: boolean;
  /** Whether Node caches files, unless the option `cache` is set. Default: `true`. */
  useFSCache: boolean;
  /** Ignored with a warning: the environment variable `TABSENSE_CACHE` sets Node's cache folder. */
  cacheDir: string | null;
  /** Ignored with a warning: pass the model's files themselves as the model instead. */
  useCustomCache: boolean;
  /** Ignored, see `useCustomCache`. */
  customCache: unknown;
  /** Ignored: the engine's file is cached by the browser itself. */
  useWasmCache: boolean;
  /** Ignored: Tabsense has its own cache. */
  cacheKey: string;
  /** Ignored. */
  experimental_useCrossOriginStorage: boolean;
  /** Ignored with a warning: files are fetched in a worker. For access tokens, use the option `headers`. */
  fetch: typeof fetch;
}

/** Settings and their defaults. */
export interface Environment {
  env: TransformersEnvironment;
  defaults: Readonly<TransformersEnvironment>;
}

/** The settings that `pipeline` uses. */
export interface CheckedEnvironment
  extends Pick<
    TransformersEnvironment,
    "allowRemoteModels" | "remoteHost" | "remotePathTemplate" | "allowLocalModels" | "localModelPath"
  > {
  cache: boolean;
  /** Whether the setting differs from its default. */
  changed(key: "remoteHost" | "remotePathTemplate" | "localModelPath" | "allowLocalModels"): boolean;
  /** Warnings about settings that are ignored, a sentence each. */
  warnings: string[];
}

/** Looks up `fetch` with each call, so that one that is replaced after the import is used, too. */
const globalFetch: typeof fetch = (input, init) => globalThis.fetch(input, init);

/** The default settings of an entry point; `local`: whether to look for models on this machine first. */
export function startEnvironment(local: boolean): Environment {
  const make = (): TransformersEnvironment => ({
    backends: { onnx: { wasm: {}, webgl: {}, webgpu: {} } },
    logLevel: LogLevel.WARNING,
    allowRemoteModels: true,
    remoteHost: `${HUB}/`,
    remotePathTemplate: "{model}/resolve/{revision}/",
    allowLocalModels: local,
    localModelPath: local ? "models/" : "/models/",
    useFS: local,
    useBrowserCache: true,
    useFSCache: true,
    cacheDir: null,
    useCustomCache: false,
    customCache: null,
    useWasmCache: true,
    cacheKey: "transformers-cache",
    experimental_useCrossOriginStorage: false,
    fetch: globalFetch,
  });
  return { env: make(), defaults: make() };
}

/** Checks the settings as they are now. Kind `"invalid_argument"` for an unknown key or a wrong type. */
export function checkEnvironment({ env, defaults }: Environment): CheckedEnvironment {
  const unknown = Object.keys(env).find((key) => !Object.hasOwn(defaults, key));
  if (unknown !== undefined) {
    throw new TabsenseError(
      "invalid_argument",
      `Unknown setting env.${unknown}. The settings are: ${Object.keys(defaults).join(", ")}.`,
    );
  }
  return {
    allowRemoteModels: typed("allowRemoteModels", "boolean"),
    remoteHost: typed("remoteHost", "string"),
    remotePathTemplate: typed("remotePathTemplate", "string"),
    allowLocalModels: typed("allowLocalModels", "boolean"),
    localModelPath: typed("localModelPath", "string"),
    cache: typed(defaults.useFS ? "useFSCache" : "useBrowserCache", "boolean"),
    changed: (key) => env[key] !== defaults[key],
    warnings: warningsOf(env, defaults),
  };

  function typed<K extends keyof TransformersEnvironment>(
    key: K,
    type: "string" | "boolean",
  ): TransformersEnvironment[K] {
    const value: unknown = env[key];
    if (typeof value !== type || value === "") {
      const wanted = type === "string" ? "a non-empty string" : "true or false";
      const given = typeof value === "string" ? JSON.stringify(value) : kindOf(value);
      throw new TabsenseError("invalid_argument", `env.${key} must be ${wanted}, not ${given}.`);
    }
    return env[key];
  }
}

/** Warnings about ignored settings that a program could rely on. */
function warningsOf(env: TransformersEnvironment, defaults: TransformersEnvironment): string[] {
  const backends = Object.entries(env.backends?.onnx ?? {}).flatMap(([backend, settings]) =>
    typeof settings === "object" && settings !== null
      ? Object.keys(settings).map((key) => `${backend}.${key}`)
      : backend,
  );
  return [
    ...(backends.length > 0
      ? [
          `env.backends.onnx (${backends.join(", ")}) is not used: there is no onnxruntime. Set the options \`threads\` and \`wasm\` (the .wasm file's URL) instead.`,
        ]
      : []),
    ...(env.cacheDir !== defaults.cacheDir
      ? [
          "env.cacheDir is not used. In Node, set the environment variable TABSENSE_CACHE to the cache's folder.",
        ]
      : []),
    ...(env.useCustomCache
      ? ["env.customCache is not used. Pass the cached files as the model's files."]
      : []),
    ...(env.fetch !== defaults.fetch
      ? ["env.fetch is not used. Use the option `headers` to add headers to requests."]
      : []),
  ];
}
