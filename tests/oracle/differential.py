#!/usr/bin/python3
"""Our trust code beside the second implementation, on objects with small wrongs.

  differential.py WORKER [--cases N] [--seed S] [--seconds T] [--kind KIND]

Both judge the same bytes and must give the same code, and the same values where
they accept. Both make the same objects, which must be the same bytes: Ed25519
is deterministic. A difference is printed with the seed and number that bring it
back; the exit code is 1 then.
"""
import argparse
import collections
import os
import random
import subprocess
import sys
import time

from nacl.signing import SigningKey

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from trust import (agent_cert, chain, directory, handshake, heartbeat, mutate,  # noqa: E402
                   revocation, signed)
from trust import pae as p  # noqa: E402
from trust.store import ROLES, Revoked, Store  # noqa: E402

NOW = 1763769600
STATUS = {"unknown": 0, "inactive": 1, "active": 2}


def word(v):
    if isinstance(v, int):
        return str(v)
    raw = v.encode() if isinstance(v, str) else v
    return raw.hex() or "-"


class Worker:
    def __init__(self, program):
        self.p = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, op, *words):
        self.p.stdin.write(" ".join([op] + [word(w) for w in words]) + "\n")

    def ask(self, op, *words):
        self.tell(op, *words)
        self.p.stdin.flush()
        line = self.p.stdout.readline()
        if not line:
            raise SystemExit(f"the worker ended with {self.p.wait()} at: {op}")
        return line.split()


