/** Classifies rows with the model in use or the taught classifier. */

import { TaughtClassifier, type Embedder, type ModelInfo } from "tabsense";
import { fileCode, type FileRead } from "../code.ts";
import { part } from "../dom.ts";
import { counted } from "../format.ts";
import type { Loaded } from "../slot.ts";

const GROUP = 32; // texts that the taught classifier reads at once

/** The current state of a taught classifier. */
export interface Taught {
  classifier: TaughtClassifier;
  embedder: Embedder;
  /** Changes with each training. */
  version: number;
  /** The score from which a verdict is sure, if not the learnt one. */
  threshold?: number;
}

/** The verdict on a row's text. */
export interface RowVerdict {
  /** The text's index among those that were passed. */
  index: number;
  /** Null if there is no verdict: it is not sure, or there is no text. */
  label: string | null;
  score: number;
  cut: boolean;
  why: "" | "no text" | "not sure";
}

/** Classifies the texts of rows. */
export interface RowClassifier {
  /** Identifies the classifier; changes with each training. */
  readonly key: unknown;
  /** Its display name. */
  readonly name: string;
  readonly info: ModelInfo;
  stream(texts: readonly string[], options: { signal: AbortSignal }): AsyncIterable<RowVerdict>;
  /** The code that does the same with a file. */
  code(file: FileRead): string;
}

/** The model in use. */
export function fromModel({ classifier, request }: Loaded): RowClassifier {
  const { info } = classifier;
  return {
    key: classifier,
    name: info.model.name,
    info,
    async *stream(texts, options) {
      for await (const { index, scores } of classifier.stream(texts, options)) {
        const [best] = scores;
        yield best
          ? { index, label: best.label, score: best.score, cut: best.truncated ?? false, why: "" }
          : { index, label: null, score: 0, cut: false, why: "no text" };
      }
    },
    code: (file) => fileCode(request, file),
  };
}

/** The taught classifier. */
export function fromTaught({ classifier, embedder, version, threshold }: Taught): RowClassifier {
  return {
    key: `${version} ${threshold ?? ""}`,
    name: `your ${counted(classifier.labels.length, "label")}, on ${embedder.info.model.name}`,
    info: embedder.info,
    async *stream(texts, { signal }) {
      // A copy: teaching in the meantime must not change the verdicts of one file half-way. A taught
      // classifier has no `stream()`: it gets texts in groups.
      const fixed = await TaughtClassifier.from(classifier.toJSON({ examples: false }), embedder);
      for (let first = 0; first < texts.length; first += GROUP) {
        const answers = await fixed.classify(texts.slice(first, first + GROUP), {
          signal,
          ...(threshold !== undefined && { threshold }),
        });
        for (const [at, [best]] of answers.entries()) {
          const { label = null, score = 0 } = best ?? {};
          yield { index: first + at, label, score, cut: false, why: label === null ? "not sure" : "" };
        }
      }
    },
    code: (file) => fileCode(null, file),
  };
}

/** The classifiers to choose from, and the chosen one. */
export interface ClassifierSelect {
  current(): RowClassifier | null;
  /** Another model is in use, or another classifier was taught. */
  adopt(): void;
}

/** Wires the choice, which is visible while there is something to choose. */
export function wireClassifierSelect(
  loaded: () => Loaded | null,
  taught: () => Taught | null,
  changed: () => void,
): ClassifierSelect {
  const select = part("file-classifier", HTMLSelectElement);
  const field = select.closest("label");
  const adopt = (): void => {
    const [model, own] = [loaded(), taught()];
    const before = select.value;
    select.replaceChildren(
      new Option(
        model ? `${model.classifier.info.model.name}, the model in use` : "the model in use",
        "model",
      ),
      ...(own ? [new Option(fromTaught(own).name, "taught")] : []),
    );
    if (own && before === "taught") select.value = before;
    if (field) field.hidden = own === null;
  };
  select.addEventListener("change", changed);
  adopt();
  return {
    adopt,
    current() {
      const own = select.value === "taught" ? taught() : null;
      if (own) return fromTaught(own);
      const model = loaded();
      return model && fromModel(model);
    },
  };
}
