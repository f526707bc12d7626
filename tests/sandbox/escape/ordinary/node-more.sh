node -e '
const cp = require("child_process"), fs = require("fs"), os = require("os");
const c = cp.spawn("/bin/sh", ["-c", "echo spawned; exit 3"]);
c.stdout.on("data", d => console.log(String(d).trim()));
c.on("exit", e => { console.log("exit", e); console.log(cp.execSync("echo a b").toString().trim()); });
fs.watch(".", () => {}).close(); fs.mkdirSync("a/b", { recursive: true }); fs.rmSync("a", { recursive: true });
fs.mkdtempSync(os.tmpdir() + "/x"); console.log(os.cpus().length > 0, os.totalmem() > 0);
new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));'
