#!/usr/bin/python3
"""tipstaff with each of its allocations failing in turn, alone and with all that follow.
It then fails, says so and leaves no file that was not whole; or it says exactly what it
says otherwise. What it frees at its end it frees then too.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "gate"))
from memory import Page  # noqa: E402

RUNS = int(os.environ.get("TS_OOM_RUNS", "240"))  # of one command: then every second place, or third
PAGE = Page()
CAPABILITIES = """{"allow": ["read"], "capabilities": [{"tool": "fs.read", "max_calls": 3, "args": {
  "path": [{"in": ["a", "b"]}, {"from": [["fs.list", "/*/name"]]}]}}]}"""
ASK = ["-p", "policies", "--schema", "photos.cedarschema", "--entities", "entities.json", "--request-json",
       "request.json"]
DELEGATE = ["delegate", "--issuer-key", "issuer.seed", "--tenant", "acme", "--issuer", "idp", "--user", "alice", "--agent",
            "coder", "--holder", "coder.pub", "--aud", "sidecar/local", "--task", "t", "-o", "new.chain"]
#         command, its exit status, the files that it writes
COMMANDS = [
    (DELEGATE + ["--policy", "p.cedar", "--prompt", "p.cedar", "--attr", "a=1"], 0,
     ["new.chain", "new.chain.issuer", "new.chain.origin"]),
    (DELEGATE + ["--capabilities", "c.json", "--config", "etc"], 0, ["new.chain", "new.chain.issuer"]),
    (["attenuate", "--chain", "c.chain", "--key", "coder.seed", "--agent", "coder/a", "--holder", "sub.pub",
      "--policy", "p.cedar", "-o", "new.chain"], 0, ["new.chain"]),
    (["delegation", "show", "--json", "--issuer-pub", "issuer.pub", "c.chain"], 0, []),
    (["delegation", "export", "--json", "--issuer-pub", "issuer.pub", "c.chain"], 0, []),
    (["issuer", "jwks", "issuer.pub", "coder.pub"], 0, []),
    (["policy", "check", "--schema", "photos.cedarschema", "policies"], None, []),
    (["policy", "fmt", "policies/owner.cedar"], 0, []),
    (["policy", "eval", "--verbose"] + ASK, None, []),
    (["policy", "explain"] + ASK, None, []),
    (["policy", "explain", "--mask", "context.amount"] + ASK, None, []),
    (["policy", "test", "tests.yaml"], None, []),
    (["policy", "translate", "--to", "json", "policies/owner.cedar"], 0, []),
    (["policy", "schema", "--tools", "tools", "--directory", "people.yaml"], 0, []),
    (["policy", "schema", "--tools", "tools", "--merge", "old.cedarschema"], None, []),
    (["policy", "schema", "--tools", "tools", "--check", "old.cedarschema"], 1, []),
    (["sandbox", "lint", "files"], 0, []),
    (["sandbox", "show", "files"], 0, []),
    (["directory", "show", "--json", "--config", "etc"], 0, []),
    (["delegation", "vectors", "none.json"], None, []),
]


def run(program, argv):
    p = subprocess.run([program] + argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    return p.returncode, p.stdout, p.stderr


def remove(files):
    for f in files:
        if os.path.exists(f):
            os.unlink(f)


def one(program, argv, want, files):
    name = " ".join(argv[:2])
    remove(files)
    made = PAGE.made(lambda: want.append(run(program, argv)))
    kept = PAGE.freed()
    said = want[-1]
    assert want[0] is None or said[0] == want[0], (name, said)
    sizes = [os.path.getsize(f) for f in files]
    step = made * 2 // RUNS + 1
    for nth in range(0, made, step):
        for also_later in (True, False):
            remove(files)
            PAGE.arm(nth, also_later)
            got = run(program, argv)
            fired = PAGE.disarm()
            judge(name, nth, said, got, fired, PAGE.freed(), kept)
            assert "--mask" not in argv or b"2500" not in got[1], (name, nth, got)
            if got[0] != said[0]:
                left = [f for f in files if os.path.exists(f)]
                assert all(os.path.getsize(f) == sizes[files.index(f)] for f in left), (name, nth, left)
    remove(files)
    assert run(program, argv)[0] == said[0], name
    print(f"ok      {name}: {made} allocations, every {step}.", flush=True)


def judge(name, nth, said, got, fired, live, kept):
    where = (name, nth, got)
    if got[0] == -signal.SIGABRT:  # the JSON library stops the program, ts_mem_stop.h
        assert fired and b"ts_mem_stop" in got[2], where
        return
    assert got[0] in (said[0], 1, 2, 3), where
    assert live <= kept, (where, f"{live} are not freed")
    if got[0] == 0:
        if b"clause coverage" in said[1]:  # a clause whose text gets no memory is counted as if it said something
            assert b"5 passed, 0 failed" in got[1], where
            return
        told = got[1].replace(b"(no memory)", b"***")  # more is hidden than was asked for
        assert got[1] == said[1] or b"chain" in got[1] or told.count(b"***") >= max(1, said[1].count(b"***")), where
    elif fired and got[:2] != said[:2]:
        assert got[2] or got[1], where


def main(program):
    with tempfile.TemporaryDirectory() as d:
        shutil.copytree(os.path.join(HERE, "policy"), d, dirs_exist_ok=True)
        os.chdir(d)
        for v in ("NO_COLOR", "TERM"):
            os.environ.pop(v, None)
        open("p.cedar", "w").write('@id("p")\npermit(principal, action, resource) when { context.depth < 3 };\n')
        open("c.json", "w").write(CAPABILITIES)
        for argv in (["key", "new", "issuer"], ["key", "new", "coder"], ["key", "new", "sub"],
                     DELEGATE[:-1] + ["c.chain", "--policy", "p.cedar"],
                     ["init", "etc", "--workspace", ".", "--base", "run", "--agent-uid", "10001"]):
            code, _, err = run(program, argv)
            assert code == 0, (argv, err)
        for argv, want, files in COMMANDS:
            start = time.monotonic()
            one(program, argv, [want], files)
            assert time.monotonic() - start < 120


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