class World:
    """Keys, people and revocations, told to both sides."""

    def __init__(self, rnd, worker):
        self.rnd, self.w, self.now, self.skew = rnd, worker, NOW, 5
        self.key = {}
        for name in ("idp", "old", "off", "foreign", "revoker", "revoker-other", "directory", "directory-late",
                     "approver", "sidecar", "coder", "builder", "sleeper", "stranger", "s1", "s2", "s3"):
            self.key[name] = SigningKey(bytes(rnd.randrange(256) for _ in range(32)))
        self.audiences = ["sidecar/x", "sidecar/y"]
        self.keys = [self.role(*k) for k in (
            ("issuer", "acme", "idp", "idp", 0, 0, False),
            ("issuer", "acme", "idp", "old", NOW - 500, NOW - 100, False),
            ("issuer", "acme", "gone", "off", 0, 0, True),
            ("issuer", "other", "idp", "foreign", 0, 0, False),
            ("revoker", "acme", "ops", "revoker", 0, 0, False),
            ("revoker", "other", "ops", "revoker-other", 0, NOW - 1, False),
            ("directory", "acme", "dir", "directory", 0, 0, False),
            ("directory", "acme", "late", "directory-late", NOW - 50, NOW + 50, False),
            ("approver", "acme", "bob", "approver", 0, 0, False),
            ("sidecar", "", "sidecar/x", "sidecar", 0, 0, False))]
        agent = lambda t, a, s, k: dict(tenant=t, id=a, status=s, keys=[self.pk(k)])
        self.agents = [agent("acme", "coder", "active", "coder"), agent("acme", "builder", "active", "builder"),
                       agent("acme", "sleeper", "inactive", "sleeper")]
        self.users = [dict(tenant="acme", id=u, status=s) for u, s in (("alice", "active"), ("bob", "inactive"))]
        self.tenants = [dict(id="acme", max_ttl=3600, any_user=False), dict(id="other", max_ttl=86400, any_user=True)]
        self.store = Store(self.keys, self.agents, self.tenants, self.users)
        self.revoked = Revoked()
        self.blobs = [self.pk(k) for k in self.key] + [p.kid_of(self.pk(k)) for k in self.key] + \
            [bytes(16), bytes(32), b"\x07" * 16]
        self.m = mutate.Mutator(rnd, NOW, self.blobs)
        self.tell()

    def pk(self, name):
        return bytes(self.key[name].verify_key)

    def raw(self, n):
        return bytes(self.rnd.randrange(256) for _ in range(n))

    def role(self, role, tenant, name, key, nb, na, disabled):
        return dict(role=role, tenant=tenant, name=name, pk=self.pk(key), not_before=nb, not_after=na,
                    disabled=disabled)

    def tell(self):
        w = self.w
        for t in self.tenants:
            w.tell("tenant", t["id"], t["max_ttl"], int(t["any_user"]))
        for k in self.keys:
            w.tell("key", ROLES.index(k["role"]) + 1, k["tenant"], k["name"], k["pk"], k["not_before"],
                   k["not_after"], int(k["disabled"]))
        for a in self.agents:
            w.tell("agent", a["tenant"], a["id"], STATUS[a["status"]], *a["keys"])
        for u in self.users:
            w.tell("user", u["tenant"], u["id"], STATUS[u["status"]])
        for a in self.audiences:
            w.tell("audience", a)
        for kind, target, cutoff in ((1, b"\x07" * 16, 0), (3, self.pk("s3"), NOW - 90), (4, b"alice", NOW - 3000),
                                     (5, b"coder/gone", NOW - 20), (6, b"task-gone", NOW - 20),
                                     (7, b"", NOW - 3500), (8, p.kid_of(self.pk("old")), NOW - 300)):
            self.revoked.add(kind, "acme", target, cutoff)
            w.tell("revoked", kind, "acme", target, cutoff)
        assert w.ask("build") == ["OK"]

    # --- what is right, as lists of values ---

    def root(self, **kw):
        f = dict(nonce=self.raw(16), tenant="acme", issuer="idp", user="alice", agent="coder",
                 holder=self.pk("coder"), aud=self.rnd.choice(self.audiences), task=self.rnd.choice(["t1", "task-gone"]),
                 iat=NOW - self.rnd.choice([10, 20, 21, 200, 400]), nbf=NOW - 10, exp=NOW + self.rnd.choice([60, 600]),
                 depth=self.rnd.randrange(8), max_calls=self.rnd.choice([0, 20]), policies="permit(principal, action, resource);",
                 attrs=[["acr", "phr"], ["amr", "hwk"]][:self.rnd.randrange(3)])
        f.update(kw)
        return [0] + list(f.values())

    def cert(self, agent, holder):
        b = agent_cert.body(dict(tenant="acme", agent=agent, pk=holder, nbf=NOW - 60, exp=NOW + 60))
        b = self.m.deep(b) if self.rnd.randrange(3) == 0 else b
        return signed.make("agent_cert", p.pack(b), self.key[self.rnd.choice(["idp", "directory", "directory", "revoker", "foreign", "old", "stranger"])])

    def link(self, n, parent, depth):
        sub = f"s{n}"
        agent, holder, cert = parent + self.rnd.choice(["/a", "/gone", "/b/c"]), self.pk(sub), b""
        how = self.rnd.randrange(6)
        if how == 0:
            agent, cert = self.rnd.choice(["builder", "builder/x", "sleeper", "sleeper/x"]), None
        elif how == 1:
            agent, holder = "builder", self.pk("builder")
        if cert is None:
            cert = self.cert(agent, holder)
        key = "builder" if holder == self.pk("builder") else sub
        return [1, self.raw(16), agent, holder, NOW - self.rnd.choice([5, 90, 91]), NOW - 5, NOW + 300, depth,
                "forbid(principal, action, resource);", cert], key

    def chain_parts(self):
        payloads, keys = [self.root(depth=self.rnd.choice([3, 4, 7]))], [self.rnd.choice(["idp"] * 6 + ["old", "off", "foreign"]), "coder"]
        parent, depth = "coder", payloads[0][12]
        for n in range(1, 1 + self.rnd.randrange(4)):
            depth -= 1
            payload, key = self.link(n, parent, max(0, depth))
            payloads.append(payload)
            keys.append(key)
            parent = payload[2]
        return payloads, keys

    def revocation(self, kind=None, target=None):
        kind = kind or self.rnd.randrange(1, 13)
        if target is None:
            target = (self.raw(revocation.SIZES[kind]) if kind in revocation.SIZES else
                      b"" if kind == 7 else self.rnd.choice([b"alice", b"coder", b"coder/x"]))
        by_id = kind in revocation.BY_ID
        return revocation.body(dict(tenant="acme", kind=kind, target=target, cutoff=0 if by_id else NOW,
                                    keep_until=self.rnd.choice([2**64 - 1, NOW + 86460, NOW + 86459]),
                                    reason=self.rnd.choice(["", "lost", "ü" * 128]), nonce=self.raw(16)))

    def heartbeat(self):
        return heartbeat.body(dict(tenant="acme", seq=self.rnd.randrange(1, 2**40), hash=self.raw(32),
                                   issued=NOW - self.rnd.randrange(60), not_after=NOW + 30))

    def snapshot(self):
        r = self.rnd
        attrs = lambda: [["a", "1"], ["b_2", "ü"]][:r.randrange(3)]
        s = dict(tenant="acme", seq=r.randrange(1, 2**40), issued=NOW - r.randrange(60), not_after=NOW + 86400,
                 users=[dict(id=f"u{i}", status=r.randrange(2), groups=["g1", "g2"][:r.randrange(3)], attrs=attrs())
                        for i in range(1, 1 + r.randrange(4))], agents=[], approvers=[], revocations=[])
        known = [u["id"] for u in s["users"]]
        for i in range(r.randrange(3)):
            s["agents"].append(dict(id=f"a{i}", status=r.randrange(2), owner=r.choice(known + [""]),
                                    keys=[self.pk("coder"), self.pk("builder")][:r.randrange(3)],
                                    uids=[1000, 1001][:r.randrange(3)], max_depth=r.randrange(8), attrs=attrs()))
        if known:
            pks = sorted([self.pk("approver"), self.pk("s1")], key=p.kid_of)[:r.randrange(3)]
            s["approvers"] = [dict(person=r.choice(known), status=1, kid=p.kid_of(k), pk=k, classes=["ops"],
                                   roles=["lead", "dev"][:r.randrange(3)]) for k in pks]
        for _ in range(r.randrange(3)):
            s["revocations"].append(signed.make("revocation", self.revocation(), self.key["revoker"]))
        return directory.body(s)

    def signer(self, kind):
        usual = {"revocation": "revoker", "heartbeat": "directory", "snapshot": "directory", "agent_cert": "idp"}[kind]
        odd = ["revoker", "revoker-other", "directory", "directory-late", "approver", "idp", "off", "stranger", "old"]
        return self.key[usual if self.rnd.randrange(4) else self.rnd.choice(odd)]


