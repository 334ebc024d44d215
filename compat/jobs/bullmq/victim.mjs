// A worker in a process of its own, to be killed: node victim.mjs QUEUE

import { load } from "../shared/packages.mjs";
import { performJob } from "../shared/runs.mjs";
import { connection } from "../shared/story.mjs";

const { Worker } = load("bullmq");

const [name] = process.argv.slice(2);
const worker = new Worker(name, (job) => performJob(name, job.id, job.data), {
  connection,
  concurrency: 3,
  lockDuration: 2000,
  stalledInterval: 400,
});
worker.on("error", (error) => {
  console.error(`victim: ${error.stack}`);
  process.exit(1);
});
