// The official engine. Its JavaScript shell hands every argument to
// JSON.stringify; we hand it finished text, so 64-bit integers stay exact and
// duplicate keys stay duplicates.
import { createRequire } from "node:module";

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
    this.engine = require(path);
    this.prepared = false;
  }

  // fn(...texts): each argument is JSON text. A trap poisons the instance, so
  // a new one takes its place.
  call(fn, ...texts) {
    try {
      return this.engine[fn](...texts.map((t) => new Raw(t)));
    } catch (e) {
      if (!(e instanceof WebAssembly.RuntimeError)) return { type: "failure", errors: [{ message: String(e?.message ?? e) }] };
      this.traps++;
      this.load();
      throw new Trapped(String(e.message));
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
