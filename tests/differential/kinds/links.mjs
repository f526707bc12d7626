// Static policies, templates and links, given as text, as JSON or half and
// half; decisions, and who made them.
import { policy as randomPolicy } from "../lib/expr.mjs";
import { call, why } from "../lib/theirs.mjs";
import { printPolicy } from "../lib/tree.mjs";
import * as U from "../lib/universe.mjs";
import { bare, compare as compareSets, summary } from "./sets.mjs";

const J = JSON.stringify;
const NAMES = ["a", "b", "policy0", "x y", "é", "", "link"];

function template(r, es) {
  const p = randomPolicy(r, es, r.pick(["permit", "forbid"]), 2);
  for (const name of ["principal", "resource"]) {
    if (!r.chance(60)) continue;
    const op = r.pick(["==", "in", "isin"]);
    p[name] = { op, t: r.pick(U.TYPES.slice(0, 3)), e: { k: "slot", n: name } };
  }
  if (!slots(p).length) p.principal = { op: "==", e: { k: "slot", n: "principal" } };
  return p;
}

const slots = (p) => ["principal", "resource"].filter((n) => p[n].e?.k === "slot");

export function generate(r) {
  const es = U.entities(r, r.between(2, 5));
  const near = () => (r.chance(75) ? r.pick(es).uid : U.uid(r));
  const statics = Array.from({ length: r.below(4) }, (_, i) => ({ id: `s${i}`, p: randomPolicy(r, es, r.pick(["permit", "permit", "forbid"]), 2) }));
  const templates = Array.from({ length: r.between(1, 3) }, (_, i) => ({ id: r.chance(80) ? `t${i}` : r.pick(NAMES) + i, p: template(r, es) }));
  const links = Array.from({ length: r.between(1, 8) }, (_, i) => {
    const t = r.pick(templates);
    let give = slots(t.p);
    if (r.chance(2)) give = r.some(["principal", "resource"], 50);
    return {
      t: r.chance(1) ? "nowhere" : t.id, id: r.chance(2) ? r.pick(["s0", "t0", "l0"]) : r.chance(5) ? r.pick(NAMES) + String(i) : `l${i}`,
      values: give.map((n) => [n, near()]),
    };
  });
  return { statics, templates, links, entities: es, requests: Array.from({ length: r.between(2, 6) }, () => U.request(r, es)), api: r.chance(50) };
}

const shown = ({ p }) => printPolicy(p);
const requests = (c) => c.requests.map((q) => ({ p: [q.p.t, q.p.i], a: [q.a.t, q.a.i], r: [q.r.t, q.r.i], c: U.contextJson(q.c) }));
const byId = (list, f) => `{${list.map((x) => `${J(x.id)}:${f(x)}`).join(",")}}`;
const linkJson = (l) => call({ templateId: J(l.t), newId: J(l.id), values: call(Object.fromEntries(l.values.map(([n, u]) => [`?${n}`, U.uidJson(u, false)]))) });

// The set as the official interface takes it: policies as text, links beside.
const theirSet = (c) => call({ staticPolicies: byId(c.statics, (x) => J(shown(x))), templates: byId(c.templates, (x) => J(shown(x))), templateLinks: `[${c.links.map(linkJson).join(",")}]` });

// Ours: the JSON set with every policy in JSON, as the official engine writes
// it; or all in one text (so ids are by place) with the links through the API.
function setJson(engine, c) {
  const json = (fn) => (x) => {
    const a = engine.json(fn, shown(x));
    if (!a.ok) throw new Error(a.text);
    return a.json;
  };
  return call({ staticPolicies: byId(c.statics, json("policyToJson")), templates: byId(c.templates, json("templateToJson")), templateLinks: `[${c.links.map(linkJson).join(",")}]` });
}

export function prepare(engine, c) {
  const slotless = c.templates.some((t) => slots(t.p).length === 0);
  c.json = c.api || slotless ? undefined : setJson(engine, c);
}

function byPlace(c) {
  const all = [...c.statics, ...c.templates];
  const id = Object.fromEntries(all.map((x, i) => [x.id, `policy${i}`]));
  return { text: all.map(shown).join(""), id };
}

export function oursRequest(c) {
  const base = { op: "authorize", entities: U.entitiesJson(c.entities), requests: requests(c) };
  if (c.json) return { ...base, policies: { json: c.json } };
  const { text, id } = byPlace(c);
  const links = c.links.map((l) => ({ t: id[l.t] ?? l.t, id: id[l.id] ?? l.id, ...Object.fromEntries(l.values.map(([n, u]) => [n[0], [u.t, u.i]])) }));
  return { ...base, policies: { text, links } };
}

export function theirs(engine, c) {
  const a = engine.call("checkParsePolicySet", theirSet(c));
  if (a.type !== "success") return { ok: false, text: why(a) };
  const { id } = byPlace(c);
  const named = (x) => (c.json ? x : id[x] ?? x);
  const set = JSON.parse(theirSet(c));
  engine.plain("preparsePolicySet", "s", set);
  const entities = U.entitiesJson(c.entities);
  return {
    ok: true,
    answers: requests(c).map((q) => {
      const s = summary(engine.call("statefulIsAuthorized", call({ principal: bare(q.p), action: bare(q.a), resource: bare(q.r), context: q.c, preparsedPolicySetId: '"s"', entities })));
      return s.ok === false ? s : { d: s.d, r: s.r.map(named).sort(), e: s.e.map(named).sort() };
    }),
  };
}

export const compare = (c, us, them) => compareSets({ ...c, policies: [...c.statics, ...c.links] }, us, them);

export const show = (c) => ({ ...byPlace(c), json: c.json, links: c.links, entities: U.entitiesJson(c.entities), requests: requests(c) });
