// node-resque, which is Resque's protocol in Node: bulk, order of queues, its scheduler, locks, retries,
// the failed list, and a worker that is killed.

import { join } from "node:path";

import { expect, insist, until, untilEqual } from "../shared/check.mjs";
import { begunOf } from "../shared/runs.mjs";
import { scaled, tellStory } from "../shared/story.mjs";
import { killAmidst, startProcess } from "../shared/victim.mjs";
import { LONG_TASK, taskOf } from "../shared/work.mjs";
import { atOnce, mend, triesOf } from "./jobs.mjs";
import { inRoom } from "./room.mjs";

const JOBS = scaled(500);
const HOUR_MS = 3_600_000;

const bulk = inRoom(async (room) => {
  const { queue } = room;
  for (let i = 0; i < JOBS; i += 1) {
    await queue.enqueue(i % 2 ? "odd" : "even", "work", [room.name, String(i), taskOf(i)]);
  }
  expect("queues", (await queue.queues()).sort(), ["even", "odd"]);
  expect("length", (await queue.length("odd")) + (await queue.length("even")), JOBS);
  const [next] = await queue.queued("odd", 0, 0);
  expect("first in line", next, { class: "work", queue: "odd", args: [room.name, "1", taskOf(1)] });
  await room.pool(4, "odd", "even");
  await room.worker("even");
  await untilEqual("counters", () => room.counters(), { processed: JOBS, failed: 0 });
  expect("failed", await queue.failedCount(), 0);
  insist("a worker is listed", Object.keys(await queue.workers()).length >= 2);
  return { jobs: JOBS, view: `${JOBS} processed by its own counter, 0 failed` };
});

const order = inRoom(async (room) => {
  const wanted = [];
  for (const name of ["low", "high", "middle"]) {
    for (let i = 0; i < 10; i += 1) {
      await room.queue.enqueue(name, "work", [room.name, `${name}-${i}`, taskOf(i)]);
    }
  }
  for (const name of ["high", "middle", "low"]) {
    for (let i = 0; i < 10; i += 1) wanted.push(`${name}-${i}`);
  }
  await room.worker("high", "middle", "low");
  await untilEqual("order of the runs", () => room.finished(), wanted);
  await untilEqual("counters", () => room.counters(), { processed: 30, failed: 0 });
  return { jobs: wanted, view: "30 processed, queue by queue in the worker's order" };
});

const scheduled = inRoom(async (room) => {
  const { queue } = room;
  const due = new Map();
  for (let i = 0; i < 12; i += 1) {
    const at = Date.now() + 500 + i * 200;
    await queue.enqueueAt(at, "work", "work", [room.name, String(i), taskOf(i)]);
    due.set(String(i), at);
  }
  const never = [room.name, "never", taskOf(1)];
  await queue.enqueueIn(HOUR_MS, "work", "work", never);
  expect("times of the last", (await queue.scheduledAt("work", "work", never)).length, 1);
  const all = Object.values(await queue.allDelayed()).flat();
  expect("delayed", all.length, 13);
  const [first, second] = [await room.scheduler(), await room.scheduler()];
  await room.worker("work");
  await until("all that are due ran", () => room.finished().length >= due.size);
  for (const { job, at_ms } of begunOf(room.name)) {
    // The library keeps whole seconds, to the nearest.
    const early = Math.round(due.get(job) / 1000) - Math.round(at_ms / 1000);
    insist(`job ${job} ran ${early} s early`, early <= 0);
  }
  expect("leaders", [first, second].filter(({ leader }) => leader).length, 1);
  expect("removed", (await queue.delDelayed("work", "work", never)).length, 1);
  await untilEqual("timestamps left", async () => (await queue.timestamps()).length, 0);
  await untilEqual("counters", () => room.counters(), { processed: due.size, failed: 0 });
  return { jobs: [...due.keys()], view: `${due.size} processed, none early; 1 leader of 2 schedulers` };
});

