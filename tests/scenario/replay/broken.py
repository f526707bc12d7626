#!/usr/bin/python3
"""Broken directories of records: each is told with file and line, and what to
do; none is a crash or a hang. usage: broken.py TIPSTAFF"""
import json
import lzma
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TIPSTAFF = os.path.abspath(sys.argv[1])
POLICIES = os.path.join(HERE, "policies")
sys.path.insert(0, HERE)
import make_traces  # noqa: E402


def path_of(folder, name):
    return next(os.path.join(folder, f) for f in os.listdir(folder) if f.startswith(f"own_{name}."))


def lines_of(path):
    with (lzma.open(path, "rt") if path.endswith(".xz") else open(path)) as f:
        return [json.loads(l) for l in f]


def put(path, text):
    with (lzma.open(path, "wb") if path.endswith(".xz") else open(path, "wb")) as f:
        f.write(text if isinstance(text, bytes) else text.encode())


def edit(name, line, change):
    """change() of the object on that line, from 1."""
    def do(folder):
        path = path_of(folder, name)
        all_of_it = lines_of(path)
        change(all_of_it[line - 1])
        put(path, "".join(json.dumps(o) + "\n" for o in all_of_it))
    return do


def append(name, raw):
    def do(folder):
        path = path_of(folder, name)
        body = "".join(json.dumps(o) + "\n" for o in lines_of(path))
        put(path, body.encode() + (raw if isinstance(raw, bytes) else raw.encode()))
    return do


def again(name, line):
    def do(folder):
        append(name, json.dumps(lines_of(path_of(folder, name))[line - 1]) + "\n")(folder)
    return do


def remove(name):
    return lambda folder: os.remove(path_of(folder, name))


def damage(name, at):
    def do(folder):
        path = path_of(folder, name)
        with open(path, "r+b") as f:
            f.seek(at)
            b = f.read(1)
            f.seek(at)
            f.write(bytes([b[0] ^ 0xff]))
    return do


def cut(name, n):
    def do(folder):
        path = path_of(folder, name)
        with open(path, "r+b") as f:
            f.truncate(os.path.getsize(path) - n)
    return do


def labels(text):
    return lambda folder: put(os.path.join(folder, "own_labels.json"), text)


def deep(o):
    v = 1
    for _ in range(100):
        v = [v]
    o["calls"][0]["output"] = v


def setter(*keys):
    *way, last, value = keys

    def do(o):
        for k in way:
            o = o[k]
        if value is KeyError:
            del o[last]
        else:
            o[last] = value
    return do


