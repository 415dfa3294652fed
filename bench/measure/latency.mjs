// Times subjects side by side: in each round of a case, every subject has a turn, so that
// noise affects all alike.

import { orderOf, seeded } from "../random.mjs";
import { median } from "../statistics.mjs";

/**
 * Times `cases` with opened subjects, `[{ subject, opened }]`. Resolves to samples
 * `{ subject, case, times, rounds }` with ids, all times in milliseconds, and each round's median. A subject
 * that fails is reported to `onFailure` and closed, as one that hangs may still be busy.
 */
export async function timeCases(
  all,
  cases,
  { order, settle, warm_up: warmUp, turn_ms: limit },
  seed,
  onTurn,
  onFailure,
) {
  const random = seeded(seed);
  const samples = new Map();
  const failed = new Set();
  const fail = async ({ subject, opened }, what, error) => {
    failed.add(subject);
    onFailure(subject, what, error);
    await opened.close();
  };
  const texts = cases.map(({ id, requests }) => ({ id, requests }));
  for (const member of all)
    await member.opened.ask({ op: "cases", cases: texts }).catch((error) => fail(member, "the cases", error));
  for (const { id, rounds, iterations, implementations, subjects = null } of cases) {
    const members = all.filter(
      ({ subject }) =>
        (implementations === null || implementations.includes(subject.implementation)) &&
        (subjects === null || subjects.includes(subject.id)),
    );
    for (let round = 0; round < rounds; round++) {
      for (const index of orderOf(order, members.length, round, random)) {
        const { subject, opened } = members[index];
        if (failed.has(subject)) continue;
        const turn = {
          op: "turn",
          id,
          iterations,
          warmUp: round === 0 ? settle : warmUp,
          offset: round * iterations,
          limit,
        };
        const times = await opened.ask(turn).catch((error) => fail(members[index], id, error).then(() => []));
        if (times.length === 0) continue;
        const key = `${subject.id} ${id}`;
        if (!samples.has(key)) samples.set(key, { subject: subject.id, case: id, times: [], rounds: [] });
        samples.get(key).times.push(...times);
        samples.get(key).rounds.push(median(times));
        onTurn();
      }
    }
  }
  return [...samples.values()];
}
