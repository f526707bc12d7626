// Expressions and policies as plain objects, and how they are written in Cedar.
//
//   lit v | uid t i | var n | slot n | un op n a | bin op a b | if c a b | set xs
//   rec fs:[[key, e]] | attr a n q | has a path q | like a pat | is a t in?
//   call fn xs | meth fn a xs

const RESERVED = new Set(["true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar"]);
const IDENT = /^[_a-zA-Z][_a-zA-Z0-9]*$/;

export const isIdent = (s) => IDENT.test(s) && !RESERVED.has(s);

function escapeChar(c, pattern) {
  switch (c) {
    case "\\": return "\\\\";
    case '"': return '\\"';
    case "\0": return "\\0";
    case "\n": return "\\n";
    case "\r": return "\\r";
    case "\t": return "\\t";
    case "*": return pattern ? "\\*" : "*";
    default: {
      const p = c.codePointAt(0);
      if (p < 0x20) return `\\x${p.toString(16).padStart(2, "0")}`;
      return p === 0x7f || (p >= 0x80 && p % 3 === 0) ? `\\u{${p.toString(16)}}` : c;
    }
  }
}

export const quote = (s) => `"${[...s].map((c) => escapeChar(c, false)).join("")}"`;

const LEVEL = { "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3, in: 3, "+": 4, "-": 4, "*": 5 };

function level(e) {
  switch (e.k) {
    case "if": return 0;
    case "bin": return LEVEL[e.op];
    case "has": case "like": case "is": return 3;
    case "un": return 6;
    case "lit": return typeof e.v === "bigint" && e.v < 0n ? 6 : 8;
    case "attr": case "meth": return 7;
    default: return 8;
  }
}

const list = (xs) => xs.map((x) => print(x, 0)).join(", ");

function bare(e) {
  switch (e.k) {
    case "lit": return typeof e.v === "string" ? quote(e.v) : String(e.v);
    case "uid": return `${e.t}::${quote(e.i)}`;
    case "var": return e.n;
    case "slot": return `?${e.n}`;
    case "un": return `${e.op.repeat(e.n)}${print(e.a, 7)}`;
    case "bin": {
      const l = LEVEL[e.op];
      return l === 3
        ? `${print(e.a, 4)} ${e.op} ${print(e.b, 4)}`
        : `${print(e.a, l)} ${e.op} ${print(e.b, l + 1)}`;
    }
    case "if": return `if ${print(e.c, 0)} then ${print(e.a, 0)} else ${print(e.b, 0)}`;
    case "set": return `[${list(e.xs)}${e.comma && e.xs.length ? "," : ""}]`;
    case "rec":
      return `{${e.fs.map(([k, v], i) => `${isIdent(k) && i % 2 === 0 ? k : quote(k)}: ${print(v, 0)}`).join(", ")}}`;
    case "attr": return isIdent(e.n) && !e.q ? `${print(e.a, 7)}.${e.n}` : `${print(e.a, 7)}[${quote(e.n)}]`;
    case "has":
      return `${print(e.a, 4)} has ${e.path.every(isIdent) && !e.q ? e.path.join(".") : quote(e.path[0])}`;
    case "like":
      return `${print(e.a, 4)} like "${e.pat.map((p) => (p === null ? "*" : [...p].map((c) => escapeChar(c, true)).join(""))).join("")}"`;
    case "is": return `${print(e.a, 4)} is ${e.t}${e.in ? ` in ${print(e.in, 4)}` : ""}`;
    case "call": return `${e.fn}(${list(e.xs)})`;
    case "meth": return `${print(e.a, 7)}.${e.fn}(${list(e.xs)})`;
    default: throw new Error(`no such node: ${e.k}`);
  }
}

export function print(e, min = 0) {
  return level(e) < min || e.paren ? `(${bare(e)})` : bare(e);
}

// scope: { op: "any" | "==" | "in" | "is" | "isin", e?: node or list, t? }
function printScope(name, s) {
  switch (s.op) {
    case "any": return name;
    case "is": return `${name} is ${s.t}`;
    case "isin": return `${name} is ${s.t} in ${print(s.e)}`;
    default: return `${name} ${s.op} ${Array.isArray(s.e) ? `[${s.e.map((x) => print(x)).join(", ")}]` : print(s.e)}`;
  }
}

export function printPolicy(p) {
  const notes = (p.notes ?? []).map(([k, v]) => (v === null ? `@${k}\n` : `@${k}(${quote(v)})\n`)).join("");
  const scope = ["principal", "action", "resource"].map((n) => printScope(n, p[n])).join(", ");
  const conds = p.conds.map((c) => `\n${c.kind} { ${print(c.e)} }`).join("");
  return `${notes}${p.effect} (${scope}${p.comma ? "," : ""})${conds};\n`;
}

export const replaced = (xs, i, x) => [...xs.slice(0, i), x, ...xs.slice(i + 1)];

// Direct sub-expressions, as [get, set] over a copy.
export function children(e) {
  const out = [];
  for (const key of ["a", "b", "c", "in"]) {
    if (e[key] && typeof e[key] === "object") out.push([e[key], (x) => ({ ...e, [key]: x })]);
  }
  (e.xs ?? []).forEach((x, i) => out.push([x, (y) => ({ ...e, xs: replaced(e.xs, i, y) })]));
  (e.fs ?? []).forEach(([k, x], i) => out.push([x, (y) => ({ ...e, fs: replaced(e.fs, i, [k, y]) })]));
  return out;
}
