// Kills a worker's process with -9 while it is in the middle of a task.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

import { insist, until } from "./check.mjs";
import { begunOf, finishedOf } from "./runs.mjs";

/** Starts a worker in a process of its own. */
export function startProcess(script, ...words) {
  const child = spawn(process.execPath, [script, ...words.map(String)], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  process.on("exit", () => child.kill("SIGKILL"));
  return child;
}

/**
 * Waits until the process is in the middle of `count` jobs of a case and kills it. Gives those jobs.
 * It is stopped before the record is read, so that none of them ends between the look and the kill.
 */
export async function killAmidst(child, name, count) {
  return until(`${count} jobs begun and not finished in the victim`, async () => {
    insist(`the victim ended by itself with ${child.exitCode}`, child.exitCode === null);
    if (openJobs(name, child.pid).length < count) return null;
    child.kill("SIGSTOP");
    await until("the victim has stopped", () => isStopped(child.pid));
    const held = openJobs(name, child.pid);
    if (held.length < count) {
      child.kill("SIGCONT");
      return null;
    }
    const dead = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await dead;
    return held;
  });
}

// The state is the first word after the program's name, which stands in parentheses.
function isStopped(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).startsWith("T");
}

function openJobs(name, pid) {
  const finished = new Set(finishedOf(name));
  const begun = begunOf(name).filter((line) => line.pid === pid);
  return begun.map(({ job }) => job).filter((job) => !finished.has(job));
}
