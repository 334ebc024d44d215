// What the parts of a library's test say their wants with.

import { isDeepStrictEqual, inspect } from "node:util";

const LIMIT_MS = 60_000;
const POLL_MS = 10;

/** Fails unless both are equal, down to the last member. */
export function expect(what, found, wanted) {
  if (!isDeepStrictEqual(found, wanted)) {
    const show = (value) => inspect(value, { depth: 6, maxArrayLength: 40 });
    throw new Error(`${what}: ${show(found)}, wanted ${show(wanted)}`);
  }
}

/** Fails unless the statement holds. */
export function insist(what, holds) {
  if (!holds) throw new Error(what);
}

/** Asks again and again until the answer is true, and says what was waited for if it never is. */
export async function until(what, condition, limit_ms = LIMIT_MS) {
  const deadline = Date.now() + limit_ms;
  for (;;) {
    const answer = await condition();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${limit_ms} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Waits until a view of the library shows the wanted value. */
export async function untilEqual(what, view, wanted, limit_ms = LIMIT_MS) {
  let found;
  try {
    await until(what, async () => isDeepStrictEqual((found = await view()), wanted), limit_ms);
  } catch {
    expect(what, found, wanted);
  }
}
