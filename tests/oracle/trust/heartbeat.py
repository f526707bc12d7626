"""Section 6.2: this snapshot was still the newest."""
from . import pae as p
from . import signed


def decode(body):
    r, h = p.Smp(body), {}
    r.version(6)
    h["tenant"], h["seq"] = r.text(p.ID_MAX), r.uint()
    h["hash"] = r.bin(exact=32)
    h["issued"], h["not_after"] = r.uint(), r.uint()
    r.end()
    p.need(p.id_ok(h["tenant"]), "E_ID")
    p.need(h["seq"] > 0, "E_FORMAT")
    p.need(h["issued"] < h["not_after"], "E_TIME")
    return h


def body(h):
    return [1, h["tenant"], h["seq"], h["hash"], h["issued"], h["not_after"]]


def verify(store, data, now):
    raw, kid, sig = signed.split("heartbeat", data)
    k = store.signer(kid, ("directory",))
    signed.verify("heartbeat", k["pk"], raw, kid, sig)
    h = decode(raw)
    p.need(h["tenant"] == k["tenant"], "E_TENANT")
    p.need(store.in_window(k, h["issued"]), "E_ISSUER")
    p.need(h["issued"] <= now + p.SKEW, "E_TIME")
    p.need(now < h["not_after"], "E_EXPIRED")
    return h
