// Bull: bulk, delays, priorities, repetition, a rate limit, failures, a dead worker, upkeep, and its
// events by publish/subscribe.

import { tellStory } from "../shared/story.mjs";
import { retries, stalled, upkeep } from "./failures.mjs";
import { bulk, delayed, priorities, rateLimit, repeated } from "./turns.mjs";

await tellStory({
  bulk,
  delayed,
  priorities,
  repeated,
  "rate limit": rateLimit,
  retries,
  stalled,
  upkeep,
});
