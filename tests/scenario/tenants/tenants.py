#!/usr/bin/python3
"""tenants.py DIRECTORY --uid N --gid N [--calls N] [--seed S]

Two tenants with the same names of everything (users, agents, tasks, tools,
arguments, grant ids, call ids), other keys and other policies, in parallel.
What each may is known beforehand, so every answer is compared with it.
"""
import argparse
import collections
import os
import random
import select
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "linear"))
from rig import ADMIN_ACK, ADMIN_COMPLETE, DENY, PENDING, PERMIT, Admin, Refused, Service, Session  # noqa: E402

SESSIONS, DEPTH, METER = 4, 4, 40
TOOLS = ["ten.both"] * 5 + ["ten.acme", "ten.beta", "ten.taint", "ten.ask", "ten.nothing"]


class Tenant:
    """One side: expects of each tool what its own policies say."""

    def __init__(self, service, rnd):
        self.service, self.name, self.random = service, service.tenant, rnd
        self.sessions, self.by_session, self.seen = [], {}, collections.Counter()
        self.ids, self.wrong = {}, []

    def open(self, grant, n, **kw):
        wire, _, _ = self.service.chain(nonce=grant, **kw)
        for _ in range(n):
            s = Session(self.service, wire)
            self.sessions.append(s)
            self.by_session[s.id.hex()] = self.name
        return self.sessions[-n:]

    def expected(self, tool, tainted):
        own = {"ten.both": (PERMIT, "permitted"), f"ten.{self.name}": (PERMIT, "permitted")}
        if tool == "ten.taint":
            return (DENY, "forbidden") if tainted and self.name == "beta" else (PERMIT, "permitted")
        if tool == "ten.ask":
            return (PERMIT, "permitted") if self.name == "acme" else (PENDING, "approval_required")
        if tool == "ten.nothing":
            return (DENY, "tool_unknown")
        return own.get(tool, (DENY, "denied"))

    def submit(self, s, n, call_id):
        tool = self.random.choice(TOOLS)
        tainted = self.random.random() < 0.3
        seq = s.call(tool, {"n": n}, call_id=call_id, provenance=["web"] if tainted else [])
        s.calls[seq].update(n=n, want=self.expected(tool, tainted))

    def check(self, c):
        got = c["decision"][:2]
        self.seen[c["tool"], got[1]] += 1
        if c["want"][0] == PENDING and got == (DENY, "rate_limited"):
            return  # people are asked so much and no more
        if got[0] != c["want"][0] or (got[1] != c["want"][1] and c["tool"] != "ten.nothing"):
            self.wrong.append((self.name, c))
        if got[0] == PERMIT and (c["result"][:2] != ("exited", "permitted") or c["out"] != b"%d\n" % c["n"]):
            self.wrong.append((self.name, c))


