"""Every field of what tipstaff directory reads, with values that it must refuse.

usage: directory_hostile.py PROGRAM
"""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1])
top = tempfile.mkdtemp()
os.chdir(top)
failures = tried = 0
random.seed(4)


def run(*args, data=None):
    return subprocess.run([PROGRAM, "directory", *args], input=data, capture_output=True, timeout=20)


os.mkdir("work")
subprocess.run([PROGRAM, "init", "etc", "--workspace", "work", "--base", "run", "--agent-uid", "10001"],
               check=True, stdout=subprocess.DEVNULL)
SNAPSHOT = "etc/tenants/acme/directory.snapshot"
KEEP = open(SNAPSHOT, "rb").read()
subprocess.run([PROGRAM, "key", "new", "spare"], check=True, stdout=subprocess.DEVNULL)
PUB = open("spare.pub").read().strip()
CODER = open("etc/keys/agents/coder.pub").read().strip()
ISSUER = open("etc/keys/issuer.pub").read().strip()


def refused(what, p, says=b""):
    """Exit 1 with a sentence, nothing odd printed, nothing changed."""
    global failures, tried
    tried += 1
    ok = p.returncode == 1 and p.stderr.startswith(b"tipstaff: ") and says in p.stderr
    ok &= not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", p.stderr + p.stdout)
    ok &= open(SNAPSHOT, "rb").read() == KEEP and os.listdir("etc/tenants/acme").count("directory.snapshot") == 1
    if not ok:
        failures += 1
        print(f"FAIL {what}: exit {p.returncode}: {p.stdout!r} {p.stderr!r}")


# --- every field of a source -------------------------------------------------
SOURCE = """users:
  - id: {user}
    status: {user_status}
    groups: {groups}
agents:
  - id: {agent}
    status: {agent_status}
    owner: {owner}
    keys: {keys}
    uids: {uids}
    max_depth: {depth}
approvers:
  - person: {person}
    status: {approver_status}
    key: {key}
    classes: {classes}
    roles: {roles}
"""
GOOD = dict(user="alice", user_status="active", groups="[g]", agent="coder", agent_status="active",
            owner="alice", keys=f'["{CODER}"]', uids="[1]", depth="3", person="alice",
            approver_status="active", key=f'"{PUB}"', classes="[c]", roles="[r]")
IDS = ["", "~", '""', "[]", "{}", '"a b"', '"a//b"', '"/a"', '"a/"', '".."', '"a/../b"', '"\\0"',
       '"\\x1b[31m"', "a" * 129, '"é"', '"\\""', "&a x", "*a", "!!str x", "|\n      x y"]
STATUS = ["", "Active", "true", "1", "[active]", '"active "', "disabled"]
LISTS = ["x", "{}", "[[]]", '["a b"]', "[a, a]", "[" + ", ".join(f"g{i}" for i in range(65)) + "]", '[""]', "[~]"]
BAD = dict(user=IDS, agent=IDS, person=IDS + ["nobody"], owner=IDS[2:] + ["nobody"],
           user_status=STATUS, agent_status=STATUS, approver_status=STATUS,
           groups=LISTS, classes=LISTS, roles=LISTS,
           keys=["x", f'"{CODER}"', '["00"]', '["' + "0" * 64 + '"]', '["' + "f" * 64 + '"]', f'["{CODER}0"]',
                 f'["{CODER}", "{CODER}"]', f'["{PUB}"]', f'["{ISSUER}"]', '["' + "g" * 64 + '"]',
                 '["01' + "00" * 31 + '"]'],
           key=["x", '"00"', f'"{CODER}"', f'"{ISSUER}"', '"' + "0" * 64 + '"', f'["{PUB}"]', ""],
           uids=["x", "1", "[x]", "[-1]", "[1.5]", "[4294967295]", "[65534]", "[18446744073709551616]",
                 "[1, 1]", "[1,2,3,4,5,6,7,8,9]", "[01]", "[0x10]", '["1 "]', "[true]"],
           depth=["x", "-1", "8", "256", "1.0", "true", "[1]", "99999999999999999999"])
assert set(BAD) == set(GOOD)


def apply(text, *more):
    return run("apply", "-", "--config", "etc", "--no-push", *more,
               data=text if isinstance(text, bytes) else text.encode())


p = apply(SOURCE.format(**GOOD), "--dry-run")
assert p.returncode == 0, p.stderr
for field, values in BAD.items():
    for value in values:
        refused(f"{field}: {value!r}", apply(SOURCE.format(**{**GOOD, field: value})))
