// usage: node cerbos.mjs DIR SECONDS CLIENT
// Cerbos as it is run beside an application: its server, gRPC over a Unix
// socket, and a C client that costs next to nothing (grpc_client).
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [dir, seconds, client] = process.argv.slice(2);
const program = createRequire(import.meta.url).resolve("@cerbos/cerbos-linux-x64/cerbos-linux-x64");
const home = mkdtempSync(join(tmpdir(), "tipstaff-cerbos-"));
const config = `server:
  httpListenAddr: "unix:${home}/http.sock"
  grpcListenAddr: "unix:${home}/grpc.sock"
  metricsEnabled: false
  logRequestPayloads: false
telemetry:
  disabled: true
audit:
  enabled: false
storage:
  driver: disk
  disk:
    directory: ${resolve(dir, "cerbos-flat")}
    watchForChanges: false
`;

const healthy = () =>
  new Promise((done) => {
    const q = request({ socketPath: join(home, "http.sock"), path: "/_cerbos/health" }, (r) => {
      r.resume();
      done(r.statusCode === 200);
    });
    q.on("error", () => done(false));
    q.end();
  });
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

writeFileSync(join(home, "cerbos.yaml"), config);
const start = Date.now();
const server = spawn(program, ["server", `--config=${join(home, "cerbos.yaml")}`, "--log-level=error"], { stdio: "ignore" });
let ended = false;
server.on("exit", () => (ended = true));
try {
  while (!(await healthy())) {
    if (ended || Date.now() - start > 120000) throw new Error("the Cerbos server did not start");
    await pause(20);
  }
  const load = Date.now() - start;
  const run = spawnSync(client, [join(home, "grpc.sock"), join(dir, "cerbos-flat.bin"), join(dir, "expect.txt"), seconds], { encoding: "utf8" });
  if (run.status !== 0) throw new Error(run.stderr);
  const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"));
  console.log(JSON.stringify({ engine: "Cerbos 0.55.0, gRPC", ...JSON.parse(run.stdout), load_ms: load, rss_kib: Number(peak[1]) }));
} finally {
  server.kill();
  rmSync(home, { recursive: true, force: true });
}
