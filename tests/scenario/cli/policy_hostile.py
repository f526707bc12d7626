#!/usr/bin/python3
"""Damaged files of every kind through every command: an answer or a refusal, never a crash.

policy_hostile.py TIPSTAFF [RUNS [SEED]]
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile

REQUEST = ["-p", "policies", "--request-json", "request.json"]
TYPED = ["-s", "photos.cedarschema", "--entities", "entities.json"]
# X is the damaged file
COMMANDS = {
    "photos.cedarschema": [
        ["check", "--schema", "X", "policies"],
        ["translate", "--to", "json", "--schema", "X"],
        ["explain", "-s", "X", "--entities", "entities.json"] + REQUEST,
    ],
    "photos.json": [
        ["check", "--schema", "X", "policies"],
        ["translate", "--to", "text", "--schema", "X"],
    ],
    "old.cedarschema": [
        ["schema", "--tools", "tools", "--merge", "X"],
    ],
    "fits.cedarschema": [
        ["schema", "--tools", "tools", "--check", "X"],
        ["schema", "--tools", "tools", "--check", "X", "--json"],
    ],
    "people.yaml": [
        ["schema", "--tools", "tools", "--directory", "X"],
    ],
    "entities.json": [
        ["eval", "-s", "photos.cedarschema", "--entities", "X"] + REQUEST,
        ["eval", "--entities", "X"] + REQUEST,
        ["check", "--schema", "photos.cedarschema", "--entities", "X", "policies"],
    ],
    "request.json": [
        ["explain", "-p", "policies", "--request-json", "X", "--mask", "context.args.token"] + TYPED,
        ["explain", "-p", "policies", "--request-json", "X", "--json", "--all"],
    ],
    "requests.jsonl": [
        ["diff", "--old", "policies", "--new", "policies/owner.cedar", "--requests", "X"] + TYPED,
    ],
    "policies/limits.cedar": [
        ["explain", "-p", "X", "--request-json", "request.json"],
        ["fmt", "--check", "X"],
        ["check", "--schema", "photos.cedarschema", "X"],
        ["translate", "--to", "json", "X"],
    ],
    "limits.json": [
        ["explain", "-p", "X", "--request-json", "request.json", "--all"],
        ["translate", "--to", "text", "X"],
        ["check", "X"],
    ],
    "links.json": [
        ["eval", "-p", "template.cedar", "-k", "X", "--request-json", "request.json"],
    ],
    "tests.yaml": [
        ["test", "--coverage", "--junit", "/dev/null", "X"],
        ["test", "--json", "X"],
    ],
}
PIECES = [b"{", b"[", b'"', b"\\", b"\0", b"\xff", b"::", b"?principal", b"9" * 30, b"(" * 300,
          b" \n", b"&a", b"*a", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"!" * 9, b"[" * 500]


def damage(rng, b):
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        i = rng.randrange(len(b) + 1)
        j = min(len(b), i + rng.randint(1, 60))
        how = rng.randrange(5)
        if how == 0:
            b = b[:i] + bytes([rng.randrange(256)]) + b[i + 1:]
        elif how == 1:
            b = b[:i]
        elif how == 2:
            b = b[:i] + b[j:]
        elif how == 3:
            b = b[:i] + rng.choice(PIECES) + b[i:]
        else:
            b = b[:j] + b[i:]
    return b


def main():
    tipstaff = os.path.abspath(sys.argv[1])
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    rng = random.Random(seed)
    here = os.path.dirname(os.path.abspath(__file__))
    with tempfile.TemporaryDirectory() as work:
        shutil.copytree(os.path.join(here, "policy"), work, dirs_exist_ok=True)
        os.chdir(work)
        for out, args in (("limits.json", ["policies/limits.cedar"]),
                          ("photos.json", ["--schema", "photos.cedarschema"])):
            with open(out, "wb") as f:
                subprocess.run([tipstaff, "policy", "translate", "--to", "json"] + args,
                               stdout=f, check=True)
        with open("fits.cedarschema", "wb") as f:
            subprocess.run([tipstaff, "policy", "schema", "--tools", "tools"], stdout=f, check=True)
        codes = {}
        for name, commands in COMMANDS.items():  # each can succeed
            for command in commands:
                command = [name if a == "X" else a for a in command]
                r = subprocess.run([tipstaff, "policy"] + command, capture_output=True)
                ok = 2 if command[0] == "eval" else 1 if command[0] == "diff" else 0
                if r.returncode != ok and not (command[0] == "fmt" and r.returncode == 1):
                    print(f"FAILED: {command}: exit {r.returncode}")
                    print(r.stderr.decode("latin1"))
                    return 1
        for n in range(runs):
            name = rng.choice(sorted(COMMANDS))
            with open(name, "rb") as f:
                text = damage(rng, f.read())
            bad = "damaged" + os.path.splitext(name)[1]
            with open(bad, "wb") as f:
                f.write(text)
            command = [bad if a == "X" else a for a in rng.choice(COMMANDS[name])]
            r = subprocess.run([tipstaff, "policy"] + command, capture_output=True, timeout=30)
            codes[r.returncode] = codes.get(r.returncode, 0) + 1
            said = r.returncode == 0 or r.stdout or r.stderr
            if r.returncode not in (0, 1, 2) or b"runtime error" in r.stderr or not said \
                    or b"\x1b" in r.stdout + r.stderr:
                sys.stdout.write(f"FAILED: run {n} of seed {seed}: {command}: exit {r.returncode}\n")
                sys.stdout.write(r.stderr[-2000:].decode("latin1"))
                sys.stdout.write(f"\nthe file: {text!r}\n")
                return 1
        print(f"{runs} runs, exit codes {sorted(codes.items())}")
    return 0


sys.exit(main())
