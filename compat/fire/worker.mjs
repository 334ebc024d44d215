// A worker through ioredis that writes down what it asks, what it is given and what it does with it.
//
//   node worker.mjs HISTORY ORDERS      (compat/fire/README.md has both)

import { openSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

// The packages lie in the cache of the checkout, not beside this file.
const require = createRequire(join(process.env.COMPAT_NODE, "package.json"));
const { Redis } = require("ioredis");
const history = openSync(process.argv[2], "a");
const orders = JSON.parse(process.argv[3]);
const { stream, group, name, lease } = orders;

const client = new Redis({
  port: orders.port,
  host: "127.0.0.1",
  // Whatever has no answer when the server goes stays without one.
  retryStrategy: () => 10,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
});
client.on("error", () => {});

// mulberry32: the seed is given, so Math.random() does not do.
let state = orders.seed >>> 0;
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let word = Math.imul(state ^ (state >>> 15), 1 | state);
  word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
  return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
}
const between = (low, high) => low + Math.floor(random() * (high - low + 1));

function pick(weights) {
  let left = random() * Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  for (const [word, weight] of Object.entries(weights)) {
    left -= weight;
    if (left < 0) return word;
  }
  return Object.keys(weights)[0];
}

class Gone extends Error {}

// One write for each line, and before anything is done about it: a kill cannot undo it.
// The clock is the one that all others read, in whole ms: down when something is asked, up for all else.
// performance.timeOrigin has µs and is tens of ms off in a process that is started under load (1 of 300).
function note(number, sort, ...words) {
  const nowUs = (Date.now() + (sort === "?" ? 0 : 1)) * 1000;
  writeSync(history, `${JSON.stringify([nowUs, number, sort, ...words])}\n`);
}

let asked = 0;
async function ask(request, ...words) {
  const number = (asked += 1);
  note(number, "?", ...words);
  let reply;
  try {
    reply = await request();
  } catch (error) {
    if (error.name === "ReplyError" && !error.message.startsWith("LOADING")) throw error;
    note(number, "-");
    throw new Gone();
  }
  note(number, "!", reply);
  return reply;
}

// What the history keeps of entries; those that were deleted meanwhile have no fields.
function taken(entries) {
  const field = (fields, wanted) => fields[fields.indexOf(wanted) + 1];
  const live = (entries ?? []).filter((entry) => entry && entry[1]);
  return live.map(([id, fields]) => [id, field(fields, "job"), field(fields, "key")]);
}

function read(how) {
  const count = between(1, orders.count);
  // The other ways to claim are the Python workers'.
  if (how === "auto" || how === "claim" || how === "take over") {
    const idle = Math.floor(lease / 2);
    const claim = async () =>
      taken((await client.xautoclaim(stream, group, name, idle, "0-0", "COUNT", count))[1]);
    return ask(claim, "read", "auto", count, idle);
  }
  const block = how === "block" ? between(20, 80) : 0;
  const waiting = block ? ["BLOCK", block] : [];
  const start = how === "recall" ? "0" : ">";
  const request = async () =>
    taken(
      (await client.xreadgroup("GROUP", group, name, "COUNT", count, ...waiting, "STREAMS", stream, start))
        ?.[0][1],
    );
  return ask(request, "read", how, count, block);
}

const acknowledge = (entry) => ask(() => client.xack(stream, group, entry), "ack", entry);

function nack(mode, entry, { delay = null, mine = false } = {}) {
  const words = [stream, group, mode, "IDS", 1, entry];
  if (delay !== null) words.push("DELAY", delay);
  if (mine) words.push("CONSUMER", name);
  return ask(() => client.call("XNACK", ...words), "nack", mode, entry, delay ?? -1);
}

const touch = (entry) =>
  ask(async () => (await client.xclaim(stream, group, name, 0, entry, "JUSTID")).length, "touch", entry);

// One entry, by what the dice say becomes of it.
const fates = {
  succeed: acknowledge,
  fail: (entry) => nack("FAIL", entry, { mine: random() < 0.3 }),
  later: (entry) => nack("FAIL", entry, { delay: between(20, 300) }),
  silent: (entry) => nack("SILENT", entry, { delay: random() < 0.5 ? between(20, 200) : null }),
  fatal: (entry) => nack("FATAL", entry),
  hang: async (entry) => {
    await pause(lease * (1.1 + random() / 2));
    await acknowledge(entry);
  },
  touch: async (entry) => {
    await pause(lease * 0.6);
    if (!(await touch(entry))) return;
    await pause(lease * 0.6);
    await acknowledge(entry);
  },
  vanish: () => process.kill(process.pid, "SIGKILL"),
};

async function work(entry) {
  const fate = fates[pick(orders.fates)];
  await pause(random() * orders.work);
  await fate(entry);
}

async function awaitServer() {
  for (;;) {
    try {
      return await client.ping();
    } catch {
      await pause(10);
    }
  }
}

let recall = orders.recall;
await awaitServer();
for (;;) {
  try {
    const how = recall ? "recall" : pick(orders.reads);
    const entries = await read(how);
    recall = false;
    for (const [entry] of entries) await work(entry);
    if (entries.length === 0 && how !== "block") await pause(1 + random() * 14);
  } catch (error) {
    if (!(error instanceof Gone)) {
      note(asked, "oops", String(error));
      throw error;
    }
    await awaitServer();
  }
}
