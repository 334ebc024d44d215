// A namespace of keys with its queue, workers and schedulers, which a case opens and closes as one.

import { load } from "../shared/packages.mjs";
import { finishedOf } from "../shared/runs.mjs";
import { connection } from "../shared/story.mjs";
import { jobs } from "./jobs.mjs";

const { MultiWorker, Queue, Scheduler, Worker } = load("node-resque");

// How often workers look for jobs, and schedulers for what is due, in milliseconds.
const LOOK_MS = 50;

export class Room {
  constructor(name) {
    this.name = name;
    this.opened = [];
    this.errors = [];
    this.connection = { ...connection, namespace: name.replaceAll(" ", "-") };
    this.workers = 0;
  }

  async keep(part) {
    part.on("error", (error) => this.errors.push(error));
    this.opened.push(part);
    if (!(part instanceof MultiWorker)) await part.connect();
    return part;
  }

  async open() {
    this.queue = await this.keep(new Queue({ connection: this.connection }, jobs));
  }

  async worker(...queues) {
    const name = `story:${process.pid}+${(this.workers += 1)}`;
    const options = { connection: this.connection, queues, name, timeout: LOOK_MS };
    const worker = await this.keep(new Worker(options, jobs));
    await worker.start();
    return worker;
  }

  async pool(most, ...queues) {
    const options = {
      connection: this.connection,
      queues,
      timeout: LOOK_MS,
      minTaskProcessors: 1,
      maxTaskProcessors: most,
      checkTimeout: LOOK_MS,
      name: `multi:${process.pid}`,
    };
    const workers = await this.keep(new MultiWorker(options, jobs));
    workers.start();
    return workers;
  }

  async scheduler(options = {}) {
    const name = `scheduler:${process.pid}+${this.opened.length}`;
    const all = { connection: this.connection, timeout: LOOK_MS, name, ...options };
    const scheduler = await this.keep(new Scheduler(all, jobs));
    await scheduler.start();
    return scheduler;
  }

  finished() {
    return finishedOf(this.name);
  }

  /** The library's own counters over all workers. */
  async counters() {
    const { processed, failed } = await this.queue.stats();
    return { processed: Number(processed ?? 0), failed: Number(failed ?? 0) };
  }

  async close() {
    // The queue last: it was opened first.
    for (const part of this.opened.reverse()) await part.end();
    if (this.errors.length) throw this.errors[0];
  }
}

/** Opens a room for the time of a case. */
export const inRoom = (tell) => async (name) => {
  const room = new Room(name);
  await room.open();
  const told = await tell(room);
  await room.close();
  return told;
};
