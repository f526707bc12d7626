// Random schemas, written in either syntax, and what follows from them: paths,
// values, entities and requests that fit (or nearly).
import { isIdent, quote } from "./tree.mjs";
import * as U from "./universe.mjs";

const J = JSON.stringify;
const EXTS = ["ipaddr", "decimal", "datetime", "duration"];
const ATTRS = ["n", "m", "s", "b", "u", "r", "x y", "set", "ip", "when", "d"];

// Types: {k:"Long"|"String"|"Bool"} {k:"ext",n} {k:"Set",of} {k:"Record",fs:[{n,t,opt}]}
//        {k:"entity",n} {k:"common",n}
function type(r, s, depth, commons = s.commonNames) {
  const kind = r.weighted({ Long: 5, String: 5, Bool: 3, ext: 4, entity: 5, Set: depth > 0 ? 4 : 0, Record: depth > 0 ? 4 : 0, common: commons.length ? 3 : 0, odd: s.damage ? 1 : 0 });
  switch (kind) {
    case "ext": return { k: "ext", n: r.pick(EXTS) };
    case "entity": return { k: "entity", n: r.pick(s.entityNames) };
    case "Set": return { k: "Set", of: type(r, s, depth - 1, commons) };
    case "Record": return record(r, s, depth - 1, commons);
    case "common": return { k: "common", n: r.pick(commons) };
    case "odd": return { k: r.pick(["entity", "common"]), n: r.pick(["Nope", "NS::Nope", "__cedar::Long", "__cedar::ipaddr", "Entity", "Record", "Set", "Boolean", "NS::User", "Action", "N1::T"]) };
    default: return { k: kind };
  }
}

function record(r, s, depth, commons) {
  return { k: "Record", fs: r.some(ATTRS, 38).map((n) => ({ n, t: type(r, s, depth, commons), opt: r.chance(35) })) };
}

export function schema(r, damagePercent = 10) {
  const s = { damage: r.chance(damagePercent) };
  const names = ["User", "Team", "Doc", ...(r.chance(60) ? ["NS::File", "NS::Person"] : []), ...(r.chance(30) ? ["A::B::C"] : [])];
  s.entityNames = names;
  s.commonNames = [];
  s.commons = [];
  for (const n of r.some(["Addr", "Info", "NS::T"], 35)) {
    s.commons.push({ n, t: r.chance(60) ? record(r, s, 1, s.commonNames) : type(r, s, 1) });
    s.commonNames.push(n);
  }
  s.entities = names.map((n) => {
    if (r.chance(12)) return { n, choices: r.some(["a", "b", "c", "x y"], 60).concat(["z"]), parents: [], attrs: [] };
    return {
      n, parents: r.some(names, 25), attrs: record(r, s, 2, s.commonNames).fs, tags: r.chance(35) ? type(r, s, 1) : undefined,
      shape: s.commonNames.length && r.chance(6) ? r.pick(s.commonNames) : undefined, plain: r.chance(30),
    };
  });
  const actions = r.some(["view", "edit", "all", "share now", "NS::go"], 55);
  if (!actions.length) actions.push("view");
  s.actions = actions.map((n, at) => {
    const ns = n.includes("::") ? "NS" : "";
    const rest = actions.slice(at + 1).filter((m) => s.damage || !m.includes("::") || ns === "NS");
    const a = { ns, id: n.replace("NS::", ""), parents: r.some(rest, 30).map((m) => ({ ns: m.includes("::") ? "NS" : "", id: m.replace("NS::", "") })) };
    if (r.chance(85)) {
      const some = () => { const l = r.some(names, 35); return l.length || (s.damage && r.chance(50)) ? l : [r.pick(names)]; };
      a.applies = { principal: some(), resource: some(), context: r.chance(25) ? undefined : record(r, s, 2, s.commonNames) };
    }
    return a;
  });
  if (s.damage) damage(r, s);
  s.namespaces = [...new Set([...names, ...s.commonNames].map(spaceOf).concat(s.actions.map((a) => a.ns)))].sort();
  return s;
}

