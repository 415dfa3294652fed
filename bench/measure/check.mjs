// Checks correctness in the same run as the times: a fast wrong answer is worthless.

/** Answers per request: few, so that messages stay short and a subject that hangs is soon abandoned. */
const GROUP = 4;

/** At most `limit` of the rows, evenly spaced. */
export function spaced(rows, limit) {
  if (rows.length <= limit) return rows;
  return Array.from({ length: limit }, (_, i) => rows[Math.floor((i * rows.length) / limit)]);
}

/** A subject's probabilities for the rows of a set. */
export async function answersOf(opened, rows, tokenize) {
  const answers = [];
  for (let i = 0; i < rows.length; i += GROUP) {
    const part = rows.slice(i, i + GROUP);
    answers.push(
      ...(await opened.ask({
        op: "answers",
        texts: part.map(({ text }) => text),
        ids: part.map(({ text }) => tokenize(text)),
      })),
    );
  }
  return answers;
}

/**
 * Compares answers with PyTorch's (`expected`: probabilities, or null if unknown) and with the rows' labels.
 * Texts whose two best expected logits are closer than `tie` don't count as disagreements.
 */
export function compareAnswers(answers, expected, truths, bounds, tie) {
  const labelled = truths.filter((truth) => truth !== null).length;
  const right = answers.filter((row, i) => truths[i] !== null && best(row) === truths[i]).length;
  const accuracy = labelled > 0 ? right / labelled : null;
  const finite = answers.every((row) => row.every(Number.isFinite));
  const broken = finite ? [] : ["an answer is not a number"];
  if (!expected)
    return {
      texts: answers.length,
      accuracy,
      agreement: null,
      largest: null,
      mean: null,
      reasons: broken,
      passed: finite,
    };
  const differences = answers.map((row, i) =>
    Math.max(...row.map((probability, label) => Math.abs(probability - expected[i][label]))),
  );
  const disagreeing = answers.filter(
    (row, i) => best(row) !== best(expected[i]) && gap(expected[i]) > tie,
  ).length;
  const agreement = 1 - disagreeing / answers.length;
  const largest = Math.max(...differences);
  const mean = differences.reduce((sum, difference) => sum + difference, 0) / differences.length;
  const reasons = [...broken];
  if (largest > bounds.difference)
    reasons.push(`a probability is off by ${largest.toPrecision(3)}, more than ${bounds.difference}`);
  if (agreement < bounds.agreement)
    reasons.push(
      `${(100 * agreement).toFixed(1)} % of the labels agree, less than ${100 * bounds.agreement} %`,
    );
  return { texts: answers.length, accuracy, agreement, largest, mean, reasons, passed: reasons.length === 0 };
}

/** Probabilities from logits. */
export function softmax(logits) {
  const largest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - largest));
  const sum = powers.reduce((all, power) => all + power, 0);
  return powers.map((power) => power / sum);
}

/**
 * A row's true label as an index into a model's `labels`. The row has it as a name or as a number, which is
 * an index into `names`. Null if the row has none or the model lacks it.
 */
export function truthOf({ label }, labels, names = labels) {
  const name = typeof label === "number" ? names[label] : label;
  if (typeof name !== "string") return null;
  const index = labels.findIndex((known) => known.toLowerCase() === name.toLowerCase());
  return index >= 0 ? index : null;
}

function best(row) {
  return row.indexOf(Math.max(...row));
}

/** The distance between the two best logits, from probabilities. */
function gap(row) {
  const [first, second = 1e-30] = [...row].sort((a, b) => b - a);
  return Math.log(first / second);
}
