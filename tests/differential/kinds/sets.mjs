// Sets of 2 to 50 policies over a random universe, several requests each:
// decision, determining policies and the policies that raised an error.
import { policy } from "../lib/expr.mjs";
import { printPolicy } from "../lib/tree.mjs";
import { call, why } from "../lib/theirs.mjs";
import * as U from "../lib/universe.mjs";

const J = JSON.stringify;
const PROFILES = { permit: 45, mixed: 40, forbid: 15 };

export function generate(r) {
  const es = U.entities(r, r.weighted({ 0: 1, 2: 3, 4: 4, 6: 3, 9: 1 }));
  const profile = r.weighted(PROFILES);
  const count = r.chance(50) ? r.between(2, 8) : r.between(9, 50);
  const policies = Array.from({ length: count }, () =>
    policy(r, es, profile === "mixed" ? (r.chance(70) ? "permit" : "forbid") : profile, r.chance(15) ? 5 : 3));
  return { policies, entities: es, requests: Array.from({ length: r.between(3, 8) }, () => U.request(r, es)) };
}

export const texts = (c) => ({
  policies: c.policies.map(printPolicy).join(""),
  entities: U.entitiesJson(c.entities),
  requests: c.requests.map((q) => ({ p: [q.p.t, q.p.i], a: [q.a.t, q.a.i], r: [q.r.t, q.r.i], c: U.contextJson(q.c) })),
});

export const oursRequest = (c) => {
  const t = texts(c);
  return { op: "authorize", policies: { text: t.policies }, entities: t.entities, requests: t.requests };
};

export const bare = ([type, id]) => J({ type, id });

export function summary(a) {
  if (a.type !== "success") return { ok: false, text: why(a) };
  const d = a.response.diagnostics;
  return { d: a.response.decision === "allow" ? 1 : 0, r: [...d.reason].sort(), e: d.errors.map((e) => e.policyId).sort() };
}

export function theirs(engine, c) {
  const t = texts(c);
  const prepared = engine.plain("preparsePolicySet", "s", { staticPolicies: t.policies });
  if (prepared.type !== "success") return { ok: false, text: why(prepared) };
  return {
    ok: true,
    answers: t.requests.map((q) =>
      summary(engine.call("statefulIsAuthorized", call({
        principal: bare(q.p), action: bare(q.a), resource: bare(q.r), context: q.c, preparsedPolicySetId: '"s"', entities: t.entities,
      })))),
  };
}

const sorted = (a) => (a.ok === false ? a : { d: a.d, r: [...a.r].sort(), e: [...a.e].sort() });
const word = (a) => (a.ok === false ? "refused" : J([a.d, a.r, a.e]));

// -> { compared, judged, differs?: text }
export function compare(c, us, them) {
  if (!us.ok || !them.ok) {
    const refused = !them.ok || them.answers.every((a) => a.ok === false);
    if (!us.ok && refused) return { compared: 1, refused: 1 };
    return { compared: 1, differs: `load: ours ${us.ok ? "accepts" : `refuses at ${us.stage}: ${us.text}`}; theirs ${them.ok ? "accepts" : `refuses: ${them.text}`}` };
  }
  for (let i = 0; i < them.answers.length; i++) {
    const [a, b] = [sorted(us.answers[i]), them.answers[i]];
    if (word(a) !== word(b)) return { compared: them.answers.length, differs: `request ${i}: ours ${J(a)}; theirs ${J(b)}` };
  }
  const refused = them.answers.filter((a) => a.ok === false).length;
  return {
    compared: them.answers.length, judged: them.answers.length * c.policies.length, refused,
    errors: them.answers.reduce((n, a) => n + (a.e?.length ?? 0), 0), reasons: them.answers.reduce((n, a) => n + (a.r?.length ?? 0), 0),
    allow: them.answers.filter((a) => a.d === 1).length,
  };
}

export const show = texts;
