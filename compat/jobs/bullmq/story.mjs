// BullMQ: bulk, delays, priorities, schedulers, a rate limit, flows, failures, dead workers, events,
// deduplication, and what an operator does.

import { tellStory } from "../shared/story.mjs";
import { bulk } from "./bulk.mjs";
import { deduplication, eventStream } from "./events.mjs";
import { retries, stalled, stalledTwice } from "./failures.mjs";
import { brokenFlows, flows } from "./flows.mjs";
import { delayed, priorities, rateLimit, schedulers } from "./time.mjs";
import { globalConcurrency, nodeRedis, upkeep } from "./upkeep.mjs";

await tellStory({
  bulk,
  delayed,
  priorities,
  schedulers,
  "rate limit": rateLimit,
  flows,
  "broken flows": brokenFlows,
  retries,
  stalled,
  "stalled twice": stalledTwice,
  events: eventStream,
  deduplication,
  upkeep,
  "global limit": globalConcurrency,
  "node-redis": nodeRedis,
});
