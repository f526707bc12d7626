// usage: node --experimental-wasm-modules biscuit.mjs COUNT
// The Biscuit reference implementation in WebAssembly: a token of three blocks
// that says what the three-block chain of bench_trust.c says. Prints medians.
import { readFileSync } from "node:fs";

import { AuthorizerBuilder, Biscuit, BiscuitBuilder, BlockBuilder, KeyPair, SignatureAlgorithm } from "@biscuit-auth/biscuit-wasm";

const count = Number(process.argv[2] ?? 500);
const now = () => Number(process.hrtime.bigint());

const root = new KeyPair(SignatureAlgorithm.Ed25519);
const authority = new BiscuitBuilder();
authority.addCode('tenant("acme"); user("alice"); agent("coder"); task("t1"); aud("sidecar/x"); right("fs.read"); right("fs.list"); check if time($t), $t < 2099-01-01T00:00:00Z;');
let token = authority.build(root.getPrivateKey());
for (const name of ["coder/one", "coder/one/two"]) {
  const block = new BlockBuilder();
  block.addCode(`agent("${name}"); check if operation("fs.read"); check if time($t), $t < 2098-01-01T00:00:00Z;`);
  token = token.appendBlock(block);
}
const bytes = token.toBytes();
const publicKey = root.getPublicKey();

const verify = () => Biscuit.fromBytes(bytes, publicKey);
const authorize = (b) => {
  const a = new AuthorizerBuilder();
  a.addCode('time(2026-11-22T00:00:00Z); operation("fs.read"); allow if operation($o), right($o);');
  const built = a.buildAuthenticated(b);
  const answer = built.authorizeWithLimits({ max_facts: 1000, max_iterations: 100, max_time_micro: 1e6 }); // its own limit, 1 ms, is missed by the first ones
  built.free();
  return answer;
};

const median = (v) => v.sort((a, b) => a - b)[Math.floor(v.length / 2)];
const one = (f) => {
  const t = now();
  f();
  return now() - t;
};
if (verify().countBlocks() !== 3 || authorize(verify()) !== 0) throw new Error("the token does not do what it should");
const series = { verify: [], both: [] };
for (let i = -count / 10; i < count; i++) {
  let b;
  const v = one(() => { b = verify(); });
  b.free();
  const w = one(() => { b = verify(); authorize(b); });
  b.free();
  if (i >= 0) series.verify.push(v), series.both.push(w);
}
const version = JSON.parse(readFileSync(new URL("node_modules/@biscuit-auth/biscuit-wasm/package.json", import.meta.url))).version;
console.log(JSON.stringify({ biscuit_version: version, biscuit_bytes: bytes.length, biscuit_verify_us: median(series.verify) / 1000, biscuit_both_us: median(series.both) / 1000 }));
