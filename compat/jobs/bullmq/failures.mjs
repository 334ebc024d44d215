// Jobs that fail, and workers that die.

import { join } from "node:path";

import { expect, insist, until, untilEqual } from "../shared/check.mjs";
import { killAmidst, startProcess } from "../shared/victim.mjs";
import { LONG_TASK, resultOf, taskOf } from "../shared/work.mjs";
import { UnrecoverableError, inRoom } from "./room.mjs";

export const retries = inRoom(async (room) => {
  const { queue } = room;
  const attempts = new Map();
  room.worker({ concurrency: 3 }, async (job) => {
    attempts.set(job.id, [...(attempts.get(job.id) ?? []), Date.now()]);
    await job.log(`attempt ${job.attemptsMade + 1}`);
    await job.updateProgress({ attempt: job.attemptsMade + 1 });
    if (job.name === "hopeless") throw new UnrecoverableError("never again");
    if (job.name === "broken" && !job.data.mended) throw new Error("broken on purpose");
    if (job.name === "third time" && job.attemptsMade < 2) throw new Error("not yet");
    return room.run(job);
  });
  const add = (name, number, opts) => queue.add(name, taskOf(number), { attempts: 3, ...opts });
  const backoff = { type: "exponential", delay: 100 };
  const patient = await Promise.all([0, 1, 2, 3].map((i) => add("third time", i, { backoff })));
  const broken = await add("broken", 4, { backoff: { type: "fixed", delay: 20 } });
  const hopeless = await add("hopeless", 5);

  await untilEqual("counts", () => room.counts("completed", "failed"), { completed: 4, failed: 2 });
  for (const { id } of patient) {
    const [first, second, third] = attempts.get(id);
    insist(`first backoff of ${id}: ${second - first} ms`, second - first >= 98);
    insist(`second backoff of ${id}: ${third - second} ms`, third - second >= 198);
  }
  expect("attempts", attempts.get(broken.id).length, 3);
  expect("attempts of the hopeless", attempts.get(hopeless.id).length, 1);
  const failed = await queue.getJob(broken.id);
  expect("reason", failed.failedReason, "broken on purpose");
  expect("traces", failed.stacktrace.length, 3);
  expect("attempts made", failed.attemptsMade, 3);
  expect("progress", failed.progress, { attempt: 3 });
  const { logs, count } = await queue.getJobLogs(broken.id);
  expect("log", [logs, count], [["attempt 1", "attempt 2", "attempt 3"], 3]);
  expect("the failed", (await queue.getFailed()).map(({ id }) => id).sort(), [broken.id, hopeless.id].sort());

  await failed.updateData({ ...failed.data, mended: true });
  await failed.retry("failed");
  await untilEqual("state of the mended", () => failed.getState(), "completed");
  await queue.clean(0, 10, "failed");
  await untilEqual("counts", () => room.counts("completed", "failed"), { completed: 5, failed: 0 });
  const ran = [...patient, broken].map(({ id }) => id);
  return { jobs: ran, view: "5 completed after 3 attempts each; 2 failed, 1 retried, 1 cleaned away" };
});

export const stalled = inRoom(async (room) => {
  const { queue } = room;
  const tasks = Array.from({ length: 8 }, (_, i) => (i < 4 ? LONG_TASK : taskOf(i)));
  const jobs = await queue.addBulk(tasks.map((task) => ({ name: task.kind, data: task })));
  const events = room.events();
  const told = new Set();
  events.on("stalled", ({ jobId }) => told.add(jobId));
  const script = join(import.meta.dirname, "victim.mjs");
  const victim = startProcess(script, room.name);
  const held = await killAmidst(victim, room.name, 3);
  const active = (await queue.getActive()).map(({ id }) => id);
  insist(`what the dead held (${held}) is active (${active})`, held.every((id) => active.includes(id)));

  const worker = room.worker({ concurrency: 2, stalledInterval: 400, lockDuration: 2000 });
  const recovered = new Set();
  worker.on("stalled", (id) => recovered.add(id));
  await untilEqual("completed", () => queue.getCompletedCount(), jobs.length);
  await until("the events tell of all that stalled", () => held.every((id) => told.has(id)));
  insist("the worker told of what it recovered", held.every((id) => recovered.has(id)));
  for (const job of jobs) {
    const found = await queue.getJob(job.id);
    expect(`result of ${job.id}`, found.returnvalue, await resultOf(job.data));
    expect(`stalls of ${job.id}`, found.stalledCounter, recovered.has(job.id) ? 1 : 0);
  }
  await worker.close();
  expect("workers", await queue.getWorkersCount(), 0);
  return { jobs: jobs.map(({ id }) => id), view: `${recovered.size} stalled and recovered, 8 completed` };
});

// A job whose worker dies each time is given up on after `maxStalledCount` recoveries.
export const stalledTwice = inRoom(async (room) => {
  const { queue } = room;
  const job = await queue.add("pack", LONG_TASK);
  const script = join(import.meta.dirname, "victim.mjs");
  for (let i = 0; i < 2; i += 1) {
    const victim = startProcess(script, room.name);
    expect("held", await killAmidst(victim, room.name, 1), [job.id]);
  }
  room.worker({ stalledInterval: 400, lockDuration: 2000 });
  await untilEqual("state", () => job.getState(), "failed");
  const { failedReason } = await queue.getJob(job.id);
  expect("reason", failedReason, "job stalled more than allowable limit");
  expect("finished", room.finished(), []);
});
