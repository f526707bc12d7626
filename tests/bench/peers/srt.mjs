// The command that @anthropic-ai/sandbox-runtime wraps around PROGRAM, written to FILE;
// its proxies live until our standard input ends.
// srt.mjs PROGRAM FILE
import { writeFileSync } from 'node:fs';
import { SandboxManager } from '@anthropic-ai/sandbox-runtime';

const [program, file] = process.argv.slice(2);
const t0 = performance.now();
await SandboxManager.initialize({
    network: { allowedDomains: ['example.com'], deniedDomains: [] },
    filesystem: { denyRead: [], allowWrite: ['/tmp'], denyWrite: [] },
});
const t1 = performance.now();
const command = await SandboxManager.wrapWithSandbox(program);
const t2 = performance.now();
writeFileSync(file, command + '\n');
console.log(JSON.stringify({ srt_initialize_ms: t1 - t0, srt_wrap_ms: t2 - t1 }));
process.stdin.resume();
process.stdin.on('end', async () => {
    await SandboxManager.reset();
    process.exit(0);
});
