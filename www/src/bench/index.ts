/** The Benchmark tab, fetched when it is opened: settings, run and stop, the live results, and the report. */

import "uplot/dist/uPlot.min.css";
import "./bench.css";
import markup from "./bench.html?raw";
import type { Activity } from "../activity.ts";
import { filled, find, make, part } from "../dom.ts";
import { counted, milliseconds } from "../format.ts";
import { kindOf } from "../view/status.ts";
import { Chart } from "./charts/chart.ts";
import { lengthsChart } from "./charts/lengths.ts";
import { spreadChart } from "./charts/spread.ts";
import { stagesChart } from "./charts/stages.ts";
import { measure, type Step, type Target } from "./measure.ts";
import { wireReport } from "./panel.ts";
import { method, type Report } from "./report.ts";
import { Results, type Row } from "./results.ts";
import { chosenLengths, chosenRounds, disableSettings, limitLengths } from "./settings.ts";
import { facts, readModel, readSystem } from "./system.ts";
import { showTable } from "./table.ts";

const TYPICAL = 32; // tokens: the length in the headline, if it was measured
const DRAW_EVERY_MS = 300;

/** What the benchmark needs from the page. */
export interface Page {
  /** The models in use, one for each device; empty while none is loaded. */
  targets(): readonly Target[];
  /** The page's own calls. */
  activity: Activity;
}

/** The benchmark, as the page uses it. */
export interface Benchmark {
  /** Another model is in use, or the first one. */
  adopt(): void;
}

/** The states of `bench-status`. */
type State = "idle" | "running" | "done" | "stopped" | "error";

