#!/usr/bin/python3
"""Break-glass: the real tipstaff-gate between played neighbours; escalations are
encoded and signed here from docs/APPROVALS.md with python3-nacl and
python3-msgpack, not with the project's code.
"""
import base64
import hashlib

import gate_scenario as base  # noqa: F401
from approval_scenario import ALICE, BOB, BOB2, CAROL, DAVE, MALLORY, people
from authority_scenario import KIND, REVOKE_OP, Operator, holding, journal_of, with_gate
from harness import *
from runner import main

ESCALATE, ESCALATED, ESCALATIONS, ESCALATION, ESCALATIONS_END, FAIL = 19, 20, 21, 22, 23, 5
JOURNAL_REVOCATION, JOURNAL_ESCALATION = 1, 6
DENY, PERMIT = 0, 2
ERIN = key(66)
APPROVERS = [(BOB, "bob", 1, ["four-eyes"]), (BOB2, "bob", 1, ["four-eyes"]), (CAROL, "carol", 1, ["four-eyes"]),
             (DAVE, "dave", 0, ["four-eyes"]), (ALICE, "alice", 1, ["four-eyes"]), (ERIN, "erin", 1, ["confirm"])]

# t.cat is what the agent may do on any day, t.trim what a freeze forbids
POLICIES = """@id("any-day")
permit (principal, action in [Action::"t.cat", Action::"t.trim"], resource);
@id("freeze")
@breakglass
forbid (principal, action == Action::"t.trim", resource);
@id("never")
forbid (principal, action == Action::"t.no", resource);
@id("careful")
forbid (principal, action == Action::"t.over", resource);
"""
ECHO = 'permit (principal, action in [Action::"t.echo", Action::"t.hold"], resource);'


def files(policies=POLICIES, tenant="", **kw):
    f = config([UID])
    f["tenants/acme/directory.snapshot"] = people(approvers=APPROVERS, **kw)
    f["tenants/acme/policies/hard/10.cedar"] = policies
    f["tenants/acme/tenant.yaml"] += tenant
    return f


def body(policies=ECHO, lifts=(), ttl=600, uses=3, nbf=None, **kw):
    nbf = int(time.time()) - 1 if nbf is None else nbf
    v = dict(id=os.urandom(16), tenant="acme", user="alice", agent="coder", task="t1", policies=policies,
             lifts=sorted(lifts), nbf=nbf, exp=nbf + ttl, uses=uses, reason="production is down", incident="INC-17")
    v.update(kw)
    return msgpack.packb([1] + list(v.values())), v


def ssh_string(b):
    return struct.pack(">I", len(b)) + b


def sshsig(message, k, namespace=b"escalation@tipstaff"):
    """What ssh-keygen -Y sign makes, by PROTOCOL.sshsig."""
    head = ssh_string(namespace) + ssh_string(b"") + ssh_string(b"sha512")
    tosign = b"SSHSIG" + head + ssh_string(hashlib.sha512(message).digest())
    pub = ssh_string(b"ssh-ed25519") + ssh_string(bytes(k.verify_key))
    sig = ssh_string(b"ssh-ed25519") + ssh_string(k.sign(tosign).signature)
    return b"SSHSIG" + struct.pack(">I", 1) + ssh_string(pub) + head + ssh_string(sig)


def join(raw, *sigs):
    return msgpack.packb([raw, sorted([kid_of(bytes(k.verify_key)), s] for k, s in sigs)])


def opened_by(raw, *who):
    return join(raw, *((k, k.sign(pae("escalation", raw)).signature) for k in who))


class Office(Operator):
    def escalate(self, obj):
        self.put(ESCALATE, [1, obj])
        kind, b = self.get()
        assert kind == ESCALATED, (kind, b)
        self.text, self.id = b[2], b[3]
        return b[1]

    def open(self, *a, by=(BOB, CAROL), **kw):
        raw, v = body(*a, **kw)
        assert self.escalate(opened_by(raw, *by)) == "ok", self.text
        return v, opened_by(raw, *by)

    def list(self, tenant=""):
        self.put(ESCALATIONS, [1, tenant])
        out = []
        while True:
            kind, b = self.get()
            if kind == ESCALATIONS_END:
                return out
            assert kind == ESCALATION, (kind, b)
            out.append(b)

    def states(self):
        return [(b[6], b[8], b[9]) for b in self.list()]


