// bull-board: it shows the numbers that are true, of BullMQ's queues and of Bull's, and what is done with
// its buttons happens.

import { expect, insist, until, untilEqual } from "../shared/check.mjs";
import { load } from "../shared/packages.mjs";
import { finishedOf, performJob } from "../shared/runs.mjs";
import { connection, tellStory } from "../shared/story.mjs";
import { resultOf, taskOf } from "../shared/work.mjs";
import { Board } from "./board.mjs";

const { Queue, Worker } = load("bullmq");
const Bull = load("bull");

const HOUR_MS = 3_600_000;
const PAGE = 7;

function ofCase(name) {
  return (job) => {
    if (job.name === "broken" && !job.data.mended) throw new Error("broken on purpose");
    return performJob(name, job.id, job.data);
  };
}

async function addMany(queue, kind, count, options = {}) {
  const ids = [];
  for (let i = 0; i < count; i += 1) ids.push((await queue.add(kind, taskOf(i), options)).id);
  return ids.map(String);
}

async function numbers(name) {
  const queue = new Queue(name, { connection });
  const worker = new Worker(name, ofCase(name), { connection, concurrency: 4, name: "painter" });
  const board = await Board.open([queue], []);
  const done = await addMany(queue, "good", 20);
  const broken = await addMany(queue, "broken", 3);
  await untilEqual("jobs that ended", () => queue.getJobCountByTypes("completed", "failed"), 23);
  const { workers } = await board.get(`/api/queues/${name}/workers`);
  expect("workers shown", workers.map((each) => each.name), ["painter"]);
  await worker.close();

  const waiting = await addMany(queue, "good", 5);
  const delayed = await addMany(queue, "good", 4, { delay: HOUR_MS });
  const ranked = await addMany(queue, "good", 2, { priority: 3 });
  await queue.upsertJobScheduler("daily", { pattern: "0 30 3 * * *" }, { data: taskOf(1) });
  const hand = new Worker(name, null, { connection });
  const active = await hand.getNextJob("by hand");
  expect("taken by hand", active.id, waiting[0]);

  const shown = await board.queue(name);
  const states = ["active", "completed", "delayed", "failed", "prioritized", "waiting"];
  const counts = Object.fromEntries(states.map((state) => [state, shown.counts[state]]));
  const wanted = { active: 1, completed: 20, delayed: 5, failed: 3, prioritized: 2, waiting: 4 };
  expect("numbers shown", counts, wanted);
  expect("schedulers counted", shown.jobSchedulerCount, 1);
  expect("paused", shown.isPaused, false);
  await checkPages(board, name, { done, broken, delayed, ranked });

  const { data, returnValue } = (await board.get(`/api/queues/${name}/${done[4]}`)).job;
  expect("a job shown", [data, returnValue], [taskOf(4), await resultOf(taskOf(4))]);
  const stats = await board.get("/api/redis/stats");
  insist(`server shown: ${JSON.stringify(stats)}`, stats.clients.connected >= 2 && stats.memory.used > 0);
  expect("page", /<html/i.test(await board.ask(`/queue/${name}`)), true);
  await active.moveToCompleted(await performJob(name, active.id, active.data), "by hand", false);
  expect("completed shown", (await board.queue(name)).counts.completed, 21);
  for (const part of [hand, queue, board]) await part.close();
  return { jobs: [...done, active.id], view: `shown over HTTP: ${JSON.stringify(wanted)}` };
}

async function checkPages(board, name, { done, broken, delayed, ranked }) {
  const found = [];
  for (let page = 1; page <= Math.ceil(done.length / PAGE); page += 1) {
    const { jobs, pagination } = await board.queue(name, "completed", page, PAGE);
    expect("pages", pagination.pageCount, Math.ceil(done.length / PAGE));
    found.push(...jobs.map(({ id }) => id));
  }
  expect("completed jobs over the pages", found.sort(), [...done].sort());
  const failed = (await board.queue(name, "failed")).jobs;
  expect("failed jobs", failed.map(({ id }) => id).sort(), [...broken].sort());
  expect("why", new Set(failed.map(({ failedReason }) => failedReason)), new Set(["broken on purpose"]));
  const later = (await board.queue(name, "delayed")).jobs.map(({ id }) => id);
  insist("delayed jobs are shown", delayed.every((id) => later.includes(id)));
  const first = (await board.queue(name, "prioritized")).jobs.map(({ id }) => id);
  expect("prioritized jobs", first.sort(), [...ranked].sort());
}

async function buttons(name) {
  const queue = new Queue(name, { connection });
  const board = await Board.open([queue], []);
  const at = `/api/queues/${name}`;
  await board.put(`${at}/pause`);
  expect("paused", [await queue.isPaused(), (await board.queue(name)).isPaused], [true, true]);
  const worker = new Worker(name, ofCase(name), { connection, concurrency: 4 });
  const broken = await addMany(queue, "broken", 3);
  const late = await addMany(queue, "good", 3, { delay: HOUR_MS });
  const doomed = await addMany(queue, "good", 1, { delay: HOUR_MS });
  await board.put(`${at}/${doomed[0]}/clean`);
  await board.put(`${at}/${late[0]}/promote`);
  expect("delayed", (await board.queue(name)).counts.delayed, 2);
  await board.put(`${at}/promote`);
  await board.put(`${at}/resume`);
  await untilEqual("failed", async () => (await board.queue(name)).counts.failed, 3);
  for (const id of broken) {
    const job = await queue.getJob(id);
    await job.updateData({ ...job.data, mended: true });
  }
  await board.put(`${at}/${broken[0]}/retry`);
  await board.put(`${at}/retry/failed`);
  await untilEqual("completed", async () => (await board.queue(name)).counts.completed, 6);
  await board.put(`${at}/${late[0]}/clean`);
  await board.put(`${at}/pause`);
  await addMany(queue, "good", 4);
  await board.put(`${at}/empty`);
  const { counts } = await board.queue(name);
  expect("after emptying", [counts.completed, counts.failed, counts.waiting], [5, 0, 0]);
  await worker.close();
  await board.put(`${at}/obliterate`);
  const none = (await board.queue(name)).counts;
  expect("after obliterating", Object.values(none).filter(Boolean), []);
  for (const part of [queue, board]) await part.close();
  return { jobs: [...broken, ...late], view: "paused, promoted, resumed, retried, emptied and obliterated over HTTP" };
}

async function ofBull(name) {
  const queue = new Bull(name, { redis: connection });
  const board = await Board.open([], [queue]);
  const done = await addMany(queue, "good", 10);
  const broken = await addMany(queue, "broken", 2);
  queue.process("*", 4, ofCase(name)).catch((error) => console.error(error));
  await until("the jobs ended", async () => {
    const { completed, failed } = await queue.getJobCounts();
    return completed === 10 && failed === 2;
  });
  await addMany(queue, "good", 3, { delay: HOUR_MS });
  const { counts } = await board.queue(name);
  const { completed, failed, delayed, waiting, active } = counts;
  const wanted = { completed: 10, failed: 2, delayed: 3, waiting: 0, active: 0 };
  expect("numbers shown", { completed, failed, delayed, waiting, active }, wanted);
  const shown = (await board.queue(name, "failed")).jobs.map(({ id }) => String(id));
  expect("failed jobs", shown.sort(), broken);
  expect("finished", finishedOf(name).sort(), [...done].sort());
  await board.close();
  await queue.close();
  return { jobs: done, view: `shown over HTTP: ${JSON.stringify(wanted)}` };
}

await tellStory({ numbers, buttons, "bull queue": ofBull });
