// The jobs of benches/today.py by BullMQ. Tells a line of each: [job, unix ms, ms since it was due].
//
//   node today.mjs PORT JOBS

import { setTimeout as pause } from "node:timers/promises";

import { load } from "../compat/jobs/shared/packages.mjs";

const { Queue, Worker } = load("bullmq");

const A_SECOND = 500;
const DELAY_MS_MIN = 200;
const DELAY_MS_MAX = 1500;
const CONCURRENCY = 4;

const [port, words] = process.argv.slice(2);
const jobs = Number(words);
const connection = { host: "127.0.0.1", port: Number(port) };
const queue = new Queue("today", { connection });
const told = [];

const worker = new Worker(
  "today",
  async (job) => {
    told.push([job.data.number, Date.now(), Date.now() - job.data.due]);
  },
  { connection, concurrency: CONCURRENCY },
);
worker.on("error", (error) => {
  console.error(error);
  process.exit(1);
});

const begun = performance.now();
for (let number = 0; number < jobs; number += 1) {
  await pause(Math.max(0, begun + (number * 1000) / A_SECOND - performance.now()));
  const span = DELAY_MS_MAX - DELAY_MS_MIN;
  const delay = number % 2 ? DELAY_MS_MIN + Math.floor(Math.random() * span) : 0;
  await queue.add("today", { number, due: Date.now() + delay }, { delay });
}
while (told.length < jobs) await pause(50);
for (const line of told) console.log(JSON.stringify(line));
process.exit(0);
