"""Section 7: an order to revoke."""
from . import pae as p
from . import signed

REASON_MAX, TTL_HARD = 256, 86400
SIZES = {1: 16, 2: 32, 3: 32, 8: 16, 10: 16, 11: 16, 12: 16}  # bin targets
BY_ID = (1, 2, 10, 11, 12)
BY_DIRECTORY = (4, 5, 9)


def decode(body):
    r, v = p.Smp(body), {}
    r.version(8)
    v["tenant"], v["kind"] = r.text(p.ID_MAX), r.uint()
    p.need(1 <= v["kind"] <= 12, "E_TYPE")
    if v["kind"] in SIZES:
        v["target"] = r.bin(limit=32)
    else:
        v["target"] = r.text(p.ID_MAX).encode()
    v["cutoff"], v["keep_until"] = r.uint(), r.uint()
    v["reason"], v["nonce"] = r.text(REASON_MAX), r.bin(exact=16)
    r.end()
    p.need(p.id_ok(v["tenant"]), "E_ID")
    if v["kind"] in SIZES:
        p.need(len(v["target"]) == SIZES[v["kind"]], "E_FORMAT")
    elif v["kind"] == 7:
        p.need(v["target"] == b"", "E_FORMAT")
    else:
        p.need(v["target"] != b"", "E_FORMAT")
        p.need(p.id_ok(v["target"].decode()), "E_ID")
    if v["kind"] in BY_ID:
        p.need(v["cutoff"] == 0, "E_FORMAT")
    else:  # forgotten sooner, what it revokes would live again
        p.need(v["keep_until"] >= min(v["cutoff"] + TTL_HARD + 60, 2**64 - 1), "E_TIME")
    return v


def body(v):
    target = v["target"] if v["kind"] in SIZES else v["target"].decode()
    return [1, v["tenant"], v["kind"], target, v["cutoff"], v["keep_until"],
            v["reason"], v["nonce"]]


def verify(store, data, now):
    raw, kid, sig = signed.split("revocation", data)
    k = store.signer(kid, ("revoker", "directory"))
    signed.verify("revocation", k["pk"], raw, kid, sig)
    v = decode(raw)
    p.need(v["tenant"] == k["tenant"], "E_TENANT")
    p.need(store.in_window(k, now), "E_ISSUER")
    p.need(k["role"] == "revoker" or v["kind"] in BY_DIRECTORY, "E_ISSUER")
    return v, k["role"]


def verify_holder(chain, data):
    """chain: what trust.chain.verified() gave. Root holder: the grant; holder
    of a block: any block after its own."""
    raw, kid, sig = signed.split("revocation", data)
    blocks = chain["blocks"]
    j = next((i for i, b in enumerate(blocks) if p.kid_of(b["holder"]) == kid), None)
    p.need(j is not None, "E_ISSUER")
    signed.verify("revocation", blocks[j]["holder"], raw, kid, sig)
    v = decode(raw)
    root = blocks[0]
    p.need(v["tenant"] == root["tenant"], "E_TENANT")
    p.need((v["kind"] == 1 and j == 0 and v["target"] == root["nonce"]) or
           (v["kind"] == 2 and v["target"] in [b["id"] for b in blocks[j + 1:]]), "E_ISSUER")
    v["keep_until"] = min(root["exp"] + 60, 2**64 - 1)  # nothing that it names lives longer
    return v
