// The clients' story through ioredis, in both protocol versions.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";

// The packages lie in the cache of the checkout, not beside this file.
const require = createRequire(join(process.env.COMPAT_NODE, "package.json"));
const { Redis } = require("ioredis");
const port = Number(process.argv[2]);

function connect(protocol) {
  const client = new Redis({ port, host: "127.0.0.1", retryStrategy: null, protocol });
  client.on("error", (error) => {
    console.error(`ioredis: ${error}`);
    process.exit(1);
  });
  return client;
}

// Resolves once the server says that a client is blocked.
async function untilBlocked(observer) {
  while (!(await observer.info("clients")).includes("blocked_clients:1"));
}

const idsOf = (entries) => entries.map(([id]) => id);

async function streams(client, other) {
  for (let n = 1; n <= 5; n++) {
    assert.equal(await client.xadd("jobs", `${n}-1`, "kind", "mail", "n", n), `${n}-1`);
  }
  assert.equal(await client.xlen("jobs"), 5);
  assert.equal(await client.xgroup("CREATE", "jobs", "mailers", "0"), "OK");
  await assert.rejects(client.xgroup("CREATE", "jobs", "mailers", "0"), /BUSYGROUP/);
  const read = await client.xreadgroup("GROUP", "mailers", "one", "COUNT", 3, "STREAMS", "jobs", ">");
  assert.equal(read[0][0], "jobs");
  assert.deepEqual(idsOf(read[0][1]), ["1-1", "2-1", "3-1"]);
  assert.equal(await client.xack("jobs", "mailers", "1-1", "9-9"), 1);
  assert.deepEqual(await client.xpending("jobs", "mailers"), [2, "2-1", "3-1", [["one", "2"]]]);
  const rows = await client.xpending("jobs", "mailers", "-", "+", 10);
  assert.deepEqual(rows.map(([id, consumer, , count]) => [id, consumer, count]), [["2-1", "one", 1], ["3-1", "one", 1]]);
  assert.deepEqual(idsOf(await client.xclaim("jobs", "mailers", "two", 0, "2-1")), ["2-1"]);
  const [next, idle] = await client.xautoclaim("jobs", "mailers", "two", 0, "0-0");
  assert.deepEqual([next, idsOf(idle)], ["0-0", ["2-1", "3-1"]]);
  await client.xreadgroup("GROUP", "mailers", "one", "STREAMS", "jobs", ">");
  const waiting = other.xreadgroup("GROUP", "mailers", "one", "BLOCK", 0, "STREAMS", "jobs", ">");
  await untilBlocked(client);
  await client.xadd("jobs", "9-1", "late", "yes");
  assert.deepEqual((await waiting)[0][1], [["9-1", ["late", "yes"]]]);
}

async function lists(client, other) {
  assert.equal(await client.rpush("queue", "a", "b", "c"), 3);
  assert.deepEqual(await client.lpop("queue", 2), ["a", "b"]);
  assert.equal(await client.lmove("queue", "taken", "LEFT", "RIGHT"), "c");
  let waiting = other.blmove("queue", "taken", "LEFT", "RIGHT", 0);
  await untilBlocked(client);
  await client.lpush("queue", "d");
  assert.equal(await waiting, "d");
  waiting = other.blpop("x", "queue", 0);
  await untilBlocked(client);
  await client.lpush("queue", "e");
  assert.deepEqual(await waiting, ["queue", "e"]);
  assert.equal(await client.blpop("queue", 0.01), null);
  assert.deepEqual(await client.lrange("taken", 0, -1), ["c", "d"]);
}

async function transactions(client, other) {
  const replies = await client.multi().set("n", 1).incr("n").lpush("queue", "z").exec();
  assert.deepEqual(replies, [[null, "OK"], [null, 2], [null, 1]]);
  await client.watch("n");
  await other.incr("n");
  assert.equal(await client.multi().set("n", 100).exec(), null);
  assert.equal(await client.get("n"), "3");
  const pipeline = client.pipeline();
  for (let n = 0; n < 1000; n++) pipeline.rpush("many", n);
  assert.deepEqual((await pipeline.exec()).map(([, length]) => length).slice(-2), [999, 1000]);
  await client.set("text", "x");
  await assert.rejects(client.lpush("text", "y"), /WRONGTYPE Operation against a key/);
}

async function told(client, other) {
  await other.config("SET", "notify-keyspace-events", "KEA");
  const messages = [];
  client.on("message", (channel, text) => messages.push([channel, text]));
  client.on("pmessage", (pattern, channel, text) => messages.push([pattern, channel, text]));
  assert.equal(await client.subscribe("news"), 1);
  assert.equal(await client.psubscribe("__keyevent@0__:*"), 2);
  assert.equal(await other.publish("news", "hello"), 1);
  await other.set("told", 1);
  while (messages.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(messages, [
    ["news", "hello"],
    ["__keyevent@0__:*", "__keyevent@0__:set", "told"],
  ]);
  await other.config("SET", "notify-keyspace-events", "");
}

for (const protocol of [2, 3]) {
  const client = connect(protocol);
  const other = connect(protocol);
  await client.flushall();
  await streams(client, other);
  await lists(client, other);
  await transactions(client, other);
  await told(client, other);
  await client.quit();
  await other.quit();
}
console.log(`ioredis ${require("ioredis/package.json").version}: RESP2 and RESP3`);
