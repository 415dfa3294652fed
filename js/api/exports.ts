/** What each entry exports beside its own `Classifier` and `pipeline`. */

export type { Calibration, ClassifierInfo, WebGpuInfo, WebGpuReason } from "./info.js";
export { LogLevel, type BackendSettings, type TransformersEnvironment } from "./env.js";
export type { Dtype } from "../files/choice.js";
export { ERROR_KINDS, TabsenseError, type ErrorKind } from "./errors.js";
export type {
  CachedFile,
  ClassifyOptions,
  ClassifyProgress,
  Detailed,
  DetailedVerdict,
  Device,
  FileName,
  HeadersOption,
  HeadersValue,
  KernelTime,
  Latest,
  LoadOptions,
  Model,
  ModelFile,
  ModelFiles,
  Pair,
  Progress,
  Score,
  Source,
  StreamOptions,
  Text,
  Texts,
  Timings,
  Token,
  Verdict,
} from "./types.js";
export type {
  DataType,
  DeviceType,
  FileLoadingProgress,
  PipelineModelConfig,
  PipelineType,
  PretrainedModelOptions,
  ProgressCallback,
  ProgressInfo,
  TextClassificationOutput,
  TextClassificationPair,
  TextClassificationPipeline,
  TextClassificationPipelineOptions,
  TextClassificationSingle,
} from "./pipeline-types.js";
