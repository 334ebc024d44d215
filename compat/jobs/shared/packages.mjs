// A library's packages lie in the cache of the checkout, not beside its story.

import { createRequire } from "node:module";
import { join } from "node:path";

const home = process.env.JOBS_CACHE;
export const load = createRequire(join(home, "package.json"));

/** The version of a package as it is installed. */
export function versionOf(name) {
  return load(join(home, "node_modules", name, "package.json")).version;
}
