// Jobs that fail, workers that die, and what an operator does.

import { join } from "node:path";

import { expect, insist, until, untilEqual } from "../shared/check.mjs";
import { killAmidst, startProcess } from "../shared/victim.mjs";
import { LONG_TASK, resultOf, taskOf } from "../shared/work.mjs";
import { inRoom } from "./room.mjs";

export const retries = inRoom(async (room) => {
  const { queue } = room;
  const attempts = new Map();
  const told = await room.listen("failed", "progress");
  room.worker(3, {}, async (job) => {
    attempts.set(job.id, [...(attempts.get(job.id) ?? []), Date.now()]);
    await job.log(`attempt ${job.attemptsMade + 1}`);
    await job.progress(job.attemptsMade + 1);
    if (job.name === "broken" && !job.data.mended) throw new Error("broken on purpose");
    if (job.name === "third time" && job.attemptsMade < 2) throw new Error("not yet");
    return room.run(job);
  });
  const backoff = { type: "exponential", delay: 100 };
  const patient = [];
  for (let i = 0; i < 4; i += 1) {
    patient.push(await queue.add("third time", taskOf(i), { attempts: 3, backoff }));
  }
  const broken = await queue.add("broken", taskOf(4), { attempts: 2 });
  await untilEqual("completed", () => queue.getCompletedCount(), 4);
  await untilEqual("failed", () => queue.getFailedCount(), 1);
  for (const { id } of patient) {
    const [first, second, third] = attempts.get(id);
    insist(`first backoff of ${id}: ${second - first} ms`, second - first >= 98);
    insist(`second backoff of ${id}: ${third - second} ms`, third - second >= 198);
  }
  const failed = await queue.getJob(broken.id);
  expect("reason", failed.failedReason, "broken on purpose");
  expect("attempts", [failed.attemptsMade, failed.progress()], [2, 2]);
  expect("log", (await queue.getJobLogs(broken.id)).logs, ["attempt 1", "attempt 2"]);
  await until("the failure was published", () => told.includes(`failed ${broken.id}`));
  expect("progress published", told.filter((line) => line.startsWith("progress")).length, 14);
  await failed.update({ ...failed.data, mended: true });
  await failed.retry();
  await untilEqual("state of the mended", () => failed.getState(), "completed");
  expect("result", await (await queue.getJob(broken.id)).finished(), await resultOf(broken.data));
  const ran = [...patient, broken].map(({ id }) => id);
  return { jobs: ran, view: "4 completed after 3 attempts each, 1 failed and retried" };
});

export const stalled = inRoom(async (room) => {
  const { queue } = room;
  const tasks = Array.from({ length: 8 }, (_, i) => (i < 4 ? LONG_TASK : taskOf(i)));
  const jobs = await queue.addBulk(tasks.map((data) => ({ data })));
  const told = await room.listen("stalled");
  const victim = startProcess(join(import.meta.dirname, "victim.mjs"), room.name);
  const held = await killAmidst(victim, room.name, 3);
  const active = (await queue.getActive()).map(({ id }) => id);
  insist(`what the dead held (${held}) is active (${active})`, held.every((id) => active.includes(id)));
  const settings = { lockDuration: 2000, lockRenewTime: 500, stalledInterval: 400 };
  room.worker(2, { settings });
  await untilEqual("completed", () => queue.getCompletedCount(), jobs.length);
  await until("all that stalled were told", () => held.every((id) => told.includes(`stalled ${id}`)));
  for (const { id, data } of jobs) {
    expect(`result of ${id}`, (await queue.getJob(id)).returnvalue, await resultOf(data));
  }
  const recovered = new Set(told).size;
  return { jobs: jobs.map(({ id }) => id), view: `${recovered} stalled and recovered, 8 completed` };
});

export const upkeep = inRoom(async (room) => {
  const { queue } = room;
  await queue.pause();
  const tasks = Array.from({ length: 20 }, (_, i) => ({ data: taskOf(i) }));
  const jobs = await queue.addBulk(tasks);
  await jobs[0].remove();
  await queue.removeJobs("1?");
  expect("left", await queue.count(), 9);
  await queue.empty();
  expect("left after emptying", await queue.count(), 0);
  let broken = true;
  room.worker(4, {}, (job) => {
    if (broken) throw new Error("broken on purpose");
    return room.run(job);
  });
  await queue.resume();
  const kept = await queue.addBulk(tasks);
  await untilEqual("failed", () => queue.getFailedCount(), 20);
  broken = false;
  for (const job of await queue.getFailed()) await job.retry();
  await untilEqual("completed", () => queue.getCompletedCount(), 20);
  expect("same id again", (await queue.add(taskOf(1), { jobId: kept[0].id })).id, kept[0].id);
  expect("still as many", await queue.getCompletedCount(), 20);
  const cleaned = await queue.clean(0, "completed");
  expect("cleaned", cleaned.length, 20);
  const ids = kept.map(({ id }) => id);
  await queue.pause();
  await queue.obliterate({ force: true });
  expect("keys after obliterating", await queue.client.keys(`bull:${room.name}:*`), []);
  return { jobs: ids, view: "20 failed, all retried and completed; then no key is left" };
});
