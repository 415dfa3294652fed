/** What each entry exports beside its own `Classifier` and `pipeline`. */

export type { Calibration, ClassifierInfo, ModelInfo, WebGpuInfo, WebGpuReason } from "./info.js";
export { LogLevel, type BackendSettings, type TransformersEnvironment } from "./env.js";
export { TaughtClassifier } from "./taught.js";
export type { SavedClassifier } from "../teach/saved.js";
export type {
  DoubtfulExample,
  Evaluation,
  Example,
  Examples,
  LabelEvaluation,
  MultiExample,
  TaughtExample,
  TaughtOptions,
  TaughtScore,
  TeachOptions,
  TeachProgress,
} from "./teach-types.js";
export type { Dtype } from "../files/choice.js";
export { ERROR_KINDS, TabsenseError, type ErrorKind } from "./errors.js";
export type {
  CachedFile,
  ClassifyOptions,
  CallProgress,
  Detailed,
  DetailedVerdict,
  Device,
  EmbedOptions,
  EmbedderOptions,
  FileName,
  HeadersOption,
  HeadersValue,
  KernelTime,
  Latest,
  LoadOptions,
  Model,
  ModelFile,
  ModelFiles,
  ModelOptions,
  Pair,
  Pooling,
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
  FeatureExtractionPipeline,
  FeatureExtractionPipelineOptions,
  FileLoadingProgress,
  PipelineModelConfig,
  PipelineOf,
  PipelineTask,
  PipelineType,
  PretrainedModelOptions,
  ProgressCallback,
  ProgressInfo,
  Tensor,
  TextClassificationOutput,
  TextClassificationPair,
  TextClassificationPipeline,
  TextClassificationPipelineOptions,
  TextClassificationSingle,
} from "./pipeline-types.js";
