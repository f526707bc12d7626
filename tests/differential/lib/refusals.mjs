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
];

// -> the name of the class, or undefined
export function stated(what, text, us) {
  return REFUSALS.find((c) => c.what.includes(what) && c.matches(text, us))?.name;
}

// What 4.13 calls a warning was an error in 4.10, whose corpus we follow: a
// policy whose scope fits no action.
export const version = (ours, theirWarnings) =>
  !ours.ok && theirWarnings.some((w) => w.includes("unable to find an applicable action")) && ours.errors.every(([code]) => /action/.test(code));
