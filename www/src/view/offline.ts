/**
 * The foot of the page: whether it works without a network, what is stored for that, and the buttons to
 * change it.
 */

import { find, make, part } from "../dom.ts";
import { bytes, counted } from "../format.ts";
import { readStorage, startOfflineStore, type Group, type Offline, type Wanted } from "../offline.ts";

const LATER_MS = 3_000; // a model's copies are on the disk a moment after it answers

const NAMES: Record<Group["kind"], string> = { page: "This page", engine: "Engine", model: "Model" };

/** The foot, as the page uses it. */
export interface Foot {
  /** Stores what has come into use, so that it is available without a network. */
  keep(wanted: Wanted): void;
}

/** Brings the foot to life. */
export function wireFoot(): Foot {
  const section = part("offline", HTMLElement);
  const line = part("offline-line", HTMLElement);
  const note = part("offline-note", HTMLElement);
  const store = part("offline-store", HTMLButtonElement);
  const renew = part("offline-renew", HTMLButtonElement);
  const clear = part("storage-clear", HTMLButtonElement);
  let wanted: Wanted = { build: null, model: false };
  let now: Offline = { state: "waiting" };
  let later = 0;

  const show = (): void => {
    const { words, remark } = describe(now, navigator.onLine);
    section.dataset.state = now.state;
    if (line.textContent !== words) line.textContent = words;
    note.textContent = remark;
    const hadFocus = document.activeElement === store;
    store.hidden = now.state !== "cleared" && now.state !== "failed";
    if (hadFocus && store.hidden) section.focus();
  };

  const list = async (): Promise<readonly Group[] | null> => {
    const storage = await readStorage().catch(() => null);
    const { groups, usage, quota } = storage ?? { groups: [], usage: null, quota: null };
    const pairs: [string, string][] = groups.map(({ kind, files, bytes: size }) => [
      NAMES[kind],
      `${counted(files, "file")}, ${bytes(size)}`,
    ]);
    if (groups.length === 0) pairs.push(["Files", "none"]);
    // The browser's count lags behind a clearing.
    else if (usage !== null && quota !== null) pairs.push(["In total", `${bytes(usage)} of ${bytes(quota)}`]);
    const stored = groups.reduce((sum, { bytes: size }) => sum + size, 0);
    part("storage-brief", HTMLElement).textContent = stored > 0 ? bytes(stored) : "nothing";
    part("storage-list", HTMLElement).replaceChildren(
      ...pairs.map(([name, value]) => {
        const pair = make("div");
        pair.append(make("dt", "", name), make("dd", "", value));
        return pair;
      }),
    );
    // A button that is being disabled passes the focus on.
    const hadFocus = document.activeElement === clear && groups.length === 0;
    clear.disabled = groups.length === 0;
    if (hadFocus) (store.hidden ? section : store).focus();
    return storage && groups;
  };

  /** Checks for changes by another tab. */
  const checkStorage = async (): Promise<void> => {
    const groups = await list();
    if (groups && now.state === "ready" && !groups.some(({ kind }) => kind === "page")) offlineStore.gone();
  };

  const offlineStore = startOfflineStore({
    changed: (offline) => {
      now = offline;
      show();
      void list();
    },
    newer: () => {
      renew.hidden = false;
      find(".foot-newer", HTMLElement, section).hidden = false;
    },
  });

  store.addEventListener("click", () => void offlineStore.keep(wanted, true));
  clear.addEventListener("click", () => void offlineStore.clear());
  renew.addEventListener("click", () => offlineStore.renew());
  for (const event of ["online", "offline"]) window.addEventListener(event, show);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") void checkStorage();
  });
  show();
  void list();

  return {
    keep(next) {
      // Once the page's own model was loaded, it stays worth keeping.
      wanted = { build: next.build ?? wanted.build, model: next.model || wanted.model };
      void offlineStore.keep(wanted);
      clearTimeout(later);
      later = window.setTimeout(() => void list(), LATER_MS);
    },
  };
}

function describe(offline: Offline, online: boolean): { words: string; remark: string } {
  switch (offline.state) {
    case "waiting":
      return {
        words: online ? "Not stored yet" : "No network",
        remark: "The page is stored for offline use as soon as its model is loaded.",
      };
    case "storing":
      return { words: "Storing the page", remark: "Its files and its model, for use without a network." };
    case "ready":
      return offline.model
        ? {
            words: online ? "Ready for offline use" : "Offline, and it works",
            remark: "Go offline and reload: the page still opens and classifies.",
          }
        : {
            words: "Opens offline, without a model",
            remark: "The page’s own model, sentiment-en, is stored once it has been loaded.",
          };
    case "cleared":
      return {
        words: "Not stored",
        remark: "The page keeps working in this tab. Your next visit stores it again.",
      };
    case "unsupported":
      return { words: "Needs the network to open", remark: offline.reason };
    case "failed":
      return { words: "Needs the network to open", remark: `It could not be stored. ${offline.reason}` };
  }
}
