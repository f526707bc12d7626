// Our engine: build/tests/diff_worker, a line in, a line out, in order.
import { spawn } from "node:child_process";

export class Ours {
  waiting = [];
  crashes = 0;
  stderr = "";

  constructor(program) {
    this.program = program;
    this.start();
  }

  start() {
    let rest = "";
    const child = spawn(this.program, [], { stdio: ["pipe", "pipe", "pipe"] });
    this.child = child;
    child.stdin.on("error", () => {}); // its end is noticed at "close"
    child.stderr.setEncoding("utf8").on("data", (t) => (this.stderr = (this.stderr + t).slice(-4000)));
    child.stdout.setEncoding("utf8").on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      for (const line of lines) this.waiting.shift()?.done(JSON.parse(line));
    });
    child.on("error", (e) => this.lost(child, String(e)));
    child.on("close", (code, signal) => this.lost(child, `status ${code ?? signal}`));
  }

  // The first unanswered case did it; the others are asked again.
  lost(child, how) {
    if (child !== this.child) return;
    if (this.ended) {
      if (how === "status 0") return;
      console.error(`${this.program} ended with ${how}\n${this.stderr}`); // a leak, for one
      process.exitCode = 1;
      return;
    }
    const [culprit, ...again] = this.waiting;
    this.waiting = [];
    if (!culprit) throw new Error(`${this.program}: ${how}`);
    this.crashes++;
    culprit.done({ ok: false, stage: "crash", err: how, text: this.stderr.slice(-1500) });
    this.stderr = "";
    this.start();
    for (const w of again) this.send(w);
  }

  send(w) {
    this.waiting.push(w);
    this.child.stdin.write(w.line);
  }

  ask(request) {
    return new Promise((done) => this.send({ line: `${JSON.stringify(request)}\n`, done }));
  }

  end() {
    this.ended = true;
    this.child.stdin.end();
  }
}
