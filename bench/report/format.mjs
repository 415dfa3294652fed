// Formats numbers, the same in every report.

/** A time in milliseconds: three digits, none below a microsecond. */
export function ms(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  return size >= 100
    ? String(Math.round(value))
    : size >= 10
      ? value.toFixed(1)
      : size >= 0.1
        ? value.toFixed(2)
        : value.toFixed(3);
}

/** Bytes, in decimal megabytes or kilobytes. */
export function bytes(value) {
  if (value === null || value === undefined) return "–";
  return value >= 1e6
    ? `${(value / 1e6).toFixed(value >= 1e8 ? 0 : 1)} MB`
    : `${(value / 1e3).toFixed(value >= 1e5 ? 0 : 1)} kB`;
}

/** A factor. */
export function times(value) {
  return `${value >= 10 ? value.toFixed(1) : value.toFixed(2)}×`;
}

/** A share, in percent. */
export function percent(value, digits = 1) {
  return value === null || value === undefined ? "–" : `${(100 * value).toFixed(digits)} %`;
}

/** A rate or a count, in three digits. */
export function count(value) {
  return value >= 1000 ? String(Math.round(value)) : Number(value.toPrecision(3)).toString();
}

/** A small number such as a difference of probabilities. */
export function tiny(value) {
  return value === null || value === undefined ? "–" : value === 0 ? "0" : value.toExponential(1);
}

/** A graphics card's name, marked if it is a software adapter. */
export function adapterName({ name, software }) {
  return `${name}${software ? " (software)" : ""}`;
}
