#!/usr/bin/python3
"""storm.py DIRECTORY --uid N --gid N [--rounds N]

Tools that fork, wake each other and hide (tests/sandbox/storm_tool.c), under
the whole service: each is revoked while it fights. After COMPLETE none of its
processes is left; a tool of somebody else, and the service, are as before.
"""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rig import ADMIN_ACK, ADMIN_COMPLETE, PERMIT, Admin, Service, Session, processes, quantile  # noqa: E402

TRICKS = ("chase", "siblings", "cheer", "cheering_chase", "leaderless", "vforks", "execs", "stopped")


def start(service, trick, marker):
    wire, grant, _ = service.chain()
    s = Session(service, wire)
    c = s.wait(s.call("lin.storm", {"trick": trick, "marker": marker}), lambda c: c["out"] or c["result"])
    assert c["decision"][0] == PERMIT and c["out"] == b"ready\n", c
    return s, grant


def revoke(service, admin, grant):
    begun = time.monotonic()
    admin.send_revoke(service.record(1, grant))
    admin.answer(ADMIN_ACK)
    acked = time.monotonic()
    admin.answer(ADMIN_COMPLETE)
    return (acked - begun) * 1e3, (time.monotonic() - begun) * 1e3


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("directory")
    a.add_argument("--uid", type=int, required=True)
    a.add_argument("--gid", type=int, required=True)
    a.add_argument("--rounds", type=int, default=24)
    o = a.parse_args()
    service = Service(o.directory, o.uid, o.gid)
    service.as_agent()
    base = 5 * 10**8 + os.getpid() % 900 * 10**5
    admin, acks, completes = Admin(service), [], []
    bystander, _ = start(service, "stopped", base)
    whole = len(processes(str(base)))
    assert whole == 11, whole
    for n in range(1, o.rounds + 1):
        s, grant = start(service, TRICKS[n % len(TRICKS)], base + n)
        ack, complete = revoke(service, admin, grant)
        left = processes(str(base + n))
        assert not left, f"round {n}, {TRICKS[n % len(TRICKS)]}: {left} live after COMPLETE"
        assert len(processes(str(base))) == whole, f"round {n}: somebody else's tool lost a process"
        acks.append(ack), completes.append(complete)
        s.close()
    bystander.pump()
    assert bystander.over is None, "the service did not stay"
    figures = [f"{name} p50 {quantile(v, 0.5):.1f} p99 {quantile(v, 0.99):.1f} worst {max(v):.1f} ms"
               for name, v in (("ACK", acks), ("COMPLETE", completes))]
    print(f"ok   T21_tools_that_fight_are_gone_after_COMPLETE: {o.rounds} rounds, {'; '.join(figures)}")


if __name__ == "__main__":
    main()