# --- judging -----------------------------------------------------------------

def judged(fn, *args):
    try:
        return ["OK"] + [word(v) for v in fn(*args)]
    except p.Refused as e:
        return [str(e)]


def chain_values(world, data):
    c = chain.verified(world, data)
    r, bs = c["blocks"][0], c["blocks"]
    out = [c["kid"], r["nonce"], r["tenant"], r["issuer"], r["user"], r["aud"], r["task"], r["max_calls"],
           max([max(b["iat"], b["nbf"]) for b in bs] + [b["vouched"]["nbf"] for b in bs if b.get("cert")]),
           min([b["exp"] for b in bs] + [b["vouched"]["exp"] for b in bs if b.get("cert")])]
    for k, v in r["attrs"]:
        out += [k, v]
    for b in bs:
        out += [b["id"], b["holder"], b["agent"], b["iat"], b["nbf"], b["exp"], b["depth"], b["policies"]]
    return out


def revocation_values(v):
    return [v["tenant"], v["kind"], v["target"], v["cutoff"], v["keep_until"], v["reason"], v["nonce"]]


def case_chain(w):
    payloads, keys = w.chain_parts()
    at = w.rnd.randrange(len(payloads))
    raws = [w.m.body(v) if i == at and w.rnd.randrange(5) else p.pack(v) for i, v in enumerate(payloads)]
    data, _ = chain.sign(raws, [w.key[k] for k in keys])
    if w.rnd.randrange(6) == 0:
        data = w.m.bytes(data)
    return w.w.ask("chain", NOW, data), judged(chain_values, w, data)


