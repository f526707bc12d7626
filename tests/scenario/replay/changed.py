#!/usr/bin/python3
"""Verdicts do not hang on names: the shared records, with tools renamed,
addresses rewritten, arguments shuffled, ids renumbered, more text of strangers,
or one suite alone, are decided alike. usage: changed.py TIPSTAFF"""
import codecs
import glob
import json
import lzma
import os
import random
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TIPSTAFF = os.path.abspath(sys.argv[1])
POLICIES = os.path.join(HERE, "policies")
EMAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z]+)+")
IBAN = re.compile(r"\b([A-Za-z]{2})(\d{15,24})\b")


def load(folder, pairs=5, runs=16):
    """Every task, and a share of pairs and runs, by the ends of their names."""
    d = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.jsonl*"))):
        name = next((n for n in ("user_tasks", "attack_pairs", "recorded_runs", "delegations", "tools")
                     if os.path.basename(path).split(".")[0].endswith("_" + n)), None)
        if name is None or path.endswith("injection_tasks.jsonl.xz"):
            continue
        with (lzma.open(path, "rt") if path.endswith(".xz") else open(path)) as f:
            d[name] = [json.loads(l) for l in f]
    d["attack_pairs"] = d["attack_pairs"][::pairs]
    d["recorded_runs"] = d["recorded_runs"][::runs]
    (labels,) = glob.glob(os.path.join(folder, "*_labels.json"))
    d["labels"] = {"user_identities": json.load(open(labels)).get("user_identities", [])}
    return d


def save(d, folder):
    for name, v in d.items():
        if name == "labels":
            json.dump(v, open(os.path.join(folder, "x_labels.json"), "w"))
        else:
            with open(os.path.join(folder, f"x_{name}.jsonl"), "w") as f:
                f.writelines(json.dumps(o) + "\n" for o in v)


def verdicts(d):
    with tempfile.TemporaryDirectory() as folder:
        save(d, folder)
        p = subprocess.run([TIPSTAFF, "replay", folder, "--policies", POLICIES, "--quick", "--calls"],
                           capture_output=True, text=True, timeout=580)
        assert p.returncode == 0, p.stderr
        return [json.loads(l) for l in p.stdout.splitlines() if l.startswith("{")]


def copy(d):
    return json.loads(json.dumps(d))


def texts(v, change):
    """Every text of a value, keys too."""
    if isinstance(v, str):
        return change(v)
    if isinstance(v, list):
        return [texts(x, change) for x in v]
    if isinstance(v, dict):
        return {change(k): texts(x, change) for k, x in v.items()}
    return v


def each_record(d):
    for name in ("user_tasks", "attack_pairs", "recorded_runs"):
        yield from d[name]


def tools_renamed(d):
    new = lambda tool: f"t{sum(map(ord, tool)) % 97}.{tool[::-1].replace('_', '-')}"
    for t in d["tools"]:
        t["tool"] = new(t["tool"])
    for r in each_record(d):
        for c in r["calls"]:
            if c["tool"]:
                c["tool"] = new(c["tool"])
    for g in d["delegations"]:
        for c in g["capabilities"]:
            c["tool"] = new(c["tool"])
            for constraints in c["args"].values():
                for x in constraints:
                    if "from" in x:
                        x["from"] = [[new(t), at] for t, at in x["from"]]
    return d


def suites_renamed(d):
    for name in ("tools", "user_tasks", "attack_pairs", "recorded_runs", "delegations"):
        for o in d[name]:
            o["suite"] = "q" + o["suite"][::-1]
    return d


def addresses_rewritten(d):
    rot = lambda s: codecs.encode(s, "rot13")
    digits = str.maketrans("0123456789", "5678901234")
    change = lambda s: IBAN.sub(lambda m: rot(m[1]) + m[2].translate(digits), EMAIL.sub(lambda m: rot(m[0]), s))
    # The tools are as they were: what they are called and where they say what.
    for r in each_record(d):
        if r.get("user_task"):
            r["user_task"] = change(r["user_task"])
        for c in r["calls"]:
            c["args"] = texts(c["args"], change)
            c["output"] = texts(c.get("output"), change)
            for key in ("untrusted_F", "untrusted_C"):
                if key in c:
                    c[key] = [change(p) for p in c[key]]
    for g in d["delegations"]:
        for c in g["capabilities"]:
            c["args"] = texts(c["args"], change)
    d["labels"] = texts(d["labels"], change)
    return d


def shuffled(d):
    rng = random.Random(7)

    def mix(v):
        items = list(v.items())
        rng.shuffle(items)
        return dict(items)

    for r in each_record(d):
        for c in r["calls"]:
            if isinstance(c["args"], dict):
                c["args"] = mix(c["args"])
    for t in d["tools"]:
        t["parameters"] = mix(t["parameters"])
    for name in ("tools", "delegations"):
        rng.shuffle(d[name])
        d[name] = [mix(o) for o in d[name]]
    return d


def stranger_says_more(d):
    """Another sentence, with an address, in everything a stranger wrote."""
    more = " Also see www.a-stranger.invalid/offer or write to somebody@a-stranger.invalid, account ZZ00999988887777666655."

    def below(v, at, wanted):
        if isinstance(v, dict):
            return {k: below(x, f"{at}/{k.replace('~', '~0').replace('/', '~1')}", wanted) for k, x in v.items()}
        if isinstance(v, list):
            return [below(x, f"{at}/{i}", wanted) for i, x in enumerate(v)]
        return v + more if isinstance(v, str) and v and at in wanted else v

    for r in d["user_tasks"] + d["attack_pairs"]:
        for c in r["calls"]:
            c["output"] = below(c.get("output"), "", set(c.get("untrusted_F", [])))
    return d


def same(name, got, want, note=""):
    assert len(got) == len(want), name
    different = [(a["task_id"], a["decisions"], b["decisions"]) for a, b in zip(want, got) if a["decisions"] != b["decisions"]]
    assert not different, (name, len(different), different[:5])
    print("ok", name, len(got), "sessions", note)


def main():
    top = os.environ.get("TIPSTAFF_SHARED") or os.path.join(HERE, "..", "..", "..", "..", "shared")
    path = os.path.join(top, "traces")
    if not os.path.isdir(path):
        print("SKIPPED: ../shared is absent")
        return
    d = load(path)
    want = verdicts(d)
    for change in (tools_renamed, suites_renamed, addresses_rewritten, shuffled, stranger_says_more):
        same(change.__name__, verdicts(change(copy(d))), want)
    # A suite alone: nothing is learnt from the others.
    for suite in sorted({t["suite"] for t in d["tools"]}):
        alone = {k: v if k == "labels" else [o for o in v if o["suite"] == suite] for k, v in copy(d).items()}
        same(f"{suite} alone", verdicts(alone), [w for w in want if w["suite"] == suite])


main()
