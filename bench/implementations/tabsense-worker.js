// Tabsense's worker, preceded by the probe, which records its downloads and compilations. The page's probe
// starts this script instead of the worker.

import "../probe.js";
import "../../dist/worker.js";
