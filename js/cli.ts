#!/usr/bin/env node
/**
 * The command `tabsense`. Its commands are in js/cli, and are bundled with this file when the package is
 * built.
 */

import { run } from "./cli/run.js";

process.exitCode = await run(process.argv.slice(2));
