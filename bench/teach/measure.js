// Times training on made-up vectors, in milliseconds; runs in Node and in the page next to this file.

const WIDTH = 384;

/** Uniform random numbers in -1 to 1, the same every time. */
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/** Makes texts' vectors: those of one label are similar, and all are slightly similar. */
function makeTask(labels, each, seed) {
  const next = randomNumbers(seed);
  const common = Float32Array.from({ length: WIDTH }, next);
  const centres = Array.from({ length: labels }, () => Float32Array.from({ length: WIDTH }, next));
  const vectors = new Float32Array(labels * each * WIDTH);
  const labelOf = new Uint32Array(labels * each);
  for (let i = 0; i < labelOf.length; i++) {
    labelOf[i] = i % labels;
    for (let d = 0; d < WIDTH; d++)
      vectors[i * WIDTH + d] = 0.5 * common[d] + 0.8 * centres[labelOf[i]][d] + next();
  }
  const names = new Float32Array(labels * WIDTH);
  for (let l = 0; l < labels; l++)
    for (let d = 0; d < WIDTH; d++) names[l * WIDTH + d] = centres[l][d] + next();
  return { labels, vectors, labelOf, names };
}

function train(Teacher, { labels, vectors, labelOf, names }, previous = null) {
  const begun = performance.now();
  const teacher = new Teacher(WIDTH, labels, false);
  teacher.examples(vectors, labelOf);
  teacher.names(
    names,
    Uint32Array.from({ length: labels }, (_, label) => label),
  );
  if (previous) {
    teacher.start(previous.weights, previous.bias);
    teacher.keep(previous.strength, previous.nameWeight, previous.temperature, previous.threshold);
  }
  let longest = 0;
  for (let done = 0; done < 1; ) {
    const before = performance.now();
    done = teacher.step();
    longest = Math.max(longest, performance.now() - before);
  }
  return { taught: teacher.finish(), ms: performance.now() - begun, longest };
}

/**
 * The best of three runs, or the only one of the large case; `longest`: the longest time that
 * training delays an abort.
 */
export function measure(Teacher) {
  const best = (runs, run) =>
    Array.from({ length: runs }, run).reduce((a, b) => ({
      taught: a.taught,
      ms: Math.min(a.ms, b.ms),
      longest: Math.min(a.longest, b.longest),
    }));
  const row = (what, { ms, longest }) => ({ what, ms, longest });
  const small = makeTask(77, 8, 1);
  const first = best(3, () => train(Teacher, small));
  const more = makeTask(77, 9, 1);
  const one = 77 * 8 + 1;
  const added = {
    ...small,
    vectors: more.vectors.slice(0, one * WIDTH),
    labelOf: more.labelOf.slice(0, one),
  };
  return [
    row("77 labels × 8 examples", first),
    row(
      "one example more, retrained",
      best(3, () => train(Teacher, added, first.taught)),
    ),
    row(
      "150 labels, 10,000 examples",
      best(1, () => train(Teacher, makeTask(150, 67, 2))),
    ),
  ];
}
