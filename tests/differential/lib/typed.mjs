// Expressions that fit a schema, mostly; guards before optional attributes,
// mostly; so that the validator accepts about half of them.
import * as U from "./universe.mjs";
import { actionUid, attrsOf, entityOf, resolve, uidOf } from "./schema.mjs";

const bin = (op, a, b) => ({ k: "bin", op, a, b });
const lit = (v) => ({ k: "lit", v });
const meth = (fn, a, ...xs) => ({ k: "meth", fn, a, xs });
const LONG = { k: "Long" }, STRING = { k: "String" }, BOOL = { k: "Bool" };
const ext = (n) => ({ k: "ext", n });

const same = (a, b) => a.k === b.k && (a.n ?? "") === (b.n ?? "") && (a.k !== "Set" || same(a.of, b.of));

// Every access path from the variables, up to three steps: { e, t, guards }.
function paths(s, env) {
  const out = [];
  const walk = (e, t, guards, depth) => {
    t = resolve(s, t);
    out.push({ e, t, guards });
    if (depth <= 0) return;
    const fs = t.k === "Record" ? t.fs : t.k === "entity" ? attrsOf(s, entityOf(s, t.n)) : [];
    for (const f of fs) walk({ k: "attr", a: e, n: f.n }, f.t, f.opt ? [...guards, { k: "has", a: e, path: [f.n] }] : guards, depth - 1);
    const tags = t.k === "entity" && entityOf(s, t.n)?.tags;
    if (tags) for (const k of ["a", "k v"]) walk(meth("getTag", e, lit(k)), tags, [...guards, meth("hasTag", e, lit(k))], depth - 1);
  };
  walk({ k: "var", n: "principal" }, { k: "entity", n: env.principal }, [], 3);
  walk({ k: "var", n: "resource" }, { k: "entity", n: env.resource }, [], 3);
  walk({ k: "var", n: "context" }, env.context ?? { k: "Record", fs: [] }, [], 3);
  return out;
}

export class Typed {
  constructor(r, s, env, odd) {
    Object.assign(this, { r, s, env, odd, paths: paths(s, env), guards: [] });
  }

  any() {
    const { r, s } = this;
    return r.pick([LONG, STRING, BOOL, { k: "Set", of: r.pick([LONG, STRING]) }, ext("ipaddr"), ext("decimal"), ext("datetime"), ext("duration"), { k: "entity", n: r.pick(s.entityNames) }]);
  }

  literal(t) {
    const { r, s } = this;
    switch (t.k) {
      case "Long": return lit(r.chance(70) ? BigInt(r.between(-3, 12)) : r.pick(U.LONGS));
      case "String": return lit(r.pick(U.STRINGS));
      case "Bool": return lit(r.chance(50));
      case "ext": {
        const fn = t.n === "ipaddr" ? "ip" : t.n;
        return { k: "call", fn, xs: [lit(r.chance(this.odd) ? r.pick(U.EXT[fn][1]) : r.pick(U.EXT[fn][0]))] };
      }
      case "entity": return { k: "uid", ...uidOf(r, s, t.n, this.odd) };
      case "Set": return { k: "set", xs: Array.from({ length: r.chance(this.odd) ? 0 : r.between(1, 3) }, () => this.literal(resolve(s, t.of))) };
      default: return { k: "rec", fs: (t.fs ?? []).filter((f) => !f.opt || r.chance(60)).map((f) => [f.n, this.literal(resolve(s, f.t))]) };
    }
  }

  access(t) {
    const fit = this.paths.filter((p) => same(p.t, t));
    if (!fit.length) return undefined;
    const p = this.r.pick(fit);
    for (const g of p.guards) if (!this.r.chance(12)) this.guards.push(g);
    return p.e;
  }