function damage(r, s) {
  switch (r.below(8)) {
    case 0: s.entities.push(structuredClone(r.pick(s.entities))); break;
    case 1: s.actions.push(structuredClone(r.pick(s.actions))); break;
    case 2: { const a = r.pick(s.actions); a.parents.push({ ns: a.ns, id: a.id }); break; }
    case 3: s.commons.push({ n: r.pick(["Loop", "User", "NS::Doc", "NS::User", "Long", "String", "Set", "Record", "ipaddr", "NS::String", "Bool", "Entity"]), t: { k: "Long" } }); break;
    case 4: s.commons.push({ n: "Loop", t: { k: "Set", of: { k: "common", n: "Loop" } } }); break;
    case 5: r.pick(s.entities).parents.push(r.pick(["Nope", "Action", "Long", "NS::Team"])); break;
    case 6: r.pick(s.actions).parents.push({ ns: "", id: "nope" }); break;
    default: break;
  }
}

export const spaceOf = (n) => n.split("::").slice(0, -1).join("::");
export const baseOf = (n) => n.split("::").at(-1);
const key = (n) => (isIdent(n) ? n : quote(n));

const fieldsText = (fs) => `{${fs.map((f) => `${key(f.n)}${f.opt ? "?" : ""}: ${typeText(f.t)}`).join(", ")}}`;

function typeText(t) {
  switch (t.k) {
    case "ext": return t.n;
    case "Set": return `Set<${typeText(t.of)}>`;
    case "Record": return fieldsText(t.fs);
    case "entity": case "common": return t.n;
    default: return t.k;
  }
}

const inText = (l) => (l.length ? ` in ${l.length === 1 ? l[0] : `[${l.join(", ")}]`}` : "");
const actionRef = (a, from) => (a.ns === from ? key(a.id) : `${a.ns ? `${a.ns}::` : ""}Action::${quote(a.id)}`);

// A common type as a shape can only be said in JSON.
function entityText(s, e) {
  if (e.choices) return `entity ${baseOf(e.n)} enum [${e.choices.map(quote).join(", ")}];\n`;
  const fs = attrsOf(s, e);
  const shape = fs.length ? `${e.plain ? " " : " = "}${fieldsText(fs)}` : "";
  return `entity ${baseOf(e.n)}${inText(e.parents)}${shape}${e.tags ? ` tags ${typeText(e.tags)}` : ""};\n`;
}

function actionText(a) {
  const ap = a.applies;
  const context = ap?.context ? `, context: ${fieldsText(ap.context.fs)}` : "";
  const applies = ap ? ` appliesTo { principal: [${ap.principal.join(", ")}], resource: [${ap.resource.join(", ")}]${context} }` : "";
  const parents = a.parents.map((p) => actionRef(p, a.ns));
  return `action ${key(a.id)}${parents.length ? ` in [${parents.join(", ")}]` : ""}${applies};\n`;
}

export function schemaText(s) {
  return s.namespaces.map((ns) => {
    const body = [
      ...s.commons.filter((c) => spaceOf(c.n) === ns).map((c) => `type ${baseOf(c.n)} = ${typeText(c.t)};\n`),
      ...s.entities.filter((e) => spaceOf(e.n) === ns).map((e) => entityText(s, e)),
      ...s.actions.filter((a) => a.ns === ns).map(actionText),
    ].join("");
    return ns === "" ? body : `namespace ${ns} {\n${body}}\n`;
  }).join("");
}

const obj = (pairs) => `{${pairs.filter(([, v]) => v !== undefined).map(([k, v]) => `${J(k)}:${v}`).join(",")}}`;
const fieldsJson = (fs) => obj(fs.map((f) => [f.n, obj([...typePairs(f.t), ...(f.opt ? [["required", "false"]] : [])])]));

function typePairs(t) {
  switch (t.k) {
    case "ext": return [["type", '"Extension"'], ["name", J(t.n)]];
    case "Set": return [["type", '"Set"'], ["element", obj(typePairs(t.of))]];
    case "Record": return [["type", '"Record"'], ["attributes", fieldsJson(t.fs)]];
    case "entity": return t.n.length % 2 ? [["type", '"Entity"'], ["name", J(t.n)]] : [["type", '"EntityOrCommon"'], ["name", J(t.n)]];
    case "common": return t.n.length % 2 ? [["type", '"EntityOrCommon"'], ["name", J(t.n)]] : [["type", J(t.n)]];
    case "Bool": return [["type", '"Boolean"']];
    default: return [["type", J(t.k)]];
  }
}

const typeJson = (t) => obj(typePairs(t));

function entityJson(e) {
  if (e.choices) return obj([["enum", J(e.choices)]]);
  const shape = e.shape ? obj([["type", J(e.shape)]]) : e.attrs.length || e.plain ? obj([["type", '"Record"'], ["attributes", fieldsJson(e.attrs)]]) : undefined;
  return obj([["memberOfTypes", e.parents.length ? J(e.parents) : undefined], ["shape", shape], ["tags", e.tags && typeJson(e.tags)]]);
}