const locks = inRoom(async (room) => {
  const { queue } = room;
  const once = [room.name, "queue lock", taskOf(1)];
  const answers = [];
  for (let i = 0; i < 3; i += 1) answers.push(await queue.enqueue("work", "onceInQueue", once));
  expect("taken in", answers, [true, false, false]);
  const later = [room.name, "delay lock", taskOf(2)];
  await queue.enqueueIn(HOUR_MS, "work", "onceInDelay", later);
  expect("beside a delayed one", await queue.enqueue("work", "onceInDelay", later), false);
  await queue.delDelayed("work", "onceInDelay", later);
  expect("after it", await queue.enqueue("work", "onceInDelay", later), true);
  const same = [room.name, "job lock", LONG_TASK];
  for (let i = 0; i < 2; i += 1) await queue.enqueue("work", "oneAtATime", same);
  expect("locks", Object.keys(await queue.locks()).length, 1);
  await room.scheduler();
  await Promise.all([room.worker("work"), room.worker("work")]);
  await until("all ran", () => room.finished().length === 4);
  expect("what ran", room.finished().sort(), ["delay lock", "job lock", "job lock", "queue lock"]);
  expect("most at a time under one lock", atOnce.most, 1);
  await untilEqual("locks that are left", async () => Object.keys(await queue.locks()).length, 0);
  return { jobs: ["delay lock", "job lock", "queue lock"], view: "2 of 3 refused, 2 of the same one after the other, no lock is left" };
});

const retries = inRoom(async (room) => {
  const { queue } = room;
  const add = (kind, job) => queue.enqueue("work", kind, [room.name, job, taskOf(job.length)]);
  await add("thirdTime", "patient");
  await add("hopeless", "hopeless");
  for (const job of ["broken 1", "broken 2", "broken 3"]) await add("broken", job);
  await room.scheduler();
  await room.worker("work");
  await until("the patient one ran", () => room.finished().includes("patient"));
  await untilEqual("failed", () => queue.failedCount(), 4);
  expect("tries", [triesOf("patient"), triesOf("hopeless")], [3, 2]);
  const failed = await queue.failed(0, -1);
  const reasons = failed.map(({ error, payload }) => `${payload.class}: ${error}`).sort();
  const wanted = ["broken", "broken", "broken", "hopeless"].map((kind) => `${kind}: broken on purpose`);
  expect("reasons", reasons, wanted);
  mend();
  for (const each of failed) {
    if (each.payload.class === "broken") await queue.retryAndRemoveFailed(each);
    else expect("removed", await queue.removeFailed(each), 1);
  }
  await until("the mended ran", () => room.finished().length === 4);
  expect("failed that are left", await queue.failedCount(), 0);
  const ran = ["broken 1", "broken 2", "broken 3", "patient"];
  return { jobs: ran, view: "4 in the failed list: 3 retried, 1 removed" };
});

const killed = inRoom(async (room) => {
  const { queue } = room;
  const names = ["long 1", "long 2", "short 1", "short 2"];
  for (const job of names) {
    const task = job.startsWith("long") ? LONG_TASK : taskOf(job.length);
    await queue.enqueue("work", "work", [room.name, job, task]);
  }
  const victim = startProcess(join(import.meta.dirname, "victim.mjs"), room.name);
  const held = await killAmidst(victim, room.name, 1);
  const working = Object.values(await queue.allWorkingOn()).filter((each) => each.payload);
  expect("who works on what", working.map(({ payload }) => payload.args[1]), held);
  const told = [];
  const scheduler = await room.scheduler({ stuckWorkerTimeout: 1000, retryStuckJobs: true });
  scheduler.on("cleanStuckWorker", (worker, { payload }) => told.push([worker, payload.args[1]]));
  await untilEqual("the dead, as told", () => told, [[`victim:${victim.pid}`, held[0]]]);
  await room.worker("work");
  await until("all ran", () => room.finished().length === names.length);
  expect("failed", await queue.failedCount(), 0);
  const workers = Object.keys(await queue.workers());
  insist(`the dead is gone from ${workers}`, !workers.some((name) => name.startsWith("victim")));
  return { jobs: names, view: "1 worker found stuck and cleaned up, its job put back" };
});

await tellStory({ bulk, order, scheduled, locks, retries, killed });