/** Brings the tab to life. */
export async function openBenchmark(page: Page): Promise<Benchmark> {
  const system = await readSystem();
  filled(part("panel-benchmark", HTMLElement), markup);
  const form = part("bench-form", HTMLFormElement);
  const run = part("bench-run", HTMLButtonElement);
  const stop = part("bench-stop", HTMLButtonElement);
  const status = part("bench-status", HTMLElement);
  const progress = part("bench-progress", HTMLElement);
  const spreadOf = part("bench-histogram-length", HTMLSelectElement);
  const deviceOf = part("bench-device", HTMLSelectElement);

  let report: Report | null = null;
  let abort: AbortController | null = null;
  let drawn = 0;

  const device = (): string => deviceOf.value || (report?.results.devices[0] ?? "");
  const charts = [
    new Chart(
      part("bench-lengths", HTMLElement),
      lengthsChart(() => report?.results ?? null),
    ),
    new Chart(
      part("bench-stages", HTMLElement),
      stagesChart(() => report && { results: report.results, device: device() }),
    ),
    new Chart(
      part("bench-histogram", HTMLElement),
      spreadChart(() => {
        if (!report) return null;
        const length = spreadOf.value === "all" ? "all" : Number(spreadOf.value);
        const values = report.results.samples(device(), length).map(({ total }) => total);
        return {
          values,
          all: length === "all",
          clockStep: system.clockStep,
          name: length === "all" ? "all lengths" : counted(length, "token"),
        };
      }),
    ),
  ];
  const reportView = wireReport(() => report);

  const set = (state: State, text: string): void => {
    status.dataset.state = state;
    status.textContent = text;
    part("tab-benchmark", HTMLElement).classList.toggle("running", state === "running");
    progress.classList.toggle("active", state === "running");
    const hadFocus = document.activeElement === run || document.activeElement === stop;
    run.hidden = state === "running";
    stop.hidden = state !== "running";
    disableSettings(form, state === "running");
    if (hadFocus) (run.hidden ? stop : run).focus();
    // Each step of a run would be too much for a screen reader: it announces the beginning and the end.
    part("bench-announce", HTMLElement).textContent = state === "running" ? "The benchmark is running" : text;
  };

  const draw = (): void => {
    drawn = performance.now();
    const rows = report?.results.rows() ?? [];
    find(".bench-grid", HTMLElement).classList.toggle("nothing", rows.length === 0);
    for (const chart of charts) chart.refresh();
    const table = part("bench-table", HTMLTableElement);
    find(".bench-results", HTMLElement).hidden = rows.length === 0;
    if (report) showTable(table, report.results.devices, rows);
    part("bench-finding", HTMLElement).textContent = finding(rows);
  };

  const showSystem = (): void => {
    const [info, ...others] = page.targets().map(({ classifier }) => classifier.info);
    const pairs = facts(
      system,
      report?.model ?? (info ? readModel(info, others) : null),
      report?.date ?? null,
    );
    part("bench-system", HTMLElement).replaceChildren(
      ...pairs.map(([name, value]) => {
        const pair = make("div");
        pair.append(make("dt", "", name), make("dd", "", value));
        return pair;
      }),
    );
  };

  const fill = (share: number): void => {
    find("i", HTMLElement, progress).style.setProperty("--share", String(share));
    progress.setAttribute("aria-valuenow", String(Math.floor(100 * share)));
  };

  const step = ({ phase, round, rounds, tokens, done, calls }: Step): void => {
    const words = {
      texts: "Making texts of exact lengths",
      "warm-up": `Warming up, round ${round} of ${rounds}`,
      measure: `Round ${round} of ${rounds}, ${counted(tokens, "token")}`,
    };
    status.textContent = words[phase];
    fill(done / calls);
  };

  const start = async (): Promise<void> => {
    const targets = page.targets();
    const [info, ...others] = targets.map(({ classifier }) => classifier.info);
    const lengths = chosenLengths(form);
    if (!info || abort) return;
    if (lengths.length === 0) return set("error", "Choose at least one length.");
    const results = new Results(
      targets.map((target) => target.device),
      lengths,
    );
    const current = {
      system,
      model: readModel(info, others),
      date: new Date(),
      rounds: chosenRounds(form),
      complete: false,
      results,
    };
    const ended = new AbortController();
    [report, abort] = [current, ended];
    fillChoices(results);
    reportView.hide();
    set("running", "Starting");
    showSystem();
    draw();
    try {
      await measure(
        { targets, lengths, rounds: current.rounds },
        {
          signal: ended.signal,
          activity: page.activity,
          step,
          sample: (name, tokens, sample) => {
            results.add(name, tokens, sample);
            if (performance.now() - drawn < DRAW_EVERY_MS) return;
            draw();
            return painted(); // so that no drawing disturbs the next call
          },
          waiting: () => (status.textContent = "Waiting: the page is classifying a text"),
          repeated: () => (results.repeated += 1),
        },
      );
      current.complete = true;
      fill(1);
      set(
        "done",
        `Done: ${counted(
          results.rows().reduce((sum, { latency }) => sum + latency.count, 0),
          "call",
        )} measured`,
      );
    } catch (error) {
      if (ended.signal.aborted)
        set(
          "stopped",
          results.empty
            ? "Stopped before anything was measured"
            : "Stopped: the measurements so far are shown",
        );
      else if (kindOf(error) === "disposed")
        set("stopped", "Stopped: the model was replaced, or the comparison was closed");
      else set("error", error instanceof Error ? error.message : String(error));
    } finally {
      abort = null;
      current.model = results.empty ? current.model : { ...current.model, memory: info.bytes.memory };
      if (results.empty) report = null;
      else reportView.show();
      part("bench-method", HTMLElement).textContent = report ? method(report) : "";
      showSystem();
      draw();
      ready();
    }
  };

  /** Offers the lengths and devices of a run for selection. */
  const fillChoices = ({ lengths, devices }: Results): void => {
    const before = Number(spreadOf.value);
    const first = lengths.includes(before) ? before : lengths.includes(TYPICAL) ? TYPICAL : lengths[0];
    spreadOf.replaceChildren(
      ...lengths.map((length) => new Option(counted(length, "token"), String(length))),
      new Option("all lengths", "all"),
    );
    spreadOf.value = String(first);
    deviceOf.replaceChildren(...devices.map((name) => new Option(name, name)));
    deviceOf.hidden = devices.length < 2;
  };

  /** Enables the button if there is something to run; before the first run, the status says so, too. */
  const ready = (): void => {
    const targets = page.targets();
    const info = targets[0]?.classifier.info;
    run.disabled = !info;
    if (info) limitLengths(form, info.model.maxTokens);
    if (status.dataset.state === "idle")
      status.textContent = info
        ? `Ready: ${info.model.name}, ${info.dtype}, on ${targets.map((target) => target.device).join(" and ")}`
        : "Waiting for the model";
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void start();
  });
  stop.addEventListener("click", () => abort?.abort());
  spreadOf.addEventListener("change", () => charts[2]?.refresh());
  deviceOf.addEventListener("change", draw);
  fillChoices(new Results(["CPU"], chosenLengths(form)));
  showSystem();
  draw();
  ready();
  return {
    adopt: () => {
      ready();
      if (!abort) showSystem();
    },
  };
}

/** The headline: the time for a text of typical length, on the fastest device if there are several. */
function finding(rows: readonly Row[]): string {
  const typical = rows.find(({ tokens }) => tokens === TYPICAL) ?? rows[Math.floor(rows.length / 2)];
  if (!typical) return "How fast is it here, on your machine?";
  const [best = typical, ...others] = rows
    .filter(({ tokens }) => tokens === typical.tokens)
    .sort((a, b) => a.latency.p50 - b.latency.p50);
  const device = others.length > 0 ? ` (${best.device})` : "";
  return `${counted(best.tokens, "token")} take ${milliseconds(best.latency.p50)} here${device}`;
}

/** Resolves when the drawing is on the screen. A hidden page paints nothing, so it waits 100 ms at most. */
function painted(): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 100);
    requestAnimationFrame(() => setTimeout(() => (clearTimeout(timer), resolve()), 0));
  });
}
