// What the workers can do, by class. A job's arguments are its case, its name, and its task.

import { load } from "../shared/packages.mjs";
import { performJob } from "../shared/runs.mjs";

const { Plugins } = load("node-resque");

// How often jobs of the classes that fail on purpose have been tried, in this process.
const tries = new Map();
export let mended = false;

/** From now on the class `broken` works. */
export function mend() {
  mended = true;
}

export function triesOf(job) {
  return tries.get(job) ?? 0;
}

// How many of the class `oneAtATime` are being worked on, and the most there ever were.
export const atOnce = { now: 0, most: 0 };

const work = { perform: performJob };

export const jobs = {
  work,
  broken: {
    perform(name, job, task) {
      if (!mended) throw new Error("broken on purpose");
      return performJob(name, job, task);
    },
  },
  thirdTime: {
    plugins: [Plugins.Retry],
    pluginOptions: { Retry: { retryLimit: 3, backoffStrategy: [1000, 1000] } },
    perform(name, job, task) {
      tries.set(job, triesOf(job) + 1);
      if (triesOf(job) < 3) throw new Error("not yet");
      return performJob(name, job, task);
    },
  },
  hopeless: {
    plugins: [Plugins.Retry],
    pluginOptions: { Retry: { retryLimit: 2, retryDelay: 1000 } },
    perform(_name, job) {
      tries.set(job, triesOf(job) + 1);
      throw new Error("broken on purpose");
    },
  },
  onceInQueue: { ...work, plugins: [Plugins.QueueLock] },
  onceInDelay: { ...work, plugins: [Plugins.DelayQueueLock] },
  oneAtATime: {
    plugins: [Plugins.JobLock],
    pluginOptions: { JobLock: { enqueueTimeout: 1000 } },
    async perform(...words) {
      atOnce.now += 1;
      atOnce.most = Math.max(atOnce.most, atOnce.now);
      await performJob(...words);
      atOnce.now -= 1;
    },
  },
};
