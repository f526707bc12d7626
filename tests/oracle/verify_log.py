#!/usr/bin/python3
"""Independent check of a decision log: verify_log.py [--live] DIR|FILE...

Shares no code with the recorder or the CLI. Prints the same last line as
"tipstaff log verify", or the first broken line, and exits 1.
"""
import hashlib
import json
import os
import re
import struct
import sys

CONTEXT = b"tipstaff/1/log"
NAME = re.compile(r"^log-\d{20}\.jsonl$")
HEX = re.compile(r"^[0-9a-f]+$")


class Broken(Exception):
    pass


def le32(n):
    return struct.pack("<I", n)


def line_hash(line):
    pae = le32(2) + le32(len(CONTEXT)) + CONTEXT + le32(len(line)) + line
    return hashlib.blake2b(pae, digest_size=32).hexdigest()


def unique(pairs):
    keys = [k for k, _ in pairs]
    if len(keys) != len(set(keys)):
        raise Broken("a key twice")
    return dict(pairs)


def constant(name):
    raise Broken("not JSON: " + name)


def files_of(args):
    for a in args:
        if os.path.isdir(a):
            names = sorted(n for n in os.listdir(a) if NAME.match(n))
            yield from (os.path.join(a, n) for n in names)
        else:
            yield a


def need_id(v):
    if not isinstance(v, str) or len(v) != 32 or not HEX.match(v):
        raise Broken("a bad id")
    return v


class Log:
    def __init__(self):
        self.seq = self.records = self.decisions = self.outcomes = 0
        self.first = None
        self.prev = "0" * 64
        self.state = {}

    def frame(self, j, line, at_start):
        keys = list(j)
        if keys[:4] != ["v", "seq", "time", "kind"] or keys[-1] != "prev":
            raise Broken("keys are not in the order of the format")
        if j["v"] != 1 or type(j["seq"]) is not int or j["seq"] < 1:
            raise Broken("version or number")
        if not re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$", j["time"]):
            raise Broken("time")
        if self.first is None:
            self.first = j["seq"]
            self.seq = j["seq"] - 1
            if j["seq"] > 1:
                if not at_start:
                    raise Broken("the first line is not number 1")
                self.prev = j["prev"]
        if j["seq"] != self.seq + 1:
            raise Broken("not the next number")
        if j["prev"] != self.prev:
            raise Broken("prev is not the hash of the line before")

    def meaning(self, j):
        kind = j["kind"]
        if kind == "decision":
            self.decisions += 1
            i = need_id(j["id"])
            if i in self.state:
                raise Broken("a second decision with the same id")
            if "order" in j and j["effect"] != "permit":
                raise Broken("a launch that was not permitted")
            self.state[i] = "open" if "order" in j else "decided"
        elif kind == "exec_ended":
            self.outcomes += 1
            i = need_id(j["id"])
            if self.state.get(i) != "open":
                raise Broken("an outcome without an open launch")
            self.state[i] = "ended"
        elif kind == "segment":
            for entry in j["open"]:
                i = need_id(entry[0])
                if (i not in self.state and self.first > 1
                        and self.decisions == 0):
                    self.state[i] = "open"
                elif self.state.get(i) != "open":
                    raise Broken("a segment line names what is not open")

    def line(self, line, at_start):
        try:
            j = json.loads(line.decode("utf-8"), object_pairs_hook=unique,
                           parse_constant=constant)
        except (UnicodeDecodeError, json.JSONDecodeError) as e:
            raise Broken("not JSON: %s" % e)
        if not isinstance(j, dict):
            raise Broken("not an object")
        self.frame(j, line, at_start)
        self.meaning(j)
        self.records += 1
        self.seq += 1
        self.prev = line_hash(line)


def main(args):
    live = "--live" in args
    log = Log()
    paths = list(files_of([a for a in args if a != "--live"]))
    for path in paths:
        data = open(path, "rb").read()
        lines = data.split(b"\n")
        torn = lines.pop()
        for n, line in enumerate(lines, 1):
            try:
                log.line(line, n == 1)
            except (Broken, KeyError, TypeError, IndexError) as e:
                print("%s:%d: %s" % (path, n, e))
                return 1
        if torn and not (live and path == paths[-1]):
            print("%s:%d: the line does not end" % (path, len(lines) + 1))
            return 1
    left = [i for i, s in log.state.items() if s == "open"]
    if left and not live:
        print("a launch has no outcome; decision %s" % left[0])
        return 1
    print("%d records, %d decisions, %d outcomes: ok"
          % (log.records, log.decisions, log.outcomes))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
