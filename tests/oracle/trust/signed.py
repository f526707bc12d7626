"""Section 6: [body bin, kid bin16, signature bin64]."""
from . import pae as p

CONTEXT = {"revocation": ("revocation", 1024), "snapshot": ("snapshot", 4 << 20),
           "heartbeat": ("heartbeat", 512), "agent_cert": ("agent-cert", 512)}


def split(kind, data):
    p.need(len(data) <= CONTEXT[kind][1], "E_LIMIT")
    r = p.Smp(data)
    r.tuple(3)
    body = r.bin(limit=CONTEXT[kind][1], wide=kind == "snapshot")
    kid, sig = r.bin(exact=16), r.bin(exact=64)
    r.end()
    return body, kid, sig


def verify(kind, pk, body, kid, sig):
    p.need(p.kid_of(pk) == kid, "E_ISSUER")
    p.need(p.signature_ok(pk, p.pae(CONTEXT[kind][0], body), sig), "E_SIG")


def make(kind, body, key):
    if not isinstance(body, bytes):
        body = p.pack(body)
    sig = key.sign(p.pae(CONTEXT[kind][0], body)).signature
    return p.pack([body, p.kid_of(bytes(key.verify_key)), sig])
