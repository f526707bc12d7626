// Entities, contexts and requests beside a schema: taken or refused, and the
// decisions that follow. Values stand in any of the forms a schema allows.
import { stated } from "../lib/refusals.mjs";
import * as S from "../lib/schema.mjs";
import { call, why } from "../lib/theirs.mjs";
import { printPolicy } from "../lib/tree.mjs";
import { policy } from "../lib/typed.mjs";
import * as U from "../lib/universe.mjs";
import { bare, summary } from "./sets.mjs";
import { schemaOf, theirSchema } from "./typed.mjs";

const J = JSON.stringify;

function entity(r, s, uid, pool, odd) {
  const e = S.entityOf(s, uid.t);
  const parents = pool.filter((p) => p.order > uid.order && (e?.parents.includes(p.t) || r.chance(odd)) && r.chance(60));
  const pairs = (fs) => `{${fs.map(([k, v]) => `${J(k)}:${S.shortJson(r, v)}`).join(",")}}`;
  const attrs = e?.choices ? (r.chance(odd) ? [["n", U.value(r, "long")]] : []) : S.fieldsOf(r, s, S.attrsOf(s, e), odd);
  const tags = e?.tags ? r.some(["a", "k v", ""], 50).map((k) => [k, S.valueOf(r, s, e.tags, odd)]) : r.chance(odd) ? [["a", U.value(r, "long")]] : [];
  return `{"uid":${U.uidJson(uid, r.chance(20))},"attrs":${pairs(attrs)},"parents":[${parents.map((p) => U.uidJson(p, r.chance(30))).join(",")}]${tags.length || r.chance(10) ? `,"tags":${pairs(tags)}` : ""}}`;
}

function actionEntity(r, s, odd) {
  const a = r.pick(s.actions);
  const all = S.ancestors(s, a).map(S.actionUid);
  const parents = r.chance(odd * 4) ? r.some(all, 50) : r.chance(50) ? all : a.parents.map(S.actionUid);
  return `{"uid":${U.uidJson(S.actionUid(a), false)},"attrs":${r.chance(odd) ? '{"x":1}' : "{}"},"parents":[${parents.map((p) => U.uidJson(p, false)).join(",")}]}`;
}

function request(r, s, odd) {
  const usable = s.actions.filter((a) => a.applies);
  const a = usable.length && !r.chance(odd) ? r.pick(usable) : r.pick(s.actions);
  const type = (list) => (list?.length && !r.chance(odd) ? r.pick(list) : r.pick([...s.entityNames, "Nope"]));
  const context = `{${S.fieldsOf(r, s, a.applies?.context?.fs ?? [], odd).map(([k, v]) => `${J(k)}:${S.shortJson(r, v)}`).join(",")}}`;
  const pair = (u) => [u.t, u.i];
  return {
    p: pair(S.uidOf(r, s, type(a.applies?.principal), odd)), a: r.chance(odd) ? ["Action", "nope"] : pair(S.actionUid(a)),
    r: pair(S.uidOf(r, s, type(a.applies?.resource), odd)), c: context,
  };
}

export function generate(r) {
  const s = S.schema(r, 0);
  const odd = r.pick([0, 0, 1, 2, 5]);
  const pool = [];
  for (let n = r.below(6); n > 0; n--) {
    const u = S.uidOf(r, s, r.chance(odd) ? "Nope" : r.pick(s.entityNames), odd);
    if (!pool.some((p) => p.t === u.t && p.i === u.i)) pool.push({ ...u, order: pool.length });
  }
  const entities = pool.map((u) => entity(r, s, u, pool, odd));
  if (r.chance(15)) entities.push(actionEntity(r, s, odd));
  return {
    schema: s, form: r.pick(["text", "json"]), entities, policies: Array.from({ length: r.between(2, 8) }, () => policy(r, s, 1)),
    requests: Array.from({ length: r.between(3, 8) }, () => request(r, s, odd)),
  };
}

const policyText = (c) => c.policies.map(printPolicy).join("");
const entityText = (c) => `[${c.entities.join(",")}]`;

export const oursRequest = (c) => ({ op: "authorize", schema: schemaOf(c), policies: { text: policyText(c) }, entities: entityText(c), requests: c.requests });

export function theirs(engine, c) {
  const s = engine.plain("preparseSchema", "s", JSON.parse(theirSchema(c)));
  if (s.type !== "success") return { ok: false, stage: "schema", text: why(s) };
  const p = engine.plain("preparsePolicySet", "s", { staticPolicies: policyText(c) });
  if (p.type !== "success") return { ok: false, stage: "policies", text: why(p) };
  const e = engine.call("checkParseEntities", call({ entities: entityText(c), schema: theirSchema(c) }));
  if (e.type !== "success") return { ok: false, stage: "entities", text: why(e) };
  return {
    ok: true,
    answers: c.requests.map((q) =>
      summary(engine.call("statefulIsAuthorized", call({
        principal: bare(q.p), action: bare(q.a), resource: bare(q.r), context: q.c, preparsedPolicySetId: '"s"', preparsedSchemaName: '"s"', validateRequest: "true", entities: entityText(c),
      })))),
  };
}

const word = (a) => (a.ok === false ? "refused" : J([a.d, [...a.r].sort(), [...a.e].sort()]));

export function compare(c, us, them) {
  if (!us.ok || !them.ok) {
    if (us.ok === them.ok) return { compared: 1, entities_refused: 1 };
    if (!us.ok && stated(us.stage, entityText(c), us)) return { compared: 1, stated: 1 };
    return { compared: 1, differs: `load: ours ${us.ok ? "accepts" : `refuses at ${us.stage}: ${us.text}`}; theirs ${them.ok ? "accepts" : `refuses ${them.stage}: ${them.text}`}` };
  }
  const total = { compared: 1 + c.requests.length, entities_taken: 1, refused: 0, decided: 0 };
  for (let i = 0; i < c.requests.length; i++) {
    const [a, b] = [us.answers[i], them.answers[i]];
    if (word(a) !== word(b)) return { ...total, differs: `request ${i}: ours ${J(a)}; theirs ${J(b)}` };
    total[b.ok === false ? "refused" : "decided"]++;
  }
  return total;
}

export const show = (c) => ({ form: c.form, schema: Object.values(schemaOf(c))[0], policies: policyText(c), entities: entityText(c), requests: c.requests });