def sealed(w, kind, body):
    data = signed.make(kind, w.m.body(body), w.signer(kind))
    return w.m.bytes(data) if w.rnd.randrange(6) == 0 else data


def case_revocation(w):
    data = sealed(w, "revocation", w.revocation())

    def ours():
        v, role = revocation.verify(w.store, data, NOW)
        return [role] + revocation_values(v)
    got = w.w.ask("revocation", NOW, data)
    theirs = judged(ours)
    if theirs[0] == "OK":
        theirs[1] = bytes.fromhex(theirs[1]).decode()
    return got, theirs


def case_holder(w):
    while True:
        payloads, keys = w.chain_parts()
        keys[0] = "idp"
        data, ids = chain.sign(payloads, [w.key[k] for k in keys])
        try:
            evidence = chain.verified(w, data)
            break
        except p.Refused:
            pass
    kind = w.rnd.choice([1, 1, 2, 2, 2, 4])
    target = {1: payloads[0][1], 2: w.rnd.choice(ids)}.get(kind)
    key = w.key[w.rnd.choice(keys[1:] + ["stranger", "idp"])]
    body = w.revocation(kind, target)
    record = signed.make("revocation", w.m.body(body) if w.rnd.randrange(2) else p.pack(body), key)
    return (w.w.ask("holder", NOW, data, record),
            judged(lambda: revocation_values(revocation.verify_holder(evidence, record))))


def case_heartbeat(w):
    data = sealed(w, "heartbeat", w.heartbeat())

    def ours():
        h = heartbeat.verify(w.store, data, NOW)
        return [h["tenant"], h["seq"], h["hash"], h["issued"], h["not_after"]]
    return w.w.ask("heartbeat", NOW, data), judged(ours)


def case_agent_cert(w):
    body = agent_cert.body(dict(tenant="acme", agent="builder", pk=w.pk("s1"), nbf=NOW - 200, exp=NOW + 60))
    data = sealed(w, "agent_cert", body)

    def ours():
        c, kid = agent_cert.verify(w.store, data)
        return [c["tenant"], c["agent"], c["pk"], c["nbf"], c["exp"], kid]
    return w.w.ask("agent_cert", NOW, data), judged(ours)


def case_snapshot(w):
    body = w.snapshot()
    data = sealed(w, "snapshot", body)

    def ours():
        s = directory.verify(w.store, "acme", data, NOW)
        return [s["hash"], "OK", p.pack(directory.body(s))]
    got, theirs = w.w.ask("snapshot", NOW, "acme", data), judged(ours)
    if theirs[0] == "OK":
        theirs[2] = "OK"
    return got, theirs


def case_handshake(w):
    wire = w.raw(40)
    parts = [w.raw(32), w.raw(32), w.pk("sidecar"), "sidecar/x", wire, w.rnd.randrange(2**32), w.rnd.randrange(2**32)]
    t = handshake.transcript(*parts)
    proof = handshake.client_proof(t, w.key["coder"])
    session, server = handshake.session_id(t, proof), handshake.server_proof(t, proof, w.key["sidecar"])
    holder = w.pk("coder")
    at = w.rnd.randrange(12)
    if at < 7:
        v = parts[at]
        parts[at] = (v + 1) % 2**32 if isinstance(v, int) else v + "z" if isinstance(v, str) else bytes([v[0] ^ 1]) + v[1:]
    elif at < 11:
        flip = lambda b: b[:5] + bytes([b[5] ^ 4]) + b[6:]
        holder, proof, session, server = [flip(v) if i == at - 7 else v for i, v in enumerate((holder, proof, session, server))]
    t = handshake.transcript(*parts)
    got = w.w.ask("handshake", parts[5], parts[6], parts[0], parts[1], parts[2], parts[3], parts[4], holder, proof,
                  session, server)
    return got, [str(int(handshake.client_ok(t, holder, proof))),
                 str(int(handshake.server_ok(t, parts[2], proof, session, server)))]


# --- making ------------------------------------------------------------------

