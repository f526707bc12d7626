// Damaged text of every kind: both engines take it or both refuse it.
import { policy } from "../lib/expr.mjs";
import { mutate as mutateJson } from "../lib/json.mjs";
import { mutate, WORDS } from "../lib/mutate.mjs";
import { stated } from "../lib/refusals.mjs";
import { call, Trapped, why } from "../lib/theirs.mjs";
import { printPolicy } from "../lib/tree.mjs";
import { schema, schemaJson, schemaText } from "../lib/schema.mjs";
import * as U from "../lib/universe.mjs";

const J = JSON.stringify;
const TRICKS = [
  'permit(principal == ?principal, action, resource in ?resource) when { true };', '@a @b("c") permit(principal is A::B in C::"d", action in [Action::"x", A::Action::"y",], resource,);',
  'permit(principal,action,resource) when { {"a":1, b:{c:[1,2,],},}.b.c.contains(-1) && !(1 < 2) } unless { if true then false else (1 + 2 * 3 - -4 >= 5) };',
  'forbid(principal,action,resource) when { principal has a.b.c || context["x y"] like "a*\\*b" && principal.getTag("k") is A in [A::"b"] };',
  'permit(principal,action,resource) when { ip("10.0.0.1").isInRange(ip("10.0.0.0/8")) && decimal("1.0").lessThan(decimal("2.0")) && datetime("2024-01-01").offset(duration("1d")) < datetime("2024-01-03") };',
  'permit(principal,action,resource) when { principal.permit.when.unless == context.principal.action && ----1 == 1 && !!!!true };',
];

const policyText = (r) =>
  r.chance(25) ? r.pick(TRICKS) : Array.from({ length: r.weighted({ 1: 3, 2: 1 }) }, () => printPolicy(policy(r, [], r.pick(["permit", "forbid"]), r.between(1, 3)))).join("");

const entityText = (r) => U.entitiesJson(U.entities(r, r.between(1, 3)));
const contextText = (r) => U.contextJson(U.request(r, []).c);

function wellFormed(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

// What is no JSON could not even be embedded in a call.
const jsonOnly = (text, ask) => (wellFormed(text) ? ask() : { type: "failure", errors: [{ message: "not JSON" }] });

// A JSON string would be taken for Cedar text.
function estAccepted(e, text) {
  if (!wellFormed(text) || !text.trimStart().startsWith("{")) return { type: "failure", errors: [{ message: "no JSON object" }] };
  const a = e.call("policyToJson", text);
  return a.type === "success" ? a : e.call("templateToJson", text);
}

export const TARGETS = {
  policies: { weight: 5, words: WORDS.cedar, base: policyText, theirs: (e, text) => e.plain("policySetTextToParts", text) },
  static: { weight: 3, words: WORDS.cedar, base: policyText, theirs: (e, text) => e.call("checkParsePolicySet", call({ staticPolicies: J(text) })) },
  entities: { weight: 3, words: WORDS.json, base: entityText, theirs: (e, text) => jsonOnly(text, () => e.call("checkParseEntities", call({ entities: text }))) },
  schema: { weight: 4, words: WORDS.schema, base: (r) => schemaText(schema(r, 3)), theirs: (e, text) => e.call("checkParseSchema", J(text)) },
  schema_json: { weight: 3, words: WORDS.json, base: (r) => schemaJson(schema(r, 3)), theirs: (e, text) => jsonOnly(text, () => e.call("checkParseSchema", text)) },
  est: { weight: 3, words: WORDS.json, base: policyText, theirs: estAccepted },
  context: { weight: 1, words: WORDS.json, base: contextText, theirs: (e, text) => jsonOnly(text, () => e.call("checkParseContext", call({ context: text }))) },
};

const weights = Object.fromEntries(Object.entries(TARGETS).map(([k, t]) => [k, t.weight]));

const VALUES = WORDS.json.filter((w) => w.length > 1 && !/^[,:{}[\]]$|^.*,$/.test(w) && wellFormed(w));

// Only some of them: TARGETS=schema,entities in the environment.
const only = process.env.TARGETS?.split(",");

const damage = (r, t, base, other) =>
  Array.from({ length: 24 }, () => ({ text: t.words === WORDS.json && r.chance(60) ? mutateJson(r, base, VALUES, other) : mutate(r, base, t.words, other) }));

export function generate(r) {
  let what = r.weighted(weights);
  if (only && !only.includes(what)) what = r.pick(only);
  const t = TARGETS[what];
  const [base, other] = [t.base(r), t.base(r)];
  return what === "est" ? { what, base, other, r } : { what, texts: damage(r, t, base, other) };
}

// Policies in JSON are made of policies in text, by the official engine.
export function prepare(engine, c) {
  if (c.texts) return;
  const json = (text) => {
    const parts = engine.plain("policySetTextToParts", text);
    const one = (parts.policies?.[0] && engine.json("policyToJson", parts.policies[0])) ?? engine.json("templateToJson", parts.policy_templates[0]);
    return one.json;
  };
  c.texts = damage(c.r, TARGETS.est, json(c.base), json(c.other));
  delete c.r, delete c.base, delete c.other;
}

export const oursRequest = (c) => ({ op: "parse", what: c.what, texts: c.texts.map((t) => t.text) });

export function theirs(engine, c) {
  return c.texts.map(({ text }) => {
    try {
      const a = TARGETS[c.what].theirs(engine, text);
      return { ok: a.type === "success", text: a.type === "success" ? "" : why(a) };
    } catch (e) {
      if (!(e instanceof Trapped)) throw e;
      return { trapped: true };
    }
  });
}

export function compare(c, us, them) {
  const total = { compared: 0, accepted: 0, refused: 0, stated: 0, trapped: 0 };
  for (let i = 0; i < c.texts.length; i++) {
    const [a, b] = [us.answers[i], them[i]];
    if (b.trapped) {
      total.trapped++;
      continue;
    }
    total.compared++;
    if (a.ok === b.ok) total[a.ok ? "accepted" : "refused"]++;
    else if (!a.ok && stated(c.what, c.texts[i].text, a)) total.stated++;
    else return { ...total, differs: `${c.what}: ours ${a.ok ? "accepts" : `refuses: ${a.text ?? a.err} [${a.code}]`}; theirs ${b.ok ? "accepts" : `refuses: ${b.text}`}: ${J(c.texts[i].text).slice(0, 300)}` };
  }
  return total;
}

export const show = (c) => c;
