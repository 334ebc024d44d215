// Jobs that have their time or their turn: delayed, by priority, repeated, limited in rate.

import { expect, insist, until, untilEqual } from "../shared/check.mjs";
import { taskOf } from "../shared/work.mjs";
import { inRoom } from "./room.mjs";

// Timestamps come from two processes' clocks of one machine, in whole milliseconds.
const CLOCK_MS = 2;
const MOMENT_MS = 100;

export const delayed = inRoom(async (room) => {
  const { queue } = room;
  const due = new Map();
  for (let i = 0; i < 30; i += 1) {
    const delay = 200 + ((i * 7) % 30) * 25;
    const job = await queue.add("later", taskOf(i), { delay });
    due.set(job.id, job.timestamp + delay);
  }
  const never = await queue.add("never", taskOf(1), { delay: 3_600_000 });
  const moved = await queue.add("moved", taskOf(2), { delay: 3_600_000 });
  const promoted = await queue.add("promoted", taskOf(3), { delay: 3_600_000 });
  expect("state", await never.getState(), "delayed");
  await moved.changeDelay(300);
  // The library counts from its own look at the clock, a moment before this one.
  due.set(moved.id, Date.now() + 300 - MOMENT_MS);
  await promoted.promote();
  due.set(promoted.id, 0);
  expect("state of the promoted", await promoted.getState(), "waiting");

  room.worker({ concurrency: 4 });
  await until("all that are due ran", () => room.finished().length >= due.size);
  for (const { job, at_ms } of room.begun()) {
    insist(`job ${job} ran ${due.get(job) - at_ms} ms early`, at_ms >= due.get(job) - CLOCK_MS);
  }
  await untilEqual("counts", () => room.counts("delayed", "completed", "waiting", "active"), {
    delayed: 1,
    completed: due.size,
    waiting: 0,
    active: 0,
  });
  expect("the delayed", (await queue.getDelayed()).map(({ id }) => id), [never.id]);
  await never.remove();
  expect("delayed after the removal", await queue.getDelayedCount(), 0);
  return { jobs: [...due.keys()], view: `${due.size} completed, none early; 1 delayed, then removed` };
});

export const priorities = inRoom(async (room) => {
  const { queue } = room;
  await queue.pause();
  const added = [];
  for (let i = 0; i < 60; i += 1) {
    const priority = (i * 13) % 5;
    const job = await queue.add("ranked", taskOf(i), priority ? { priority } : {});
    added.push({ id: job.id, priority, at: i });
  }
  const raised = await queue.add("raised", taskOf(60), { priority: 2_000_000 });
  await raised.changePriority({ priority: 1 });
  added.push({ id: raised.id, priority: 1, at: 60 });
  const first = await queue.add("first", taskOf(61), { lifo: true });
  added.push({ id: first.id, priority: 0, at: -1 });
  const perPriority = { 0: 13, 1: 13, 2: 12, 3: 12, 4: 12 };
  expect("counts per priority", await queue.getCountsPerPriority([0, 1, 2, 3, 4]), perPriority);
  expect("prioritized", await queue.getPrioritizedCount(), 49);
  expect("paused", await queue.isPaused(), true);

  room.worker({ concurrency: 1 });
  await queue.resume();
  await until("all ran", () => room.finished().length === added.length);
  added.sort((a, b) => a.priority - b.priority || a.at - b.at);
  const order = added.map(({ id }) => id);
  expect("order of the runs", room.finished(), order);
  return { jobs: order, view: "49 prioritized by their counts, run in that order" };
});

export const schedulers = inRoom(async (room) => {
  const { queue } = room;
  const template = (name, number) => ({ name, data: taskOf(number) });
  await queue.upsertJobScheduler("often", { every: 150, limit: 6 }, template("often", 1));
  await queue.upsertJobScheduler("cron", { pattern: "* * * * * *", limit: 2 }, template("cron", 2));
  await queue.upsertJobScheduler("gone", { every: 3_600_000 }, template("gone", 3));
  const daily = { pattern: "0 30 3 * * *", tz: "Europe/Helsinki" };
  await queue.upsertJobScheduler("daily", daily, template("daily", 4));
  // The same name again changes the scheduler and adds none.
  await queue.upsertJobScheduler("daily", { ...daily, limit: 9 }, template("daily", 5));
  expect("schedulers", await queue.getJobSchedulersCount(), 4);
  const { pattern, tz, limit, next } = await queue.getJobScheduler("daily");
  expect("daily", { pattern, tz, limit }, { ...daily, limit: 9 });
  insist("daily's next time is ahead", next > Date.now());
  expect("removal", await queue.removeJobScheduler("gone"), true);
  expect("second removal", await queue.removeJobScheduler("gone"), false);

  const [names, ids] = [[], []];
  room.worker({ concurrency: 2 }, async (job) => {
    const result = await room.run(job);
    names.push(job.name);
    ids.push(job.id);
    return result;
  });
  const times = (name) => names.filter((other) => other === name).length;
  await until("the repeated jobs ran", () => times("often") >= 6 && times("cron") >= 2);
  // The next run of `daily` is what is left; those that are over stay known. The first job of `gone`
  // was made at once and stays when its scheduler goes.
  const left = { completed: 9, delayed: 1, failed: 0, active: 0, waiting: 0 };
  await untilEqual("counts", () => room.counts(...Object.keys(left)), left);
  expect("runs", [times("often"), times("cron"), times("gone")], [6, 2, 1]);
  const known = (await queue.getJobSchedulers()).map(({ key, iterationCount }) => [key, iterationCount]);
  expect("schedulers known", known.sort(), [["cron", 2], ["daily", 1], ["often", 6]]);
  return { jobs: ids, view: `schedulers known: ${known.map(([key, count]) => `${key} ${count}`).join(", ")}` };
});

export const rateLimit = inRoom(async (room) => {
  const { queue } = room;
  const [max, duration, jobs] = [5, 300, 30];
  const tasks = Array.from({ length: jobs }, (_, i) => ({ name: "limited", data: taskOf(i) }));
  const ids = (await queue.addBulk(tasks)).map(({ id }) => id);
  let limited_ms = 0;
  room.worker({ concurrency: 10, limiter: { max, duration } }, async (job) => {
    limited_ms = Math.max(limited_ms, await queue.getRateLimitTtl(max));
    return room.run(job);
  });
  await until("all ran", () => room.finished().length === jobs);
  insist(`the limit shows: ${limited_ms} ms`, limited_ms > 0 && limited_ms <= duration);
  const times = room.begun().map(({ at_ms }) => at_ms).sort((a, b) => a - b);
  // The window opens with its first job and closes by expiry, so jobs number 1, 6, 11 … are in
  // different ones. A quarter of a window is what a busy machine may lag with the record.
  for (let i = 0; i + 2 * max < times.length; i += 1) {
    const apart = times[i + 2 * max] - times[i];
    insist(`${2 * max + 1} jobs began within ${apart} ms`, apart >= duration * 0.75);
  }
  const all = times.at(-1) - times[0];
  insist(`all began within ${all} ms`, all >= (jobs / max - 1) * duration * 0.75);
  await untilEqual("completed", () => queue.getCompletedCount(), jobs);
  return { jobs: ids, view: `${jobs} completed, ${max} in ${duration} ms` };
});