def code_of(h, tool="t.echo", ch=None, **kw):
    return Client(h).login(ch, **kw).run(tool)[0][3]


def decisions(h):
    return h.recorder.of("decision")


def reviews(h, n=1):
    wait_for(lambda: len(h.recorder.of("escalation_review_due")) >= n, "the review record")
    return h.recorder.of("escalation_review_due")


def noted(h, n):
    wait_for(lambda: len(journal_of(h, JOURNAL_ESCALATION)) >= n, "an entry of the journal")
    return journal_of(h, JOURNAL_ESCALATION)


def run(g, fn, **kw):
    """The same files for all gates of a test: a directory of another second with the same number is another one."""
    if not hasattr(g, "same_files"):
        g.same_files = files()
    with_gate(g, fn, files=kw.pop("files", None) or g.same_files, **kw)


# --- what it opens --------------------------------------------------------------

def T29_two_people_open_it_for_so_many_calls(g):
    def one(h):
        office = Office(h)
        assert code_of(h) == "denied" and code_of(h, "t.cat") == "permitted"
        v, obj = office.open(uses=3)
        assert office.id == v["id"] and office.states() == [("active", 0, 3)]
        noted(h, 1)
        assert code_of(h, "t.cat") == "permitted"  # without it: no use
        assert office.states() == [("active", 0, 3)] and "escalation" not in decisions(h)[-1]
        c = Client(h).login()
        for n in range(3):
            assert c.run("t.echo")[0][3] == "permitted"
            d = decisions(h)[-1]
            assert d["escalation"] == v["id"] and d["lifted"] == [], d
            assert {s[0]: s[1] for s in d["cedar"]}["escalation:user"] == "allow", d["cedar"]
            assert msgpack.unpackb(noted(h, n + 2)[1 + n][3])[8:10] == [n + 1, 3]
        assert c.run("t.echo")[0][3] == "denied"
        r, = reviews(h)
        assert (r["end"], r["used"], sorted(r["people"]), r["incident"]) == ("used_up", 3, ["bob", "carol"], "INC-17"), r
        began, = h.recorder.of("escalation")
        assert began["policies"] == v["policies"] and began["by_uid"] == UID, began
        revoked, = h.recorder.of("revocation")
        assert (revoked["target"], revoked["by"], revoked["rev_seq"]) == (v["id"], "escalation", 1), revoked
        assert office.list() == [] and office.escalate(obj) == "ended"
        assert len(h.recorder.of("escalation_review_due")) == 1
    run(g, one)


def the_use_stands_in_the_ring_in_front_of_the_launch(g):
    def one(h):
        Office(h).open()
        noted(h, 1)
        wait_for(lambda: h.recorder.of("escalation"), "the record")
        at = len(h.recorder.entries)
        assert code_of(h) == "permitted"
        kinds = [k for k in h.recorder.entries[at:] if k in (LAUNCH, JOURNAL)]
        assert kinds[:2] == [JOURNAL, LAUNCH], kinds
    run(g, one)


def only_what_is_named_is_lifted(g):
    def one(h):
        office = Office(h)
        everything = "permit (principal, action, resource);"
        office.open(everything, uses=100)
        assert code_of(h, "t.trim") == "forbidden"  # not named
        assert code_of(h, "t.no") == "forbidden" and code_of(h, "t.over") == "forbidden"
        assert code_of(h, "t.echo") == "permitted"
        assert office.revoke(KIND["escalation"], office.id)[1] == 1
        office.open("", ["freeze"])  # lifts alone
        assert code_of(h, "t.trim") == "permitted" and decisions(h)[-1]["lifted"] == ["freeze", "freeze"]
        assert code_of(h, "t.echo") == "denied" and code_of(h, "t.no") == "forbidden"
        for lifts in (["never"], ["any-day"], ["nothing"]):
            raw, _ = body(lifts=lifts, task="t2")
            assert office.escalate(opened_by(raw, BOB, CAROL)) == "lifts" and lifts[0] in office.text
    run(g, one)