def case_mint(w):
    how = w.rnd.randrange(6)
    seed = lambda name: bytes(w.key[name])
    if how == 0:
        b = w.revocation()
        target = b[3].encode() if isinstance(b[3], str) else b[3]
        want = signed.make("revocation", b, w.key["revoker"])
        got = w.w.ask("mint_revocation", seed("revoker"), b[1], b[2], target, *b[4:])
        try:
            revocation.decode(p.pack(b))
        except p.Refused:
            return got, ["REFUSED"]
    elif how == 1:
        b = w.heartbeat()
        want, got = signed.make("heartbeat", b, w.key["directory"]), w.w.ask("mint_heartbeat", seed("directory"), *b[1:])
    elif how == 2:
        b = [1, "acme", "builder/x", w.pk("s1"), NOW, NOW + 9]
        want, got = signed.make("agent_cert", b, w.key["idp"]), w.w.ask("mint_agent_cert", seed("idp"), *b[1:])
    elif how == 3:
        b = w.snapshot()
        want = signed.make("snapshot", b, w.key["directory"])
        got = w.w.ask("mint_snapshot", seed("directory"), p.pack(b))
        try:
            directory.decode(p.pack(b))
        except p.Refused:
            return got, ["REFUSED"]
    elif how == 4:
        root = w.root(depth=3)
        link, _ = w.link(1, "coder", 1)
        link[9] = b""
        one, _ = chain.sign([root], [w.key["idp"]])
        want, _ = chain.sign([root, link], [w.key["idp"], w.key["coder"]])
        flat = [x for pair in root[15] for x in pair]
        first = w.w.ask("mint_root", seed("idp"), *root[1:15], *flat)
        if first != ["OK", one.hex()]:
            return first, ["OK", one.hex()]
        got = w.w.ask("mint_link", seed("coder"), one, w.pk("idp"), link[1], link[2], link[3], *link[4:9])
    else:
        parts = [w.raw(32), w.raw(32), w.pk("sidecar"), "sidecar/x", w.raw(50), 1000, 2000]
        t = handshake.transcript(*parts)
        proof = handshake.client_proof(t, w.key["coder"])
        got = w.w.ask("mint_handshake", 1000, 2000, *parts[:5], seed("coder"), seed("sidecar"))
        return got, ["OK", proof.hex(), handshake.session_id(t, proof).hex(),
                     handshake.server_proof(t, proof, w.key["sidecar"]).hex()]
    return got, ["OK", want.hex()]


CASES = {"chain": (case_chain, 4), "revocation": (case_revocation, 3), "holder": (case_holder, 1),
         "heartbeat": (case_heartbeat, 2), "agent_cert": (case_agent_cert, 2), "snapshot": (case_snapshot, 4),
         "handshake": (case_handshake, 1), "mint": (case_mint, 1)}


def show(ours, theirs):
    """The first words in which they differ."""
    at = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
    return f"word {at}: {' '.join(ours[at:at + 3])[:160]} | Python {' '.join(theirs[at:at + 3])[:160]}"


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("worker")
    a.add_argument("--cases", type=int, default=6000)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--seconds", type=float, default=1e9)
    a.add_argument("--kind", choices=CASES)
    o = a.parse_args()
    names = [o.kind] if o.kind else [k for k, (_, n) in CASES.items() for _ in range(n)]
    worker = Worker(o.worker)
    world = World(random.Random(o.seed), worker)
    seen, wrong, end, done = collections.Counter(), 0, time.monotonic() + o.seconds, 0
    while done < o.cases and time.monotonic() < end and wrong < 20:
        world.rnd.seed(f"{o.seed}/{done}")
        kind = world.rnd.choice(names)
        ours, theirs = CASES[kind][0](world)
        seen[kind, theirs[0]] += 1
        if ours != theirs:
            wrong += 1
            print(f"DIFFERENT seed {o.seed} case {done} {kind}: C {show(ours, theirs)}")
        done += 1
    for kind in dict.fromkeys(names):
        print(f"{kind:11}", "  ".join(f"{c} {n}" for (k, c), n in sorted(seen.items()) if k == kind))
    print(f"{done} cases, {wrong} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
