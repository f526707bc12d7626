#!/usr/bin/python3
"""Delegation chains and the handshake, written from docs/DELEGATION.md alone.

An independent second implementation: it shares no code with proto/trust, so
the two agree only if both follow the document. Used in both directions:

  delegation.py mint [SEED]        prints a vector file of its own making
  delegation.py verify FILE        runs a vector file through its own verifier
  delegation.py chain FILE ISSUER  verifies one chain file against a public key
"""
import hashlib
import json
import random
import sys

import msgpack
import nacl.bindings as sodium
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

PREFIX = "tipstaff/1/"
MAX = {"chain": 32768, "payload": 8192, "policy": 4096, "id": 128,
       "attrs": 16, "key": 32, "value": 128, "cert": 512}
L = 2**252 + 27742317777372353535851937790883648493


class Refused(Exception):
    pass


def need(cond, code):
    if not cond:
        raise Refused(code)


# --- bytes -----------------------------------------------------------------

def le32(n):
    return n.to_bytes(4, "little")


def pae(ctx, *parts):
    out = [le32(len(parts) + 1)]
    for p in (PREFIX.encode() + ctx.encode(),) + parts:
        out += [le32(len(p)), p]
    return b"".join(out)


def blake(data, size=32):
    return hashlib.blake2b(data, digest_size=size).digest()


def kid_of(pk):
    return blake(pae("kid", pk), 16)


def block_message(i, prev, payload):
    return pae("grant-link" if i else "grant-root", prev, payload)


