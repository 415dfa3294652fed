/** From a command line to its exit code. */

import { readFile } from "node:fs/promises";
import { TabsenseError, toError } from "../api/errors.js";
import { parse, UsageError, type Invocation } from "./arguments.js";
import { bench } from "./bench.js";
import { classify } from "./classify.js";
import { convertCommand } from "./convert.js";
import { help, usageOf } from "./help.js";
import { info } from "./info.js";
import { isBrokenPipe, print, log } from "./print.js";
import { teach } from "./teach.js";
import { Stopped } from "./stops.js";

/** Exit codes, as in `tabsense --help`; signals have their own ({@link Stopped}). */
const DONE = 0;
const FAILED = 1;
const USAGE = 2;

const COMMANDS = { classify, teach, convert: convertCommand, info, bench };

/** Runs a command line; errors go to stderr and set the exit code. */
export async function run(args: string[]): Promise<number> {
  let invocation: Invocation | null = null;
  try {
    invocation = parse(args);
    if (invocation.values.version) await print(`${await version()}\n`);
    else if (invocation.values.help) await print(help(invocation.command));
    else await COMMANDS[invocation.command ?? "classify"](invocation);
    return DONE;
  } catch (thrown) {
    // The reader of the output has read enough (`| head`), which is not a failure.
    if (isBrokenPipe(thrown)) return DONE;
    if (thrown instanceof UsageError) {
      log(`tabsense: ${thrown.message}\n\n${usageOf(thrown.command ?? invocation?.command ?? null)}`);
      return USAGE;
    }
    if (thrown instanceof Stopped) {
      log(`tabsense: ${thrown.message}\n`);
      return thrown.exitCode;
    }
    const { kind, message } = fromSystem(thrown);
    log(`tabsense: ${kind}: ${message}\n`);
    return FAILED;
  }
}

/** An error of the system (a full disk, a folder that can't be written to) is not the engine's fault. */
function fromSystem(thrown: unknown): TabsenseError {
  const { code, syscall, message } = thrown as NodeJS.ErrnoException;
  if (!(thrown instanceof TabsenseError) && typeof code === "string" && typeof syscall === "string") {
    return new TabsenseError(
      "environment",
      `A system call failed (${message}). Check the path, its permissions and the free disk space.`,
      { cause: thrown },
    );
  }
  return toError(thrown);
}

async function version(): Promise<string> {
  const { version } = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return version;
}