function actionJson(a) {
  const ap = a.applies;
  const parents = a.parents.map((p) => obj([["id", J(p.id)], ["type", p.ns === a.ns ? undefined : J(p.ns ? `${p.ns}::Action` : "Action")]]));
  return obj([
    ["memberOf", parents.length ? `[${parents.join(",")}]` : undefined],
    ["appliesTo", ap && obj([["principalTypes", J(ap.principal)], ["resourceTypes", J(ap.resource)], ["context", ap.context && typeJson(ap.context)]])],
  ]);
}

export function schemaJson(s) {
  return obj(s.namespaces.map((ns) => {
    const commons = s.commons.filter((c) => spaceOf(c.n) === ns).map((c) => [baseOf(c.n), typeJson(c.t)]);
    return [ns, obj([
      ["commonTypes", commons.length ? obj(commons) : undefined],
      ["entityTypes", obj(s.entities.filter((e) => spaceOf(e.n) === ns).map((e) => [baseOf(e.n), entityJson(e)]))],
      ["actions", obj(s.actions.filter((a) => a.ns === ns).map((a) => [a.id, actionJson(a)]))],
    ])];
  }));
}

// ---- what a schema says -------------------------------------------------

export function resolve(s, t) {
  for (let n = 0; t.k === "common" && n < 8; n++) t = s.commons.find((c) => c.n === t.n)?.t ?? { k: "Long" };
  return t;
}

export const entityOf = (s, n) => s.entities.find((e) => e.n === n);

export function attrsOf(s, e) {
  if (!e) return [];
  if (e.shape) {
    const t = resolve(s, { k: "common", n: e.shape });
    return t.k === "Record" ? t.fs : [];
  }
  return e.attrs;
}

export const actionUid = (a) => ({ t: a.ns ? `${a.ns}::Action` : "Action", i: a.id });

export function ancestors(s, a, seen = []) {
  for (const p of a.parents) {
    const m = s.actions.find((x) => x.ns === p.ns && x.id === p.id);
    if (m && !seen.includes(m)) ancestors(s, m, (seen.push(m), seen));
  }
  return seen;
}

// A value of the type; odd > 0 makes some of it wrong.
export function valueOf(r, s, t, odd, depth = 3) {
  t = resolve(s, t);
  if (r.chance(odd)) return U.value(r, r.pick(["long", "string", "bool", "entity", "ip", "record", "set:long"]), 1);
  switch (t.k) {
    case "Long": return U.value(r, "long");
    case "String": return U.value(r, "string");
    case "Bool": return U.value(r, "bool");
    case "ext": return U.value(r, t.n === "ipaddr" ? "ip" : t.n);
    case "entity": return { k: "entity", ...uidOf(r, s, t.n, odd) };
    case "Set": return { k: "set", xs: Array.from({ length: depth <= 0 ? 0 : r.below(3) }, () => valueOf(r, s, t.of, odd, depth - 1)) };
    default: return { k: "record", fs: fieldsOf(r, s, t.fs ?? [], odd, depth - 1) };
  }
}

export function fieldsOf(r, s, fs, odd, depth = 3) {
  const out = fs.filter((f) => (f.opt ? r.chance(60) : !r.chance(odd))).map((f) => [f.n, valueOf(r, s, f.t, odd, depth)]);
  if (r.chance(odd)) out.push(["extra", U.value(r, "long")]);
  return out;
}

export function uidOf(r, s, n, odd = 0) {
  const e = entityOf(s, n);
  if (e?.choices && !r.chance(odd)) return { t: n, i: r.pick(e.choices) };
  return { t: n, i: r.pick(["a", "b", "c"]) };
}

// JSON of a value as a schema lets one write it: short forms now and then.
export function shortJson(r, v) {
  if (v.k === "entity" && r.chance(40)) return U.uidJson(v, false);
  if (U.EXT[v.k] && r.chance(40)) return r.chance(50) ? J(v.v) : `{"fn":"${v.k}","arg":${J(v.v)}}`;
  if (v.k === "set") return `[${v.xs.map((x) => shortJson(r, x)).join(",")}]`;
  if (v.k === "record") return `{${v.fs.map(([k, x]) => `${J(k)}:${shortJson(r, x)}`).join(",")}}`;
  return U.valueJson(v);
}
