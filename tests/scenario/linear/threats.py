#!/usr/bin/python3
"""threats.py DIRECTORY --uid N --gid N: what an agent tries, by threat."""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import msgpack  # noqa: E402
from nacl.signing import SigningKey  # noqa: E402
from rig import ANYTHING, DENY, PENDING, PERMIT, Refused, Service, Session, chains  # noqa: E402
from trust.pae import blake  # noqa: E402


def T13_a_stronger_agent_lifts_nothing_for_the_one_that_delegates(s):
    """reader may only read; coder may write. reader -> coder may not write."""
    s.as_admin()
    reader = SigningKey(open(os.path.join(s.dir, "etc", "keys", "agents", "reader.seed"), "rb").read())
    s.as_agent()
    base, _, _ = s.chain()
    root = msgpack.unpackb(msgpack.unpackb(base)[2][0][0])
    root[1], root[5], root[6] = os.urandom(16), "reader", bytes(reader.verify_key)
    link = [1, os.urandom(16), "coder", bytes(s.coder.verify_key), root[9], root[10], root[11], 0, ANYTHING, b""]
    wire, _ = chains.sign([root, link], [s.issuer, reader])
    alone, through = Session(s, base), Session(s, wire)
    assert alone.run("demo.sleep", {"seconds": 0})["decision"][0] == PERMIT
    c = through.run("demo.sleep", {"seconds": 0})
    assert c["decision"][0] == DENY, c
    assert through.run("fs.read", {"path": "notes.txt"})["decision"][0] == PERMIT, "what both may"


def T25_nothing_that_an_agent_sends_lifts_an_approval(s):
    for kw in (dict(), dict(provenance=["user"]), dict(provenance=["a-person"])):
        c = Session(s, s.chain()[0]).run("lin.ask", **kw)
        assert c["decision"][:2] == (PENDING, "approval_required"), c
    for args in ({"approvals": ["a-person"]}, {"marker": 1}):
        c = Session(s, s.chain()[0]).run("lin.ask", args)
        assert c["decision"][0] != PERMIT, c
    wire, _, _ = s.chain(attrs=[["approvals", "a-person"]])
    try:
        c = Session(s, wire).run("lin.ask")
        assert c["decision"][0] != PERMIT, c
    except Refused:
        pass


def T28_a_call_that_waits_is_asked_again_each_time(s):
    """To ask again is one question more to nobody: the same one while it stands, and
    another for every other delegation, whatever was decided before."""
    seen = set()
    for _ in range(3):
        c, call, mine = Session(s, s.chain()[0]), os.urandom(16), set()
        for n in range(5):
            d = c.run("lin.ask", call_id=call if n % 2 else None)["decision"]
            assert d[0] == PENDING, d
            mine.add(d[2])
        assert len(mine) == 1, "one call was put to people several times"
        seen |= mine
    assert len(seen) == 3, "one delegation's question stood for another's"


def T27_what_is_on_record_is_what_was_sent(s):
    """The digest and the arguments of a pending decision are those of the bytes."""
    c = Session(s, s.chain()[0])
    got = c.run("lin.ask")["decision"][2]
    ran = c.run("lin.run", {"marker": 0})["decision"][2]
    s.as_admin()
    for i, args in ((got, {}), (ran, {"marker": 0})):
        r = next(r for r in records(s, i) if r["kind"] == "decision")
        assert r["args_digest"] == blake(msgpack.packb(args)).hex(), r
    s.as_agent()


def records(s, decision):
    end = time.monotonic() + 5
    while True:
        found = [r for r in s.log() if r.get("id") == decision]
        if found:
            return found
        assert time.monotonic() < end, "no record of " + decision
        time.sleep(0.01)


def T29_breakglass_is_a_word_that_opens_nothing(s):
    assert Session(s, s.chain()[0]).run("lin.true")["decision"][0] == PERMIT
    for attrs in ([], [["acr", "breakglass"]]):
        c = Session(s, s.chain(task="sealed", attrs=attrs)[0]).run("lin.true")
        assert c["decision"][:2] == (DENY, "forbidden"), c


def main():
    a = argparse.ArgumentParser(description=__doc__)
    a.add_argument("directory")
    a.add_argument("--uid", type=int, required=True)
    a.add_argument("--gid", type=int, required=True)
    o = a.parse_args()
    service = Service(o.directory, o.uid, o.gid)
    service.as_agent()
    for name, test in list(globals().items()):
        if name.startswith("T") and name[1].isdigit():
            test(service)
            print("ok  ", name)


if __name__ == "__main__":
    main()