  expr(t, d) {
    const { r, s } = this;
    t = resolve(s, t);
    if (r.chance(this.odd)) t = this.any();
    if (d <= 0 || r.chance(t.k === "Bool" ? 5 : 50)) return (r.chance(70) ? this.access(t) : undefined) ?? this.literal(t);
    switch (t.k) {
      case "Bool": return this.bool(d);
      case "Long": return r.chance(70)
        ? bin(r.pick(["+", "-", "*"]), this.expr(LONG, d - 1), this.expr(LONG, d - 1))
        : meth(r.pick(["toMilliseconds", "toDays", "toHours"]), this.expr(ext("duration"), d - 1));
      case "ext":
        if (t.n === "datetime") return meth("offset", this.expr(t, d - 1), this.expr(ext("duration"), d - 1));
        if (t.n === "duration") return meth("durationSince", this.expr(ext("datetime"), d - 1), this.expr(ext("datetime"), d - 1));
        return this.access(t) ?? this.literal(t);
      case "Set": return { k: "set", xs: Array.from({ length: r.between(1, 3) }, () => this.expr(t.of, d - 1)) };
      case "Record": return { k: "rec", fs: (t.fs ?? []).map((f) => [f.n, this.expr(f.t, d - 1)]) };
      default: return { k: "if", c: this.guarded(d - 1), a: this.expr(t, d - 1), b: this.expr(t, d - 1) };
    }
  }

  // A boolean with the guards of what it reads before it (or, sometimes, not).
  guarded(d) {
    const outer = this.guards;
    this.guards = [];
    let e = this.bool(d);
    for (const g of this.guards.reverse()) e = bin(this.r.chance(4) ? "||" : "&&", g, e);
    this.guards = outer;
    return e;
  }

  bool(d) {
    const { r, s } = this;
    const sub = (t) => this.expr(t, d - 1);
    switch (r.weighted({ logic: d > 0 ? 20 : 0, not: d > 0 ? 6 : 0, eq: 14, cmp: 10, in: 12, has: 8, like: 5, is: 7, set: 9, ext: 9, if: d > 0 ? 4 : 0, lit: 2, odd: 2 })) {
      case "logic": return bin(r.pick(["&&", "||"]), this.guarded(d - 1), this.guarded(d - 1));
      case "not": return { k: "un", op: "!", n: 1, a: this.guarded(d - 1) };
      case "if": return { k: "if", c: this.guarded(d - 1), a: this.guarded(d - 1), b: this.guarded(d - 1) };
      case "eq": {
        const t = r.chance(60) && this.paths.length ? r.pick(this.paths).t : this.any();
        return bin(r.pick(["==", "!="]), sub(t), sub(t));
      }
      case "cmp": {
        const t = r.pick([LONG, LONG, ext("datetime"), ext("duration"), ...(r.chance(this.odd) ? [ext("decimal"), STRING] : [])]);
        return bin(r.pick(["<", "<=", ">", ">="]), sub(t), sub(t));
      }
      case "in": {
        if (r.chance(20)) return bin("in", { k: "var", n: "action" }, r.chance(50) ? this.action() : { k: "set", xs: [this.action(), this.action()] });
        const t = { k: "entity", n: r.chance(60) ? this.env.principal : r.pick(s.entityNames) };
        const p = entityOf(s, t.n)?.parents ?? [];
        const of = { k: "entity", n: p.length && r.chance(80) ? r.pick(p) : r.pick(s.entityNames) };
        return bin("in", sub(t), sub(r.chance(60) ? of : { k: "Set", of }));
      }
      case "has": {
        const p = r.pick(this.paths);
        for (const g of p.guards) this.guards.push(g);
        const fs = p.t.k === "Record" ? p.t.fs : p.t.k === "entity" ? attrsOf(s, entityOf(s, p.t.n)) : [];
        if (p.t.k === "entity" && r.chance(25)) return meth("hasTag", p.e, r.chance(80) ? lit(r.pick(["a", "k v"])) : sub(STRING));
        return { k: "has", a: p.e, path: fs.length && r.chance(85) ? [r.pick(fs).n] : r.pick([["zz"], ["r", "n"], ["u", "r", "n"]]) };
      }
      case "like": return { k: "like", a: sub(STRING), pat: [r.pick(["a", "*", ""]), null, "c"] };
      case "is": return { k: "is", a: sub({ k: "entity", n: r.pick(s.entityNames) }), t: r.chance(this.odd) ? r.pick(["Nope", "Action", "NS::Team"]) : r.pick(s.entityNames), in: r.chance(25) ? sub({ k: "entity", n: r.pick(s.entityNames) }) : undefined };
      case "set": {
        const of = r.pick([LONG, STRING, { k: "entity", n: r.pick(s.entityNames) }]);
        const set = { k: "Set", of };
        return r.pick([() => meth("contains", sub(set), sub(of)), () => meth("containsAll", sub(set), sub(set)), () => meth("containsAny", sub(set), sub(set)), () => meth("isEmpty", sub(set))])();
      }
      case "ext": return r.chance(50)
        ? r.pick([() => meth("isIpv4", sub(ext("ipaddr"))), () => meth("isInRange", sub(ext("ipaddr")), sub(ext("ipaddr"))), () => meth("isLoopback", sub(ext("ipaddr")))])()
        : meth(r.pick(["lessThan", "greaterThanOrEqual"]), sub(ext("decimal")), sub(ext("decimal")));
      case "odd": return bin("==", { k: "var", n: r.pick(["principal", "action", "resource"]) }, r.chance(50) ? this.action() : sub({ k: "entity", n: r.pick(s.entityNames) }));
      default: return lit(r.chance(50));
    }
  }

