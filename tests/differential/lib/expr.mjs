// Random expressions: mostly of the type that is asked for, sometimes not, so
// that both values and every kind of error come up.
import * as U from "./universe.mjs";

const lit = (v) => ({ k: "lit", v });
const v = (n) => ({ k: "var", n });
const bin = (op, a, b) => ({ k: "bin", op, a, b });
const meth = (fn, a, ...xs) => ({ k: "meth", fn, a, xs });

const KINDS = ["bool", "long", "string", "entity", "set:long", "set:entity", "record", "ip", "decimal", "datetime", "duration"];
const EXT_KINDS = ["ip", "decimal", "datetime", "duration"];
const byKind = {};
for (const n of U.ATTR_NAMES) (byKind[U.ATTRS[n]] ??= []).push(n);

function constructor(r, kind) {
  const [good, bad] = U.EXT[kind];
  if (r.chance(1.5)) return { k: "call", fn: kind, xs: r.pick([[], [lit("1.0"), lit("1.0")], [lit(1n)], [{ k: "set", xs: [] }]]) };
  if (r.chance(3)) return { k: "call", fn: kind, xs: [expr(r, "string", 1)] };
  return { k: "call", fn: kind, xs: [lit(r.chance(92) ? r.pick(good) : r.pick(bad))] };
}

export function literal(r, kind) {
  if (U.EXT[kind]) return constructor(r, kind);
  return U.valueExpr(U.value(r, kind, 1));
}

const root = (r) => v(r.weighted({ context: 5, principal: 4, resource: 3, action: 1 }));

// A path that often leads to a value of this kind.
function access(r, kind, depth) {
  const names = byKind[kind] ?? U.ATTR_NAMES;
  const n = r.chance(92) ? r.pick(names) : r.pick(U.ATTR_NAMES);
  const q = r.chance(25);
  if (r.chance(12)) return meth("getTag", r.chance(80) ? v(r.pick(["principal", "resource"])) : expr(r, "entity", depth - 1), lit(r.pick(["a", "b", "s", "zz"])));
  if (depth > 0 && r.chance(15)) return { k: "attr", a: expr(r, r.chance(70) ? "record" : "entity", depth - 1), n: r.pick(U.FIELD_NAMES), q };
  return { k: "attr", a: root(r), n, q };
}

function boolean(r, d) {
  const sub = (k) => expr(r, k, d - 1);
  switch (r.weighted({ logic: 22, not: 8, eq: 14, cmp: 13, in: 12, has: 12, like: 6, is: 6, set: 10, ext: 9, tag: 4, if: 5 })) {
    case "logic": return bin(r.pick(["&&", "||"]), sub("bool"), sub("bool"));
    case "not": return { k: "un", op: "!", n: r.chance(85) ? 1 : r.between(2, 4), a: sub("bool") };
    case "eq": {
      const k = r.pick(KINDS);
      return bin(r.pick(["==", "!="]), sub(k), sub(r.chance(90) ? k : r.pick(KINDS)));
    }
    case "cmp": {
      const k = r.weighted({ long: 6, datetime: 2, duration: 2, decimal: 1 });
      return bin(r.pick(["<", "<=", ">", ">="]), sub(k), sub(r.chance(93) ? k : r.pick(KINDS)));
    }
    case "in": return bin("in", sub("entity"), sub(r.chance(50) ? "entity" : "set:entity"));
    case "has": {
      const path = r.chance(75) ? [r.pick(U.ATTR_NAMES)] : [r.pick(["r", "u", "permit"]), r.pick(["n", "u", "r", "s"]), ...(r.chance(40) ? ["n"] : [])];
      return { k: "has", a: r.chance(75) ? root(r) : sub(r.chance(50) ? "record" : "entity"), path, q: path.length === 1 && r.chance(30) };
    }
    case "like": return { k: "like", a: sub("string"), pat: pattern(r) };
    case "is": return { k: "is", a: r.chance(70) ? root(r) : sub("entity"), t: r.pick([...U.TYPES, ...U.ACTION_TYPES]), in: r.chance(30) ? sub(r.chance(70) ? "entity" : "set:entity") : undefined };
    case "set": {
      const k = r.pick(["set:long", "set:entity", "set:string"]);
      const of = k.split(":")[1];
      switch (r.below(4)) {
        case 0: return meth("contains", sub(k), sub(of));
        case 1: return meth("containsAll", sub(k), sub(k));
        case 2: return meth("containsAny", sub(k), sub(k));
        default: return meth("isEmpty", sub(k));
      }
    }
    case "ext": {
      if (r.chance(45)) {
        const fn = r.pick(["isIpv4", "isIpv6", "isLoopback", "isMulticast", "isInRange"]);
        return meth(fn, sub("ip"), ...(fn === "isInRange" ? [sub("ip")] : r.chance(3) ? [sub("ip")] : []));
      }
      return meth(r.pick(["lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"]), sub("decimal"), ...(r.chance(98) ? [sub("decimal")] : []));
    }
    case "tag": return meth("hasTag", r.chance(85) ? v(r.pick(["principal", "resource"])) : sub("entity"), r.chance(85) ? lit(r.pick(["a", "b", "s", "zz"])) : sub("string"));
    default: return { k: "if", c: sub("bool"), a: sub("bool"), b: sub("bool") };
  }
}

