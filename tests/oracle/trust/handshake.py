"""Section 8: possession, proved once for a connection."""
from . import pae as p


def hello_decode(body):
    r = p.Smp(body)
    r.version(6)
    h = {"challenge": r.bin(exact=32), "sidecar_id": r.text(p.ID_MAX), "sidecar_pk": r.bin(exact=32),
         "now": r.uint(), "max_frame": r.uint()}
    r.end()
    p.need(p.id_ok(h["sidecar_id"]), "E_ID")
    return h


def auth_decode(body):
    r = p.Smp(body)
    r.version(4)
    a = {"chain": r.bin(limit=32768), "client_nonce": r.bin(exact=32), "proof": r.bin(exact=64)}
    r.end()
    return a


def transcript(challenge, nonce, sidecar_pk, sidecar_id, chain, uid, gid):
    return (challenge, nonce, sidecar_pk, sidecar_id.encode(), p.blake(p.pae("chain", chain)),
            p.le32(uid) + p.le32(gid))


def client_proof(t, key):
    return key.sign(p.pae("hs-client", *t)).signature


def client_ok(t, holder_pk, proof):
    return p.signature_ok(holder_pk, p.pae("hs-client", *t), proof)


def session_id(t, proof):
    return p.blake(p.pae("session", *t, proof), 16)


def server_proof(t, proof, key):
    return key.sign(p.pae("hs-server", *t, proof, session_id(t, proof))).signature


def server_ok(t, sidecar_pk, proof, session, server):
    return (session == session_id(t, proof) and
            p.signature_ok(sidecar_pk, p.pae("hs-server", *t, proof, session), server))