def load(tenants, calls, rnd):
    """Both at once; each call id is used in both tenants, with other arguments."""
    todo, ids = {t: calls // 2 for t in tenants}, [rnd.randbytes(16) for _ in range(calls // 2)]
    flying = {}
    while any(todo.values()) or flying:
        for t in tenants:
            for s in t.sessions:
                mine = [k for k in flying if k[0] is s]
                for _ in range(DEPTH - len(mine)):
                    if not todo[t]:
                        break
                    todo[t] -= 1
                    t.submit(s, todo[t] * 2 + (t.name == "beta"), ids[todo[t]])
                    flying[s, s.seq] = t
        select.select([s.s for t in tenants for s in t.sessions], [], [], 1)
        for t in tenants:
            for s in t.sessions:
                s.pump()
                assert s.over is None, (t.name, s.over)
        for (s, seq), t in list(flying.items()):
            if s.done(seq):
                t.check(s.calls.pop(seq))
                del flying[s, seq]
    for t in tenants:
        assert not t.wrong, f"T34_decisions_of_a_tenant_are_its_own: {t.wrong[:3]}"
    print("ok   T34_decisions_of_a_tenant_are_its_own", {t.name: sum(t.seen.values()) for t in tenants})


def meters(acme, beta):
    """acme calls much more than beta may; beta still has all that it may."""
    a, b = acme.sessions[0], beta.sessions[0]
    for _ in range(METER * 2):
        assert a.run("ten.meter", {"n": 1})["decision"][0] == PERMIT, "acme has no limit"
    got = [b.run("ten.meter", {"n": 1})["decision"][0] for _ in range(METER + 3)]
    assert got == [PERMIT] * METER + [DENY] * 3, f"T34_meters_of_one_tenant_do_not_count_in_another: {got}"
    assert a.run("ten.meter", {"n": 1})["decision"][0] == PERMIT
    print("ok   T34_meters_of_one_tenant_do_not_count_in_another")


def budgets(acme, beta, rnd):
    """The same grant id, a budget in each: spent apart."""
    grant = rnd.randbytes(16)
    for t, most in ((acme, 5), (beta, 9)):
        s, = t.open(grant, 1, max_calls=most)
        got = [s.run("ten.both", {"n": i})["decision"][1] for i in range(most + 2)]
        assert got == ["permitted"] * most + ["budget_exhausted"] * 2, f"T34_budgets_with_one_grant_id_are_two: {got}"
    print("ok   T34_budgets_with_one_grant_id_are_two")


def call_ids(acme, beta, rnd):
    """The outcome that one tenant has under a call id is not told to another."""
    grant, call = rnd.randbytes(16), rnd.randbytes(16)
    (a,), (b,) = acme.open(grant, 1), beta.open(grant, 1)
    assert a.run("ten.both", {"n": 11}, call_id=call)["out"] == b"11\n"
    c = b.run("ten.both", {"n": 22}, call_id=call)  # other content: would be duplicate_call
    assert c["out"] == b"22\n", f"T34_call_ids_of_a_tenant_are_its_own: {c}"
    assert a.run("ten.both", {"n": 33}, call_id=call)["decision"][1] == "duplicate_call"
    print("ok   T34_call_ids_of_a_tenant_are_its_own")


def keys(acme, beta, _):
    """A chain of one tenant by the issuer of another, with the same names."""
    wire, _, _ = acme.service.chain()
    acme.service.issuer, kept = beta.service.issuer, acme.service.issuer
    forged, _, _ = acme.service.chain()
    acme.service.issuer = kept
    for what, w, key in (("issuer of another tenant", forged, acme.service.coder),
                         ("agent key of another tenant", wire, beta.service.coder)):
        try:
            Session(acme.service, w, key)
        except Refused as e:
            assert str(e) == "auth_failed", e
        else:
            raise AssertionError(f"T9_issuer_of_another_tenant_is_refused: {what}")
    print("ok   T9_issuer_of_another_tenant_is_refused")


def revocations(acme, beta, rnd):
    """Every kind by name or id, in acme, while the namesake of beta works on."""
    admin, now = Admin(acme.service), int(time.time())
    for kind, target, cutoff in ((1, None, 0), (6, b"demo", now), (5, b"coder", now), (4, b"alice", now), (7, b"", now)):
        grant = rnd.randbytes(16)
        iat = int(time.time()) + 1 if kind != 1 else now
        iat = max(iat, revocations.last + 1)
        revocations.last = iat
        while time.time() < iat - 4:  # not issued more than the skew ahead
            time.sleep(0.05)
        (a,), (b,) = acme.open(grant, 1, iat=iat, nbf=iat), beta.open(grant, 1, iat=iat, nbf=iat)
        record = acme.service.record(kind, target or (grant if kind == 1 else target), iat if cutoff else 0)
        admin.send_revoke(record)
        ack = admin.answer(ADMIN_ACK)
        admin.answer(ADMIN_COMPLETE)
        assert ack[3] >= 1, ack
        try:
            c = a.run("ten.both", {"n": 1})
            assert c["decision"] is None or c["decision"][1] == "revoked", c
        except OSError:
            pass
        c = b.run("ten.both", {"n": 2})
        assert c["decision"][0] == PERMIT, f"T34_revocation_stays_in_its_tenant: kind {kind}: {c}"
    # signed by a revoker of the other tenant, for a target of this one
    grant = rnd.randbytes(16)
    (b,) = beta.open(grant, 1)
    admin.send_revoke(acme.service.record(1, grant, tenant="beta"))
    kind, body = admin.get()
    assert kind == 5, (kind, body)
    assert b.run("ten.both", {"n": 3})["decision"][0] == PERMIT, "T34_revoker_of_another_tenant_is_refused"
    admin.close()
    print("ok   T34_revocation_stays_in_its_tenant")


revocations.last = 0


def check_log(service, tenants):
    """Each record has the tenant of its session, and of nobody else."""
    owner = {k: v for t in tenants for k, v in t.by_session.items()}
    end = time.monotonic() + 10
    while True:  # until it holds what was answered
        records = [r for r in service.log() if r["kind"] == "decision"]
        count = collections.Counter(r["tenant"] for r in records)
        if all(count[t.name] >= sum(t.seen.values()) > 0 for t in tenants):
            break
        assert time.monotonic() < end, f"decisions in the log: {count}, answered: {[t.seen for t in tenants]}"
        time.sleep(0.02)
    for r in records:
        assert r["tenant"] == owner[r["session"]], f"T34_record_has_its_own_tenant: {r}"
    print("ok   T34_record_has_its_own_tenant", dict(count))


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("directory")
    a.add_argument("--uid", type=int, required=True)
    a.add_argument("--gid", type=int, required=True)
    a.add_argument("--calls", type=int, default=3000)
    a.add_argument("--seed", type=int, default=1)
    o = a.parse_args()
    rnd = random.Random(o.seed)
    tenants = [Tenant(Service(o.directory, o.uid, o.gid, t, k), random.Random(f"{o.seed}/{t}"))
               for t, k in (("acme", "keys"), ("beta", "keys-beta"))]
    tenants[0].service.as_agent()
    grant = rnd.randbytes(16)
    for t in tenants:
        t.open(grant, SESSIONS)
    start = time.monotonic()
    load(tenants, o.calls, rnd)
    print(f"{o.calls} mixed calls in {time.monotonic() - start:.1f} s")
    for part in (call_ids, keys, budgets):
        part(*tenants, rnd)
    meters(*tenants)
    revocations(*tenants, rnd)
    tenants[0].service.as_admin()
    check_log(tenants[0].service, tenants)


if __name__ == "__main__":
    main()
