/**
 * `env`: the settings that transformers.js 4 shares between all calls. `pipeline` reads it; `Classifier.load` has
 * options instead.
 */

import { TabsenseError } from "./errors.js";
import { HUB, kindOf } from "./options.js";

/** How much transformers.js writes to the console. Nothing is written there here. */
export const LogLevel = Object.freeze({
  /** All messages. */
  DEBUG: 10,
  /** Errors, warnings and what is worth knowing. */
  INFO: 20,
  /** Errors and warnings. */
  WARNING: 30,
  /** Errors alone. */
  ERROR: 40,
  /** Nothing. */
  NONE: 50,
});

/** Settings of one of onnxruntime's backends. None of them is used. */
export interface BackendSettings {
  /** The option `threads` says this here. */
  numThreads?: number;
  /** The option `wasm` says this here. */
  wasmPaths?: unknown;
  /** The option `worker` says this here. */
  proxy?: boolean;
  [setting: string]: unknown;
}

/** The settings, by their names in transformers.js 4. */
export interface TransformersEnvironment {
  /** Ignored, with a warning, where something is set: there is no onnxruntime. */
  backends: {
    /** Settings of onnxruntime. */
    onnx: {
      /** Of its WebAssembly. */
      wasm: BackendSettings;
      /** Of its WebGL. */
      webgl: BackendSettings;
      /** Of its WebGPU. */
      webgpu: BackendSettings;
      [setting: string]: unknown;
    };
  };
  /** Ignored: nothing is written to the console. */
  logLevel: number;
  /** Whether models may come from `remoteHost`. `false` is `local_files_only: true` for all calls. Default: `true`. */
  allowRemoteModels: boolean;
  /** The hub, where the option `hub` names none. Default: `"https://huggingface.co/"`. */
  remoteHost: string;
  /** Where a model is on `remoteHost`. Default: `"{model}/resolve/{revision}/"`. */
  remotePathTemplate: string;
  /** Whether to look below `localModelPath` first. Default: `true` in Node, `false` elsewhere. */
  allowLocalModels: boolean;
  /** The folder of local models, where the option `models` names none. Default: `"/models/"`, in Node `"models/"`. */
  localModelPath: string;
  /** Ignored: a path is read from disk in Node alone. */
  useFS: boolean;
  /** Whether a browser keeps copies, where the option `cache` doesn't say. Default: `true`. */
  useBrowserCache: boolean;
  /** Whether Node keeps copies, where the option `cache` doesn't say. Default: `true`. */
  useFSCache: boolean;
  /** Ignored with a warning: Node's copies are in the folder that the environment variable `TABSENSE_CACHE` names. */
  cacheDir: string | null;
  /** Ignored with a warning: the model's files themselves can be passed as the model. */
  useCustomCache: boolean;
  /** Ignored, see `useCustomCache`. */
  customCache: unknown;
  /** Ignored: the browser's own cache keeps the engine's file. */
  useWasmCache: boolean;
  /** Ignored: copies have a place of their own. */
  cacheKey: string;
  /** Ignored. */
  experimental_useCrossOriginStorage: boolean;
  /** Ignored with a warning: files are fetched in a worker. The option `headers` is there for tokens. */
  fetch: typeof fetch;
}

/** Settings and what they were before anybody changed them. */
export interface Environment {
  env: TransformersEnvironment;
  defaults: Readonly<TransformersEnvironment>;
}

/** What `pipeline` takes of the settings. */
export interface CheckedEnvironment
  extends Pick<
    TransformersEnvironment,
    "allowRemoteModels" | "remoteHost" | "remotePathTemplate" | "allowLocalModels" | "localModelPath"
  > {
  cache: boolean;
  /** Whether the setting is another than at the start. */
  changed(key: "remoteHost" | "remotePathTemplate" | "localModelPath" | "allowLocalModels"): boolean;
  /** Warnings about settings that are ignored, a sentence each. */
  warnings: string[];
}

/** Late, so that a `fetch` that is put in place after the import counts, too. */
const globalFetch: typeof fetch = (input, init) => globalThis.fetch(input, init);

/** The settings of an entry; `local`: whether models are looked for on this machine first. */
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

/** Checks the settings as they are now. Kind `"invalid_argument"` for a key that there is not, or a wrong type. */
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

/** What is set and not followed, where a program could count on it. */
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
    ...(env.useCustomCache ? ["env.customCache is not used. Pass what it holds as the model's files."] : []),
    ...(env.fetch !== defaults.fetch
      ? ["env.fetch is not used. Use the option `headers` to add headers to requests."]
      : []),
  ];
}
