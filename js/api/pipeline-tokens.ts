/** `pipeline("token-classification")`: the labels of tokens, or the entities that they form. */

import type { Session } from "../client/session.js";
import { aggregator } from "../tag/aggregate.js";
import { AGGREGATIONS, type Aggregation, type TaggedText } from "../tag/types.js";
import { wordsOf } from "../tag/words.js";
import { checkSentences } from "./embedder.js";
import type { LoadedModel } from "./model.js";
import { invalid, oneOf, record, signal } from "./options.js";
import type { Kind } from "./pipeline.js";
import { configOf } from "./pipeline-classification.js";
import type {
  TokenClassificationPipeline,
  TokenClassificationPipelineOptions,
  TokenGroup,
  TokenLabel,
} from "./pipeline-types.js";
import { LoadedTagger } from "./tagger.js";
import { readTexts } from "./tagging.js";

/** A tagger whose answers are read token by token. */
class PipelineTagger extends LoadedTagger {
  readonly session: Session;

  constructor(session: Session) {
    super(session);
    this.session = session;
  }
}

/** Token classification. */
export const tokens: Kind<LoadedModel> = {
  load: async (host, source, options) => new PipelineTagger(await host.session(source, "tag", options)),
  callable(tagger: PipelineTagger): TokenClassificationPipeline {
    const { session } = tagger;
    const { labels } = tagger.info.model;
    const aggregate = aggregator(labels);
    const label = async (input: unknown, options?: TokenClassificationPipelineOptions) => {
      const { aggregation, ignored, ended } = checkCall(options);
      const { texts, single } = checkSentences(input, "The pipeline");
      const lists = (await readTexts(session, texts, ended, null)).map((tagged) =>
        output(tagged, aggregation),
      );
      const found = lists.map((list) => list.filter((one) => !ignored.includes(labelOf(one))));
      return single ? found[0]! : found;
    };
    return Object.assign(label as TokenClassificationPipeline, {
      task: "token-classification" as const,
      model: Object.freeze({ config: configOf(labels) }),
      tagger,
      dispose: () => tagger.dispose(),
    });

    function output(tagged: TaggedText, aggregation: Aggregation): (TokenLabel | TokenGroup)[] {
      const { spelling, specialTokens } = session.state().info;
      return aggregate(tagged, aggregation).map(({ label, score, start, end, tokens }) => {
        const word = wordsOf(tagged.tokens.slice(...tokens), tagged.text, spelling);
        if (aggregation !== "none") return { entity_group: label, score, word, start, end };
        // The special tokens before the text count, too.
        return { entity: label, score, index: tokens[0] + specialTokens[0], word, start, end };
      });
    }
  },
};

function labelOf(one: TokenLabel | TokenGroup): string {
  return one.entity ?? one.entity_group;
}

function checkCall(options: unknown) {
  const given = record(options ?? undefined, ["aggregation_strategy", "ignore_labels", "signal"]);
  const ignored = given["ignore_labels"] ?? ["O"];
  if (!Array.isArray(ignored) || !ignored.every((label) => typeof label === "string"))
    throw invalid("ignore_labels", "an array of labels", ignored);
  return {
    aggregation: oneOf(given, "aggregation_strategy", AGGREGATIONS) as Aggregation,
    ignored: ignored as string[],
    ended: signal(given),
  };
}
