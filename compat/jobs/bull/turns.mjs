// Jobs in bulk, and jobs that have their time or their turn.

import { expect, insist, until, untilEqual } from "../shared/check.mjs";
import { scaled } from "../shared/story.mjs";
import { resultOf, taskOf } from "../shared/work.mjs";
import { inRoom } from "./room.mjs";

const JOBS = scaled(600);
const BATCH = 100;
// Timestamps come from two processes' clocks of one machine, in whole milliseconds.
const CLOCK_MS = 2;

export const bulk = inRoom(async (room) => {
  const { queue } = room;
  const told = await room.listen("completed");
  const ids = [];
  for (let from = 0; from < JOBS; from += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, JOBS - from) }, (_, i) => from + i);
    const jobs = await queue.addBulk(numbers.map((number) => ({ data: taskOf(number) })));
    ids.push(...jobs.map(({ id }) => id));
  }
  expect("waiting", await queue.getWaitingCount(), JOBS);
  const metrics = { maxDataPoints: 10 };
  const workers = [room.worker(6, { metrics }), room.worker(6, { metrics })];
  await untilEqual("workers", async () => (await queue.getWorkers()).length, workers.length);
  const counts = { waiting: 0, active: 0, completed: JOBS, failed: 0, delayed: 0, paused: 0 };
  await untilEqual("counts", () => queue.getJobCounts(), counts);
  for (const job of await queue.getCompleted()) {
    expect(`result of job ${job.id}`, job.returnvalue, await resultOf(job.data));
  }
  await until("every completion was published", () => told.length >= JOBS);
  expect("published", [...told].sort(), ids.map((id) => `completed ${id}`).sort());
  expect("metrics", (await queue.getMetrics("completed")).meta.count, JOBS);
  return { jobs: ids, view: `${JOBS} completed, ${told.length} told by publish/subscribe` };
});

export const delayed = inRoom(async (room) => {
  const { queue } = room;
  const due = new Map();
  for (let i = 0; i < 20; i += 1) {
    const delay = 200 + ((i * 7) % 20) * 30;
    const job = await queue.add(taskOf(i), { delay });
    due.set(String(job.id), job.timestamp + delay);
  }
  const never = await queue.add(taskOf(1), { delay: 3_600_000 });
  const promoted = await queue.add(taskOf(3), { delay: 3_600_000 });
  expect("delayed", await queue.getDelayedCount(), 22);
  await promoted.promote();
  due.set(String(promoted.id), 0);
  room.worker(4);
  await until("all that are due ran", () => room.finished().length >= due.size);
  for (const { job, at_ms } of room.begun()) {
    insist(`job ${job} ran ${due.get(job) - at_ms} ms early`, at_ms >= due.get(job) - CLOCK_MS);
  }
  expect("the delayed", (await queue.getDelayed()).map(({ id }) => id), [never.id]);
  await never.remove();
  await untilEqual("completed", () => queue.getCompletedCount(), due.size);
  return { jobs: [...due.keys()], view: `${due.size} completed, none early; 1 delayed, then removed` };
});

export const priorities = inRoom(async (room) => {
  const { queue } = room;
  await queue.pause();
  const added = [];
  for (let i = 0; i < 40; i += 1) {
    const priority = ((i * 13) % 4) + 1;
    const { id } = await queue.add(taskOf(i), { priority });
    added.push({ id: String(id), priority, at: i });
  }
  expect("paused", [await queue.isPaused(), await queue.getPausedCount()], [true, 40]);
  const counts = { 1: 10, 2: 10, 3: 10, 4: 10 };
  expect("counts per priority", await queue.getCountsPerPriority([1, 2, 3, 4]), counts);
  room.worker(1);
  await queue.resume();
  await until("all ran", () => room.finished().length === 40);
  added.sort((a, b) => a.priority - b.priority || a.at - b.at);
  const order = added.map(({ id }) => id);
  expect("order of the runs", room.finished(), order);
  return { jobs: order, view: "40 prioritized by their counts, run in that order" };
});

export const repeated = inRoom(async (room) => {
  const { queue } = room;
  await queue.add("often", taskOf(1), { repeat: { every: 200, limit: 4 } });
  await queue.add("cron", taskOf(2), { repeat: { cron: "* * * * * *", limit: 2 } });
  await queue.add("gone", taskOf(3), { repeat: { every: 3_600_000 } });
  await queue.add("daily", taskOf(4), { repeat: { cron: "0 30 3 * * *", tz: "Europe/Helsinki" } });
  expect("repeatable", await queue.getRepeatableCount(), 4);
  await queue.removeRepeatable("gone", { every: 3_600_000 });
  const ran = [];
  room.worker(2, {}, async (job) => {
    const result = await room.run(job);
    ran.push({ name: job.name, id: job.id });
    return result;
  });
  const times = (name) => ran.filter((job) => job.name === name).length;
  await until("the repeated jobs ran", () => times("often") >= 4 && times("cron") >= 2);
  await untilEqual("completed", () => queue.getCompletedCount(), 6);
  await untilEqual("delayed", () => queue.getDelayedCount(), 1);
  const known = (await queue.getRepeatableJobs()).map(({ name }) => name).sort();
  insist(`daily is known: ${known}`, known.includes("daily") && !known.includes("gone"));
  return { jobs: ran.map(({ id }) => id), view: `6 completed, repeatable: ${known.join(", ")}` };
});

export const rateLimit = inRoom(async (room) => {
  const [max, duration, jobs] = [5, 300, 20];
  const limiter = { max, duration };
  const limited = room.worker(10, { limiter });
  const tasks = Array.from({ length: jobs }, (_, i) => ({ data: taskOf(i) }));
  const ids = (await limited.addBulk(tasks)).map(({ id }) => id);
  await untilEqual("completed", () => room.queue.getCompletedCount(), jobs);
  const times = room.begun().map(({ at_ms }) => at_ms).sort((a, b) => a - b);
  const all = times.at(-1) - times[0];
  // A quarter of a window is what a busy machine may lag with the record.
  insist(`all began within ${all} ms`, all >= (jobs / max - 1) * duration * 0.75);
  return { jobs: ids, view: `${jobs} completed, ${max} in ${duration} ms` };
});
