#!/usr/bin/python3
"""linear.py DIRECTORY --uid N --gid N [--rounds N] [--seed S] [--figures FILE]

Rounds against a running service. In each, sessions under one fresh authority
call without pause while an operator revokes it, by one of the twelve kinds, in
one of five states. Checked with what is outside the service: which processes
live, and in which order its log has the revocation and the starts.
"""
import argparse
import collections
import json
import os
import random
import select
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rig import (ADMIN_ACK, ADMIN_COMPLETE, ERROR, FOR_EVER, PENDING, PERMIT, Admin, Closed,  # noqa: E402
                 Refused, Service, Session, SigningKey, kid_of, processes, quantile)

KINDS = dict(enumerate(("grant", "block", "key", "user", "agent", "task", "tenant", "issuer_key",
                        "approver", "escalation", "decision", "session"), 1))
STATES = ("idle", "running", "grandchild", "pending", "cached")
UNCOVERED = (9, 10, 11)  # of approvals: no running authority is behind them
CALLERS = 3


class Authority:
    """One fresh chain and the revocation that covers it."""

    def __init__(self, rig, kind, n):
        s, self.kind, self.n = rig.service, kind, n
        self.key, now, links, kw = s.coder, int(time.time()), [], {}
        if kind in (2, 3, 5):
            self.key = SigningKey(os.urandom(32))
            name = f"coder/r{n}"
            if kind == 5:  # what is revoked stands above the one that calls
                links = [dict(agent=name, key=SigningKey(os.urandom(32)))]
                name += "/x"
            links.append(dict(agent=name, key=self.key))
        if kind == 6:
            kw["task"] = f"task-{n}"
        if kind in (4, 7, 8):  # all that was issued up to a second of its own
            rig.second += 1
            kw["iat"] = kw["nbf"] = rig.second
        self.wire, self.grant, self.blocks = s.chain(links, **kw)
        cutoff = kw.get("iat", now)
        target = {1: self.grant, 2: self.blocks[-1], 3: bytes(self.key.verify_key), 4: b"alice",
                  5: f"coder/r{n}".encode(), 6: f"task-{n}".encode(), 7: b"",
                  8: kid_of(bytes(s.issuer.verify_key)), 9: b"bob"}.get(kind, os.urandom(16))
        self.target, self.cutoff = target, 0 if kind in (1, 2, 10, 11, 12) else cutoff

    def session(self, rig):
        return Session(rig.service, self.wire, self.key)


