// A worker in a process of its own, to be killed: node victim.mjs QUEUE

import { load } from "../shared/packages.mjs";
import { performJob } from "../shared/runs.mjs";
import { connection } from "../shared/story.mjs";

const Bull = load("bull");

const [name] = process.argv.slice(2);
const settings = { lockDuration: 2000, lockRenewTime: 500, stalledInterval: 400 };
const queue = new Bull(name, { redis: connection, settings });
queue.on("error", (error) => {
  console.error(`victim: ${error.stack}`);
  process.exit(1);
});
await queue.process("*", 3, (job) => performJob(name, job.id, job.data));
