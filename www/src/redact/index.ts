/** The Redact tab, fetched when it is opened: personal data is marked, masked, and put back into an answer. */

import "../forms.css";
import "../lab.css";
import "./redact.css";
import markup from "./redact.html?raw";
import type { MaskedEntity, Redaction, Tagger } from "tabsense";
import { filled, find, make, part } from "../dom.ts";
import { counted, milliseconds } from "../format.ts";
import { newest } from "../newest.ts";
import type { OnDemand } from "../on-demand.ts";
import { wireCode } from "../view/code.ts";
import { wireCopy } from "../view/copy.ts";
import { wireGate } from "../view/gate.ts";
import { redactCode, type RedactRequest } from "./code.ts";
import { KINDS, kindOf, labelsOf, PATTERN_LABELS, wordsOf } from "./kinds.ts";
import { wireList } from "./list.ts";
import { cutAt, marked, maskedPieces, pieces } from "./marks.ts";

const TEXT =
  "Hi, I'm Ana Ruiz. We moved to 14 Maple Street, Portland. Call me at (503) 555-0147, or write to ana.ruiz@example.org if the transfer to DE89 3704 0044 0532 0130 00 fails.";
const ANSWER =
  "Dear [GIVEN_NAME_1], the transfer to [IBAN_1] went through. We will call [PHONE_1] on Monday.";
const LABELS = KINDS.flatMap(({ labels }) => labels); // until the model says which it has

/** What the tab needs from the page. */
export interface Page {
  tagger: OnDemand<Tagger>;
  /** Runs calls that the page tracks. */
  run<T>(calls: () => Promise<T>): Promise<T>;
}

