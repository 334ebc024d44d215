// What ran, in files that the server under test has no part in: the ledger, in which whoever has
// finished a job notes it (see library.py), and beside it a log of when a job was begun, and in which
// process. Lines are short and appended whole, also by several processes, and a process that is
// killed leaves those that it wrote.

import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { perform } from "./work.mjs";

const LEDGER = process.env.JOBS_LEDGER;
const BEGUN = join(process.env.JOBS_FOLDER, "begun");

/** Does a job's task, under the case's name and the job's. */
export async function performJob(name, job, task) {
  appendFileSync(BEGUN, `${name}\t${job}\t${Date.now()}\t${process.pid}\n`);
  const result = await perform(task);
  appendFileSync(LEDGER, `${name}\t${job}\n`);
  return result;
}

/** When and where jobs of a case were begun, in that order: job, at_ms, pid. */
export function begunOf(name) {
  return linesOf(BEGUN, name).map(([job, at, pid]) => ({ job, at_ms: Number(at), pid: Number(pid) }));
}

/** The jobs of a case that were finished, in that order. */
export function finishedOf(name) {
  return linesOf(LEDGER, name).map(([job]) => job);
}

function linesOf(path, name) {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, "utf8");
  // The last piece is empty, or a line that is not yet whole.
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => line.split("\t")).filter(([first]) => first === name).map((line) => line.slice(1));
}
