// The work of a worker under test: asks the foreman how it ends.

import { once } from "node:events";
import { connect } from "node:net";

export async function handle(id, job) {
  const foreman = connect(Number(process.env.FOREMAN), "127.0.0.1");
  const fields = Object.entries(job).map(([name, value]) => `${name}=${value}`);
  foreman.write([process.env.WORKER, id, ...fields].join("\t") + "\n");
  const [verdict] = await once(foreman, "data");
  foreman.destroy();
  if (verdict.toString().trim() !== "ok") throw new Error(verdict.toString().trim());
}
