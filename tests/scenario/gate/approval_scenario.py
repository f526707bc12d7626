"""People decide: the real tipstaff-gate between played neighbours, and approvers
that are written here from docs/APPROVALS.md with python3-nacl, not from the
gate's code.
"""
import gate_scenario as base
from authority_scenario import KIND, Operator, blocks_of, journal_of, with_gate
from harness import *

APPROVALS, TICKET, NEWS, TICKETS_END, ANSWER, ANSWERED, FAIL = 12, 13, 14, 15, 16, 17, 5
JOURNAL_APPROVAL = 5
DENY, PENDING, PERMIT = 0, 1, 2
YES, NO = 1, 2
BOB, BOB2, CAROL, DAVE, ALICE, MALLORY = (key(n) for n in (60, 61, 62, 63, 64, 65))
#           key    person   active  classes
APPROVERS = [(BOB, "bob", 1, ["four-eyes", "confirm"]), (BOB2, "bob", 1, ["four-eyes"]),
             (CAROL, "carol", 1, ["four-eyes"]), (DAVE, "dave", 0, ["four-eyes"]),
             (ALICE, "alice", 1, ["four-eyes", "confirm"])]
TICKET_FIELDS = ("v decision_id sidecar tenant user agents grant block task call_id tool digest action resource args "
                 "context rules created expires epoch").split()

POLICIES = """@id("two")
@approval("four-eyes:2")
@reason("ask the office")
forbid (principal, action == Action::"t.hold", resource) unless { context.approvals.contains("two") };
@id("one")
@approval("four-eyes")
forbid (principal, action in [Action::"t.echo", Action::"t.cat"], resource) unless { context.approvals.contains("one") };
@id("self")
@approval("confirm:1")
forbid (principal, action == Action::"t.trim", resource) unless { context.approvals.contains("self") };
@id("never")
@approval("four-eyes:1")
forbid (principal, action == Action::"t.deaf", resource)
when { !context.approvals.contains("never") || context.approvals.contains("never") };
"""


def people(seq=1, approvers=APPROVERS, owner="alice"):
    now = int(time.time())
    users = [[u, 1, ["dev"], []] for u in ("alice", "bob", "carol", "dave", "erin")]
    agents = [["coder", 1, owner, [bytes(CODER.verify_key)], sorted({UID, OTHER_UID}), 7, []]]
    rows = sorted([person, active, kid_of(bytes(k.verify_key)), bytes(k.verify_key), classes, []]
                  for k, person, active, classes in approvers)
    rows.sort(key=lambda r: r[2])
    return signed("snapshot", [1, "acme", seq, now, now + 86400, users, agents, rows, []], DIRECTORY)


def files(ttl=600, policies=POLICIES, **kw):
    f = config([UID])
    f["tenants/acme/directory.snapshot"] = people(**kw)
    f["tenants/acme/policies/approval/10.cedar"] = policies
    f["tenants/acme/tenant.yaml"] += f"approval_ttl_s: {ttl}\n"
    return f


def opened(obj):
    """A ticket, if the sidecar signed it."""
    body, kid, sig = msgpack.unpackb(obj)
    assert kid == kid_of(bytes(SIDECAR.verify_key))
    SIDECAR.verify_key.verify(pae("approval-ticket", body), sig)
    t = dict(zip(TICKET_FIELDS, msgpack.unpackb(body)))
    t["id"] = blake(pae("ticket-id", body))
    return t


def answer(t, who, person=None, verdict=YES, iat=None, ttl=300, note="", kid_key=None, **other):
    now = int(time.time()) if iat is None else iat
    body = msgpack.packb([1, other.get("id", t["id"]), other.get("decision_id", t["decision_id"]),
                          other.get("tenant", t["tenant"]), person or name_of(who), verdict, now, now + ttl, note])
    kid = kid_of(bytes((kid_key or who).verify_key))
    return msgpack.packb([body, kid, who.sign(pae("approval", body)).signature])


def name_of(k):
    return next((p for q, p, _, _ in APPROVERS if q is k), "mallory")


class Office(Operator):
    """An operator that carries questions and answers."""

    def tickets(self, watch=False, tenant=""):
        self.put(APPROVALS, [1, watch, tenant])
        out = []
        while True:
            kind, body = self.get()
            if kind == TICKETS_END:
                return out
            assert kind == TICKET, (kind, body)
            out.append((opened(body[1]), body[2], body[3]))

    def only(self):
        (t, _, _), = self.tickets()
        return t

    def say(self, obj):
        self.put(ANSWER, [1, obj])
        kind, body = self.get()
        assert kind == ANSWERED, (kind, body)
        return body[1], body[3]

    def news(self):
        return self.want(NEWS)[3]

    def approve(self, t, *who):
        return [self.say(answer(t, k)) for k in who][-1]


def ended(h, n=1):
    wait_for(lambda: len(h.recorder.of("approval_ended")) >= n, "the record of an end")
    return [r["reason"] for r in h.recorder.of("approval_ended")]


def held(h, tool="t.echo", client=None, hold=60000, **kw):
    c = client or Client(h).login()
    c.call(tool, hold=hold, **kw)
    d = c.want(DECISION)
    assert d[2:4] == [PENDING, "approval_required"], d
    return c, d


# --- one call, from the question to the launch ---------------------------------

def a_held_call_runs_when_people_say_yes(g):
    def one(h):
        c, d = held(h, args={"text": "x"})
        office = Office(h)
        (t, stage, said), = office.tickets()
        assert stage == 1 and said == [], (stage, said)
        assert t["decision_id"] == d[4] and t["user"] == "alice" and t["agents"] == ["coder"], t
        assert t["args"] == msgpack.packb({"text": "x"}) and t["tool"] == "t.echo", t
        assert t["rules"] == [["one", "four-eyes", 1]] and t["resource"] == 'Tool::"t.echo"', t
        assert d[6] == t["expires"] == t["created"] + 600, (d, t)
        assert b"four-eyes" not in d[5].encode() and "one" not in d[5].split() and "office" not in d[5], d[5]
        assert not h.launcher.started
        assert office.say(answer(t, BOB)) == ("ok", "granted")
        d2 = c.want(DECISION)
        assert d2[2:4] == [PERMIT, "permitted"] and d2[4] != d[4], d2
        assert c.collect()[1:] != (b"", None)
        assert ended(h) == ["taken"] and office.tickets() == []
        first, second = h.recorder.of("decision")
        assert first["effect"] == "pending" and first["ticket"] == t["id"] and first["approved_by"] == [], first
        assert second["effect"] == "permit" and second["ticket"] == t["id"], second
        assert second["approved_by"] == ["bob"] and second["order"], second
        said, = h.recorder.of("approval")
        assert (said["person"], said["verdict"], said["code"], said["state"]) == ("bob", "yes", "ok", "granted"), said
        # who approved stands in the ring in front of the launch
        entry, = journal_of(h, JOURNAL_APPROVAL)
        v, tenant, did, tid, launched, ms, names = msgpack.unpackb(entry[3])
        assert (tenant, did, tid, names) == ("acme", d[4], t["id"], ["bob"]) and launched == second["id"], entry
        kinds = h.recorder.entries
        assert kinds[kinds.index(LAUNCH) - 1] == JOURNAL, kinds
        assert second["calls_1m"] == 1, second  # asked of people, counted once
    with_gate(g, one, files=files())


TESTS = [a_held_call_runs_when_people_say_yes]

if __name__ == "__main__":
    base.TESTS = TESTS
    sys.exit(base.main(sys.argv))
