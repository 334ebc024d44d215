// A worker in a process of its own, to be killed: node victim.mjs NAMESPACE

import { load } from "../shared/packages.mjs";
import { connection } from "../shared/story.mjs";
import { jobs } from "./jobs.mjs";

const { Worker } = load("node-resque");

const [namespace] = process.argv.slice(2);
const options = { connection: { ...connection, namespace }, queues: ["work"], timeout: 50 };
const worker = new Worker({ ...options, name: `victim:${process.pid}` }, jobs);
worker.on("error", (error) => {
  console.error(`victim: ${error.stack}`);
  process.exit(1);
});
await worker.connect();
await worker.start();