def a_delegations_block_stays(g):
    """Two authorities are needed: the grant must allow it, too."""
    def one(h):
        Office(h).open()
        narrow, _ = chain(policies='permit (principal, action == Action::"t.cat", resource);')
        shut, _ = chain(policies='@breakglass\n@id("freeze")\nforbid (principal, action, resource);')
        assert code_of(h, ch=narrow) == "denied" and code_of(h, ch=shut) == "forbidden"
        assert code_of(h) == "permitted"
    run(g, one)


def it_is_for_one_user_agent_and_task(g):
    def one(h):
        office = Office(h)
        office.open(uses=100)
        assert code_of(h, ch=chain(task="t2")[0]) == "denied"
        assert code_of(h, ch=chain(user="bob")[0]) == "denied"
        assert code_of(h, ch=chain(link=True)[0], holder=SUB) == "permitted"  # below the agent
        office.revoke(KIND["escalation"], office.id)
        office.open(agent="coder/sub")
        assert code_of(h) == "denied"  # above it
        assert code_of(h, ch=chain(link=True)[0], holder=SUB) == "permitted"
        c = Client(h).login()
        c.seq += 1
        c.put(CHECK, [1, c.seq, [["t.echo", {}]], "", []])
        assert c.want(CHECKED)[2][0][0] == DENY
    run(g, one)


def a_check_uses_nothing(g):
    def one(h):
        office = Office(h)
        office.open(uses=1)
        c = Client(h).login()
        for _ in range(3):
            c.seq += 1
            c.put(CHECK, [1, c.seq, [["t.echo", {}]], "", []])
            assert c.want(CHECKED)[2][0][0] == PERMIT
        assert office.states() == [("active", 0, 1)]
    run(g, one)


# --- who may open it ------------------------------------------------------------

def T29_nobody_opens_it_alone_or_for_himself(g):
    def one(h):
        office = Office(h)
        for by, want in (((), "quorum"), ((BOB,), "quorum"), ((BOB, BOB2), "repeated"), ((BOB, ALICE), "own"),
                         ((BOB, DAVE), "inactive"), ((BOB, ERIN), "class"), ((BOB, MALLORY), "key")):
            assert office.escalate(opened_by(body()[0], *by)) == want, (by, office.text)
        raw, _ = body()
        good = BOB.sign(pae("escalation", raw)).signature
        assert office.escalate(join(raw, (BOB, good), (CAROL, good))) == "sig"
        wrong = CAROL.sign(pae("approval", raw)).signature
        assert office.escalate(join(raw, (BOB, good), (CAROL, wrong))) == "sig"
        assert office.escalate(join(raw, (BOB, good), (CAROL, sshsig(raw, CAROL, b"approval@tipstaff")))) == "sig"
        assert office.escalate(b"junk") == "format"
        assert code_of(h) == "denied" and office.list() == [] and not journal_of(h, JOURNAL_ESCALATION)
        assert office.escalate(join(raw, (BOB, good), (CAROL, sshsig(raw, CAROL)))) == "ok"
        assert code_of(h) == "permitted"
    run(g, one)


def who_owns_the_agent_is_no_second_person(g):
    def one(h):
        assert Office(h).escalate(opened_by(body()[0], BOB, CAROL)) == "own"
    run(g, one, files=files(owner="carol"))


