"""What scenarios about authority share: an operator's channel, gates of their own,
what is in a chain and in a journal."""
from harness import *

REVOKE_OP, ACK, COMPLETE, STATUS, FAIL, FEED = 1, 2, 3, 4, 5, 9


def blocks_of(ch):
    """Ids of the blocks of a chain."""
    prev, ids = blake(pae("anchor", bytes(ISSUER.verify_key))), []
    for payload, _ in msgpack.unpackb(ch)[2]:
        prev = blake(pae("link", prev, payload))
        ids.append(prev)
    return ids


class Operator(Client):
    def __init__(self, g):
        super().__init__(g, g.admin_path)

    def ask(self, kind, body):
        """(ACK, COMPLETE) or FAIL's code."""
        self.put(kind, body)
        kind, body = self.get()
        if kind == FAIL:
            return body[1]
        assert kind == ACK, kind
        assert self.get() == (COMPLETE, [1, body[1]])
        return body

    def revoke(self, *a, **kw):
        return self.ask(REVOKE_OP, [1, revocation(*a, **kw)])

    def feed(self, obj, what=1):
        return self.ask(FEED, [1, what, obj])

    def status(self):
        import json
        self.put(STATUS, [1])
        return json.loads(self.want(STATUS)[1])


def with_gate(g, fn, **kw):
    h = Gate(g.program, **kw)
    try:
        assert h.ready == (2, [0, "serving"]), (h.ready, h.text())
        return fn(h)
    except BaseException:
        print(h.text())
        raise
    finally:
        h.close()


def holding(h, ch=None, holder=CODER):
    c = Client(h).login(ch, holder)
    c.call("t.hold")
    c.want(DECISION)
    return c


def journal_of(g, kind):
    return [j for j in g.recorder.journal if j[0] == kind]


def heartbeat_files(snapshot, staleness=5):
    files = config([UID])
    files["tenants/acme/directory.snapshot"] = snapshot
    files["tenants/acme/tenant.yaml"] = files["tenants/acme/tenant.yaml"].replace(
        "freshness: snapshot", f"freshness: heartbeat\nmax_staleness_s: {staleness}")
    return files
