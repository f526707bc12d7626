// The official engine. Its JavaScript shell hands every argument to
// JSON.stringify; we hand it finished text, so 64-bit integers stay exact and
// duplicate keys stay duplicates.
import { createRequire } from "node:module";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { member, parse, write } from "./json.mjs";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");
const require = createRequire(import.meta.url);
const NAME = "@cedar-policy/cedar-wasm/nodejs";

class Raw {
  constructor(text) {
    this.text = text;
  }
}
const stringify = JSON.stringify;
JSON.stringify = (v, ...rest) => (v instanceof Raw ? v.text : stringify(v, ...rest));

export class Trapped extends Error {}

export class Theirs {
  traps = 0;

  constructor() {
    this.load();
  }

  load() {
    const path = require.resolve(NAME);
    delete require.cache[path];
    this.engine = undefined;
    if (this.traps % 4 === 3) collect(); // each instance reserves gigabytes of addresses
    this.engine = require(path);
    this.prepared = false;
  }

  // Each argument is JSON text, for functions that take objects.
  call(fn, ...texts) {
    return this.plain(fn, ...texts.map((t) => new Raw(t)));
  }

  // Arguments as they are. A trap poisons the instance, so a new one takes its
  // place.
  plain(fn, ...args) {
    try {
      return this.engine[fn](...args);
    } catch (e) {
      if (!(e instanceof WebAssembly.RuntimeError)) return { type: "failure", errors: [{ message: String(e?.message ?? e) }] };
      this.traps++;
      this.load();
      throw new Trapped(String(e.message));
    }
  }

  // What converts to JSON, as text with exact integers: the shell's JSON.parse
  // is kept out of it.
  json(fn, ...args) {
    const keep = JSON.parse;
    let raw;
    JSON.parse = (t) => keep((raw = t));
    try {
      const a = this.plain(fn, ...args);
      return a.type === "success" ? { ok: true, json: write(member(parse(raw), "json")) } : { ok: false, text: why(a) };
    } finally {
      JSON.parse = keep;
    }
  }

  version() {
    return `${this.engine.getCedarVersion()} (language ${this.engine.getCedarLangVersion()})`;
  }
}

const J = JSON.stringify;
export const call = (fields) =>
  `{${Object.entries(fields).filter(([, v]) => v !== undefined).map(([k, v]) => `${J(k)}:${v}`).join(",")}}`;
export const why = (a) => (a.errors ?? []).map((e) => e.message).join("; ").slice(0, 300);
