"""Section 4.1: this key speaks for this agent."""
from . import pae as p
from . import signed


def decode(body):
    r, c = p.Smp(body), {}
    r.version(6)
    c["tenant"], c["agent"] = r.text(p.ID_MAX), r.text(p.ID_MAX)
    c["pk"] = r.bin(exact=32)
    c["nbf"], c["exp"] = r.uint(), r.uint()
    r.end()
    p.need(p.id_ok(c["tenant"]) and p.id_ok(c["agent"]), "E_ID")
    p.need(c["nbf"] < c["exp"], "E_TIME")
    return c


def body(c):
    return [1, c["tenant"], c["agent"], c["pk"], c["nbf"], c["exp"]]


def verify(store, data):
    """Signature and signer, not the time. Every refusal is E_AGENT."""
    try:
        raw, kid, sig = signed.split("agent_cert", data)
        k = store.signer(kid, ("issuer", "directory"))
        signed.verify("agent_cert", k["pk"], raw, kid, sig)
        c = decode(raw)
        p.need(c["tenant"] == k["tenant"] and store.in_window(k, c["nbf"]), "E_AGENT")
        p.need(p.point_ok(c["pk"]), "E_AGENT")
    except p.Refused:
        raise p.Refused("E_AGENT")
    return c, kid
