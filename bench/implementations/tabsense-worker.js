// Tabsense's worker with the probe in front, which sees what it downloads and compiles: the probe puts this
// in the worker's place.

import "../probe.js";
import "../../dist/worker.js";