def times_and_bounds_are_kept(g):
    def one(h):
        office, now = Office(h), int(time.time())
        for kw, want in ((dict(ttl=3601), "window"), (dict(nbf=now - 700), "expired"), (dict(nbf=now + 60), "early"),
                         (dict(uses=0), "format"), (dict(uses=1001), "format"), (dict(reason="no"), "format"),
                         (dict(lifts=["x"] * 17), "format"), (dict(ttl=28801), "format"),
                         (dict(tenant="beta"), "denied")):
            assert office.escalate(opened_by(body(**kw)[0], BOB, CAROL)) == want, (kw, office.text)
        assert office.escalate(opened_by(body(ttl=3600)[0], BOB, CAROL)) == "ok"
    run(g, one)

    def two(h):
        office = Office(h)
        assert office.escalate(opened_by(body(ttl=7200)[0], BOB, CAROL)) == "quorum"  # three of them here
    run(g, two, files=files(tenant="breakglass_max_s: 7200\nbreakglass_people: 3\n"))

    def none(h):
        assert Office(h).escalate(opened_by(body(ttl=1)[0], BOB, CAROL)) == "window"
    run(g, none, files=files(tenant="breakglass_max_s: 0\n"))


def its_policies_are_held_to_the_schema(g):
    def one(h):
        office = Office(h)
        for text, place in (("permit (principal, action, resource) when { context.nothing };", "escalation:1:"),
                            ("\n  permit (principal, action == Action::\"t.what\", resource);", "escalation:2:"),
                            ("permit (principal", "escalation:1:"),
                            ("forbid (principal, action, resource);", "escalation:1:1:"),
                            ('@approval("four-eyes")\npermit (principal, action, resource);', "escalation:")):
            assert office.escalate(opened_by(body(text)[0], BOB, CAROL)) == "policies", (text, office.text)
            assert place in office.text, office.text
        assert office.list() == []
    run(g, one)


def one_at_a_time_and_four_of_a_tenant(g):
    def one(h):
        office = Office(h)
        _, obj = office.open()
        assert office.escalate(obj) == "ok" and "already" in office.text  # the same one again
        for agent in ("coder", "coder/sub"):
            assert office.escalate(opened_by(body(agent=agent)[0], BOB, CAROL)) == "busy"
        raw, v = body()
        other, _ = body(id=office.list()[0][1], uses=9)
        assert office.escalate(opened_by(other, BOB, CAROL)) == "id"
        for n in range(2, 5):
            office.open(task=f"t{n}")
        assert office.escalate(opened_by(body(task="t5")[0], BOB, CAROL)) == "limit"
        assert len(office.list()) == 4 and office.list("beta") == []
        wait_for(lambda: len(h.recorder.of("escalation")) == 4, "four records")
    run(g, one)


# --- its end --------------------------------------------------------------------

def T29_raced_calls_get_no_more_than_was_signed(g):
    def one(h):
        Office(h).open(uses=3)
        clients = [Client(h).login() for _ in range(4)]
        for c in clients:
            for _ in range(4):
                c.call("t.echo")
        got = []
        for c in clients:
            while len([d for d in got if d[0] is c]) < 4:
                kind, b = c.get()
                got += [(c, b)] if kind == DECISION else []
        assert sum(d[2] == PERMIT for _, d in got) == 3 and h.launcher.started == 3, got
        assert reviews(h)[0]["used"] == 3
    run(g, one)


def T29_its_end_kills_what_runs_under_it(g):
    def one(h):
        office = Office(h)
        v, _ = office.open(ttl=6, uses=1)
        c = holding(h)  # the only use: used up, and the tool goes on
        other = Client(h).login()
        other.call("t.cat")
        other.want(DECISION)
        assert office.states() == [("used_up", 1, 1)]
        assert c.collect()[2][2] == "expired" and -0.1 < time.time() - v["exp"] < 10, v
        r, = reviews(h)
        assert (r["end"], r["used"]) == ("expired", 1), r
        assert office.list() == []
        assert other.collect()[2][2] == "exited"  # nothing else ended
    run(g, one)