function pattern(r) {
  const out = [];
  for (let n = r.below(5); n >= 0; n--) out.push(r.chance(45) ? null : r.pick(["a", "b", "ab", "c", "*", "é", "🐴", "\u0000", "", "\\", '"', "x"]));
  return out;
}

function number(r, d) {
  const sub = (k) => expr(r, k, d - 1);
  switch (r.weighted({ add: 12, mul: 5, neg: 4, dur: 5, if: 2 })) {
    case "add": return bin(r.pick(["+", "-"]), sub("long"), sub("long"));
    case "mul": return bin("*", sub("long"), sub("long"));
    case "neg": return { k: "un", op: "-", n: r.chance(85) ? 1 : r.between(2, 4), a: sub("long") };
    case "dur": return meth(r.pick(["toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays"]), sub("duration"));
    default: return { k: "if", c: sub("bool"), a: sub("long"), b: sub("long") };
  }
}

function composed(r, kind, d) {
  const sub = (k) => expr(r, k, d - 1);
  switch (kind) {
    case "bool": return boolean(r, d);
    case "long": return number(r, d);
    case "datetime": return r.chance(50) ? meth("offset", sub("datetime"), sub("duration")) : meth("toDate", sub("datetime"));
    case "duration": return r.chance(50) ? meth("durationSince", sub("datetime"), sub("datetime")) : meth("toTime", sub("datetime"));
    case "record": {
      const keys = r.some(U.FIELD_NAMES, 35);
      return { k: "rec", fs: keys.map((n) => [n, sub(r.pick(KINDS))]) };
    }
    default:
      if (kind.startsWith("set")) {
        const of = kind.split(":")[1];
        return { k: "set", xs: Array.from({ length: r.below(4) }, () => sub(r.chance(93) ? of : r.pick(KINDS))), comma: r.chance(10) };
      }
      return { k: "if", c: sub("bool"), a: sub(kind), b: sub(kind) };
  }
}

export function expr(r, kind, depth) {
  if (r.chance(2)) kind = r.pick(KINDS);
  if (depth <= 0 || r.chance(kind === "bool" ? 6 : 55)) {
    if (kind === "entity" && r.chance(55)) return root(r);
    if (kind === "record" && r.chance(15)) return v("context");
    const e = r.chance(50) ? literal(r, kind) : access(r, kind, depth);
    return e;
  }
  const e = composed(r, kind, depth);
  if (r.chance(4)) e.paren = true;
  return e;
}

const U_NODE = (u) => ({ k: "uid", t: u.t, i: u.i });

export function scope(r, es, name) {
  const near = () => {
    const fit = es.filter((e) => !e.uid.t.endsWith("Action"));
    return U_NODE(fit.length && r.chance(70) ? r.pick(fit).uid : U.uid(r));
  };
  if (name === "action") {
    switch (r.weighted({ any: 18, "==": 2, in: 2, set: 2 })) {
      case "any": return { op: "any" };
      case "==": return { op: "==", e: U_NODE(U.action(r)) };
      case "in": return { op: "in", e: U_NODE(U.action(r)) };
      default: return { op: "in", e: Array.from({ length: r.between(0, 3) }, () => U_NODE(U.action(r))) };
    }
  }
  const op = r.weighted({ any: 30, "==": 2, in: 3, is: 3, isin: 1 });
  if (op === "any") return { op };
  const s = { op, t: r.pick(U.TYPES.slice(0, 4)) };
  if (op !== "is") s.e = near();
  return s;
}

export function policy(r, es, effect, depth = 3) {
  const conds = [];
  for (let n = r.weighted({ 0: 1, 1: 14, 2: 3, 3: 1 }); n > 0; n--) conds.push({ kind: r.chance(75) ? "when" : "unless", e: expr(r, "bool", r.between(1, depth)) });
  const p = { effect, conds, comma: r.chance(3) };
  for (const name of ["principal", "action", "resource"]) p[name] = scope(r, es, name);
  if (r.chance(8)) p.notes = [["id", r.pick(["x", "policy1", ""])], ...(r.chance(50) ? [["advice", null]] : [])];
  return p;
}
