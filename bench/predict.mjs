// The arithmetic that a request needs, and how long it takes at the kernels' rates.

/**
 * Operations for `batch` texts of `tokens` tokens, as `{ linear, attention }`; a multiply-add counts as
 * two. `skipsLastRows`: in the last layer only the first row of each text feeds the head, so only K and V
 * are computed for all rows.
 */
export function operations({ layers, width, hidden, labels }, tokens, batch, skipsLastRows) {
  const rows = batch * tokens;
  const layer = (queries, tokensOfQueries) => ({
    linear: 2 * rows * width ** 2 + 2 * queries * width ** 2 + 2 * queries * width * hidden,
    attention: 2 * batch * tokensOfQueries * tokens * width,
  });
  const full = layer(rows, tokens);
  const last = skipsLastRows ? layer(batch, 1) : full;
  const head = batch * width ** 2 + batch * width * labels;
  return {
    linear: 2 * ((layers - 1) * full.linear + last.linear + head),
    attention: 2 * ((layers - 1) * full.attention + last.attention),
  };
}

/** Milliseconds that the operations take at rates in 10^9 per second; null if the rates are unknown. */
export function milliseconds({ linear, attention }, rates, threads = 1) {
  if (!rates) return null;
  return (linear / rates.linear + attention / rates.attention) / 1e6 / threads;
}
