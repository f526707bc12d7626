// usage: node casbin.mjs DIR SECONDS
// casbin with the same rules as (subject, action, object, condition, effect).
import { createRequire } from "node:module";
import { join } from "node:path";

import { measure, now, read } from "./measure.mjs";

const { newEnforcer } = createRequire(import.meta.url)("casbin");
const [dir, seconds] = process.argv.slice(2);
const requests = JSON.parse(read(dir, "requests.json"));
const entities = new Map(JSON.parse(read(dir, "entities.json")).map((e) => [`${e.uid.type}::${e.uid.id}`, e]));

const start = now();
const enforcer = await newEnforcer(join(dir, "casbin.conf"), join(dir, "casbin.csv"));
enforcer.addFunction("has", (a, b) => (b[0] === "." ? a.endsWith(b) : a.includes(b)));
enforcer.addFunction("starts", (a, b) => a.startsWith(b));
const load = (now() - start) / 1e6;

function side(uid) {
  const attrs = Object.entries(entities.get(`${uid.type}::${uid.id}`).attrs);
  return { id: uid.id, ...Object.fromEntries(attrs.map(([k, v]) => [k, v?.__entity ? v.__entity.id : v])) };
}
const calls = requests.map((q) => [side(q.principal), q.action.id, side(q.resource), q.context]);
measure("casbin 5.51.1", requests.map((q) => q.expect), Number(seconds), load, (i) => (enforcer.enforceSync(...calls[i]) ? "allow" : "deny"));
