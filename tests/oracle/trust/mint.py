"""Vector files: the cases of the published one, with keys and values of their
own, made from a seed."""
import random

from nacl.signing import SigningKey

from . import agent_cert, chain, handshake, signed
from .pae import blake, kid_of, pack, pae

L = 2**252 + 27742317777372353535851937790883648493


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

    def sign(self, payloads, signers, issuer="issuer", types=None):
        prev, blocks = blake(pae("anchor", self.pk(issuer))), []
        for i, (p, s) in enumerate(zip(payloads, signers)):
            p = p if isinstance(p, bytes) else pack(p)
            t = types[i] if types else i
            blocks.append([p, self.key(s).sign(chain.block_message(t, prev, p)).signature])
            prev = blake(pae("link", prev, p))
        return blocks, prev

    def wire(self, blocks, kid=None, version=1):
        return pack([version, kid or kid_of(self.pk("issuer")), blocks])

    def add(self, name, wire, expect):
        self.vectors.append({"name": name, "chain": wire.hex(), "expect": expect, "note": ""})

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
    m.add("four-fields", pack([1, kid_of(m.pk("issuer")), blocks, 0]), "E_FORMAT")
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
    raw = pack(good)
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


def mint_certificates(m):
    """A name that is not below the delegator's, vouched for by the issuer."""
    def cert(signer="issuer", **kw):
        c = dict(tenant=m.tenant, agent="builder", pk=m.pk("sub1"), nbf=m.now - 60, exp=m.now + 60)
        c.update(kw)
        return signed.make("agent_cert", agent_cert.body(c), m.key(signer))

    m.two("cert", "OK", agent="builder", cert=cert())
    m.two("cert-below", "OK", agent="builder/x", cert=cert(agent="builder/x"))
    m.two("cert-by-rotated", "OK", agent="builder", cert=cert("issuer2"))
    m.two("cert-at-skew", "OK", agent="builder", cert=cert(nbf=m.now + 5))
    m.two("cert-to-the-second", "OK", agent="builder", cert=cert(exp=m.now + 1))
    for name, kw in (("agent", dict(agent="builder/x")), ("tenant", dict(tenant="other-tenant")),
                     ("pk", dict(pk=m.pk("sub2"))), ("expired", dict(exp=m.now)),
                     ("not-yet", dict(nbf=m.now + 6)), ("times", dict(nbf=m.now, exp=m.now)),
                     ("foreign", dict(signer="foreign")), ("stranger", dict(signer="sub2")),
                     ("id", dict(agent="builder//x"))):
        m.two("cert-" + name, "E_AGENT", agent="builder", cert=cert(**kw))
    m.two("cert-for-nobody", "E_AGENT", agent="nobody", cert=cert(agent="nobody"))
    good = bytearray(cert())
    good[-1] ^= 1
    m.two("cert-flip", "E_AGENT", agent="builder", cert=bytes(good))
    m.two("cert-trailing", "E_AGENT", agent="builder", cert=cert() + b"\0")
    m.two("cert-holder-of-another", "E_KEY", agent="builder", holder=m.pk("foreign-agent"),
          cert=cert(pk=m.pk("foreign-agent")))


def mint_handshake(m, cfg):
    blocks, _ = m.sign([m.root(), m.link()], ["issuer", "agent"])
    wire = m.wire(blocks)
    m.add("two-blocks", wire, "OK")
    h = {"challenge": m.raw(32).hex(), "client_nonce": m.raw(32).hex(), "uid": 4242,
         "gid": 77, "chain": "two-blocks", "holder_pk": m.pk("sub1").hex()}
    t = handshake.transcript(bytes.fromhex(h["challenge"]), bytes.fromhex(h["client_nonce"]),
                             m.pk("sidecar"), m.aud, wire, h["uid"], h["gid"])
    proof = handshake.client_proof(t, m.key("sub1"))
    h.update(client_proof=proof.hex(), session_id=handshake.session_id(t, proof).hex(),
             server_proof=handshake.server_proof(t, proof, m.key("sidecar")).hex())
    cfg["handshake"] = h
    ids, prev = [], blake(pae("anchor", m.pk("issuer")))
    for p, _ in blocks:
        prev = blake(pae("link", prev, p))
        ids.append(prev.hex())
    cfg["ids"] = {"two_blocks_block_ids": ids, "chain_hash": blake(pae("chain", wire)).hex()}


def mint(seed):
    m = Mint(seed)
    for part in (mint_shape, mint_signatures, mint_fields, mint_identity, mint_certificates,
                 mint_encoding):
        part(m)
    cfg = m.config()
    mint_revoked(m, cfg)
    mint_handshake(m, cfg)
    cfg["vectors"] = m.vectors
    return cfg
