// usage: node peers.mjs DATA BENCH_AUTHORIZE GRPC_CLIENT ROUNDS SECONDS [JSON_FILE]
// Ours and the peers in turn, size by size, on the same data, round after round;
// of each engine the round with the lowest median counts, since noise only adds.
// A table of ratios to ours. A peer that is missing or fails is said, not left
// out.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [data, ours, client, rounds, seconds, out] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const SIZES = [20, 1000, 10000];

function run(program, args) {
  const p = spawnSync(program, args, { encoding: "utf8", maxBuffer: 1 << 24 });
  if (p.status !== 0) throw new Error((p.stderr || `status ${p.status}`).split("\n").find((l) => /error/i.test(l) && !/^\s*(throw|if)/.test(l)) ?? `status ${p.status}`);
  return JSON.parse(p.stdout);
}
const node = (script, ...args) => run(process.execPath, [join(here, script), ...args]);

function own(dir) {
  const r = run(ours, ["--json", dir]);
  return {
    engine: "tipstaff", p50_ns: r.mixed_p50_ns, p99_ns: r.mixed_p99_ns, each_ns: r.mixed_p50_ns, decisions: r.requests, wrong: 0,
    load_ms: r.load_policies_ms, rss_kib: r.rss_kib,
  };
}

const ENGINES = [
  ["tipstaff", own],
  ["cedar-wasm, preparsed", (dir) => node("cedar.mjs", "preparsed", dir, seconds)],
  ["cedar-wasm, plain", (dir) => node("cedar.mjs", "plain", dir, seconds)],
  ["casbin", (dir) => node("casbin.mjs", dir, seconds)],
  ["Cerbos, gRPC", (dir) => node("cerbos.mjs", dir, seconds, client)],
];

function round(dir, best) {
  for (const [name, engine] of ENGINES) {
    const known = best.get(name);
    if (known?.failed) continue;
    try {
      const r = engine(dir);
      if (!known || r.p50_ns < known.p50_ns) best.set(name, r);
    } catch (e) {
      best.set(name, { engine: name, failed: e.message });
    }
  }
}

const time = (ns) => (ns < 1e3 ? `${ns.toFixed(0)} ns` : ns < 1e6 ? `${(ns / 1e3).toFixed(1)} us` : `${(ns / 1e6).toFixed(1)} ms`);
const row = (cells) => console.log(cells.map((c, i) => (i === 0 ? String(c).padEnd(28) : String(c).padStart(11))).join(""));
const all = [];

for (const n of SIZES) {
  const best = new Map();
  for (let i = 0; i < Number(rounds); i++) round(join(data, "corpus", String(n)), best);
  const mine = best.get("tipstaff");
  if (mine.failed) throw new Error(mine.failed);
  console.log(`\n${n} rules`);
  row(["engine", "p50", "p99", "each", "x p50", "load", "memory", "wrong"]);
  for (const r of best.values()) {
    if (r.failed) console.log(`${r.engine.padEnd(28)} not measured: ${r.failed}`);
    else row([r.engine, time(r.p50_ns), time(r.p99_ns), time(r.each_ns), (r.p50_ns / mine.p50_ns).toFixed(0), `${r.load_ms.toFixed(1)} ms`, `${(r.rss_kib / 1024).toFixed(1)} MB`, r.wrong]);
    all.push({ rules: n, ...r, ...(r.failed ? {} : { ratio_p50: r.p50_ns / mine.p50_ns }) });
  }
}
console.log(`
tipstaff: evaluations in process, batches of 64 different requests; a peer's
figures are single calls in its own shape: WebAssembly in Node with the entities
of the request, JavaScript in process, a server on a Unix socket.`);
if (out) writeFileSync(out, `${JSON.stringify({ peers: all }, null, 1)}\n`);
