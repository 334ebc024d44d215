// The load of benches/jobs.py: BullMQ against a server, one way of using it at a time.
//
//   node jobs.mjs PORT add|bulk|cycle|ranked COUNT

import { once } from "node:events";

import { load } from "../compat/jobs/shared/packages.mjs";

const { Queue, Worker } = load("bullmq");

const AT_A_TIME = 50;
const BULK = 100;
const PRIORITIES = 10;
const DELAY_MS = 1;
// What a job of a web shop carries.
const DATA = { kind: "thumbnail", picture: "picture-00000042.png", width: 300, height: 200 };

const [port, mode, words] = process.argv.slice(2);
const count = Number(words);
const connection = { host: "127.0.0.1", port: Number(port) };
const queue = new Queue("measured", { connection });

async function addOneByOne() {
  let next = 0;
  const adder = async () => {
    while (next < count) await queue.add("measured", { ...DATA, number: (next += 1) });
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, adder));
}

/** `optionsOf` gives a job's options by its number. */
async function addInBulks(optionsOf = () => ({})) {
  for (let from = 0; from < count; from += BULK) {
    const numbers = Array.from({ length: Math.min(BULK, count - from) }, (_, i) => from + i);
    const job = (number) => ({ name: "measured", data: { ...DATA, number }, opts: optionsOf(number) });
    await queue.addBulk(numbers.map(job));
  }
}

async function workOff(worker) {
  let done = 0;
  const all = new Promise((resolve) => {
    worker.on("completed", () => (done += 1) === count && resolve());
  });
  // It rejects when the worker cannot go on.
  await Promise.race([all, worker.run().then(() => Promise.reject(new Error("the worker ended")))]);
}

function half(number) {
  return number % 2 ? { priority: 1 + (number % PRIORITIES) } : { delay: DELAY_MS };
}

const worker = new Worker("measured", async (job) => job.data.number, {
  connection,
  concurrency: AT_A_TIME,
  autorun: false,
});
worker.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
console.log("ready");
await once(process.stdin, "data");

if (mode === "add") await addOneByOne();
else await addInBulks(mode === "ranked" ? half : undefined);
const works = mode === "cycle" || mode === "ranked";
if (works) await workOff(worker);
console.log("done");

const state = works ? "completed" : "waiting";
const found = (await queue.getJobCounts(state))[state];
if (found !== count) {
  console.error(`${found} jobs are ${state}, not ${count}`);
  process.exit(1);
}
process.exit(0);
