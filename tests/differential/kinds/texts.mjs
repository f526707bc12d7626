// One policy in all its writings: text to JSON as the official engine has it,
// text and JSON printed again without a change, the formatter. And schemas
// from either form into the other.
import { policy as randomPolicy } from "../lib/expr.mjs";
import { canonical, parse } from "../lib/json.mjs";
import { schema, schemaJson, schemaText } from "../lib/schema.mjs";
import { why } from "../lib/theirs.mjs";
import { printPolicy } from "../lib/tree.mjs";
import { policy as typedPolicy } from "../lib/typed.mjs";

const J = JSON.stringify;

export function generate(r) {
  if (r.chance(15)) return { schema: schema(r, 0) };
  const s = r.chance(40) ? schema(r, 0) : undefined;
  const one = () => (s ? typedPolicy(r, s, 2, r.chance(20)) : randomPolicy(r, [], r.pick(["permit", "forbid"]), r.between(1, 4)));
  return { policies: Array.from({ length: r.between(1, 4) }, one) };
}

const template = (p) => p.principal.e?.k === "slot" || p.resource.e?.k === "slot";
const text = (c) => c.policies.map(printPolicy).join("\n");

export const oursRequest = (c) =>
  c.schema
    ? [["text", "json"], ["json", "text"], ["text", "text"], ["json", "json"]].map(([from, to]) => ({
        op: "convert", schema: from === "json" ? { json: schemaJson(c.schema) } : { text: schemaText(c.schema) }, to,
      }))
    : ["json", "text", "fmt"].map((to) => ({ op: "convert", policies: { text: text(c) }, to }));

function exact(engine, fn, ...args) {
  const a = engine.json(fn, ...args);
  return a.ok ? { ok: true, json: canonical(parse(a.json)) } : a;
}

const policyJson = (engine, p, asText) => exact(engine, template(p) ? "templateToJson" : "policyToJson", asText);

export function theirs(engine, c) {
  if (c.schema) return { engine, schema: exact(engine, "schemaToJson", schemaText(c.schema)) };
  const formatted = engine.plain("formatPolicies", { policyText: text(c), lineWidth: 80, indentWidth: 2 });
  return { engine, each: c.policies.map((p) => policyJson(engine, p, printPolicy(p))), formatted: formatted.formatted_policy };
}

function compareSchema(c, us, them) {
  const engine = them.engine;
  const failed = us.findIndex((a) => !a.ok);
  if (failed >= 0) {
    const valid = ["text", "json"].every((form) => engine.plain("checkParseSchema", form === "text" ? schemaText(c.schema) : JSON.parse(schemaJson(c.schema))).type === "success");
    // Cedar text has no way to say that a shape is a common type.
    const unsayable = us[failed].err === "not supported by this system" && engine.plain("schemaToText", JSON.parse(schemaJson(c.schema))).type === "failure";
    return valid && !unsayable ? { compared: 1, differs: `schema conversion ${failed} failed: ${J(us[failed])}` } : { compared: 1, refused: 1 };
  }
  const [toJson, toText, text, json] = us.map((a) => a.out[0]);
  const want = them.schema;
  if (!want.ok) return { compared: 0 };
  if (canonical(parse(toJson)) !== want.json) return { compared: 1, differs: `schema as JSON: ours ${canonical(parse(toJson))}; theirs ${want.json}` };
  // What they read in our print of either form is what they read in the form.
  const again = exact(engine, "schemaToJson", text);
  if (again.json !== want.json) return { compared: 2, differs: `schema printed: theirs reads ${again.json ?? again.text}; wanted ${want.json}; from ${text}` };
  // They write `__cedar::Long` where nothing shadows `Long`.
  const resolved = (t) => exact(engine, "schemaToJsonWithResolvedTypes", t).json?.replaceAll("__cedar::", "");
  const direct = engine.plain("schemaToText", JSON.parse(schemaJson(c.schema)));
  if (direct.type === "success" && resolved(toText) !== resolved(direct.text)) return { compared: 3, differs: `JSON schema as text: ours ${toText}; theirs ${direct.text}` };
  const back = engine.plain("schemaToText", JSON.parse(json));
  if (back.type === direct.type && back.text !== direct.text) return { compared: 4, differs: `JSON schema printed: ${json}; theirs reads ${back.text ?? why(back)}; wanted ${direct.text}` };
  return { compared: 4, schemas: 1 };
}

export function compare(c, us, them) {
  if (c.schema) return compareSchema(c, us, them);
  const [json, print, fmt] = us;
  const bad = us.find((a) => !a.ok);
  if (bad) return them.each.every((t) => t.ok) ? { compared: 1, differs: `conversion failed: ${J(bad)}` } : { compared: 1, refused: 1 };
  for (let i = 0; i < c.policies.length; i++) {
    const want = them.each[i];
    if (!want.ok) return { compared: 1, differs: `policy ${i}: theirs refuses: ${want.text}` };
    const ours = canonical(parse(json.out[i]));
    if (ours !== want.json) return { compared: i + 1, differs: `JSON of policy ${i}: ours ${ours}; theirs ${want.json}` };
    const again = policyJson(them.engine, c.policies[i], print.out[i]);
    if (again.json !== want.json) return { compared: i + 1, differs: `print of policy ${i}: ${J(print.out[i])}: theirs reads ${again.json ?? again.text}; wanted ${want.json}` };
  }
  const parts = them.engine.plain("policySetTextToParts", fmt.out[0]);
  const read = [...(parts.policies ?? []).map((t) => exact(them.engine, "policyToJson", t)), ...(parts.policy_templates ?? []).map((t) => exact(them.engine, "templateToJson", t))];
  const jsons = (list) => J(list.map((a) => a.json).sort());
  if (jsons(read) !== jsons(them.each)) return { compared: 1, differs: `formatted text reads differently: ${J(fmt.out[0])}` };
  const same = them.formatted?.trim() === fmt.out[0].trim();
  return { compared: 2 * c.policies.length + 1, format_equal: same ? 1 : 0, format_differs: same ? 0 : 1 };
}

export const show = (c) => (c.schema ? { text: schemaText(c.schema), json: schemaJson(c.schema) } : { text: text(c) });
