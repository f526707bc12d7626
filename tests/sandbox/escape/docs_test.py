#!/usr/bin/python3
"""docs_test.py PROBE : docs/ESCAPE.md is what script/escape --docs would write now, as
far as one can tell without running it: the same probes with the same texts, the
modes, a reason for each hole, and no hole of ours beyond expected.yaml."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import escape  # noqa: E402
import table  # noqa: E402

DOCS = os.path.join(escape.TOP, "docs", "ESCAPE.md")


def rows(text, heading):
    """The cells of the table below a heading, header and rule left out."""
    part = text.split("## " + heading + "\n", 1)[1].split("\n## ", 1)[0]
    lines = [l for l in part.splitlines() if l.startswith("|")]
    return [[c.strip() for c in l.strip("|").split("|")] for l in lines if not l.startswith("|---")]


def main():
    text = open(DOCS).read()
    listing = subprocess.run([sys.argv[1], "--list"], capture_output=True, text=True, check=True).stdout
    what = dict(line.split("\t") for line in listing.splitlines())
    expected, doc = escape.expectations()
    wrong = []
    every = rows(text, "Every probe")
    head, every = every[0], every[1:]
    told = {r[0].strip("`"): r for r in every}
    if list(told) != list(what):
        wrong.append("the probes differ: %s" % sorted(set(told) ^ set(what))[:5])
    for name, r in told.items():
        if r[1] != table.cell(what.get(name, "")):
            wrong.append("%s is described otherwise" % name)
    for mode, allowed in expected.items():
        if mode not in head:
            wrong.append("no column for " + mode)
            continue
        at = head.index(mode)
        crossed = {n for n, r in told.items() if r[at] == "**x**"}
        if crossed != set(allowed):
            wrong.append("%s differs from expected.yaml: %s" % (mode, sorted(crossed ^ set(allowed))))
    for mode in escape.OURS:
        if mode not in expected:
            wrong.append("expected.yaml has no mode " + mode)
    unknown = {n for a in expected.values() for n in a} | set(doc["cannot_be_shown"])
    for name in sorted(unknown - set(what)):
        wrong.append("expected.yaml names no probe: " + name)
    if len(what) < 150:
        wrong.append("only %d probes" % len(what))
    for w in wrong:
        print("FAILED " + w + "; run script/escape --docs")
    print("%d probes, %d modes" % (len(told), len(head) - 2))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