  action() {
    const { r, s } = this;
    const u = actionUid(r.pick(s.actions));
    return r.chance(this.odd) ? { k: "uid", t: "Action", i: "nope" } : { k: "uid", ...u };
  }
}

function scope(r, s, name, env, odd, slot) {
  if (name === "action") {
    const one = () => ({ k: "uid", ...(r.chance(odd) ? { t: "Action", i: "nope" } : actionUid(r.chance(70) ? env.action : r.pick(s.actions))) });
    switch (r.weighted({ any: 3, "==": 6, in: 2, set: 2 })) {
      case "any": return { op: "any" };
      case "==": return { op: "==", e: one() };
      case "in": return { op: "in", e: one() };
      default: return { op: "in", e: Array.from({ length: r.between(1, 2) }, one) };
    }
  }
  const own = env[name];
  const parents = entityOf(s, own)?.parents ?? [];
  const op = r.weighted({ any: 5, is: 5, "==": 2, in: 2, isin: 2 });
  if (op === "any") return { op };
  const t = r.chance(odd) ? r.pick([...s.entityNames, "Nope"]) : own;
  const about = op === "==" || !parents.length ? own : r.pick(parents);
  const e = slot && op !== "is" && r.chance(60) ? { k: "slot", n: name } : { k: "uid", ...uidOf(r, s, r.chance(odd) ? r.pick([...s.entityNames, "Nope"]) : about, odd) };
  return { op, t, e };
}

export function policy(r, s, odd, slot = false) {
  const usable = s.actions.filter((a) => a.applies);
  const action = usable.length ? r.pick(usable) : s.actions[0];
  const ap = action.applies ?? { principal: s.entityNames, resource: s.entityNames };
  const env = { action, principal: r.pick(ap.principal.length ? ap.principal : s.entityNames), resource: r.pick(ap.resource.length ? ap.resource : s.entityNames), context: ap.context };
  const conds = [];
  for (let n = r.weighted({ 0: 1, 1: 10, 2: 2 }); n > 0; n--) conds.push({ kind: r.chance(80) ? "when" : "unless", e: new Typed(r, s, env, odd).guarded(r.between(0, 3)) });
  const p = { effect: r.pick(["permit", "forbid"]), conds };
  for (const name of ["principal", "action", "resource"]) p[name] = scope(r, s, name, env, odd, slot);
  return p;
}