good = SOURCE.format(**GOOD)
for what, text in (("an unknown key of a user", good.replace("    groups", "    name: x\n    groups")),
                   ("an unknown list", good + "groups: []\n"), ("no agents", good[:good.index("agents")]),
                   ("two documents", good + "---\n" + good), ("a list", "- users\n"), ("nothing", ""),
                   ("tabs", good.replace("  - id", "\t- id")), ("not UTF-8", good.encode().replace(b"alice", b"al\xffce")),
                   ("a NUL", good + "\0"), ("deep", "users: " + "[" * 500 + "]" * 500 + "\nagents: []\n"),
                   ("a key twice", good.replace("    status: active\n    groups", "    status: active\n    status: inactive\n    groups")),
                   ("a user twice", good.replace("agents:", "  - id: alice\n    status: inactive\nagents:")),
                   ("a bomb", "users: []\nagents: [" + "x," * 400000 + "]\n")):
    refused(what, apply(text))

# --- patches: what the generator makes is refused or done, and never half ------
URN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
PATHS = ['users', 'users[id eq "bob"]', 'users[id eq "bob"].active', 'users[id eq "bob"].groups',
         'users[id eq "bob"].groups[value eq "viewers"]', 'users[id eq "bob"].attrs', 'users[id eq "bob"].attrs.x',
         'agents', 'agents[id eq "coder"]', 'agents[id eq "coder"].keys', 'agents[id eq "coder"].uids[value eq 10001]',
         'agents[id eq "coder"].uids', 'agents[id eq "coder"].owner', 'agents[id eq "coder"].max_depth', 'approvers',
         'approvers[person eq "bob"]', 'groups[id eq "viewers"].members', 'groups[id eq "viewers"]',
         'users[id eq "nobody"]', 'x', '', 'users[', 5, None]
VALUES = [None, True, False, 0, -1, 1.5, 10 ** 30, "", "alice", "a b", "\x1b[31m", PUB, CODER, [], {}, [[]], [None], ["alice"],
          {"value": "alice"}, {"id": "zed", "active": True}, {"id": "zed", "active": True, "x": 1}, {"id": "bob"},
          [{"id": "zed", "active": True}] * 2, {"active": "true"}, {"person": "bob", "active": True, "key": PUB},
          {"groups": ["a"], "active": False}, "x" * 300, {"x": "y"}, {"x" * 65: "y"}, {"x": "y" * 257}]
done = 0
for i in range(400):
    ops = []
    for _ in range(random.randint(1, 3)):
        op = {"op": random.choice(["add", "replace", "remove", "Add", "move", 1]) if i % 3 == 0 else
              random.choice(["add", "replace", "remove"]), "path": random.choice(PATHS)}
        if op["op"] != "remove" or random.random() < 0.1:
            op["value"] = random.choice(VALUES)
        ops.append(op)
    with open("patch.json", "w") as f:
        json.dump({"schemas": [URN], "Operations": ops}, f)
    p = run("patch", "patch.json", "--config", "etc", "--no-push", "--dry-run")
    if p.returncode == 0:
        done += 1
    else:
        refused(ops, p, b"patch.json" if b"patch.json" in p.stderr else b"")
for text in (b"", b"{", b"\xff", b"[]", b"{}", b"[" * 100000, b'{"schemas":["\\u0000"]}', b"\0" * 100):
    open("patch.json", "wb").write(text)
    refused(text[:20], run("patch", "patch.json", "--config", "etc", "--no-push"))
assert done > 10, done

# --- the snapshot and the heartbeat: a flipped bit is never believed ------------
run("heartbeat", "--config", "etc", "--once", "--no-push")
BEAT = open("etc/tenants/acme/directory.heartbeat", "rb").read()
for raw, name in ((KEEP, SNAPSHOT), (BEAT, "etc/tenants/acme/directory.heartbeat")):
    for bit in random.sample(range(len(raw) * 8), 120):
        bad = bytearray(raw)
        bad[bit // 8] ^= 1 << bit % 8
        open(name, "wb").write(bad)
        p = run("show", "--config", "etc", "--json")
        tried += 1
        believed = p.returncode == 0 if raw is KEEP else json.loads(p.stdout)["heartbeat"]["state"] != "bad"
        if believed or p.returncode not in (0, 1):
            failures += 1
            print(f"FAIL bit {bit} of {name}: {p}")
    open(name, "wb").write(raw)
shutil.rmtree(top)
print(f"{tried} tried, {done} patches were good, {failures} failed")
sys.exit(1 if failures else 0)