def T29_a_revocation_ends_it_at_once(g):
    def one(h):
        office = Office(h)
        v, obj = office.open()
        c = holding(h)
        d = Client(h).login()
        ack = office.revoke(KIND["escalation"], v["id"], reason="calmed down")
        assert ack[2] == 1 and ack[3] == 0, ack  # a tool, and no session
        assert c.collect()[2][2] == "revoked"
        assert d.run("t.echo")[0][3] == "denied" and d.run("t.cat", flags=0)[0][3] == "permitted"
        r, = reviews(h)
        assert (r["end"], r["used"]) == ("revoked", 1), r
        assert office.escalate(obj) == "ended" and office.list() == []
        assert len(h.recorder.of("escalation_review_due")) == 1
    run(g, one)


def a_revoked_signer_or_task_ends_it(g):
    def one(h):
        office = Office(h)
        office.open()
        c = holding(h)
        office.revoke(KIND["approver"], b"carol")
        assert c.collect()[2][2] == "revoked" and reviews(h)[0]["end"] == "revoked"
        assert office.escalate(opened_by(body(nbf=int(time.time()))[0], BOB, CAROL)) == "revoked"
    run(g, one)


def rules_that_it_does_not_fit_end_it(g):
    def one(h):
        office = Office(h)
        office.open("", ["freeze"])
        same = files()
        assert h.prepare(2, same)[0] == 4
        h.send(6, [0, 2])
        wait_for(lambda: h.recorder.of("policy_loaded"), "the reload")
        assert code_of(h, "t.trim") == "permitted"
        assert h.prepare(3, files(POLICIES.replace("@breakglass\n", "")))[0] == 4
        h.send(6, [0, 3])
        wait_for(lambda: len(h.recorder.of("policy_loaded")) > 1, "the reload")
        assert code_of(h, "t.trim") == "forbidden"
        assert reviews(h)[0]["end"] == "policies_changed"
    run(g, one)


# --- refused ---------------------------------------------------------------------

def refusals(h, n):
    wait_for(lambda: len(h.recorder.of("escalation_refused")) >= n, "the record of a refusal")
    return h.recorder.of("escalation_refused")


def T29_nobody_tries_it_unseen(g):
    """Every refusal has a record with its code, until they come by the hundred: then the log holds how many."""
    def one(h):
        office = Office(h)
        raw, v = body()
        for n, (obj, want) in enumerate([(opened_by(raw, BOB), "quorum"), (opened_by(raw, BOB, BOB2), "repeated"),
                                         (opened_by(body(nbf=1000)[0], BOB, CAROL), "expired"),
                                         (opened_by(body(lifts=["never"])[0], BOB, CAROL), "lifts"),
                                         (opened_by(body("permit (")[0], BOB, CAROL), "policies"), (b"junk", "format")]):
            assert office.escalate(obj) == want
            r = refusals(h, n + 1)[n]
            assert (r["code"], r["by_uid"], r["left_out"]) == (want, UID, 0), r
        first = h.recorder.of("escalation_refused")[0]
        assert (first["id"], first["tenant"], first["user"], first["agent"], first["task"]) == (
            v["id"], "acme", "alice", "coder", "t1"), first
        assert first["keys"] == [kid_of(bytes(BOB.verify_key))], first
        junk = h.recorder.of("escalation_refused")[-1]
        assert (junk["id"], junk["tenant"], junk["keys"]) == (bytes(16), "", []), junk
        foreign, _ = body(tenant="beta")
        assert office.escalate(opened_by(foreign, BOB, CAROL)) == "denied"
        r = refusals(h, 7)[6]
        assert (r["code"], r["tenant"], r["user"]) == ("denied", "", ""), r  # nothing in another tenant's name
    run(g, one)


def T29_a_flood_of_refusals_is_few_records_and_a_count(g):
    def one(h):
        office = Office(h)
        raw, _ = body()
        start = time.monotonic()
        for _ in range(300):
            assert office.escalate(opened_by(raw, BOB)) == "quorum"
        _, obj = office.open()  # nothing of that is in the way
        assert code_of(h) == "permitted"
        n = len(h.recorder.of("escalation_refused"))
        assert 8 <= n <= 9 + (time.monotonic() - start) / 10, n
        assert office.escalate(obj) == "ok"
        assert len(h.recorder.of("escalation")) == 1
        wait_for(lambda: sum(1 + r["left_out"] for r in h.recorder.of("escalation_refused")) == 300,
                 "all of them to be told or counted", 30)
        assert len(h.recorder.of("escalation_refused")) <= 10 + (time.monotonic() - start) / 10
    run(g, one)


