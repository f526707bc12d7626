#!/usr/bin/python3
"""Which allocations of the product fail in no test.

Where memory is asked for is read from the object files of a build without
optimisation: each call of one of ASKS, with its file, line and function. Where
an allocation failed is what the tests note (tests/lib/fault_trace.h): the
callers of each that was made to fail, as offsets into their program. A line that
asks and is no such caller is a failure path that nothing ran.
"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

ASKS = {"ts_mem_alloc", "ts_arena_alloc", "ts_arena_array", "ts_arena_strndup",
        "ts_buf_append", "ts_buf_reserve"}
LAYERS = ("cli", "policy", "proto", "shim", "sidecar")
FUNCTION, CALL = re.compile(r"^([\w.]+)\(\):$"), re.compile(r"R_\w+\s+(\w+)")
LINE = re.compile(r"^(/\S+):(\d+)(?: \(discriminator \d+\))?$")


def output(*argv, **kw):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, **kw).stdout


def sites_of(build, top):
    """{(file, line): function} of every line that asks for memory."""
    found = {}
    for folder, _, names in os.walk(build):
        layer = os.path.relpath(folder, build).split(os.sep)[0]
        for name in names if layer in LAYERS else []:
            if name.endswith(".c.o"):
                sites_in(os.path.join(folder, name), top, found)
    return found


def sites_in(path, top, found):
    function, at = "?", None
    for line in output("objdump", "-dr", "-l", "--no-show-raw-insn", path).splitlines():
        line = line.strip()
        if m := FUNCTION.match(line):
            function = m[1]
        elif m := LINE.match(line):
            at = (os.path.relpath(m[1], top), int(m[2]))
        elif (m := CALL.search(line)) and m[1] in ASKS and at:
            found[at] = function


def program_of(path, build):
    """A program is read where it was built: tests of boxes run copies that are gone."""
    if os.path.exists(path):
        return path
    assert os.path.basename(path) == "launcher", path
    return os.path.join(build, "tests", "sandbox_oom_launcher")


def failed_in(traces, top, build):
    """Every (file, line) that called, at any distance, for an allocation that failed."""
    offsets = collections.defaultdict(set)
    for name in os.listdir(traces):
        data = open(os.path.join(traces, name), "rb").read()  # struct trace of fault_trace.c
        lines = data[8:8 + int.from_bytes(data[:8], "little")].decode().split("\n")
        offsets[lines[0]].update(lines[1:-1])
    failed = set()
    for program, addresses in offsets.items():
        # what is noted is where a call returns to: one less is in the call
        asked = "\n".join(f"{int(a, 16) - 1:x}" for a in addresses)
        for line in output("addr2line", "-i", "-e", program_of(program, build), input=asked).splitlines():
            if m := re.match(r"^(.*):(\d+)", line):
                failed.add((os.path.relpath(os.path.normpath(m[1]), top), int(m[2])))
    return failed


def tests_of(build):
    """Names of the tests whose program, or one that it is given, can make allocations
    fail; and of those that know such a program by themselves."""
    names, known = [], {}
    for t in json.loads(output("ctest", "--test-dir", build, "--show-only=json-v1"))["tests"]:
        if t["name"].endswith((".oom", "_oom")):
            names.append(t["name"])
        for word in t.get("command", []):
            if word.startswith(os.path.join(build, "tests")) and os.path.isfile(word):
                if word not in known:
                    known[word] = " fault_trace_note" in output("nm", word)
                if known[word]:
                    names.append(t["name"])
                    break
    return sorted(set(names))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--top", required=True)
    p.add_argument("--build", required=True)
    p.add_argument("--open", required=True, help="the files that no test covers yet")
    p.add_argument("--traces", help="a folder of an earlier run")
    p.add_argument("--only", default="", help="files whose path contains this")
    o = p.parse_args()
    traces = o.traces or tempfile.mkdtemp(prefix="tipstaff-faults-")
    if not o.traces:
        names = tests_of(o.build)
        print(f"{len(names)} tests make allocations fail", flush=True)
        done = subprocess.run(
            ["ctest", "--test-dir", o.build, "-j2", "--output-on-failure", "-R",
             "^(" + "|".join(re.escape(n) for n in names) + ")$"],
            env=dict(os.environ, TS_FAULT_TRACE=traces), check=False)
        if done.returncode:
            return 1
    return report(sites_of(o.build, o.top), failed_in(traces, o.top, o.build), o)


def report(sites, failed, o):
    left = collections.defaultdict(list)
    files = {f for f, _ in sites if o.only in f}
    for (file, line), function in sorted(sites.items()):
        if (file, line) not in failed:
            left[file].append(f"{function}:{line}")
    none = set()
    for file in sorted(files):
        of = sum(f == file for f, _ in sites)
        if left[file]:
            print(f"{file}: {of - len(left[file])} of {of} fail in a test; not {', '.join(left[file])}")
        if len(left[file]) == of:
            none.add(file)
    total = sum(f in files for f, _ in sites)
    missing = sum(len(left[f]) for f in files)
    print(f"{total - missing} of {total} places that ask for memory were refused it by a test, "
          f"in {len(files)} files; {len(none)} files have none")
    return compare(none, o)


def compare(none, o):
    known = {w.split("#")[0].strip() for w in open(o.open)} - {""}
    known = {w for w in known if o.only in w}
    for file in sorted(none - known):
        print(f"error: no allocation of {file} fails in a test: write an out-of-memory sweep for it")
    for file in sorted(known - none):
        print(f"error: {file} is swept now: take it out of {os.path.relpath(o.open, o.top)}")
    return 1 if none != known else 0


if __name__ == "__main__":
    sys.exit(main())
