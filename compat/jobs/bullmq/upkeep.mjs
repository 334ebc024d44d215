// What an operator does: pause, remove, clean, drain, retry, and limits over all workers.

import { expect, until, untilEqual } from "../shared/check.mjs";
import { load } from "../shared/packages.mjs";
import { connection } from "../shared/story.mjs";
import { LONG_TASK, taskOf } from "../shared/work.mjs";
import { Queue, Worker, inRoom } from "./room.mjs";

export const upkeep = inRoom(async (room) => {
  const { queue } = room;
  await queue.pause();
  const tasks = Array.from({ length: 20 }, (_, i) => ({ name: "kept", data: taskOf(i) }));
  const jobs = await queue.addBulk(tasks);
  expect("paused", await queue.getWaitingCount(), 20);
  expect("removed", await queue.remove(jobs[0].id), 1);
  expect("removed again", await queue.remove(jobs[0].id), 1);
  expect("waiting after the removal", await queue.count(), 19);
  const cleaned = await queue.clean(0, 5, "wait");
  expect("cleaned", cleaned.length, 5);
  const late = await queue.add("late", taskOf(1), { delay: 3_600_000 });
  await queue.drain();
  expect("left", await room.counts("waiting", "delayed"), { waiting: 0, delayed: 1 });
  await queue.promoteJobs();
  expect("promoted", await room.counts("waiting", "delayed"), { waiting: 1, delayed: 0 });

  await queue.resume();
  let broken = true;
  room.worker({ concurrency: 4 }, (job) => {
    if (broken) throw new Error("broken on purpose");
    return room.run(job);
  });
  const ran = [late, ...(await queue.addBulk(tasks))].map(({ id }) => id);
  await untilEqual("failed", () => queue.getFailedCount(), 21);
  broken = false;
  await queue.retryJobs({ state: "failed", count: 5 });
  await untilEqual("counts", () => room.counts("failed", "completed"), { failed: 0, completed: 21 });
  await queue.obliterate({ force: true });
  const keys = await room.ask((client) => client.keys(`bull:${room.name}:*`));
  expect("keys after obliterating", keys, []);
  return { jobs: ran, view: "21 failed, all retried and completed; then no key is left" };
});

export const globalConcurrency = inRoom(async (room) => {
  const { queue } = room;
  await queue.setGlobalConcurrency(2);
  expect("global concurrency", await queue.getGlobalConcurrency(), 2);
  const tasks = Array.from({ length: 16 }, (_, i) => (i < 3 ? LONG_TASK : taskOf(i)));
  const jobs = await queue.addBulk(tasks.map((data) => ({ name: "global", data })));
  let [now, most] = [0, 0];
  for (let i = 0; i < 2; i += 1) {
    room.worker({ concurrency: 4 }, async (job) => {
      most = Math.max(most, (now += 1));
      try {
        return await room.run(job);
      } finally {
        now -= 1;
      }
    });
  }
  await untilEqual("completed", () => queue.getCompletedCount(), jobs.length);
  expect("most at a time", most, 2);
  return { jobs: jobs.map(({ id }) => id), view: `${jobs.length} completed, ${most} at a time` };
});

// The same library over the other client that it takes.
export const nodeRedis = inRoom(async (room) => {
  const { createClient } = load("redis");
  const connect = async () => {
    const client = createClient({ socket: connection });
    client.on("error", (error) => room.errors.push(error));
    return client.connect();
  };
  const client = await connect();
  const queue = room.keep(new Queue(room.name, { connection: client }));
  const tasks = Array.from({ length: 30 }, (_, i) => ({ name: "other", data: taskOf(i) }));
  const jobs = await queue.addBulk(tasks);
  const late = await queue.add("late", taskOf(31), { delay: 200, priority: 3 });
  const blocking = await connect();
  room.keep(new Worker(room.name, (job) => room.run(job), { connection: blocking, concurrency: 3 }));
  await until("all ran", () => room.finished().length === 31);
  await untilEqual("completed, seen by the first client", () => room.queue.getCompletedCount(), 31);
  room.opened.unshift({ close: () => client.close() }, { close: () => blocking.close() });
  return { jobs: [...jobs, late].map(({ id }) => id), view: "31 completed, seen by ioredis" };
});
