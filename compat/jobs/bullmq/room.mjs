// A queue with its workers and listeners, which a case opens and closes as one.

import { EventEmitter } from "node:events";

import { load } from "../shared/packages.mjs";
import { begunOf, finishedOf, performJob } from "../shared/runs.mjs";
import { connection } from "../shared/story.mjs";

export const { FlowProducer, Job, Queue, QueueEvents, UnrecoverableError, Worker } = load("bullmq");
const { Redis } = load("ioredis");

export class Room {
  /** The case's name is also the queue's. */
  constructor(name) {
    this.name = name;
    this.opened = [];
    this.errors = [];
    this.queue = this.keep(new Queue(name, { connection }));
  }

  keep(part) {
    // Without a listener an error of a connection would end the process without a word of the case.
    if (part instanceof EventEmitter) part.on("error", (error) => this.errors.push(error));
    this.opened.push(part);
    return part;
  }

  /** A worker that does each job's task; `perform` may do something before that, or something else. */
  worker(options = {}, perform = (job) => this.run(job)) {
    return this.keep(new Worker(this.name, perform, { connection, ...options }));
  }

  run(job) {
    return performJob(this.name, job.id, job.data);
  }

  begun() {
    return begunOf(this.name);
  }

  /** The ids of the jobs that were finished, in that order. */
  finished() {
    return finishedOf(this.name);
  }

  /** A listener that hears of everything that ever happened in the queue. */
  events(options = {}) {
    return this.keep(new QueueEvents(this.name, { connection, lastEventId: "0-0", ...options }));
  }

  flows() {
    return this.keep(new FlowProducer({ connection }));
  }

  counts(...states) {
    return this.queue.getJobCounts(...states);
  }

  /** Asks the server itself about one of the queue's keys. */
  async ask(question) {
    const client = new Redis(connection);
    try {
      return await question(client);
    } finally {
      client.disconnect();
    }
  }

  async close() {
    for (const part of this.opened.reverse()) await part.close();
    if (this.errors.length) throw this.errors[0];
  }
}

/** Opens a room for the time of a case. */
export const inRoom = (tell) => async (name) => {
  const room = new Room(name);
  const told = await tell(room);
  await room.close();
  return told;
};