class Round:
    def __init__(self, rig, kind, state, n):
        self.rig, self.kind, self.state, self.n = rig, kind, state, n
        self.a = Authority(rig, kind, n)
        self.marker = str(10**8 + rig.base + n)
        self.after = []  # (session, seq) of calls that were sent after ACK
        self.prepare()

    def prepare(self):
        rig = self.rig
        rig.service.as_agent()
        self.main = self.a.session(rig)
        self.callers = [self.a.session(rig) for _ in range(CALLERS)]
        self.covered = ([] if self.kind in UNCOVERED else
                        [self.main] if self.kind == 12 else [self.main] + self.callers)
        if self.state == "running":
            c = self.main.wait(self.main.call("lin.run", {"marker": int(self.marker)}), lambda c: c["decision"])
            assert c["decision"][0] == PERMIT, c
        elif self.state == "grandchild":
            self.main.call("lin.fork", {"marker": int(self.marker)})
            end = time.monotonic() + 10
            while len(processes(self.marker)) < 4:  # sh, sleep, sh of the session, its sleep
                self.main.pump()
                assert self.main.over is None and time.monotonic() < end, self.main.calls
        elif self.state == "pending":
            c = self.main.run("lin.ask")
            assert c["decision"][0] == PENDING and c["decision"][1] == "approval_required", c
            self.pending = bytes.fromhex(c["decision"][2])
            if self.kind == 11:
                self.a.target = self.pending
        if self.kind == 12:
            self.a.target = self.main.id
        if self.state not in ("running", "grandchild"):
            assert processes(self.marker) == []

    def refill(self):
        """Every caller has a call in flight, until the revocation is acknowledged."""
        for s in self.callers:
            if s.over is None and (s.seq == 0 or s.done(s.seq)):
                self.submit(s)

    @staticmethod
    def submit(s):
        try:
            return s.call("lin.true")
        except OSError:
            s.over = s.over or "closed"
            return None

    def turn(self, seconds):
        """Moves whatever came, on every socket."""
        open_ = [s for s in [self.main] + self.callers if s.s.fileno() >= 0]
        select.select([self.rig.admin.s] + [s.s for s in open_], [], [], seconds)
        for s in open_:
            s.pump()

    def until(self, kind, what):
        end = time.monotonic() + 20
        while True:
            for got, body in self.rig.admin.poll():
                assert got in (ADMIN_ACK, ADMIN_COMPLETE), (got, body, KINDS[self.kind])
                self.heard[got] = (time.monotonic(), body)
            if kind in self.heard:
                return self.heard[kind]
            assert time.monotonic() < end, what
            if ADMIN_ACK not in self.heard:
                self.refill()
            self.turn(0.01)

    def run(self):
        rig, self.heard = self.rig, {}
        spin = time.monotonic() + rig.random.random() * 0.006
        self.refill()
        while time.monotonic() < spin:
            self.turn(0.0005)
            self.refill()
        record = rig.service.record(self.kind, self.a.target, self.a.cutoff,
                                    keep_until=FOR_EVER)
        start = time.monotonic()
        rig.admin.send_revoke(record)
        acked, ack = self.until(ADMIN_ACK, "no ACK")
        self.rev_seq, self.tools = ack[1], ack[2]
        self.try_after_ack()
        done, complete = self.until(ADMIN_COMPLETE, "no COMPLETE")
        left = processes(self.marker) if self.covered else []
        assert left == [], f"round {self.n}: alive after COMPLETE: {left}"
        assert complete[1] == self.rev_seq
        self.finish()
        return acked - start, done - start

    def try_after_ack(self):
        for s in self.covered:
            if s.over is None:
                self.after.append((s, self.submit(s)))
        if self.covered and self.kind != 12:
            try:
                self.a.session(self.rig)
            except Refused as e:
                assert str(e) == "auth_failed", e
            else:
                raise AssertionError(f"round {self.n}: welcomed again after ACK")

    def finish(self):
        end = time.monotonic() + 10
        for s in self.covered:
            while s.over is None or (s.over != "closed" and s.s.fileno() >= 0):
                assert time.monotonic() < end, f"round {self.n}: a covered session stays open"
                select.select([s.s], [], [], 0.01)
                s.pump()
            self.rig.ends[s.over] += 1
        for s, seq in self.after:
            c = s.calls.get(seq)
            assert c is None or c["decision"] is None or c["decision"][0] != PERMIT, (self.n, c)
            assert c is None or c["result"] is None, (self.n, c)
        for s in [self.main] + self.callers:
            for c in s.calls.values():
                if c["result"] is not None:
                    self.rig.results[c["result"][0]] += 1
                elif c["decision"] is not None:
                    self.rig.results[c["decision"][1]] += 1
                else:
                    self.rig.results["no answer"] += 1
            s.close()


class Rig:
    def __init__(self, service, seed):
        self.service, self.random = service, random.Random(seed)
        self.second, self.base = int(time.time()) - 2900, (os.getpid() % 900) * 10**5
        self.ends, self.results, self.rounds = collections.Counter(), collections.Counter(), []
        self.admin = Admin(service)
        service.as_agent()
        wire, self.by_grant, _ = service.chain()
        self.bystander = Session(service, wire)
        self.by_marker = str(10**8 + self.base + 99999)
        self.bystander.wait(self.bystander.call("lin.run", {"marker": int(self.by_marker)}), lambda c: c["decision"])

    def round(self, kind, state, n):
        r = Round(self, kind, state, n)
        times = r.run()
        self.rounds.append((r, times))
        c = self.bystander.run("lin.true")
        assert c["result"] and c["result"][:2] == ("exited", "permitted"), (KINDS[kind], state, c)
        assert len(processes(self.by_marker)) == 1, ("the bystander's tool is gone", n, KINDS[kind], state,
                                                     self.bystander.calls[1], processes(self.by_marker))

    def whole_log(self):
        """Once it holds what the last round has left: ends are synced a moment later."""
        end = time.monotonic() + 10
        while True:
            records = list(self.service.log())
            last = self.rounds[-1][0].rev_seq
            starts = {r["id"] for r in records if "order" in r and r.get("grant") != self.by_grant.hex()}
            ended = {r["id"] for r in records if r["kind"] == "exec_ended"}
            if starts <= ended and any(r["kind"] == "revocation" and r["rev_seq"] == last for r in records):
                return records
            assert time.monotonic() < end, f"starts without an end: {starts - ended}"
            time.sleep(0.02)

    def check_log(self):
        """In the log's own order: no start on covered authority behind its revocation."""
        revoked = {(r.main.id if r.kind == 12 else r.a.grant).hex(): r for r, _ in self.rounds if r.covered}
        starts, before, records = 0, 0, self.whole_log()
        at = {r["rev_seq"]: r["seq"] for r in records if r["kind"] == "revocation"}
        for rec in records:
            if rec["kind"] != "decision" or "order" not in rec:
                continue
            starts += 1
            r = revoked.get(rec["grant"]) or revoked.get(rec["session"])
            if r is None:
                continue
            before += 1
            assert rec["rev_seq"] < r.rev_seq, f"decided with the revocation known: {rec}"
            assert rec["seq"] < at[r.rev_seq], f"started behind its revocation: {rec}"
        missing = [r.n for r, _ in self.rounds if r.rev_seq not in at]
        assert not missing, f"no record of the revocations of rounds {missing}"
        return starts, before

    def table(self):
        rows = collections.defaultdict(list)
        for r, times in self.rounds:
            rows[r.kind, r.state].append(times)
        print(f"{'kind':11} {'state':10} rounds  ACK p50 ms   p99  COMPLETE p50 ms   p99")
        for (kind, state), t in sorted(rows.items()):
            a, c = [x[0] * 1e3 for x in t], [x[1] * 1e3 for x in t]
            print(f"{KINDS[kind]:11} {state:10} {len(t):6}  {quantile(a, .5):10.2f} {quantile(a, .99):5.1f}"
                  f"  {quantile(c, .5):15.2f} {quantile(c, .99):5.1f}")


