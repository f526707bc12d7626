// A random schema in either syntax and policies written for it (and some for
// another): is the schema accepted, is each policy strictly valid?
import { stated, version } from "../lib/refusals.mjs";
import { schema, schemaJson, schemaText } from "../lib/schema.mjs";
import { call, why } from "../lib/theirs.mjs";
import { printPolicy } from "../lib/tree.mjs";
import { policy } from "../lib/typed.mjs";

const J = JSON.stringify;

export function generate(r) {
  const s = schema(r, 12);
  const odd = r.pick([0, 1, 2, 4, 8]);
  return { schema: s, form: r.pick(["text", "json"]), policies: Array.from({ length: r.between(6, 16) }, () => policy(r, s, odd)) };
}

export const schemaOf = (c) => (c.form === "json" ? { json: schemaJson(c.schema) } : { text: schemaText(c.schema) });
export const theirSchema = (c) => (c.form === "json" ? schemaJson(c.schema) : J(schemaText(c.schema)));
const policyText = (c) => c.policies.map(printPolicy).join("");

export const oursRequest = (c) => ({ op: "validate", schema: schemaOf(c), policies: { text: policyText(c) } });

export function theirs(engine, c) {
  const a = engine.call("validate", call({ schema: theirSchema(c), policies: call({ staticPolicies: J(policyText(c)) }) }));
  if (a.type !== "success") return { ok: false, text: why(a) };
  const of = (list) => {
    const by = {};
    for (const { policyId, error } of list) (by[policyId] ??= []).push(error.message);
    return by;
  };
  return { ok: true, errors: of(a.validationErrors), warnings: of(a.validationWarnings) };
}

export function compare(c, us, them) {
  if (!us.ok || !them.ok) {
    if (us.ok === them.ok) return { compared: 1, refused: 1 };
    if (!us.ok && stated(us.stage, J(schemaOf(c)), us)) return { compared: 1, stated: 1 };
    return { compared: 1, differs: `load: ours ${us.ok ? "accepts" : `refuses at ${us.stage}: ${us.text}`}; theirs ${them.ok ? "accepts" : `refuses: ${them.text}`}` };
  }
  const total = { compared: us.each.length, valid: 0, invalid: 0, version: 0 };
  for (const v of us.each) {
    const errors = them.errors[v.id];
    if (v.ok === !errors) total[v.ok ? "valid" : "invalid"]++;
    else if (version(v, them.warnings[v.id] ?? [])) total.version++;
    else return { ...total, differs: `${v.id}: ours ${v.ok ? "valid" : `invalid (${v.err}): ${J(v.errors)}`}; theirs ${errors ? `invalid: ${J(errors)}` : "valid"}` };
  }
  return total;
}

export const show = (c) => ({ form: c.form, schema: Object.values(schemaOf(c))[0], policies: policyText(c) });
