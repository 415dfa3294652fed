/** The exports of every entry point besides its own classes, functions and `env`. */

export type { Calibration, ClassifierInfo, ModelInfo, WebGpuInfo, WebGpuReason } from "./info.js";
export { LogLevel, type BackendSettings, type TransformersEnvironment } from "./env.js";
export { TaughtClassifier } from "./taught.js";
export type { SavedClassifier } from "../teach/saved.js";
export type {
  Confusion,
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
  Device,
  FileName,
  HeadersOption,
  HeadersValue,
  Latest,
  LoadOptions,
  Model,
  ModelFile,
  ModelFiles,
  ModelOptions,
  Pair,
  Progress,
  Source,
  StreamOptions,
  Text,
  Texts,
} from "./types.js";
export type {
  Detailed,
  DetailedVerdict,
  KernelTime,
  Score,
  Timings,
  Token,
  Verdict,
} from "./answer-types.js";
export type {
  EmbedOptions,
  EmbedderOptions,
  Pooling,
  ZeroShotOptions,
  ZeroShotScore,
} from "./vector-types.js";
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
  TokenClassificationOutput,
  TokenClassificationPipeline,
  TokenClassificationPipelineOptions,
  TokenGroup,
  TokenLabel,
  ZeroShotClassificationOutput,
  ZeroShotClassificationPipeline,
  ZeroShotClassificationPipelineOptions,
} from "./pipeline-types.js";
export type {
  Aggregation,
  Entity,
  MaskedEntity,
  MaskOptions,
  Pattern,
  PatternName,
  Patterns,
  Redaction,
  RedactOptions,
  Span,
  TaggedEntities,
  TagOptions,
} from "./tag-types.js";
