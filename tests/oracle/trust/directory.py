"""Section 6.1: who there is in a tenant, one signed state."""
import re

from . import pae as p
from . import revocation, signed

USERS, AGENTS, APPROVERS, REVOCATIONS = 16384, 4096, 1024, 4096
GROUPS, ATTRS, CLASSES, KEYS, UIDS, DEPTH = 64, 16, 8, 4, 8, 7
ATTR_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")


def ident(r):
    s = r.text(p.ID_MAX)
    p.need(p.id_ok(s), "E_ID")
    return s


def status(r):
    s = r.uint()
    p.need(s <= 1, "E_FORMAT")
    return s


def fresh(seen, this):
    """No list names anything twice."""
    p.need(this not in seen, "E_FORMAT")
    seen.append(this)


def idents(r, most):
    out = []
    for _ in r.list(most):
        fresh(out, ident(r))
    return out


def ascends(last, this):
    p.need(last is None or last < this, "E_FORMAT")
    return this


def attrs(r):
    out, last = [], None
    for _ in r.list(ATTRS):
        r.tuple(2)
        k, v = r.text(64), r.text(256)
        p.need(ATTR_KEY.match(k), "E_ID")
        last = ascends(last, k.encode())
        out.append([k, v])
    return out


def user(r):
    r.tuple(4)
    u = {"id": ident(r), "status": status(r)}
    u["groups"] = idents(r, GROUPS)
    u["attrs"] = attrs(r)
    return u


def agent(r, users):
    r.tuple(7)
    a = {"id": ident(r), "status": status(r), "owner": r.text(p.ID_MAX), "keys": [], "uids": []}
    p.need(a["owner"] == "" or a["owner"] in users, "E_USER")
    for _ in r.list(KEYS):
        pk = r.bin(exact=32)
        p.need(p.point_ok(pk), "E_KEY")
        fresh(a["keys"], pk)
    for _ in r.list(UIDS):
        uid = r.uint()
        p.need(uid < 2**32, "E_LIMIT")
        fresh(a["uids"], uid)
    a["max_depth"] = r.uint()
    p.need(a["max_depth"] <= DEPTH, "E_DEPTH")
    a["attrs"] = attrs(r)
    return a


def approver(r, users):
    r.tuple(6)
    a = {"person": ident(r), "status": status(r)}
    p.need(a["person"] in users, "E_USER")
    a["kid"], a["pk"] = r.bin(exact=16), r.bin(exact=32)
    p.need(p.point_ok(a["pk"]) and p.kid_of(a["pk"]) == a["kid"], "E_KEY")
    a["classes"], a["roles"] = idents(r, CLASSES), idents(r, CLASSES)
    return a


def order(r, tenant):
    """A revocation: whole, of this tenant, not of a session; who signed it is
    asked when it is applied."""
    raw = r.bin(limit=1024)
    v = revocation.decode(signed.split("revocation", raw)[0])
    p.need(v["tenant"] == tenant, "E_TENANT")
    p.need(v["kind"] != 12, "E_TYPE")
    return raw


def decode(raw):
    r, s = p.Smp(raw), {"users": [], "agents": [], "approvers": [], "revocations": []}
    r.version(9)
    s["tenant"] = ident(r)
    s["seq"], s["issued"], s["not_after"] = r.uint(), r.uint(), r.uint()
    p.need(s["seq"] >= 1, "E_FORMAT")
    p.need(s["issued"] < s["not_after"], "E_TIME")
    users = set()
    for name, most, one, key in (("users", USERS, user, "id"),
                                 ("agents", AGENTS, lambda r: agent(r, users), "id"),
                                 ("approvers", APPROVERS, lambda r: approver(r, users), "kid")):
        last = None
        for _ in r.list(most):
            e = one(r)
            k = e[key]
            last = ascends(last, k.encode() if isinstance(k, str) else k)
            s[name].append(e)
            if name == "users":
                users.add(k)
    for _ in r.list(REVOCATIONS):
        s["revocations"].append(order(r, s["tenant"]))
    r.end()
    s["hash"] = p.blake(p.pae("snapshot-hash", raw))
    return s


def body(s):
    return [1, s["tenant"], s["seq"], s["issued"], s["not_after"],
            [[u["id"], u["status"], u["groups"], u["attrs"]] for u in s["users"]],
            [[a["id"], a["status"], a["owner"], a["keys"], a["uids"], a["max_depth"], a["attrs"]]
             for a in s["agents"]],
            [[a["person"], a["status"], a["kid"], a["pk"], a["classes"], a["roles"]]
             for a in s["approvers"]], s["revocations"]]


def verify(store, tenant, data, now):
    raw, kid, sig = signed.split("snapshot", data)
    k = store.signer(kid, ("directory",))
    p.need(k["tenant"] == tenant, "E_ISSUER")
    signed.verify("snapshot", k["pk"], raw, kid, sig)
    s = decode(raw)
    p.need(s["tenant"] == tenant, "E_TENANT")
    p.need(store.in_window(k, s["issued"]), "E_ISSUER")
    p.need(s["issued"] <= now + p.SKEW, "E_TIME")
    p.need(now < s["not_after"], "E_EXPIRED")
    return s