/** Brings the tab to life. */
export function openRedactTab(page: Page): void {
  filled(part("panel-redact", HTMLElement), markup);
  wireGate(part("redact-gate", HTMLElement), page.tagger);
  const input = part("redact-input", HTMLTextAreaElement);
  const answer = part("redact-answer", HTMLTextAreaElement);
  const masked = part("redact-masked", HTMLElement);
  const mirror = part("redact-mirror", HTMLElement);
  const restored = part("redact-restored", HTMLElement);
  const patterns = part("redact-patterns", HTMLInputElement);
  const error = part("redact-error", HTMLElement);
  const code = wireCode("redact-code");
  const list = wireList(document.querySelectorAll(".marks"));
  let labels = LABELS;
  const off = new Set<string>();
  let last: { text: string; redaction: Redaction } | null = null;

  /** The labels that can be found: fewer without the patterns. */
  const possible = (): string[] =>
    patterns.checked
      ? labels
      : labels.filter((label) => !PATTERN_LABELS.some((own) => own === label) || ofModel(label));
  const ofModel = (label: string): boolean =>
    labelsOf(page.tagger.model?.info.model.labels ?? [], []).includes(label);
  const currentRequest = (): RedactRequest => {
    const wanted = possible().filter((label) => !off.has(label));
    return {
      text: input.value,
      labels: wanted.length === possible().length ? null : wanted,
      patterns: patterns.checked,
    };
  };

  /** Shows the text behind the box, which gives the box its height, with its entities if they are known. */
  const follow = (): void => {
    const entities = last?.text === input.value ? last.redaction.entities : [];
    mirror.replaceChildren(...marked(pieces(input.value, entities), entities), "\u200b");
  };

  const show = (
    result: { text: string; redaction: Redaction; spent: number } | null,
    hint = page.tagger.model ? "Waiting for a text" : "No model yet",
  ): void => {
    last = result;
    error.hidden = true;
    follow();
    const entities = result?.redaction.entities ?? [];
    masked.dataset.state = result ? "ready" : "idle";
    if (result) masked.replaceChildren(...marked(maskedPieces(result.text, entities), entities));
    else masked.textContent = hint;
    part("redact-copy", HTMLButtonElement).disabled = !result;
    part("redact-time", HTMLElement).textContent = result ? milliseconds(result.spent) : "";
    list.show(entities, result !== null);
    counts(entities, result !== null);
    restore();
  };

  const attempt = newest(
    async ({ text, labels: wanted, patterns: own }: RedactRequest, signal: AbortSignal) => {
      const tagger = page.tagger.model;
      if (!tagger || text.trim() === "") return null;
      const start = performance.now();
      const redaction = await page.run(() =>
        tagger.redact(text, { patterns: own, signal, ...(wanted && { labels: wanted }) }),
      );
      return { text, redaction, spent: performance.now() - start };
    },
    (result) => show(result),
    (thrown) => {
      show(null, "This text could not be masked");
      part("redact-error-message", HTMLElement).textContent =
        thrown instanceof Error ? thrown.message : String(thrown);
      error.hidden = false;
    },
  );

  const restore = (): void => {
    const missing = part("redact-missing", HTMLElement);
    const { redaction } = last ?? {};
    const entities = redaction?.entities ?? [];
    missing.textContent = "";
    restored.dataset.state = redaction ? "ready" : "idle";
    if (!redaction) return void (restored.textContent = page.tagger.model ? "" : "No model yet");
    try {
      redaction.restore(answer.value); // throws if placeholders are ambiguous
      const found = cutAt(answer.value, entities, ({ placeholder }) => placeholder).map((piece) => ({
        text: piece.entity === null ? piece.text : (entities[piece.entity]?.text ?? piece.text),
        entity: piece.entity,
      }));
      restored.replaceChildren(...marked(found, entities));
      const absent = redaction.missing(answer.value).length;
      const used = new Set(entities.map(({ placeholder }) => placeholder)).size - absent;
      missing.textContent = `${counted(used, "placeholder")} put back`;
    } catch (thrown) {
      restored.textContent = thrown instanceof Error ? thrown.message : String(thrown);
    }
  };

  const askNow = (): void => {
    const request = currentRequest();
    follow();
    code.show(redactCode(request));
    part("redact-options-words", HTMLElement).textContent =
      `What is masked: ${request.labels ? `${request.labels.length} of ${possible().length}` : "all"} labels${request.patterns ? ", with patterns" : ""}`;
    attempt.ask(request);
  };

  const offer = (): void => {
    const box = part("redact-kinds", HTMLFieldSetElement);
    const groups = [...KINDS, { id: "other", name: "others", labels: [] }].map(({ id, name }) => {
      const own = labels.filter((label) => kindOf(label) === id);
      const group = make("div", "kind");
      group.hidden = own.length === 0;
      const head = make("p", "", "");
      const swatch = make("mark", "", name);
      swatch.dataset.kind = id;
      head.append(swatch);
      group.append(
        head,
        ...own.map((label) => {
          const choice = make("label", "check");
          const check = make("input");
          check.type = "checkbox";
          check.value = label;
          check.checked = !off.has(label);
          check.disabled = !possible().includes(label);
          choice.append(check, make("span", "", wordsOf(label)));
          return choice;
        }),
      );
      return group;
    });
    box.replaceChildren(find("legend", HTMLLegendElement, box), ...groups);
  };
  part("redact-kinds", HTMLFieldSetElement).addEventListener("change", ({ target }) => {
    if (!(target instanceof HTMLInputElement)) return;
    if (target.checked) off.delete(target.value);
    else off.add(target.value);
    askNow();
  });
  patterns.addEventListener("change", () => {
    offer();
    askNow();
  });

  wireCopy(part("redact-copy", HTMLButtonElement), () => last?.redaction.text ?? "", masked);
  input.addEventListener("input", askNow);
  answer.addEventListener("input", restore);
  part("redact-legend", HTMLElement).replaceChildren(
    ...KINDS.map(({ id, name }) => {
      const item = make("li");
      const mark = make("mark", "", name);
      mark.dataset.kind = id;
      item.append(mark);
      return item;
    }),
  );
  if (input.value === "") input.value = TEXT; // a reload may have brought the last text back
  if (answer.value === "") answer.value = ANSWER;
  page.tagger.follow((tagger) => {
    if (tagger.state === "loading" && tagger.progress) return; // progress changes nothing here
    if (tagger.state === "ready") labels = labelsOf(tagger.model.info.model.labels, PATTERN_LABELS);
    offer();
    askNow();
  });
}

/** How many entities there are, by what found them. */
function counts(entities: readonly MaskedEntity[], known: boolean): void {
  const by = (source: string): string =>
    known ? String(entities.filter((entity) => (entity.source ?? "model") === source).length) : "–";
  const values = known ? String(new Set(entities.map(({ placeholder }) => placeholder)).size) : "–";
  part("redact-counts", HTMLElement).replaceChildren(
    ...[
      ["found by the model", by("model")],
      ["found by patterns", by("pattern")],
      ["different values", values],
    ].map(([name = "", value = ""]) => {
      const pair = make("div");
      pair.append(make("dt", "", name), make("dd", "", value));
      return pair;
    }),
  );
}