# --- its signers end it ----------------------------------------------------------

def ending(target, by=BOB, sig=None, kind=10, tenant="acme", keep=None, reason="it is over"):
    """A revocation as docs/DELEGATION.md has it, signed by a person."""
    raw = msgpack.packb([1, tenant, kind, target, 0, int(time.time()) + 90000 if keep is None else keep, reason,
                         os.urandom(16)])
    sig = by.sign(pae("revocation", raw)).signature if sig is None else sig(raw, by)
    return msgpack.packb([raw, kid_of(bytes(by.verify_key)), sig])


def end_by(office, *a, **kw):
    return office.ask(REVOKE_OP, [1, ending(*a, **kw)])


def T29_each_of_its_signers_ends_it_at_once(g):
    def one(h):
        for who, sig in ((BOB, None), (CAROL, None), (BOB2, None),
                         (CAROL, lambda raw, k: sshsig(raw, k, b"revocation@tipstaff"))):
            office = Office(h)
            v, obj = office.open()
            n = len(h.recorder.of("escalation_review_due"))
            c = holding(h)
            d = Client(h).login()
            d.call("t.cat")
            d.want(DECISION)
            ack = end_by(office, v["id"], who, sig)
            assert ack[2] == 1, ack
            assert c.collect()[2][2] == "revoked" and d.collect()[2][2] == "exited"
            assert code_of(h) == "denied"
            due = reviews(h, n + 1)
            assert len(due) == n + 1 and (due[-1]["end"], due[-1]["used"]) == ("revoked", 1), due
            r = h.recorder.of("revocation")[-1]
            assert (r["by"], r["target"], r["signer"], r["by_uid"]) == (
                "signer", v["id"], kid_of(bytes(who.verify_key)), UID), r
            assert office.escalate(obj) == "ended"
            before = len(h.recorder.of("revocation"))
            assert end_by(office, v["id"], who, sig)[2] == 0  # said twice: nothing new
            assert len(h.recorder.of("revocation")) == before
            assert len(h.recorder.of("escalation_review_due")) == n + 1
    run(g, one)


def T29_nobody_else_ends_it(g):
    def one(h):
        office = Office(h)
        v, _ = office.open()
        no = lambda *a, **kw: end_by(Office(h), *a, **kw)  # a refused order ends the connection
        for who in (ALICE, ERIN, DAVE, MALLORY, ISSUER, CODER):
            assert no(v["id"], who) == "auth_failed", who
        assert no(os.urandom(16)) == "auth_failed"  # not known here: nobody's
        assert no(v["id"], tenant="beta") == "auth_failed"
        for kind, target in ((1, os.urandom(16)), (11, v["id"]), (12, v["id"])):
            assert no(target, kind=kind) == "auth_failed", kind
        assert no(v["id"], sig=lambda raw, k: sshsig(raw, k)) == "auth_failed"  # another namespace
        assert no(v["id"], sig=lambda raw, k: sshsig(raw, CAROL, b"revocation@tipstaff")) == "auth_failed"
        assert no(v["id"], sig=lambda raw, k: k.sign(pae("escalation", raw)).signature) == "auth_failed"
        assert no(v["id"], sig=lambda raw, k: bytes(300)) == "bad_arguments"
        assert office.states() == [("active", 0, 3)] and not h.recorder.of("revocation")
        assert not h.recorder.of("escalation_review_due")
        assert code_of(h) == "permitted"
    run(g, one)


