// Runs the cases of one library's story in turn and reports each.

import { appendFileSync } from "node:fs";

export const connection = { host: "127.0.0.1", port: Number(process.env.JOBS_PORT) };

/** So many jobs in a large case. */
export function scaled(count) {
  return Math.max(1, Math.round(count * Number(process.env.JOBS_SCALE)));
}

/**
 * Runs the cases by name. Each gives `jobs`, the names of all jobs that have to have run, and `view`,
 * what the library said of them; or nothing if it has no job that ran.
 */
export async function tellStory(cases) {
  const wanted = process.argv.slice(2);
  for (const [name, run] of Object.entries(cases)) {
    if (wanted.length && !wanted.includes(name)) continue;
    const began = Date.now();
    try {
      const told = await run(name);
      if (told) appendFileSync(process.env.JOBS_REPORT, `${JSON.stringify({ case: name, ...told })}\n`);
    } catch (error) {
      console.error(`${name}: ${error.stack}`);
      process.exit(1);
    }
    console.log(`${name}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
  }
  // Whatever a library has left open is of no interest any more.
  process.exit(0);
}
