// The clients' story through node-redis, in both protocol versions.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";

// The packages lie in the cache of the checkout, not beside this file.
const require = createRequire(join(process.env.COMPAT_NODE, "package.json"));
const { createClient, WatchError } = require("redis");
const port = Number(process.argv[2]);

async function connect(RESP) {
  const client = createClient({ RESP, socket: { port, host: "127.0.0.1", reconnectStrategy: false } });
  client.on("error", (error) => {
    console.error(`node-redis: ${error}`);
    process.exit(1);
  });
  await client.connect();
  return client;
}

// Resolves once the server says that a client is blocked.
async function untilBlocked(observer) {
  while (!(await observer.info("clients")).includes("blocked_clients:1"));
}

async function streams(client, other) {
  for (let n = 1; n <= 5; n++) {
    assert.equal(await client.xAdd("jobs", `${n}-1`, { kind: "mail", n: String(n) }), `${n}-1`);
  }
  assert.equal(await client.xLen("jobs"), 5);
  assert.equal(await client.xGroupCreate("jobs", "mailers", "0"), "OK");
  await assert.rejects(client.xGroupCreate("jobs", "mailers", "0"), /^(Simple)?Error: BUSYGROUP/);
  const read = await client.xReadGroup("mailers", "one", { key: "jobs", id: ">" }, { COUNT: 3 });
  assert.deepEqual(read[0].messages.map((entry) => entry.id), ["1-1", "2-1", "3-1"]);
  assert.equal(read[0].messages[0].message.kind, "mail");
  assert.equal(await client.xAck("jobs", "mailers", ["1-1", "9-9"]), 1);
  assert.equal((await client.xPending("jobs", "mailers")).pending, 2);
  const rows = await client.xPendingRange("jobs", "mailers", "-", "+", 10);
  assert.deepEqual(rows.map((row) => row.deliveriesCounter), [1, 1]);
  const claimed = await client.xClaim("jobs", "mailers", "two", 0, "2-1");
  assert.deepEqual(claimed.map((entry) => entry.id), ["2-1"]);
  const idle = await client.xAutoClaim("jobs", "mailers", "two", 0, "0-0");
  assert.deepEqual(idle.messages.map((entry) => entry.id), ["2-1", "3-1"]);
  const [group] = await client.xInfoGroups("jobs");
  assert.deepEqual([group.lag, group["entries-read"], group.pending], [2, 3, 2]);
  await client.xReadGroup("mailers", "one", { key: "jobs", id: ">" });
  const waiting = other.xReadGroup("mailers", "one", { key: "jobs", id: ">" }, { BLOCK: 0 });
  await untilBlocked(client);
  await client.xAdd("jobs", "9-1", { late: "yes" });
  assert.deepEqual((await waiting)[0].messages.map((entry) => entry.id), ["9-1"]);
}

async function lists(client, other) {
  assert.equal(await client.rPush("queue", ["a", "b", "c"]), 3);
  assert.deepEqual(await client.lPopCount("queue", 2), ["a", "b"]);
  assert.equal(await client.lMove("queue", "taken", "LEFT", "RIGHT"), "c");
  let waiting = other.blMove("queue", "taken", "LEFT", "RIGHT", 0);
  await untilBlocked(client);
  await client.lPush("queue", "d");
  assert.equal(await waiting, "d");
  waiting = other.blPop(["x", "queue"], 0);
  await untilBlocked(client);
  await client.lPush("queue", "e");
  assert.deepEqual({ ...(await waiting) }, { key: "queue", element: "e" });
  assert.equal(await client.blPop("queue", 0.01), null);
  assert.deepEqual(await client.lRange("taken", 0, -1), ["c", "d"]);
}

async function transactions(client, other) {
  const replies = await client.multi().set("n", "1").incr("n").lPush("queue", "z").exec();
  assert.deepEqual([...replies], ["OK", 2, 1]);
  await client.watch("n");
  await other.incr("n");
  await assert.rejects(client.multi().set("n", "100").exec(), WatchError);
  assert.equal(await client.get("n"), "3");
  const sent = Array.from({ length: 1000 }, (_, n) => client.rPush("many", String(n)));
  assert.deepEqual(await Promise.all(sent), sent.map((_, n) => n + 1));
  await client.set("text", "x");
  await assert.rejects(client.lPush("text", "y"), /WRONGTYPE Operation against a key/);
}

async function told(client, other) {
  await other.configSet("notify-keyspace-events", "KEA");
  const messages = [];
  await client.subscribe("news", (text, channel) => messages.push([channel, text]));
  await client.pSubscribe("__keyevent@0__:*", (text, channel) => messages.push([channel, text]));
  assert.equal(await other.publish("news", "hello"), 1);
  await other.set("told", "1");
  while (messages.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(messages, [["news", "hello"], ["__keyevent@0__:set", "told"]]);
  await other.configSet("notify-keyspace-events", "");
  await client.unsubscribe();
  await client.pUnsubscribe();
}

for (const RESP of [2, 3]) {
  const client = await connect(RESP);
  const other = await connect(RESP);
  await client.flushAll();
  await streams(client, other);
  await lists(client, other);
  await transactions(client, other);
  await told(client, other);
  await client.close();
  await other.close();
}
console.log(`node-redis ${require("redis/package.json").version}: RESP2 and RESP3`);