class Smp:
    """Strict msgpack: arrays, str, bin, unsigned; shortest forms; no wide."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(self.at + n <= len(self.data), "E_FORMAT")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, width, least):
        n = int.from_bytes(self.take(width), "big")
        need(n >= least, "E_FORMAT")
        return n

    def uint(self):
        t = self.take(1)[0]
        if t < 0x80:
            return t
        need(0xCC <= t <= 0xCF, "E_FORMAT")
        return self.number(1 << (t - 0xCC), (0x80, 0x100, 1 << 16, 1 << 32)[t - 0xCC])

    def array(self):
        t = self.take(1)[0]
        n = t - 0x90 if 0x90 <= t < 0xA0 else None
        if n is None:
            need(t == 0xDC, "E_FORMAT")
            n = self.number(2, 16)
        need(n <= len(self.data) - self.at, "E_FORMAT")
        return n

    def text(self, limit):
        t = self.take(1)[0]
        if 0xA0 <= t < 0xC0:
            n = t - 0xA0
        else:
            need(t in (0xD9, 0xDA), "E_FORMAT")
            n = self.number(t - 0xD8, 32 if t == 0xD9 else 256)
        need(n <= limit, "E_LIMIT")
        raw = self.take(n)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("E_FORMAT")

    def bin(self, limit=None, exact=None):
        t = self.take(1)[0]
        need(t in (0xC4, 0xC5), "E_FORMAT")
        n = self.number(t - 0xC3, 0 if t == 0xC4 else 256)
        need(limit is None or n <= limit, "E_LIMIT")
        need(exact is None or n == exact, "E_FORMAT")
        return self.take(n)

    def tuple(self, n):
        need(self.array() == n, "E_FORMAT")

    def end(self):
        need(self.at == len(self.data), "E_FORMAT")


# --- verifying -------------------------------------------------------------

def id_ok(s):
    ok = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@:+=-")
    return (0 < len(s.encode()) <= MAX["id"] and
            all(seg and seg not in (".", "..") and set(seg) <= ok for seg in s.split("/")))


def split(chain):
    need(len(chain) <= MAX["chain"], "E_LIMIT")
    r = Smp(chain)
    n = r.array()
    need(r.uint() == 1, "E_VERSION")
    need(n == 3, "E_FORMAT")
    kid = r.bin(exact=16)
    count = r.array()
    need(count > 0, "E_FORMAT")
    need(count <= 8, "E_DEPTH")
    blocks = []
    for _ in range(count):
        r.tuple(2)
        blocks.append((r.bin(limit=MAX["payload"]), r.bin(exact=64)))
    r.end()
    return kid, blocks


def decode_payload(i, payload):
    r, b = Smp(payload), {}
    n = r.array()
    need(r.uint() == (1 if i else 0), "E_TYPE")
    need(n == (10 if i else 16), "E_FORMAT")
    b["nonce"] = r.bin(exact=16)
    for name in (("agent",) if i else ("tenant", "issuer", "user", "agent")):
        b[name] = r.text(MAX["id"])
    b["holder"] = r.bin(exact=32)
    if not i:
        b["aud"], b["task"] = r.text(MAX["id"]), r.text(MAX["id"])
    b["iat"], b["nbf"], b["exp"], b["depth"] = r.uint(), r.uint(), r.uint(), r.uint()
    if not i:
        b["max_calls"] = r.uint()
    b["policies"] = r.text(MAX["policy"])
    if i:
        b["cert"] = r.bin(limit=MAX["cert"])
        need(b["cert"] == b"", "E_AGENT")
    else:
        count, last, b["attrs"] = r.array(), None, []
        need(count <= MAX["attrs"], "E_LIMIT")
        for _ in range(count):
            r.tuple(2)
            k, v = r.text(MAX["key"]), r.text(MAX["value"])
            need(last is None or last < k.encode(), "E_FORMAT")
            last = k.encode()
            b["attrs"].append((k, v))
    r.end()
    return b


def verified_blocks(issuer_pk, blocks):
    prev, signer, out = blake(pae("anchor", issuer_pk)), issuer_pk, []
    for i, (payload, sig) in enumerate(blocks):
        try:
            VerifyKey(signer).verify(block_message(i, prev, payload), sig)
        except (BadSignatureError, ValueError):
            raise Refused("E_SIG")
        b = decode_payload(i, payload)
        prev = b["id"] = blake(pae("link", prev, payload))
        signer = b["holder"]
        out.append(b)
    return out


def static_checks(cfg, issuer, blocks):
    root = blocks[0]
    ids = [root[k] for k in ("tenant", "issuer", "user", "agent", "aud", "task")]
    need(all(map(id_ok, ids)), "E_ID")
    need(root["tenant"] == issuer["tenant"], "E_TENANT")
    need(root["issuer"] == issuer["name"], "E_ISSUER")
    need(root["aud"] == cfg["audience"], "E_AUD")
    need(root["nbf"] < root["exp"] and root["iat"] < root["exp"], "E_TIME")
    need(root["exp"] - root["iat"] <= cfg["max_ttl"], "E_TTL")
    need(root["depth"] <= 7, "E_DEPTH")
    for i, b in enumerate(blocks):
        if i:
            need(id_ok(b["agent"]), "E_ID")
            need(b["nbf"] < b["exp"], "E_TIME")
            need(b["depth"] < blocks[i - 1]["depth"], "E_DEPTH")
        need(b["policies"] != "", "E_POLICY")
        need(sodium.crypto_core_ed25519_is_valid_point(b["holder"]), "E_KEY")
        need(all(b["holder"] != o["holder"] for o in blocks[:i]), "E_KEY")


def dynamic_checks(cfg, blocks):
    root, now = blocks[0], cfg["now"]
    need(max(max(b["iat"], b["nbf"]) for b in blocks) <= now + cfg["skew"], "E_NOT_YET")
    need(now < min(b["exp"] for b in blocks), "E_EXPIRED")
    roles = {bytes.fromhex(i["pk"]) for i in cfg["issuers"]} | {bytes.fromhex(cfg["sidecar_pk"])}
    keys = {}
    for a in cfg["agents"]:
        keys.setdefault((a["tenant"], a["id"]), set()).add(bytes.fromhex(a["pk"]))
    for i, b in enumerate(blocks):
        own = keys.get((root["tenant"], b["agent"]))
        others = set().union(*(v for k, v in keys.items() if k != (root["tenant"], b["agent"])), set())
        need(b["holder"] not in roles and not (i and b["holder"] in others), "E_KEY")
        if own is not None:
            need(b["holder"] in own, "E_AGENT")
        else:
            need(i > 0 and b["agent"].startswith(blocks[i - 1]["agent"] + "/"), "E_AGENT")
    gone = cfg["revoked"]
    need(root["nonce"].hex() not in gone.get("grants", []), "E_REVOKED")
    need(not any(u["id"] == root["user"] and root["iat"] <= u["cutoff"]
                 for u in gone.get("users", [])), "E_REVOKED")
    for b in blocks:
        need(b["id"].hex() not in gone.get("blocks", []), "E_REVOKED")
        need(b["holder"].hex() not in gone.get("holder_keys", []), "E_REVOKED")
        for a in gone.get("agents", []):
            under = b["agent"] == a["id"] or b["agent"].startswith(a["id"] + "/")
            need(not (under and b["iat"] <= a["cutoff"]), "E_REVOKED")


def verify(cfg, chain):
    try:
        kid, wire = split(chain)
        issuer = next((i for i in cfg["issuers"] if kid_of(bytes.fromhex(i["pk"])) == kid), None)
        need(issuer is not None, "E_ISSUER")
        blocks = verified_blocks(bytes.fromhex(issuer["pk"]), wire)
        static_checks(cfg, issuer, blocks)
        dynamic_checks(cfg, blocks)
        return "OK"
    except Refused as e:
        return str(e)


# --- handshake -------------------------------------------------------------

def transcript(h, cfg, chain):
    return (bytes.fromhex(h["challenge"]), bytes.fromhex(h["client_nonce"]),
            bytes.fromhex(cfg["sidecar_pk"]), cfg["audience"].encode(),
            blake(pae("chain", chain)), le32(h["uid"]) + le32(h["gid"]))


def handshake_ok(h, cfg, chain):
    t, proof = transcript(h, cfg, chain), bytes.fromhex(h["client_proof"])
    session = blake(pae("session", *t, proof), 16)
    try:
        VerifyKey(bytes.fromhex(h["holder_pk"])).verify(pae("hs-client", *t), proof)
        VerifyKey(bytes.fromhex(cfg["sidecar_pk"])).verify(
            pae("hs-server", *t, proof, session), bytes.fromhex(h["server_proof"]))
    except BadSignatureError:
        return False
    return session.hex() == h["session_id"]


# --- minting ---------------------------------------------------------------

class Mint:
    """Makes a vector file: same cases as the published one, other values."""

    def __init__(self, seed):
        self.rnd = random.Random(seed)
        self.now = 1_700_000_000 + self.rnd.randrange(10**8)
        self.keys, self.vectors = {}, []
        self.tenant, self.user = self.word("ten"), self.word("usr")
        self.agent, self.aud = self.word("agt"), "box/" + self.word("pod")
        self.issuer = self.word("idp")

    def raw(self, n):
        return bytes(self.rnd.randrange(256) for _ in range(n))

    def word(self, start):
        return start + "".join(self.rnd.choice("abcdefgh0123._@:+=-") for _ in range(6)) + "z"

    def key(self, name):
        if name not in self.keys:
            self.keys[name] = SigningKey(self.raw(32))
        return self.keys[name]

    def pk(self, name):
        return bytes(self.key(name).verify_key)

    def root(self, **kw):
        f = dict(nonce=self.raw(16), tenant=self.tenant, issuer=self.issuer, user=self.user,
                 agent=self.agent, holder=self.pk("agent"), aud=self.aud,
                 task=self.word("task"), iat=self.now - 10, nbf=self.now - 10,
                 exp=self.now + 600, depth=2, max_calls=0,
                 policies='permit(principal, action, resource);',
                 attrs=[["acr", "phr"], ["amr", "hwk"]])
        f.update(kw)
        return [0] + list(f.values())

    def link(self, n=1, **kw):
        f = dict(nonce=self.raw(16), agent=self.agent + "/sub" * n, holder=self.pk(f"sub{n}"),
                 iat=self.now - 5, nbf=self.now - 5, exp=self.now + 300, depth=2 - n,
                 policies='permit(principal, action == Action::"fs.read", resource);', cert=b"")
        f.update(kw)
        return [1] + list(f.values())

    def sign(self, payloads, signers, issuer="issuer", types=None, prevs=None):
        prev, blocks = blake(pae("anchor", self.pk(issuer))), []
        for i, (p, s) in enumerate(zip(payloads, signers)):
            p = p if isinstance(p, bytes) else msgpack.packb(p)
            t = types[i] if types else min(i, 1)
            blocks.append([p, self.key(s).sign(block_message(t, prev, p)).signature])
            prev = blake(pae("link", prev, p))
        return blocks, prev

    def wire(self, blocks, kid=None, version=1):
        return msgpack.packb([version, kid or kid_of(self.pk("issuer")), blocks])

    def add(self, name, chain, expect):
        self.vectors.append({"name": name, "chain": chain.hex(), "expect": expect, "note": ""})

    def one(self, name, expect, payload=None, **kw):
        blocks, _ = self.sign([payload if payload is not None else self.root(**kw)], ["issuer"])
        self.add(name, self.wire(blocks), expect)

    def two(self, name, expect, link=None, root=None, **kw):
        blocks, tip = self.sign([root or self.root(), link if link is not None else self.link(**kw)],
                                ["issuer", "agent"])
        self.add(name, self.wire(blocks), expect)
        return tip

    def config(self):
        entry = lambda k, t, n: {"name": n, "tenant": t, "pk": self.pk(k).hex(),
                                 "kid": kid_of(self.pk(k)).hex()}
        return {"format": "tipstaff/1 delegation vectors", "now": self.now,
                "audience": self.aud, "skew": 5, "max_ttl": 3600,
                "issuers": [entry("issuer", self.tenant, self.issuer),
                            entry("issuer2", self.tenant, self.issuer),
                            entry("foreign", "other-tenant", "other-idp")],
                "agents": [{"tenant": self.tenant, "id": self.agent,
                            "pk": self.pk("agent").hex(), "uid": 4242},
                           {"tenant": self.tenant, "id": "builder",
                            "pk": self.pk("builder").hex(), "uid": 4243},
                           {"tenant": "other-tenant", "id": self.agent,
                            "pk": self.pk("foreign-agent").hex(), "uid": 4244}],
                "sidecar_pk": self.pk("sidecar").hex(),
                "revoked": {"grants": [], "holder_keys": [self.pk("lost").hex()],
                            "users": [], "blocks": []}}


def mint_shape(m):
    m.one("root-only", "OK")
    blocks, _ = m.sign([m.root(), m.link(1), m.link(2)], ["issuer", "agent", "sub1"])
    three = m.wire(blocks)
    m.add("three-blocks", three, "OK")
    m.add("dropped-middle", m.wire([blocks[0], blocks[2]]), "E_SIG")
    m.add("reordered", m.wire([blocks[0], blocks[2], blocks[1]]), "E_SIG")
    m.add("doubled", m.wire([blocks[0], blocks[1], blocks[1]]), "E_SIG")
    m.add("cut-to-parent", m.wire(blocks[:2]), "OK")
    m.add("empty", b"", "E_FORMAT")
    m.add("trailing", three + b"\0", "E_FORMAT")
    m.add("truncated", three[:-1], "E_FORMAT")
    m.add("version", m.wire(blocks, version=2), "E_VERSION")
    m.add("no-blocks", m.wire([]), "E_FORMAT")
    m.add("four-fields", msgpack.packb([1, kid_of(m.pk("issuer")), blocks, 0]), "E_FORMAT")
    m.add("unknown-kid", m.wire(blocks, kid=m.raw(16)), "E_ISSUER")
    m.add("kid-of-foreign", m.wire(blocks, kid=kid_of(m.pk("foreign"))), "E_SIG")
    m.add("kid-of-rotated", m.wire(blocks, kid=kid_of(m.pk("issuer2"))), "E_SIG")
    m.add("bomb-outer", bytes.fromhex("dd0fffffff"), "E_FORMAT")
    m.add("bomb-inner", bytes.fromhex("9301c410") + kid_of(m.pk("issuer")) +
          bytes.fromhex("dd0fffffff"), "E_FORMAT")
    m.add("as-map", b"\x83" + three[1:], "E_FORMAT")
    m.add("over-32k", m.wire([[m.raw(32), m.raw(64)]]) + b"\0" * 33000, "E_LIMIT")
    m.add("payload-over-8k", m.wire([[bytes(8193), m.raw(64)]]), "E_LIMIT")
    for n in (63, 65):
        m.add(f"sig-{n}", m.wire([[blocks[0][0], (blocks[0][1] + b"\0")[:n]]]), "E_FORMAT")
    deep = [m.root(depth=7)] + [m.link(n, agent=m.agent + "/s" * n, depth=7 - n) for n in range(1, 8)]
    signers = ["issuer", "agent"] + [f"sub{n}" for n in range(1, 8)]
    eight, _ = m.sign(deep, signers)
    m.add("eight-blocks", m.wire(eight), "OK")
    m.add("nine-blocks", m.wire(eight + [eight[-1]]), "E_DEPTH")


def mint_signatures(m):
    blocks, _ = m.sign([m.root(), m.link()], ["issuer", "agent"])
    for name, b, at in (("root-flip", 0, 40), ("link-sig-flip", 1, -1)):
        bad = [list(x) for x in blocks]
        field = 0 if at > 0 else 1
        raw = bytearray(bad[b][field])
        raw[at] ^= 1
        bad[b][field] = bytes(raw)
        m.add(name, m.wire(bad), "E_SIG")
    sig = blocks[1][1]
    s = int.from_bytes(sig[32:], "little") + L
    m.add("s-plus-l", m.wire([blocks[0], [blocks[1][0], sig[:32] + s.to_bytes(32, "little")]]), "E_SIG")
    other, _ = m.sign([m.root(user="bob"), m.link()], ["issuer", "agent"])
    m.add("spliced", m.wire([blocks[0], other[1]]), "E_SIG")
    wrong, _ = m.sign([m.root(), m.link()], ["issuer", "agent"], types=[0, 0])
    m.add("link-in-root-context", m.wire(wrong), "E_SIG")
    wrong, _ = m.sign([m.root(), m.link()], ["issuer", "issuer"])
    m.add("link-by-issuer", m.wire(wrong), "E_SIG")
    m.one("link-as-root", "E_TYPE", payload=m.link())
    m.two("root-as-link", "E_TYPE", link=m.root())


def mint_fields(m):
    m.one("tenant", "E_TENANT", tenant="other-tenant")
    m.one("issuer", "E_ISSUER", issuer="somebody")
    for name, aud in (("aud", "box/elsewhere"), ("aud-prefix", m.aud[:-1]), ("aud-case", m.aud.upper())):
        m.one(name, "E_AUD", aud=aud)
    m.one("expired", "E_EXPIRED", exp=m.now)
    m.one("exp-plus-1", "OK", exp=m.now + 1)
    m.one("nbf-at-skew", "OK", nbf=m.now + 5)
    m.one("nbf-over-skew", "E_NOT_YET", nbf=m.now + 6)
    m.one("iat-at-skew", "OK", iat=m.now + 5)
    m.one("iat-over-skew", "E_NOT_YET", iat=m.now + 6)
    m.one("ttl-exact", "OK", exp=m.now - 10 + 3600)
    m.one("ttl-over", "E_TTL", exp=m.now - 10 + 3601)
    m.one("exp-max", "E_TTL", exp=2**64 - 1)
    m.one("nbf-is-exp", "E_TIME", nbf=m.now + 600)
    m.one("iat-over-exp", "E_TIME", iat=m.now + 601)
    m.two("link-outlives", "OK", exp=m.now + 10**6)
    m.two("link-expired", "E_EXPIRED", exp=m.now - 1)
    m.two("link-not-yet", "E_NOT_YET", nbf=m.now + 6)
    m.two("depth-0", "E_DEPTH", root=m.root(depth=0), depth=0)
    m.two("depth-equal", "E_DEPTH", depth=2)
    m.one("depth-8", "E_DEPTH", depth=8)
    m.one("depth-wrapped", "E_DEPTH", depth=2**32)
    for n, name in ((1, "id-short"), (128, "id-long")):
        m.one(name, "OK", task="t" * n)
    m.one("id-129", "E_LIMIT", task="t" * 129)
    for i, bad in enumerate(("", "a\0b", "\u0430lice", 'a"b', "a b", "a//b", "/a", "a/", "a/..", "./a", "a/./b")):
        m.one(f"bad-id-{i}", "E_ID", user=bad)
    m.one("policy-empty", "E_POLICY", policies="")
    m.two("link-policy-empty", "E_POLICY", policies="")
    m.one("policy-4096", "OK", policies="p" * 4096)
    m.one("policy-4097", "E_LIMIT", policies="p" * 4097)
    m.one("attrs-16", "OK", attrs=[[f"k{i:02}", "v"] for i in range(16)])
    m.one("attrs-17", "E_LIMIT", attrs=[[f"k{i:02}", "v"] for i in range(17)])
    m.one("attrs-equal", "E_FORMAT", attrs=[["a", "1"], ["a", "2"]])
    m.one("attrs-unsorted", "E_FORMAT", attrs=[["b", "1"], ["a", "2"]])
    m.one("attr-key-33", "E_LIMIT", attrs=[["k" * 33, ""]])
    m.one("attr-value-129", "E_LIMIT", attrs=[["k", "v" * 129]])


def mint_identity(m):
    m.two("not-under", "E_AGENT", agent="release")
    m.two("prefix-trick", "E_AGENT", agent=m.agent + "-x/y")
    m.two("same-name", "E_AGENT", agent=m.agent)
    m.two("empty-segment", "E_ID", agent=m.agent + "//x")
    m.two("dotdot", "E_ID", agent=m.agent + "/../x")
    m.two("under-another-agent", "E_AGENT", agent="builder/x")
    blocks, _ = m.sign([m.root(), m.link(1), m.link(2, holder=m.pk("sub1"))],
                       ["issuer", "agent", "sub1"])
    m.add("sub-repeats", m.wire(blocks), "E_KEY")
    m.two("registered-with-key", "OK", agent="builder", holder=m.pk("builder"))
    m.two("registered-other-key", "E_AGENT", agent="builder")
    m.two("key-of-other-agent", "E_KEY", holder=m.pk("builder"))
    m.two("key-of-other-tenant", "E_KEY", holder=m.pk("foreign-agent"))
    m.two("cert-unknown", "E_AGENT", cert=b"\x90")
    m.two("cert-513", "E_LIMIT", cert=bytes(513))
    m.one("unknown-agent", "E_AGENT", agent="nobody")
    m.one("wrong-key", "E_AGENT", holder=m.pk("sub1"))
    m.one("agent-of-other-tenant", "E_AGENT", holder=m.pk("foreign-agent"))
    m.two("issuer-key", "E_KEY", holder=m.pk("issuer"))
    m.two("sidecar-key", "E_KEY", holder=m.pk("sidecar"))
    m.two("repeats", "E_KEY", holder=m.pk("agent"))
    for name, pk in (("identity", "01" + "00" * 31), ("order-8", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
                     ("non-canonical", "f0" + "ff" * 30 + "7f"), ("mixed", "95" + "99" * 31)):
        m.two("holder-" + name, "E_KEY", holder=bytes.fromhex(pk))
    m.two("holder-31", "E_FORMAT", holder=m.raw(31))
    m.two("holder-33", "E_FORMAT", holder=m.raw(33))


def mint_encoding(m):
    good = m.root()
    raw = msgpack.packb(good)
    m.one("extra-field", "E_FORMAT", payload=good + [0])
    m.one("missing-field", "E_FORMAT", payload=good[:-1])
    m.one("payload-trailing", "E_FORMAT", payload=raw + b"\0")
    m.one("arity-too-high", "E_FORMAT", payload=b"\xdc\0\x11" + raw[3:])
    m.one("payload-empty", "E_FORMAT", payload=b"")
    m.one("payload-map", "E_FORMAT", payload=b"\xde" + raw[1:])
    m.one("not-shortest", "E_FORMAT", payload=raw[:3] + b"\xcc\x00" + raw[4:])
    m.one("str-for-bin", "E_FORMAT", nonce="0123456789abcdef")
    m.one("bin-for-str", "E_FORMAT", task=b"task")
    m.one("float-time", "E_FORMAT", iat=float(m.now))
    m.one("negative-time", "E_FORMAT", iat=-1)
    m.one("nil", "E_FORMAT", max_calls=None)
    m.one("bool", "E_FORMAT", max_calls=True)
    m.one("grant-15", "E_FORMAT", nonce=m.raw(15))
    at = raw.index(b"permit")
    m.one("not-utf8", "E_FORMAT", payload=raw[:at] + b"\xff" + raw[at + 1:])


def mint_revoked(m, cfg):
    grant = m.raw(16)
    cfg["revoked"]["grants"].append(grant.hex())
    m.one("revoked-grant", "E_REVOKED", nonce=grant)
    m.two("revoked-key", "E_REVOKED", holder=m.pk("lost"))
    cfg["revoked"]["users"].append({"id": "carol", "cutoff": m.now - 50})
    m.one("user-at-cutoff", "E_REVOKED", user="carol", iat=m.now - 50)
    m.one("user-after-cutoff", "OK", user="carol", iat=m.now - 49)
    cfg["revoked"]["blocks"].append(m.two("revoked-block", "E_REVOKED").hex())
    cfg["revoked"]["agents"] = [{"id": m.agent + "/gone", "cutoff": m.now - 50}]
    m.two("agent-at-cutoff", "E_REVOKED", agent=m.agent + "/gone/below", iat=m.now - 50)
    m.two("agent-after-cutoff", "OK", agent=m.agent + "/gone", iat=m.now - 49)
    m.two("agent-beside", "OK", agent=m.agent + "/gone2", iat=m.now - 50)


def mint_handshake(m, cfg):
    blocks, _ = m.sign([m.root(), m.link()], ["issuer", "agent"])
    chain = m.wire(blocks)
    m.add("two-blocks", chain, "OK")
    h = {"challenge": m.raw(32).hex(), "client_nonce": m.raw(32).hex(), "uid": 4242,
         "gid": 77, "chain": "two-blocks", "holder_pk": m.pk("sub1").hex()}
    t = transcript(h, cfg, chain)
    proof = m.key("sub1").sign(pae("hs-client", *t)).signature
    session = blake(pae("session", *t, proof), 16)
    h.update(client_proof=proof.hex(), session_id=session.hex(),
             server_proof=m.key("sidecar").sign(pae("hs-server", *t, proof, session)).signature.hex())
    cfg["handshake"] = h
    ids, prev = [], blake(pae("anchor", m.pk("issuer")))
    for p, _ in blocks:
        prev = blake(pae("link", prev, p))
        ids.append(prev.hex())
    cfg["ids"] = {"two_blocks_block_ids": ids, "chain_hash": blake(pae("chain", chain)).hex()}


def mint(seed):
    m = Mint(seed)
    for part in (mint_shape, mint_signatures, mint_fields, mint_identity, mint_encoding):
        part(m)
    cfg = m.config()
    mint_revoked(m, cfg)
    mint_handshake(m, cfg)
    cfg["vectors"] = m.vectors
    return cfg


# --- command line ----------------------------------------------------------

def run(cfg):
    failed = 0
    for v in cfg["vectors"]:
        got = verify(cfg, bytes.fromhex(v["chain"]))
        if got != v["expect"]:
            print(f"FAILED {v['name']}: expected {v['expect']}, got {got}")
            failed += 1
    chains = {v["name"]: bytes.fromhex(v["chain"]) for v in cfg["vectors"]}
    h = cfg.get("handshake")
    if h and not handshake_ok(h, cfg, chains[h["chain"]]):
        print("FAILED handshake")
        failed += 1
    print(f"{len(cfg['vectors']) + bool(h) - failed} passed, {failed} failed")
    return failed


def main(argv):
    if argv[:1] == ["mint"]:
        json.dump(mint(int(argv[1]) if len(argv) > 1 else 1), sys.stdout, indent=1)
    elif argv[:1] == ["verify"] and len(argv) == 2:
        return 1 if run(json.load(open(argv[1]))) else 0
    elif argv[:1] == ["chain"] and len(argv) == 3:
        kid, wire = split(open(argv[1], "rb").read())
        pk = bytes.fromhex(open(argv[2]).read().strip())
        need(kid == kid_of(pk), "E_ISSUER")
        for b in verified_blocks(pk, wire):
            print(b["agent"], b["id"].hex(), b["holder"].hex(), b["exp"])
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
