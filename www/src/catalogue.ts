/** The models to pick from: well-known classifiers whose repositories contain safetensors. */

/** The model that the page opens with. */
export const DEFAULT_MODEL = "sentiment-en";

/** A model to pick. */
export interface ListedModel {
  /** The name to type: on the model hub, or the page's own. */
  name: string;
  /** What it classifies, in a few words. */
  summary: string;
  /** `model_type` of its configuration. */
  architecture: string;
  /** Bytes of its weights, which are most of the download. */
  bytes: number;
  /** Whether it was trained on pairs of texts. */
  pairs?: true;
  /** Whether its files are served with the page. */
  own?: true;
}

/** Models that answer the same kind of question. */
export interface Group {
  name: string;
  models: readonly ListedModel[];
}

/**
 * The bytes of a file in single precision. The numbers of parameters follow from the models' configurations:
 * tests/page/catalogue.test.mjs counts them.
 */
const fp32 = (parameters: number): number => 4 * parameters;

/** All models to pick from. */
export const CATALOGUE: readonly Group[] = [
  {
    name: "Sentiment",
    models: [
      {
        name: DEFAULT_MODEL,
        summary: "English, three labels",
        architecture: "distilbert",
        bytes: 9_028_017, // int4; a test checks the file
        own: true,
      },
      {
        name: "distilbert/distilbert-base-uncased-finetuned-sst-2-english",
        summary: "English, two labels",
        architecture: "distilbert",
        bytes: fp32(66_955_010),
      },
      {
        name: "lxyuan/distilbert-base-multilingual-cased-sentiments-student",
        summary: "Twelve languages, three labels",
        architecture: "distilbert",
        bytes: fp32(135_326_979),
      },
      {
        name: "nlptown/bert-base-multilingual-uncased-sentiment",
        summary: "Reviews in six languages, one to five stars",
        architecture: "bert",
        bytes: fp32(167_360_261),
      },
      {
        name: "cmarkea/distilcamembert-base-sentiment",
        summary: "French reviews, one to five stars",
        architecture: "camembert",
        bytes: fp32(68_098_565),
      },
      {
        name: "mrm8488/distilroberta-finetuned-financial-news-sentiment-analysis",
        summary: "Financial news, three labels",
        architecture: "roberta",
        bytes: fp32(82_120_707),
      },
    ],
  },
  {
    name: "Emotions, tone, language",
    models: [
      {
        name: "bhadresh-savani/distilbert-base-uncased-emotion",
        summary: "Six emotions",
        architecture: "distilbert",
        bytes: fp32(66_958_086),
      },
      {
        name: "SamLowe/roberta-base-go_emotions",
        summary: "28 emotions, several at a time",
        architecture: "roberta",
        bytes: fp32(124_667_164),
      },
      {
        name: "unitary/toxic-bert",
        summary: "Six kinds of toxic comments",
        architecture: "bert",
        bytes: fp32(109_486_854),
      },
      {
        name: "papluca/xlm-roberta-base-language-detection",
        summary: "Which of 20 languages it is",
        architecture: "xlm-roberta",
        bytes: fp32(278_059_028),
      },
    ],
  },
  {
    name: "Pairs of texts",
    models: [
      {
        name: "cross-encoder/nli-distilroberta-base",
        summary: "Whether one sentence follows from another",
        architecture: "roberta",
        bytes: fp32(82_120_707),
        pairs: true,
      },
      {
        name: "cross-encoder/ms-marco-MiniLM-L6-v2",
        summary: "How well a passage answers a question",
        architecture: "bert",
        bytes: fp32(22_713_601),
        pairs: true,
      },
      {
        name: "cross-encoder/ms-marco-electra-base",
        summary: "The same, by an ELECTRA model",
        architecture: "electra",
        bytes: fp32(109_483_009),
        pairs: true,
      },
    ],
  },
];

/** The model with that name; null if it isn't listed. */
export function findModel(name: string): ListedModel | null {
  return CATALOGUE.flatMap(({ models }) => models).find((model) => model.name === name) ?? null;
}
