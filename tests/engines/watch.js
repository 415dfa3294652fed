// The first script of the tests' pages: records errors, for engines whose driver doesn't report them.

globalThis.problems = [];

addEventListener(
  "error",
  ({ message, target }) => problems.push(message || `${target.src || target.href} was not loaded`),
  true,
);
addEventListener("unhandledrejection", ({ reason }) => problems.push(`nobody caught ${reason}`));
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
  problems.push(`${violatedDirective} forbids ${blockedURI}`),
);
for (const level of ["error", "warn"]) {
  const write = console[level];
  console[level] = (...all) => {
    problems.push(all.join(" "));
    write.apply(console, all);
  };
}
