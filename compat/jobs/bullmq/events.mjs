// What listeners are told, and jobs that are the same as one that is there.

import { expect, insist, until, untilEqual } from "../shared/check.mjs";
import { resultOf, taskOf } from "../shared/work.mjs";
import { Job, inRoom } from "./room.mjs";

export const eventStream = inRoom(async (room) => {
  const { queue } = room;
  const events = room.events();
  const told = [];
  for (const name of ["added", "waiting", "delayed", "active", "progress", "completed", "failed"]) {
    events.on(name, ({ jobId }) => told.push(`${jobId} ${name}`));
  }
  room.worker({}, async (job) => {
    await job.updateProgress(50);
    if (job.name === "broken") throw new Error("broken on purpose");
    return room.run(job);
  });
  const good = await queue.add("good", taskOf(1), { jobId: "good" });
  expect("result", await good.waitUntilFinished(events, 30_000), await resultOf(good.data));
  const late = await queue.add("late", taskOf(2), { jobId: "late", delay: 50 });
  await late.waitUntilFinished(events, 30_000);
  const broken = await queue.add("broken", taskOf(3), { jobId: "broken" });
  const reason = await broken.waitUntilFinished(events, 30_000).catch((error) => error.message);
  expect("reason", reason, "broken on purpose");
  await untilEqual("events in their order", () => told, [
    ...["added", "waiting", "active", "progress", "completed"].map((name) => `good ${name}`),
    ...["added", "delayed", "waiting", "active", "progress", "completed"].map((name) => `late ${name}`),
    ...["added", "waiting", "active", "progress", "failed"].map((name) => `broken ${name}`),
  ]);

  // Another listener reads all of it again from the start of the stream.
  const again = [];
  const second = room.events({ autorun: false });
  for (const name of ["added", "completed", "failed"]) {
    second.on(name, ({ jobId }) => again.push(`${jobId} ${name}`));
  }
  second.run().catch((error) => room.errors.push(error));
  await until("the second listener is through", () => again.length >= 6);
  expect("told again", again.sort(), told.filter((line) => /added|completed|failed/.test(line)).sort());
  await queue.trimEvents(0);
  const left = await room.ask((client) => client.xlen(queue.toKey("events")));
  expect("events after trimming", left, 0);
  return { jobs: ["good", "late"], view: `${told.length} events, in order; the same read again` };
});

export const deduplication = inRoom(async (room) => {
  const { queue } = room;
  const events = room.events();
  const told = [];
  events.on("deduplicated", ({ jobId, deduplicatedJobId, deduplicationId }) =>
    told.push([deduplicationId, jobId, deduplicatedJobId].join(" ")),
  );
  const add = (id, number, deduplication, opts = {}) =>
    queue.add(id, taskOf(number), { ...opts, deduplication: { id, ...deduplication } });
  await queue.pause();

  // Until the first one is finished, the same again is the same job.
  const simple = await add("simple", 1, {});
  const same = await Promise.all([2, 3, 4].map((number) => add("simple", number, {})));
  expect("same job", same.map(({ id }) => id), [simple.id, simple.id, simple.id]);
  expect("whose it is", await queue.getDeduplicationJobId("simple"), simple.id);

  // For a time only, whether finished or not.
  const throttled = await add("throttle", 5, { ttl: 400 });
  expect("throttled", (await add("throttle", 6, { ttl: 400 })).id, throttled.id);

  // The last one within the time replaces those before it.
  const first = await add("debounce", 7, { ttl: 500, extend: true, replace: true }, { delay: 300 });
  const last = await add("debounce", 8, { ttl: 500, extend: true, replace: true }, { delay: 300 });
  expect("the first is replaced", await Job.fromId(queue, first.id), undefined);
  expect("counts", await room.counts("waiting", "delayed"), { waiting: 2, delayed: 1 });

  room.worker({ concurrency: 2 });
  await queue.resume();
  await until("all ran", () => room.finished().length === 3);
  await until("the throttle has ended", async () => !(await queue.getDeduplicationJobId("throttle")));
  const anew = [await add("simple", 10, {}), await add("throttle", 11, { ttl: 400 })];
  insist("finished ones make room", anew[0].id !== simple.id && anew[1].id !== throttled.id);
  await until("the new ones ran", () => room.finished().length === 5);
  await untilEqual("completed", () => queue.getCompletedCount(), 5);
  await until("events tell of it", () => told.length >= 5);
  expect("simple ones told", told.filter((line) => line.startsWith("simple")).length, 3);
  expect("throttled ones told", told.filter((line) => line.startsWith("throttle")).length, 1);
  expect("debounced ones told", told.filter((line) => line.startsWith("debounce")), [
    `debounce ${last.id} ${first.id}`,
  ]);
  const ran = [simple, throttled, last, ...anew].map(({ id }) => id);
  return { jobs: ran, view: `5 completed, ${told.length} told as deduplicated` };
});
