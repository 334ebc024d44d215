// A load through ioredis that writes down what it asks and what it is answered, until the server
// goes. `node load.mjs PORT NAME HISTORY FIRST`: see compat/kill/__main__.py for the history.

import { openSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

// The packages lie in the cache of the checkout, not beside this file.
const require = createRequire(join(process.env.COMPAT_NODE, "package.json"));
const { Redis } = require("ioredis");
const [port, name, path, first] = process.argv.slice(2);
const history = openSync(path, "a");
const stream = `${name}:add`;

const client = new Redis({
  port: Number(port),
  host: "127.0.0.1",
  // Whatever has no answer by the end stays without one.
  retryStrategy: null,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
});
// What is lost with the connection is told by its request.
client.on("error", () => {});

// Asks for one step; its reply.
async function step(kind, number, request, subject = "", answer = () => "") {
  writeSync(history, `? ${kind} ${number} ${subject}\n`);
  const reply = await request();
  writeSync(history, `! ${kind} ${number} ${subject || answer(reply)}\n`);
  return reply;
}

function pair(number) {
  return client.multi().set(`${name}:pair:left`, number).set(`${name}:pair:right`, number).exec();
}

async function work(number) {
  const text = "x".repeat((number * 37) % 400);
  await step("add", number, () => client.xadd(stream, "*", "n", number, "text", text));
  await step("push", number, () => client.lpush(`${name}:push`, number));
  await step("set", number, () => client.set(`${name}:set`, number));
  await step("pair", number, () => pair(number));
  // The counter's number is its own, which only the reply tells.
  const count = Number((await client.get(`${name}:incr`)) ?? 0) + 1;
  await step("incr", count, () => client.incr(`${name}:incr`));
  const entryOf = (reply) => (reply ? reply[0][1][0][0] : "");
  const take = () => client.xreadgroup("GROUP", "g", "c", "COUNT", 1, "STREAMS", stream, ">");
  const entry = entryOf(await step("take", number, take, "", entryOf));
  if (entry && number % 4) {
    await step("ack", number, () => client.xack(stream, "g", entry), entry);
  }
  if (number % 100 === 0) {
    await client.xtrim(stream, "MAXLEN", 1000);
    await client.ltrim(`${name}:push`, 0, 999);
  }
}

try {
  for (let number = Number(first); ; number++) {
    await work(number);
  }
} catch (error) {
  // The kill ends the connection; an error that the server replied is another matter.
  if (error.name === "ReplyError") {
    throw error;
  }
  client.disconnect();
}
