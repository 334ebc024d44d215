// A queue as its users see it, and further ones of the same name for whoever works on it.

import { load } from "../shared/packages.mjs";
import { begunOf, finishedOf, performJob } from "../shared/runs.mjs";
import { connection } from "../shared/story.mjs";

const Bull = load("bull");

export class Room {
  /** The case's name is also the queue's. */
  constructor(name) {
    this.name = name;
    this.opened = [];
    this.errors = [];
    this.queue = this.another();
  }

  /** Another queue object: connections, settings and listeners of its own. */
  another(options = {}) {
    const queue = new Bull(this.name, { redis: connection, ...options });
    queue.on("error", (error) => this.errors.push(error));
    this.opened.push(queue);
    return queue;
  }

  /** A worker; `perform` may do something before a job's task, or something else. */
  worker(concurrency, options = {}, perform = (job) => this.run(job)) {
    const queue = this.another(options);
    // It lasts until the queue is closed, and its errors go to the listener.
    queue.process("*", concurrency, perform).catch((error) => this.errors.push(error));
    return queue;
  }

  run(job) {
    return performJob(this.name, job.id, job.data);
  }

  begun() {
    return begunOf(this.name);
  }

  finished() {
    return finishedOf(this.name);
  }

  /** Everything that listeners anywhere are told by publish/subscribe: lines "event job". */
  async listen(...events) {
    const queue = this.another();
    const told = [];
    for (const event of events) queue.on(`global:${event}`, (id) => told.push(`${event} ${id}`));
    await queue.isReady();
    return told;
  }

  async close() {
    for (const queue of this.opened) await queue.close();
    if (this.errors.length) throw this.errors[0];
  }
}

/** Opens a room for the time of a case. */
export const inRoom = (tell) => async (name) => {
  const room = new Room(name);
  await room.queue.isReady();
  const told = await tell(room);
  await room.close();
  return told;
};
