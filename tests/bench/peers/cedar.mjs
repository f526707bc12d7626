// usage: node cedar.mjs preparsed|plain DIR SECONDS
// The official Cedar engine in WebAssembly. Each call brings the entities that
// the request touches, as its interface wants it; "plain" brings the policies
// too.
import { createRequire } from "node:module";

import { measure, now, read } from "./measure.mjs";

const cedar = createRequire(import.meta.url)("@cedar-policy/cedar-wasm/nodejs");
const [mode, dir, seconds] = process.argv.slice(2);
const staticPolicies = read(dir, "policies.cedar");
const requests = JSON.parse(read(dir, "requests.json"));
const entities = new Map(JSON.parse(read(dir, "entities.json")).map((e) => [`${e.uid.type}::${e.uid.id}`, e]));
const calls = requests.map(({ principal, action, resource, context, slice }) => ({ principal, action, resource, context, entities: slice.map((k) => entities.get(k)) }));

const start = now();
if (mode === "preparsed") {
  const set = cedar.preparsePolicySet("bench", { staticPolicies });
  if (set.type !== "success") throw new Error(JSON.stringify(set));
}
const load = mode === "preparsed" ? (now() - start) / 1e6 : 0;
const ask = mode === "preparsed"
  ? (q) => cedar.statefulIsAuthorized({ ...q, preparsedPolicySetId: "bench" })
  : (q) => cedar.isAuthorized({ ...q, policies: { staticPolicies } });
measure(`cedar-wasm 4.13.0, ${mode}`, requests.map((q) => q.expect), Number(seconds), load, (i) => ask(calls[i]).response?.decision);
