// Compares our engine with the official one over generated cases.
//   node run.mjs --worker build/tests/diff_worker --kind sets --cases 1000 --seed 1
//   node run.mjs --worker .. --kind sets --seed 1 --case 17      one case, shown
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";

import { Ours } from "./lib/ours.mjs";
import { Rng } from "./lib/rng.mjs";
import { shrink } from "./lib/shrink.mjs";
import { Theirs, Trapped } from "./lib/theirs.mjs";
import { KINDS } from "./kinds/index.mjs";

const { values: opt } = parseArgs({
  options: {
    worker: { type: "string" },
    kind: { type: "string", default: "all" },
    seed: { type: "string", default: "1" },
    cases: { type: "string", default: "1000" }, // compared cases, per kind
    case: { type: "string" },
    jobs: { type: "string", default: "1" },
    seconds: { type: "string" }, // stop after this long, whatever was reached
    findings: { type: "string" },
    part: { type: "string" }, // K/N: internal, one process of several
    keep: { type: "string", default: "20" },
  },
});
const WINDOW = 8; // cases that both engines work on at the same time
const kinds = opt.kind === "all" ? Object.keys(KINDS) : opt.kind.split(",");
for (const k of kinds) if (!KINDS[k]) throw new Error(`no such kind: ${k} (${Object.keys(KINDS).join(" ")})`);
if (!opt.worker) throw new Error("--worker is missing");

const J = (x, indent) => JSON.stringify(x, (_, v) => (typeof v === "bigint" ? String(v) : v), indent);
const generate = (kind, i) => KINDS[kind].generate(new Rng(opt.seed, kind, i));

function ask(kind, engines, c) {
  try {
    KINDS[kind].prepare?.(engines.theirs, c);
  } catch (e) {
    if (!(e instanceof Trapped)) throw e;
    return Promise.resolve({ compared: 0, trapped: 1 });
  }
  const mine = Promise.all([].concat(KINDS[kind].oursRequest(c)).map((q) => engines.ours.ask(q)));
  let them;
  try {
    them = KINDS[kind].theirs(engines.theirs, c);
  } catch (e) {
    if (!(e instanceof Trapped)) throw e;
    them = { trapped: true };
  }
  return mine.then((list) => {
    const crash = list.find((a) => a.stage === "crash" || a.stage === "protocol");
    if (crash) return { compared: 1, differs: `our worker failed: ${crash.err} ${crash.text ?? ""}` };
    if (them.trapped) return { compared: 0, trapped: 1 };
    return KINDS[kind].compare(c, Array.isArray(KINDS[kind].oursRequest(c)) ? list : list[0], them);
  });
}

const fold = (total, part) => {
  for (const k in part) if (typeof part[k] === "number") total[k] = (total[k] ?? 0) + part[k];
};

async function record(kind, i, engines, c, first) {
  // The same kind of disagreement, so that shrinking does not wander off.
  const sort = (text) => text.replace(/[0-9]+/g, "#").slice(0, 14);
  const small = await shrink(c, async (x) => {
    const r = await ask(kind, engines, x);
    return r.differs !== undefined && sort(r.differs) === sort(first);
  });
  const last = await ask(kind, engines, small);
  const found = {
    kind, seed: opt.seed, case: i, differs: last.differs, repro: `node tests/differential/run.mjs --worker build/tests/diff_worker --kind ${kind} --seed ${opt.seed} --case ${i}`,
    shrunk: KINDS[kind].show(small),
  };
  if (opt.findings) {
    mkdirSync(opt.findings, { recursive: true });
    writeFileSync(`${opt.findings}/${kind}-${opt.seed}-${i}.json`, `${J(found, 1)}\n`);
  }
  return found;
}

async function runKind(kind, part, parts, goal, deadline, engines) {
  const total = { cases: 0, compared: 0, disagreements: 0 };
  const findings = [];
  for (let i = part; total.compared < goal && Date.now() < deadline; ) {
    const batch = [];
    for (let n = 0; n < WINDOW; n++, i += parts) {
      const c = generate(kind, i);
      batch.push({ i, c, result: ask(kind, engines, c) });
    }
    for (const b of batch) {
      const result = await b.result;
      total.cases++;
      fold(total, result);
      if (result.differs === undefined) continue;
      total.disagreements++;
      if (findings.length < Number(opt.keep)) findings.push(await record(kind, b.i, engines, b.c, result.differs));
    }
  }
  return { kind, total, findings };
}

async function runPart() {
  const [part, parts] = opt.part.split("/").map(Number);
  const engines = { ours: new Ours(opt.worker), theirs: new Theirs() };
  const each = opt.seconds ? (Number(opt.seconds) * 1000) / kinds.length : Infinity;
  for (const kind of kinds) {
    const done = await runKind(kind, part, parts, Math.ceil(Number(opt.cases) / parts), Date.now() + each, engines);
    console.log(J(done));
  }
  engines.ours.end();
}

async function runOne() {
  const engines = { ours: new Ours(opt.worker), theirs: new Theirs() };
  for (const kind of kinds) {
    const c = generate(kind, Number(opt.case));
    const result = await ask(kind, engines, c);
    const found = result.differs === undefined ? { kind, agrees: true, result, shown: KINDS[kind].show(c) } : await record(kind, Number(opt.case), engines, c, result.differs);
    for (const [key, v] of Object.entries(found)) console.log(`${key}:`, typeof v === "object" ? J(v, 1) : v);
    if (result.differs !== undefined) process.exitCode = 1;
  }
  engines.ours.end();
}

function child(part, parts, take) {
  return new Promise((done) => {
    const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2), "--part", `${part}/${parts}`];
    const p = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    let rest = "";
    p.stdout.setEncoding("utf8").on("data", (t) => {
      const lines = (rest + t).split("\n");
      rest = lines.pop();
      for (const line of lines) take(JSON.parse(line));
    });
    p.on("close", (code) => done(code));
  });
}

async function runAll() {
  const parts = Number(opt.jobs);
  const totals = {}, started = Date.now();
  let bad = 0;
  const codes = await Promise.all(Array.from({ length: parts }, (_, k) => child(k, parts, ({ kind, total, findings }) => {
    fold((totals[kind] ??= {}), total);
    for (const f of findings) {
      bad++;
      console.log(`DISAGREEMENT ${f.kind} seed ${f.seed} case ${f.case}: ${f.differs}\n  repro: ${f.repro}\n  ${J(f.shrunk).slice(0, 1500)}`);
    }
  })));
  const seconds = (Date.now() - started) / 1000;
  let compared = 0, disagreements = 0;
  for (const kind of kinds) {
    const t = totals[kind] ?? {};
    if (!t.compared) bad++; // a comparison that compares nothing has not passed
    compared += t.compared ?? 0;
    disagreements += t.disagreements ?? 0;
    console.log(`${kind.padEnd(10)} ${Object.entries(t).map(([k, v]) => `${k} ${v}`).join(", ")}`);
  }
  console.log(`${compared} compared, ${disagreements} disagreements; cedar-wasm ${new Theirs().version()}; seed ${opt.seed}, ${seconds.toFixed(1)} s, ${Math.round(compared / seconds)} a second`);
  if (bad || codes.some((c) => c !== 0)) process.exitCode = 1;
}

await (opt.case !== undefined ? runOne() : opt.part ? runPart() : runAll());
