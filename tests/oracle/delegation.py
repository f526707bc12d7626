#!/usr/bin/python3
"""Delegation chains and the handshake, written from docs/DELEGATION.md alone.

An independent second implementation: it shares no code with proto/trust, so
the two agree only if both follow the document. Used in both directions:

  delegation.py mint [SEED]        prints a vector file of its own making
  delegation.py verify FILE        runs a vector file through its own verifier
  delegation.py chain FILE ISSUER  verifies one chain file against a public key

The formats are in trust/; differential.py runs all of them beside the C code.
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from trust import chain, handshake, mint  # noqa: E402
from trust.chain import block_message  # noqa: E402,F401  (for the other tests)
from trust.pae import Refused, blake, kid_of, le32, need, pae  # noqa: E402,F401
from trust.store import Revoked, Store  # noqa: E402


class Config:
    """The top of a vector file: its tenants take any user."""

    def __init__(self, top):
        tenants = {e["tenant"] for e in top["issuers"] + top["agents"]}
        keys = [dict(role="issuer", tenant=i["tenant"], name=i["name"], pk=bytes.fromhex(i["pk"]),
                     not_before=i.get("not_before", 0), not_after=i.get("not_after", 0))
                for i in top["issuers"]]
        self.sidecar_pk = bytes.fromhex(top["sidecar_pk"])
        keys.append(dict(role="sidecar", tenant="", name=top["audience"], pk=self.sidecar_pk))
        agents = {}
        for a in top["agents"]:
            e = agents.setdefault((a["tenant"], a["id"]), dict(tenant=a["tenant"], id=a["id"], keys=[]))
            e["keys"].append(bytes.fromhex(a["pk"]))
        self.store = Store(keys, list(agents.values()),
                           [dict(id=t, max_ttl=top["max_ttl"], any_user=True) for t in tenants])
        self.audiences, self.now, self.skew = [top["audience"]], top["now"], top["skew"]
        self.revoked = Revoked()
        for t in tenants:
            self.revoke(t, top["revoked"])

    def revoke(self, tenant, gone):
        for kind, name in ((1, "grants"), (2, "blocks")):
            for target in gone.get(name, []):
                self.revoked.add(kind, tenant, bytes.fromhex(target))
        for target in gone.get("holder_keys", []):
            self.revoked.add(3, tenant, bytes.fromhex(target), 2**64 - 1)
        for kind, name in ((4, "users"), (5, "agents")):
            for e in gone.get(name, []):
                self.revoked.add(kind, tenant, e["id"].encode(), e["cutoff"])


def handshake_ok(h, cfg, wire):
    t = handshake.transcript(bytes.fromhex(h["challenge"]), bytes.fromhex(h["client_nonce"]),
                             cfg.sidecar_pk, cfg.audiences[0], wire, h["uid"], h["gid"])
    proof = bytes.fromhex(h["client_proof"])
    return (handshake.client_ok(t, bytes.fromhex(h["holder_pk"]), proof) and
            handshake.server_ok(t, cfg.sidecar_pk, proof, bytes.fromhex(h["session_id"]),
                                bytes.fromhex(h["server_proof"])))


def run(top):
    cfg, failed = Config(top), 0
    for v in top["vectors"]:
        got = chain.verify(cfg, bytes.fromhex(v["chain"]))
        if got != v["expect"]:
            print(f"FAILED {v['name']}: expected {v['expect']}, got {got}")
            failed += 1
    chains = {v["name"]: bytes.fromhex(v["chain"]) for v in top["vectors"]}
    h = top.get("handshake")
    if h and not handshake_ok(h, cfg, chains[h["chain"]]):
        print("FAILED handshake")
        failed += 1
    print(f"{len(top['vectors']) + bool(h) - failed} passed, {failed} failed")
    return failed


def main(argv):
    if argv[:1] == ["mint"]:
        json.dump(mint.mint(int(argv[1]) if len(argv) > 1 else 1), sys.stdout, indent=1)
    elif argv[:1] == ["verify"] and len(argv) == 2:
        return 1 if run(json.load(open(argv[1]))) else 0
    elif argv[:1] == ["chain"] and len(argv) == 3:
        kid, wire = chain.split(open(argv[1], "rb").read())
        pk = bytes.fromhex(open(argv[2]).read().strip())
        need(kid == kid_of(pk), "E_ISSUER")
        for b in chain.verified_blocks(pk, wire):
            print(b["agent"], b["id"].hex(), b["holder"].hex(), b["exp"])
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
