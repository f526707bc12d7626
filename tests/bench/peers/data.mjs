// usage: node data.mjs GENERATOR_DIR OUT
// Runs the generator (gen.mjs beside expect-N.txt, the official engine's
// decisions) and leaves OUT/corpus/N with what each driver reads.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { message } from "./protobuf.mjs";

const [from, out] = process.argv.slice(2);
const SIZES = [20, 1000, 10000];

mkdirSync(out, { recursive: true });
if (!existsSync(join(out, "done"))) {
  copyFileSync(join(from, "gen.mjs"), join(out, "gen.mjs"));
  await import(pathToFileURL(join(out, "gen.mjs")).href);
  for (const n of SIZES) {
    const dir = join(out, "corpus", String(n));
    const expect = readFileSync(join(from, `expect-${n}.txt`), "utf8").trim().split("\n");
    const requests = JSON.parse(readFileSync(join(dir, "requests.json"), "utf8"));
    requests.forEach((q, i) => (q.expect = expect[i]));
    writeFileSync(join(dir, "requests.json"), `[\n${requests.map((q) => JSON.stringify(q)).join(",\n")}\n]\n`);
    writeFileSync(join(dir, "expect.txt"), `${expect.join("\n")}\n`);
    const calls = readFileSync(join(dir, "cerbos-flat.jsonl"), "utf8").trim().split("\n").map((l) => message(JSON.parse(l)));
    const framed = calls.flatMap((b) => {
      const head = Buffer.alloc(4);
      head.writeUInt32LE(b.length);
      return [head, b];
    });
    writeFileSync(join(dir, "cerbos-flat.bin"), Buffer.concat(framed));
  }
  writeFileSync(join(out, "done"), "");
}