def an_interrupted_one_is_ended_by_its_signers_too(g):
    kept, same = {}, files()  # a directory of another second would be another one

    def before(h):
        kept["v"], kept["obj"] = Office(h).open()
        noted(h, 1)
        kept["journal"] = list(h.recorder.journal)
    run(g, before, files=same)

    def after(h):
        office = Office(h)
        assert office.states() == [("interrupted", 0, 3)]
        assert end_by(office, kept["v"]["id"], CAROL)[2] == 0
        assert reviews(h)[0]["end"] == "revoked" and office.list() == []
        assert office.escalate(kept["obj"]) == "ended"
        kept["journal"] += h.recorder.journal
    run(g, after, files=same, journal=kept["journal"])

    def again(h):
        office = Office(h)
        assert office.list() == [] and office.escalate(kept["obj"]) == "ended"
    run(g, again, files=same, journal=kept["journal"])


# --- restart --------------------------------------------------------------------

def T29_a_restart_gives_back_nothing(g):
    kept, same = {}, files()  # a directory of another second would be another one

    def before(h):
        office = Office(h)
        kept["v"], kept["obj"] = office.open(uses=3)
        kept["done"] = office.open(uses=1, task="t2")[1]
        assert code_of(h) == "permitted" and code_of(h, ch=chain(task="t2")[0]) == "permitted"
        reviews(h)
        wait_for(lambda: any(msgpack.unpackb(j[3])[10] for j in noted(h, 5)), "the entry of its end")
        kept["journal"] = list(h.recorder.journal)
    run(g, before, files=same)

    def after(h):
        office = Office(h)
        assert code_of(h) == "denied"  # nothing is in force by itself
        assert office.states() == [("interrupted", 1, 3)]
        assert office.escalate(kept["done"]) == "ended"
        v = dict(kept["v"], uses=9)
        assert office.escalate(opened_by(msgpack.packb([1] + list(v.values())), BOB, CAROL)) == "id"
        assert office.escalate(kept["obj"]) == "ok"
        assert [code_of(h) for _ in range(3)] == ["permitted", "permitted", "denied"]
        r, = reviews(h)
        assert (r["end"], r["used"]) == ("used_up", 3), r
        wait_for(lambda: any(msgpack.unpackb(j[3])[10] for j in noted(h, 1)), "the entry of its end")
        kept["journal"] += h.recorder.journal
    run(g, after, files=same, journal=kept["journal"])

    def again(h):
        office = Office(h)
        assert office.list() == [] and office.escalate(kept["obj"]) == "ended"
        assert not h.recorder.of("escalation_review_due")
    run(g, again, files=same, journal=kept["journal"])


def what_ran_out_while_nobody_was_there_is_reviewed(g):
    kept, same = {}, files()  # a directory of another second would be another one

    def before(h):
        kept["v"], _ = Office(h).open(ttl=6)
        noted(h, 1)
        kept["journal"] = list(h.recorder.journal)
    run(g, before, files=same)
    wait_for(lambda: time.time() > kept["v"]["exp"], "its end")

    def after(h):
        r, = reviews(h)
        assert (r["end"], r["used"], r["reason"]) == ("expired", 0, "production is down"), r
        assert Office(h).list() == []
    run(g, after, files=same, journal=kept["journal"])


# --- attacks ---------------------------------------------------------------------

def T29_a_clock_that_was_set_back_revives_nothing(g):
    """The journal has seen a later hour, in which the id was forgotten: nothing is decided before somebody who may
    say what time it is has said so."""
    raw, _ = body(ttl=600)
    obj = opened_by(raw, BOB, CAROL)
    ahead = [[4, "", 2 ** 64 - 1, msgpack.packb([1, (int(time.time()) + 7200) * 1000])]]

    def one(h):
        office = Office(h)
        for _ in range(2):
            assert office.escalate(obj) == "not_ready", office.text
        assert office.list() == [] and not h.recorder.of("escalation")
        assert [r["code"] for r in refusals(h, 2)] == ["not_ready"] * 2
    run(g, one, journal=ahead)


