// What our engine refuses although the official one accepts it, on purpose.
// Each class is as narrow as a diagnostic code and a test of the text can make
// it, and is counted apart; anything else that differs is a disagreement.
export const REFUSALS = [
  {
    name: "unknown",
    what: ["policies", "static"],
    why: "unknown() exists for partial evaluation only; a policy that holds it can never decide (policy.md 4.2)",
    matches: (text, us) => us.code === "parse_error" && /^`unknown` is for partial evaluation/.test(us.text) && /unknown\s*\(/.test(text),
  },
  {
    name: "json_number",
    what: ["entities", "context", "est"],
    why: "a number that is no 64-bit integer, below a key that Cedar reads over: our reader knows no other numbers anywhere",
    matches: (text, us) => us.code === "bad_json" && /floating-point number|does not fit 64 bits/.test(us.text),
  },
  {
    name: "unknown_extension",
    what: ["est"],
    why: "{\"Value\": {\"__extn\"}} with a function that does not exist: text could not say it, and it could only fail",
    matches: (text, us) => us.code === "bad_policy_json" && /^extension function `.*` does not exist/.test(us.text) && text.includes('"__extn"'),
  },
  {
    name: "positional",
    what: ["entities", "est"],
    why: "an array of the fields in order where the format wants an object: serde, beneath the official engine, takes that too; no document says so",
    matches: (text, us) => /must be an object, not an array$|is not an entity reference but an array$/.test(us.text) || (/is not an entity reference but an object$/.test(us.text) && /"__entity":\s*\[/.test(text)),
  },
];

// -> the name of the class, or undefined
export function stated(what, text, us) {
  return REFUSALS.find((c) => c.what.includes(what) && c.matches(text, us))?.name;
}

// What 4.13 calls a warning was an error in 4.10, whose corpus we follow: a
// policy whose scope fits no action.
export const version = (ours, theirWarnings) =>
  !ours.ok && theirWarnings.some((w) => w.includes("unable to find an applicable action")) && ours.errors.every(([code]) => /action/.test(code));