def plan(rounds, kinds):
    """Every kind in every state, in turn; approvals' kinds where they mean something."""
    cells = [(k, s) for s in STATES for k in kinds
             if k not in UNCOVERED or s == ("pending" if k == 11 else "idle")]
    return [cells[n % len(cells)] for n in range(rounds)]


def figures(rig, tools, rounds):
    """REVOKE of a grant on which that many tools run: seconds to ACK and COMPLETE."""
    acks, completes = [], []
    for n in range(rounds):
        rig.service.as_agent()
        wire, grant, _ = rig.service.chain()
        marker, sessions = str(2 * 10**8 + rig.base + n), []
        for i in range(tools):
            if i % 50 == 0:
                sessions.append(Session(rig.service, wire))
            sessions[-1].call("lin.run", {"marker": int(marker)})
        for s in sessions:
            for seq in s.calls:
                assert s.wait(seq, lambda c: c["decision"])["decision"][0] == PERMIT
        record = rig.service.record(1, grant)
        start = time.monotonic()
        rig.admin.send_revoke(record)
        ack = rig.admin.answer(ADMIN_ACK)
        acks.append(time.monotonic() - start)
        rig.admin.answer(ADMIN_COMPLETE)
        completes.append(time.monotonic() - start)
        assert ack[2] == tools and processes(marker) == [], (ack, tools)
        for s in sessions:
            s.close()
    ms = lambda v, q: round(quantile(v, q) * 1e3, 3)
    return {"tools": tools, "rounds": rounds, "ack_p50_ms": ms(acks, .5), "ack_p99_ms": ms(acks, .99),
            "complete_p50_ms": ms(completes, .5), "complete_p99_ms": ms(completes, .99)}


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("directory")
    a.add_argument("--uid", type=int, required=True)
    a.add_argument("--gid", type=int, required=True)
    a.add_argument("--rounds", type=int, default=51, help="51 is once each kind in each state")
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--kinds", default=",".join(map(str, KINDS)))
    a.add_argument("--figures", help="measure instead, with 1 and 100 tools, and write JSON there")
    a.add_argument("--figure-rounds", type=int, default=100)
    o = a.parse_args()
    rig = Rig(Service(o.directory, o.uid, o.gid), o.seed)
    if o.figures:
        out = [figures(rig, 1, o.figure_rounds), figures(rig, 100, max(5, o.figure_rounds // 4))]
        rig.service.as_admin()
        json.dump(out, open(o.figures, "w"))
        for f in out:
            print("revoke with {tools} running: ACK {ack_p50_ms} / {ack_p99_ms} ms, COMPLETE {complete_p50_ms} / "
                  "{complete_p99_ms} ms (p50 / p99, {rounds} rounds)".format(**f))
        return
    for n, (kind, state) in enumerate(plan(o.rounds, [int(k) for k in o.kinds.split(",")])):
        rig.round(kind, state, n)
    rig.bystander.close()
    rig.service.as_admin()
    starts, before = rig.check_log()
    rig.table()
    print(f"ok   T21_nothing_starts_after_ACK_and_nothing_runs_after_COMPLETE: {len(rig.rounds)} rounds, {starts} starts in the log, {before} on covered authority, all before their "
          f"revocation; calls: {dict(rig.results.most_common())}; sessions ended: {dict(rig.ends)}")


if __name__ == "__main__":
    main()