def T29_an_end_that_races_with_calls_wins(g):
    """Every call that was permitted is a use of the review record; after the ACK there is none."""
    def one(h):
        office = Office(h)
        v, obj = office.open(uses=1000)
        clients = [Client(h).login() for _ in range(4)]
        for c in clients:
            for _ in range(4):
                c.call("t.echo")
        office.put(REVOKE_OP, [1, ending(v["id"], CAROL)])
        for c in clients:
            for _ in range(4):
                c.call("t.echo")
        got = []
        for c in clients:
            mine = 0
            while mine < 8:
                kind, b = c.get()
                if kind == DECISION:
                    mine += 1
                    got.append(b[2])
        assert office.get()[0] == 2, "no ACK"
        r, = reviews(h)
        permits = sum(x == PERMIT for x in got)
        assert (r["end"], r["used"]) == ("revoked", permits), (r, permits)
        wait_for(lambda: h.launcher.started >= permits, "what was permitted to start")
        assert h.launcher.started == permits, (h.launcher.started, permits)
        assert code_of(h) == "denied" and Office(h).escalate(obj) == "ended"
    run(g, one)


def T29_an_activation_that_races_with_its_end_is_not_left(g):
    """In whichever order they come: a revoker's order for an id that nobody has seen yet counts, too."""
    def one(h):
        for n in range(20):
            raw, v = body()
            a, b = Office(h), Office(h)
            both = [lambda: a.put(ESCALATE, [1, opened_by(raw, BOB, CAROL)]),
                    lambda: b.put(REVOKE_OP, [1, revocation(KIND["escalation"], v["id"])])]
            for send in both if n % 2 else reversed(both):
                send()
            code = a.get()[1][1]
            assert code in ("ok", "ended"), code
            assert b.get()[0] == 2
            assert Office(h).list() == [] and Office(h).escalate(opened_by(raw, BOB, CAROL)) == "ended"
        assert code_of(h) == "denied"
        assert len(h.recorder.of("escalation")) == len(reviews(h, len(h.recorder.of("escalation"))))
    run(g, one)


def T29_replayed_words_open_nothing(g):
    """A replayed body under another id, another tenant's name, a signature of another body."""
    def one(h):
        office = Office(h)
        v, obj = office.open(uses=1)
        assert code_of(h) == "permitted"
        reviews(h)
        raw, sigs = msgpack.unpackb(obj)
        fields = msgpack.unpackb(raw)
        for i, other in ((1, os.urandom(16)), (10, fields[10] + 1), (8, fields[8] + 1), (9, fields[9] + 1), (5, "t2")):
            changed = fields[:i] + [other] + fields[i + 1:]
            assert office.escalate(msgpack.packb([msgpack.packb(changed), sigs])) == "sig", (i, office.text)
        changed = fields[:2] + ["beta"] + fields[3:]
        assert office.escalate(msgpack.packb([msgpack.packb(changed), sigs])) == "denied"
        assert office.escalate(msgpack.packb([raw, sigs[::-1]])) == "format"  # one encoding of one list
        assert office.escalate(obj) == "ended" and code_of(h) == "denied"
    run(g, one)


def T29_another_tenants_operator_carries_nothing(g):
    """Who may act for beta alone neither opens, sees nor ends what is acme's, and writes nothing in its name."""
    kept = {}

    def before(h):
        kept["v"], kept["obj"] = Office(h).open()
        noted(h, 1)
        kept["journal"] = list(h.recorder.journal)
    run(g, before)

    def one(h):
        office = Office(h)
        assert office.list() == [] and office.list("acme") == []
        assert office.escalate(kept["obj"]) == "denied"
        r, = refusals(h, 1)
        assert (r["code"], r["tenant"], r["user"], r["by_uid"]) == ("denied", "", "", UID), r
        assert end_by(Office(h), kept["v"]["id"], BOB) == "denied"
        assert not h.recorder.of("revocation") and not h.recorder.of("escalation")
    run(g, one, journal=kept["journal"], admins=[4243], operators=[["beta", UID]])


TESTS = [v for k, v in list(globals().items()) if callable(v) and getattr(v, "__code__", None)
         and v.__code__.co_varnames[:1] == ("g",) and v.__module__ == __name__ and k != "run"]

if __name__ == "__main__":
    sys.exit(main(sys.argv, TESTS))
