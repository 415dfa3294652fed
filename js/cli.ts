#!/usr/bin/env node
/**
 * The command `tabsense`. Its commands are in js/cli, and become one file with this when the package is
 * built.
 */

import { run } from "./cli/run.js";

process.exitCode = await run(process.argv.slice(2));
