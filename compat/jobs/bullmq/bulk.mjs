// Many jobs of every kind through two workers, and what the library then says of them.

import { expect, insist, until, untilEqual } from "../shared/check.mjs";
import { resultOf, taskOf } from "../shared/work.mjs";
import { scaled } from "../shared/story.mjs";
import { inRoom } from "./room.mjs";

const JOBS = scaled(1000);
const BATCH = 100;
const CONCURRENCY = 8;

export const bulk = inRoom(async (room) => {
  const { queue } = room;
  const seen = { added: new Set(), active: new Set(), completed: new Set() };
  const events = room.events();
  for (const [event, ids] of Object.entries(seen)) events.on(event, ({ jobId }) => ids.add(jobId));
  const ids = await addAll(queue, JOBS);
  expect("waiting", await queue.getWaitingCount(), JOBS);

  const workers = [0, 1].map((index) =>
    room.worker({ concurrency: CONCURRENCY, name: `bulk-${index}`, metrics: { maxDataPoints: 10 } }),
  );
  await untilEqual("workers", () => queue.getWorkersCount(), 2);
  await until("every job has completed", async () => (await queue.getCompletedCount()) === ids.length);

  expect("counts", await room.counts("waiting", "active", "completed", "failed", "delayed"), {
    waiting: 0,
    active: 0,
    completed: ids.length,
    failed: 0,
    delayed: 0,
  });
  for (const job of await queue.getCompleted(0, -1)) {
    expect(`result of job ${job.id}`, job.returnvalue, await resultOf(job.data));
    insist(`job ${job.id} has its times`, job.timestamp <= job.processedOn);
    insist(`job ${job.id} has its end`, job.processedOn <= job.finishedOn);
  }
  for (const [event, found] of Object.entries(seen)) {
    await untilEqual(`${event} events`, () => [...found].sort(), [...ids].sort());
  }
  const names = (await queue.getWorkers()).map(({ rawname }) => rawname.split(":w:")[1]).sort();
  expect("names of workers", names, ["bulk-0", "bulk-1"]);
  expect("listeners", (await queue.getQueueEvents()).length, 1);
  await Promise.all(workers.map((worker) => worker.close()));
  expect("metrics", (await queue.getMetrics("completed")).meta.count, ids.length);
  const text = await queue.exportPrometheusMetrics();
  insist(
    `Prometheus's lines: ${text}`,
    text.includes(`bullmq_job_count{queue="bulk", state="completed"} ${ids.length}`),
  );
  await lookThroughPages(queue, ids);
  return { jobs: ids, view: `${ids.length} completed, ${seen.completed.size} of them told by events` };
});

async function addAll(queue, count) {
  const ids = [];
  for (let from = 0; from < count; from += BATCH) {
    const tasks = [];
    for (let i = from; i < Math.min(from + BATCH, count); i += 1) tasks.push(taskOf(i));
    const jobs = await queue.addBulk(tasks.map((task) => ({ name: task.kind, data: task })));
    ids.push(...jobs.map(({ id }) => id));
  }
  return ids;
}

// What a dashboard does: page after page, each job once.
async function lookThroughPages(queue, ids) {
  const found = [];
  for (let from = 0; from < ids.length; from += 37) {
    const page = await queue.getJobs(["completed"], from, from + 36, true);
    found.push(...page.map(({ id }) => id));
  }
  expect("ids over all pages", found.sort(), [...ids].sort());
}