# What is done to the directory, where it is told, and with which words.
BROKEN = [
    ("no tools", remove("tools"), "own_user_tasks", "add its line"),
    ("no tasks", remove("user_tasks"), None, None),
    ("xz is damaged", damage("user_tasks", 40), "own_user_tasks.jsonl.xz:", "xz"),
    ("xz ends early", cut("user_tasks", 9), "own_user_tasks.jsonl.xz:", "xz"),
    ("not JSON", append("tools", "{nope}\n"), "own_tools.jsonl:4", ""),
    ("not an object", append("tools", "[1]\n"), "own_tools.jsonl:4", "object"),
    ("not UTF-8", append("tools", b"{\"suite\":\"\xff\"}\n"), "own_tools.jsonl:4", ""),
    ("a key twice", append("tools", '{"suite":"a","suite":"b"}\n'), "own_tools.jsonl:4", "duplicate"),
    ("a huge line", append("tools", "{" + " " * (17 << 20) + "}\n"), "own_tools.jsonl:4", "16 MiB"),
    ("NUL in a text", append("tools", '{"suite":"a\\u0000b"}\n'), "own_tools.jsonl:4", ""),
    ("brackets without end", append("tools", '{"a":' + "[" * 100000 + "\n"), "own_tools.jsonl:4", ""),
    ("a tool twice", again("tools", 1), "own_tools.jsonl:4", "stood before"),
    ("a tool without schema", edit("tools", 2, setter("parameters", KeyError)), "own_tools.jsonl:2", "parameters: is missing"),
    ("a schema that is a list", edit("tools", 2, setter("parameters", [])), "own_tools.jsonl:2", "parameters"),
    ("an argument that is no schema", edit("tools", 2, setter("parameters", "to", 7)), None, "argument"),
    ("an argument with a strange name", edit("tools", 2, setter("parameters", "a b", {})), None, "argument"),
    ("an effect that is none", edit("tools", 1, setter("effect", "Q")), "own_tools.jsonl:1", "R, W, X"),
    ("a level that is none", edit("tools", 1, setter("confidentiality", "odd")), "own_tools.jsonl:1", "public"),
    ("patterns that are numbers", edit("tools", 1, setter("untrusted_F_patterns", [1])), "own_tools.jsonl:1", "pointers"),
    ("a tool name like a path", edit("tools", 1, setter("tool", "../x")), None, ""),
    ("a task twice", again("user_tasks", 2), "own_user_tasks.jsonl.xz:4", "unique"),
    ("a task without prompt", edit("user_tasks", 1, setter("user_task", None)), "own_user_tasks.jsonl.xz:1", "user_task"),
    ("a task without calls", edit("user_tasks", 1, setter("calls", KeyError)), "own_user_tasks.jsonl.xz:1", "calls: is missing"),
    ("calls that are a map", edit("user_tasks", 1, setter("calls", {})), "own_user_tasks.jsonl.xz:1", "calls"),
    ("a call that is a text", edit("user_tasks", 1, setter("calls", ["x"])), "own_user_tasks.jsonl.xz:1", "calls[0]"),
    ("a call of no tool", edit("user_tasks", 1, setter("calls", 0, "tool", "nope")), "own_user_tasks.jsonl.xz:1", "nope"),
    ("arguments that are a list", edit("user_tasks", 1, setter("calls", 0, "args", [])), "own_user_tasks.jsonl.xz:1", "calls[0].args"),
    ("pointers that are a text", edit("user_tasks", 1, setter("calls", 0, "untrusted_F", "x")), "own_user_tasks.jsonl.xz:1", "untrusted_F"),
    ("an output without bottom", edit("user_tasks", 1, deep), "own_user_tasks.jsonl.xz:1", "64 levels"),
    ("an attack twice", again("attack_pairs", 1), "own_attack_pairs.jsonl:4", "unique"),
    ("an attack on nobody", edit("attack_pairs", 1, setter("user_task_id", KeyError)), "own_attack_pairs.jsonl:1", "user_task_id"),
    ("utility is a text", edit("recorded_runs", 1, setter("utility", "yes")), "own_recorded_runs.jsonl.xz:1", "utility"),
    ("a delegation twice", again("delegations", 1), "own_delegations.jsonl:", "unique"),
    ("a delegation without capabilities", edit("delegations", 1, setter("capabilities", KeyError)), "own_delegations.jsonl:1", "capabilities"),
    ("a delegation of no tool", edit("delegations", 2, setter("capabilities", 0, "tool", "nope")), "own_delegations.jsonl:2", "nope"),
    ("a delegation with other labels", edit("delegations", 1, setter("labels", "Z")), "own_delegations.jsonl:1", "F, S or C"),
    ("verdicts of another record", edit("reference_decisions", 2, setter("decisions", "AAAA")), "own_reference_decisions.jsonl.xz:2", "one letter a call"),
    ("verdicts that are none", edit("reference_decisions", 2, setter("decisions", "AX")), "own_reference_decisions.jsonl.xz:2", "A, P and D"),
    ("verdicts twice", again("reference_decisions", 1), "own_reference_decisions.jsonl.xz:7", "stood before"),
    ("identities that are numbers", labels('{"user_identities":[1]}'), "own_labels.json:1", "user_identities"),
    ("labels that end early", labels('{"user_identities":['), "own_labels.json:1", ""),
]
# What is odd and still read.
ODD = [
    ("an unknown key is told", edit("tools", 1, setter("colour", "blue")), "own_tools.jsonl:1: note: the key colour"),
    ("a capability with an unknown key delegates nothing", edit("delegations", 2, setter("capabilities", 0, "odd", 1)),
     "only reads are delegated"),
    ("no delegations at all", remove("delegations"), ""),
    ("no reference", remove("reference_decisions"), ""),
    ("no identities", labels("{}"), ""),
    ("other files are passed over", lambda f: put(os.path.join(f, "notes.txt"), "x"), ""),
]


def run(folder, *more):
    p = subprocess.run([TIPSTAFF, "replay", folder, "--policies", POLICIES, "--quick", *more], capture_output=True,
                       text=True, errors="replace", timeout=60)
    assert p.returncode in (0, 1, 2), (p.returncode, p.stderr[-2000:])
    return p


def main():
    with tempfile.TemporaryDirectory() as base:
        make_traces.main(base)
        for name, break_it, where, words in BROKEN:
            with tempfile.TemporaryDirectory() as d:
                shutil.copytree(base, d, dirs_exist_ok=True)
                break_it(d)
                p = run(d)
                if where is None and words is None:
                    continue  # any answer but a crash
                assert p.returncode == 1, (name, p.stdout, p.stderr)
                assert (where or "") in p.stderr and words in p.stderr, (name, p.stderr)
                assert p.stdout == "", (name, p.stdout)
        print("ok", len(BROKEN), "broken directories")
        for name, break_it, words in ODD:
            with tempfile.TemporaryDirectory() as d:
                shutil.copytree(base, d, dirs_exist_ok=True)
                break_it(d)
                p = run(d)
                assert p.returncode == 0 and words in p.stderr, (name, p.stderr)
        print("ok", len(ODD), "odd ones")


main()
