// Makes a failing case smaller: fewer members, fewer conditions, smaller
// expressions, as long as the two engines still disagree.
import { children, replaced } from "./tree.mjs";

const isList = Array.isArray;

function* listCuts(xs) {
  for (let size = xs.length >> 1; size >= 1; size >>= 1)
    for (let at = 0; at < xs.length; at += size) yield [...xs.slice(0, at), ...xs.slice(at + size)];
}

const TRUE = { k: "lit", v: true };

export function* exprCuts(e) {
  if (e.k === "lit") return;
  yield TRUE;
  for (const [c] of children(e)) yield c;
  if (e.xs) for (const xs of listCuts(e.xs)) yield { ...e, xs };
  if (e.fs) for (const fs of listCuts(e.fs)) yield { ...e, fs };
  for (const [c, set] of children(e)) for (const smaller of exprCuts(c)) yield set(smaller);
}

function* textCuts(text) {
  for (let size = text.length >> 1; size >= 1; size >>= 1)
    for (let at = 0; at < text.length; at += size) yield text.slice(0, at) + text.slice(at + size);
}

function* cuts(x, path = "") {
  if (isList(x)) {
    const pair = path === "pair" || (x.length === 2 && x.every((y) => typeof y === "string")); // a uid, a field
    if (!pair) for (const xs of listCuts(x)) yield xs;
    for (let i = 0; i < x.length; i++) {
      const inner = isList(x[i]) && x[i].length === 2 && typeof x[i][0] === "string" ? "pair" : "";
      for (const y of cuts(x[i], inner)) yield replaced(x, i, y);
    }
  } else if (x && typeof x === "object") {
    if (typeof x.k === "string" && ("conds" in x) === false && isExpr(x)) {
      yield* exprCuts(x);
      return;
    }
    for (const key of Object.keys(x)) {
      if (key === "text") {
        for (const t of textCuts(x.text)) yield { ...x, text: t };
      } else if (["principal", "action", "resource"].includes(key) && x[key]?.op && x[key].op !== "any") {
        yield { ...x, [key]: { op: "any" } };
      } else if (typeof x[key] === "object" && x[key] !== null) {
        for (const y of cuts(x[key])) yield { ...x, [key]: y };
      }
    }
  }
}

const EXPR = new Set(["lit", "uid", "var", "slot", "un", "bin", "if", "set", "rec", "attr", "has", "like", "is", "call", "meth"]);
const isExpr = (x) => EXPR.has(x.k) && !("v" in x && x.k !== "lit") && !(x.k === "set" && x.value);

// fails(case) -> promise of true while the disagreement is still there.
export async function shrink(c, fails, budget = 1500) {
  for (let found = true; found && budget > 0; ) {
    found = false;
    for (const smaller of cuts(c)) {
      if (--budget < 0) break;
      let bad = false;
      try {
        bad = await fails(smaller);
      } catch {
        // a case that cannot even be written is not a smaller case
      }
      if (bad) {
        c = smaller;
        found = true;
        break;
      }
    }
  }
  return c;
}
