#!/usr/bin/python3
"""ordinary.py LEVEL[:PROFILE]... : programs that do no harm must not notice the box.

Each script, here and in ordinary/, runs once plainly, as a user without rights in a
folder of its own, and once as a tool at each level; both must end with 0 and say
the same. The profile is "build".
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import host  # noqa: E402
import service  # noqa: E402

SCRIPTS = {
    "bash": r'''
        f() { local n=$1; [ "$n" -le 1 ] && echo 1 || echo $((n * $(f $((n - 1))))); }
        f 6; for i in {1..3}; do echo "line $i"; done | while read -r l; do echo "<$l>"; done
        cat <<<"here"; diff <(printf 'a\nb\n') <(printf 'a\nc\n') || true; (exit 3) || echo "code $?"
        trap 'echo bye' EXIT; echo "$(set -o pipefail; true | false || echo piped)"''',
    "git": r'''
        export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_DATE='2026-01-01T00:00:00Z' GIT_COMMITTER_DATE='2026-01-01T00:00:00Z'
        git init -q -b main r; cd r; git config user.name a; git config user.email a@b
        echo one >f; mkdir d; ln -s ../f d/l; git add .; git commit -qm first; echo two >>f; git commit -qam second
        git log --format='%h %s'; git diff HEAD~1 --stat; git branch b; git checkout -q b; git merge -q main
        cd ..; git clone -q r c; cat c/f; git -C c status --short; git -C c gc -q; git -C c fsck 2>/dev/null''',
    "python3": r'''
        /usr/bin/python3 - <<'P'
import concurrent.futures, hashlib, json, os, shutil, sqlite3, subprocess, tempfile, threading, zlib
with tempfile.TemporaryDirectory() as d:
    p = os.path.join(d, "x"); open(p, "w").write("hello"); os.chmod(p, 0o600); os.utime(p, (1, 1))
    print(os.stat(p).st_size, shutil.copy2(p, p + "2") == p + "2", sorted(os.listdir(d)))
    print(subprocess.run(["/bin/cat", p], capture_output=True, text=True).stdout)
with tempfile.NamedTemporaryFile() as f:
    f.write(b"x" * 100000); f.flush(); print(os.path.getsize(f.name))
with concurrent.futures.ThreadPoolExecutor(4) as e: print(sum(e.map(lambda n: n * n, range(100))))
r = []; t = [threading.Thread(target=r.append, args=(i,)) for i in range(8)]
[x.start() for x in t]; [x.join() for x in t]; print(sorted(r))
c = sqlite3.connect("py.db"); c.execute("create table t(a)"); c.executemany("insert into t values(?)", [(i,) for i in range(9)])
print(c.execute("select sum(a) from t").fetchone(), hashlib.sha256(b"a").hexdigest()[:8], zlib.crc32(b"a"), json.dumps({"a": [1]}))
r, w = os.pipe(); pid = os.fork()
if pid == 0: os.write(w, b"child"); os._exit(0)
os.waitpid(pid, 0); print(os.read(r, 9))
P''',
    "perl": r'''
        perl -MFile::Temp=tempfile -MPOSIX=floor -e '
            my ($h, $n) = tempfile(UNLINK => 1); print $h "abc\n" x 3; close $h; open(my $i, "<", $n);
            print scalar(() = <$i>), " ", floor(2.7), "\n"; print `echo from a shell`;
            my $p = fork; if (!$p) { exit 7 } waitpid($p, 0); print $? >> 8, "\n";
            print join(",", sort { $a <=> $b } map { $_ * 2 } 1..5), "\n"; ' ''',
    "node": r'''
        node -e '
            const fs = require("fs"), cp = require("child_process"), z = require("zlib"), c = require("crypto");
            fs.writeFileSync("n.txt", "node"); console.log(fs.readFileSync("n.txt", "utf8"), fs.statSync("n.txt").size);
            console.log(cp.execFileSync("/bin/echo", ["child"]).toString().trim());
            console.log(z.gunzipSync(z.gzipSync("zip")).toString(), c.createHash("sha256").update("a").digest("hex").slice(0, 8));
            const { Worker } = require("worker_threads");
            new Worker("require(\"worker_threads\").parentPort.postMessage(6*7)", { eval: true }).on("message", m => console.log(m));
            let n = 0; for (let i = 0; i < 1e6; i++) n += i % 7; console.log(n);' ''',
    "curl": r'''curl --version | head -1; printf 'data' >u; curl -s "file://$PWD/u"; echo''',
    "gcc": r'''
        printf '#include <stdio.h>\n#include <math.h>\nint main(int c,char**v){printf("%%d %%.3f\\n",c,sqrt(2.0+c));return 0;}\n' >m.c
        gcc -O2 -Wall -o m m.c -lm; ./m a b; gcc -static -o s m.c -lm; ./s; printf 'all:\n\t@echo made\n' >Makefile; make -s''',
    "tar": r'''
        mkdir -p t/a; for i in 1 2 3; do seq $i >t/a/$i; done; chmod 640 t/a/1; ln -s 1 t/a/l; ln t/a/2 t/a/h
        tar czf t.tgz t; tar tzf t.tgz | sort; mkdir o; tar xzf t.tgz -C o; diff -r t o/t && stat -c '%a %h' o/t/a/1 o/t/a/2
        tar cJf t.txz t; tar tJf t.txz | wc -l; gzip -t t.tgz; cp -a t u; rm -r u''',
    "find": r'''
        mkdir -p q/x/y; touch q/1 q/x/2 q/x/y/3; find q -type f | sort; find q -name '*2' -exec echo found {} \;
        find q -type f -print0 | xargs -0 -n1 basename | sort; find q -newermt 2020-01-01 -type d | wc -l; grep -rl '' q | wc -l''',
    "awk": r'''
        seq 20 | awk '{s += $1; a[$1 % 3]++} END {print s; for (i = 0; i < 3; i++) print i, a[i]}'
        printf 'b 2\na 1\n' | sort | awk '{print $2 | "cat"}'; seq 5 | sed -n '2,4p' | tac | paste -sd, ''',
    "sqlite3": r'''
        sqlite3 s.db 'create table t(a integer, b text); begin; insert into t values (1,"x"),(2,"y"); commit;'
        sqlite3 s.db 'pragma journal_mode=wal; insert into t values (3,"z"); select sum(a), group_concat(b) from t;'
        sqlite3 s.db .dump | wc -l; sqlite3 s.db 'vacuum; pragma integrity_check' ''',
    "coreutils": r'''
        date -u -d @0 +%F; nproc >/dev/null; df . >/dev/null; du -s . >/dev/null; mktemp >/dev/null; touch z; mv z zz; ls zz
        head -c 100000 /dev/zero | sha256sum; timeout 5 true; sleep 0.01; env | grep -c . >/dev/null; id -u >/dev/null
        mkfifo p; (echo through >p &) ; cat p; dd if=/dev/zero of=dd bs=1k count=4 status=none; wc -c <dd; ps >/dev/null; yes | head -1''',
}
for _path in sorted(glob.glob(os.path.join(HERE, "ordinary", "*.sh"))):
    with open(_path) as _f:
        SCRIPTS[os.path.basename(_path)[:-3]] = _f.read()
# They run what they have written, which the profile build alone may.
BUILDS = {"gcc", "make"}
# In "strict" nothing runs but the program of the manifest: bash's own words.
STRICT = {"bash": r'''echo "$((6 * 7))"; for i in {1..3}; do printf '%s ' "$i"; done; x=abc; echo "${x^^}"'''}


def plain(script):
    folder = tempfile.mkdtemp(prefix="ordinary-")
    ids = {}
    if os.geteuid() == 0:
        os.chown(folder, 61000, 61000)
        ids = dict(user=61000, group=61000, extra_groups=[])
    try:
        p = subprocess.run(["/bin/bash", "-euc", "umask 022\n" + script], cwd=folder, capture_output=True, text=True,
                           timeout=60, check=False, stdin=subprocess.DEVNULL,
                           env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8",
                                "HOME": folder, "TMPDIR": folder, "NO_COLOR": "1"}, **ids)
        return p.returncode, p.stdout, p.stderr
    finally:
        shutil.rmtree(folder)


def run_level(where):
    wrong = 0
    level, _, profile = where.partition(":")
    if not host.gives_level(level):
        return wrong
    s = service.Service("ordinary.sh", level, profile)
    try:
        for name, script in (STRICT if level == "strict" else SCRIPTS).items():
            if name in BUILDS and profile not in ("", "build"):
                continue
            want = plain(script)
            if want[0] != 0:
                print("FAILED %s plain: %d %s" % (name, want[0], want[2][-400:]))
                wrong += 1
                continue
            # a folder for each, as the plain run has one
            boxed = "umask 022; mkdir %s; cd %s; export HOME=$PWD TMPDIR=$PWD\n%s" % (name, name, script)
            if level == "strict":
                boxed = script
            code, out, err = s.call("ordinary.run", "script=" + boxed)
            good = code == 0 and out == want[1]
            print("%-10s %-13s %s" % (where, name, "ok" if good else "FAILED"))
            if not good:
                wrong += 1
                print("  exit %d, stderr: %s\n  plain: %r\n  boxed: %r"
                      % (code, err.strip()[-300:], want[1][-200:], out[-200:]))
    finally:
        s.close()
    return wrong


if __name__ == "__main__":
    sys.exit(1 if sum(run_level(x) for x in sys.argv[1:] or ["bare"]) else 0)
