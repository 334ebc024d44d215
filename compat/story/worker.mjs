// The Node worker of the story: node-redis and sharp.
//
//   node worker.mjs stream|list PORT NAME FOLDER

import { rename } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join } from "node:path";

// The packages lie in the cache of the checkout, not beside this file.
const require = createRequire(join(process.env.COMPAT_NODE, "package.json"));
const { createClient } = require("redis");
const sharp = require("sharp");

const STREAM = "jobs";
const GROUP = "thumbnailers";
const QUEUE = "queue";
const WORKERS = "workers";
const REPORTS = "reports";
const SIDE_MAX = 128;
const BATCH = 4;
const BLOCK_MS = 200;
const IDLE_MIN_MS = 1500;
const ALIVE_MS = 1500;

// Written beside its final place first: a thumbnail is there whole or not at all.
async function makeThumbnail(picture, folder, name) {
  const stem = basename(picture);
  const partial = join(folder, "partial", `${stem}.${name}`);
  const size = { width: SIDE_MAX, height: SIDE_MAX, fit: "inside", withoutEnlargement: true };
  await sharp(picture).resize(size).png().toFile(partial);
  await rename(partial, join(folder, `${stem}.png`));
}

// Reads new jobs, and takes over those of workers that were silent for too long.
async function workOnStream(client, name, folder) {
  for (;;) {
    const from = [{ key: STREAM, id: ">" }];
    const reply = await client.xReadGroup(GROUP, name, from, { COUNT: BATCH, BLOCK: BLOCK_MS });
    let entries = reply?.[0]?.messages ?? [];
    let reclaimed = 0;
    if (!reply) {
      const claim = await client.xAutoClaim(STREAM, GROUP, name, IDLE_MIN_MS, "0-0", { COUNT: BATCH });
      entries = claim.messages.filter((entry) => entry !== null);
      reclaimed = 1;
    }
    if (entries.length === 0) continue;
    await client.lPush(REPORTS, `took|${name}|${entries.length}|${reclaimed}`);
    for (const { id, message } of entries) {
      await makeThumbnail(message.picture, folder, name);
      await client
        .multi()
        .xAck(STREAM, GROUP, id)
        .lPush(REPORTS, `done|${name}|${message.picture}|${reclaimed}`)
        .exec();
    }
  }
}

// Moves a job to a list of its own while it works; gives jobs of dead workers back.
async function workOnList(client, name, folder) {
  const mine = `processing:${name}`;
  await client.rPush(WORKERS, name);
  for (;;) {
    await client.set(`alive:${name}`, "1", { PX: ALIVE_MS });
    const picture = await client.blMove(QUEUE, mine, "RIGHT", "LEFT", BLOCK_MS / 1000);
    if (picture === null) {
      await giveBack(client);
      continue;
    }
    await client.lPush(REPORTS, `took|${name}|1|0`);
    await makeThumbnail(picture, folder, name);
    await client.multi().lRem(mine, 1, picture).lPush(REPORTS, `done|${name}|${picture}|0`).exec();
  }
}

async function giveBack(client) {
  for (const other of await client.lRange(WORKERS, 0, -1)) {
    if (await client.exists(`alive:${other}`)) continue;
    while (await client.lMove(`processing:${other}`, QUEUE, "RIGHT", "LEFT")) {
      await client.lPush(REPORTS, `back|${other}|1|1`);
    }
  }
}

const [mode, port, name, folder] = process.argv.slice(2);
const client = createClient({ socket: { port: Number(port), host: "127.0.0.1" } });
client.on("error", (error) => {
  console.error(`worker ${name}: ${error}`);
  process.exit(1);
});
await client.connect();
await client.lPush(REPORTS, `ready|${name}|${await client.clientId()}|0`);
await (mode === "stream" ? workOnStream : workOnList)(client, name, folder);
