// What the jobs do: digest a file, make a thumbnail, render an invoice; and, where a task has to last
// long enough to be killed in, pack a whole folder. Each gives the same result every time, so whoever
// added a job can tell whether the worker did it.

import { createHash } from "node:crypto";
import { createReadStream, readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

import { load } from "./packages.mjs";

const sharp = load("sharp");
const handlebars = load("handlebars");

const PICTURE_BYTES_MAX = 120_000;
const SIDE = 64;
const INVOICE_LINES = 40;

const invoice = handlebars.compile(
  `Invoice {{number}}
{{#each lines}}{{count}} x {{name}} at {{price}}{{#if gift}} (gift){{/if}}
{{/each}}`,
);

const folder = process.env.JOBS_PICTURES;
const files = readdirSync(folder)
  .map((name) => join(folder, name))
  .filter((path) => statSync(path).isFile())
  .sort();
const pictures = files.filter(
  (path) => /\.(png|jpe?g)$/i.test(path) && statSync(path).size < PICTURE_BYTES_MAX,
);
if (pictures.length < 3) throw new Error(`only ${pictures.length} small pictures in ${folder}`);

const digest = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function digestFile(path) {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return { sha256: hash.digest("hex") };
}

async function makeThumbnail(path) {
  const size = { width: SIDE, height: SIDE, fit: "inside" };
  const { data, info } = await sharp(path).resize(size).png().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, sha256: digest(data) };
}

function renderInvoice(number) {
  const lines = Array.from({ length: INVOICE_LINES }, (_, line) => ({
    count: ((number + line) % 7) + 1,
    name: `article ${(number * 31 + line * 17) % 1000} <&> "quoted"`,
    price: ((number * line) % 10_000) / 100,
    gift: (number + line) % 5 === 0,
  }));
  const text = invoice({ number, lines });
  return { bytes: Buffer.byteLength(text), sha256: digest(text) };
}

async function packFolder() {
  const hash = createHash("sha256");
  for (const path of files) hash.update(await promisify(gzip)(await readFile(path)));
  return { files: files.length, sha256: hash.digest("hex") };
}

/** Does what a task says. */
export async function perform(task) {
  switch (task.kind) {
    case "digest":
      return digestFile(task.subject);
    case "thumbnail":
      return makeThumbnail(task.subject);
    case "invoice":
      return renderInvoice(task.subject);
    case "pack":
      return packFolder();
    default:
      throw new Error(`no work of kind ${task.kind}`);
  }
}

/** The task of a number; the kinds take turns. */
export function taskOf(number) {
  switch (number % 3) {
    case 0:
      return { kind: "digest", subject: files[number % files.length] };
    case 1:
      return { kind: "thumbnail", subject: pictures[number % pictures.length] };
    default:
      return { kind: "invoice", subject: number };
  }
}

/** A task of a good part of a second. */
export const LONG_TASK = { kind: "pack", subject: "all files" };

const results = new Map();

/** What a task gives when it is done here, without any queue. */
export async function resultOf(task) {
  const name = `${task.kind} ${task.subject}`;
  if (!results.has(name)) results.set(name, await perform(task));
  return results.get(name);
}
