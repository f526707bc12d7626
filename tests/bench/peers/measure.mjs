// Calls one() over all requests for a while and prints what it came to.
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const now = () => Number(process.hrtime.bigint());
export const read = (dir, name) => readFileSync(join(dir, name), "utf8");

export function measure(engine, expects, seconds, loadMs, one) {
  const times = [];
  let wrong = 0, k = 0;
  const round = (until, keep) => {
    for (let t = now(); t < until; k++) {
      const i = k % expects.length;
      const decision = one(i);
      const after = now();
      if (keep) times.push(after - t);
      if (decision !== expects[i]) wrong++;
      t = now();
    }
  };
  round(now() + seconds * 0.5e9, false);
  const start = now();
  round(start + seconds * 1e9, true);
  const spent = now() - start;
  times.sort((a, b) => a - b);
  const at = (q) => times[Math.min(times.length - 1, Math.floor(times.length * q))];
  console.log(JSON.stringify({
    engine, p50_ns: at(0.5), p99_ns: at(0.99), each_ns: Math.round(spent / times.length), decisions: times.length, wrong,
    load_ms: loadMs, rss_kib: process.resourceUsage().maxRSS,
  }));
}
