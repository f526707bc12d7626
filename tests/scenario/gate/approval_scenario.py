"""People decide: the real tipstaff-gate between played neighbours, and approvers
that are written here from docs/APPROVALS.md with python3-nacl, not from the
gate's code.
"""
from authority_scenario import KIND, Operator, blocks_of, journal_of, with_gate
from harness import *
from runner import main, refused

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

def T27_a_held_call_runs_when_people_say_yes(g):
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



def T26_people_are_counted_not_keys(g):
    def one(h):
        c, _ = held(h, "t.hold")
        office = Office(h)
        t = office.only()
        assert t["rules"] == [["two", "four-eyes", 2]], t
        assert office.say(answer(t, BOB)) == ("ok", "waiting")
        assert office.say(answer(t, BOB)) == ("repeated", "waiting")
        assert office.say(answer(t, BOB2)) == ("repeated", "waiting")  # the same person's other key
        assert office.say(answer(t, ALICE)) == ("own", "waiting")     # who asks, and who owns the agent
        assert office.say(answer(t, DAVE)) == ("inactive", "waiting")
        assert office.tickets()[0][2] == [["bob", 1]]
        assert not h.launcher.started
        assert office.say(answer(t, CAROL)) == ("ok", "granted")
        assert c.want(DECISION)[3] == "permitted"
        c.put(CANCEL, [1, c.seq])
        assert c.collect()[2][2] == "cancelled"
        second = h.recorder.of("decision")[1]
        assert sorted(second["approved_by"]) == ["bob", "carol"], second
        codes = [(r["code"], r["person"], r["people"]) for r in h.recorder.of("approval")]
        assert codes == [("ok", "bob", 1), ("repeated", "", 1), ("repeated", "", 1), ("own", "", 1), ("inactive", "", 1),
                         ("ok", "carol", 2)], codes
    with_gate(g, one, files=files())


def who_delegated_may_confirm(g):
    def one(h):
        c, _ = held(h, "t.trim")
        assert Office(h).say(answer(Office(h).only(), ALICE)) == ("ok", "granted")
        assert c.want(DECISION)[3] == "permitted"
    with_gate(g, one, files=files())


def T25_what_is_forged_counts_for_nothing(g):
    def one(h):
        now = int(time.time())
        c, _ = held(h, args={"text": "x"})
        office = Office(h)
        t = office.only()
        other, _ = held(h, args={"text": "y"})
        u = next(x for x, _, _ in office.tickets() if x["id"] != t["id"])
        bad = {
            "key": answer(t, MALLORY),
            "sig": answer(t, MALLORY, person="bob", kid_key=BOB),
            "person": answer(t, BOB, person="carol"),
            "tenant": answer(t, BOB, tenant="beta"),
            "ticket": answer(t, BOB, id=u["id"]),  # other arguments
            "early": answer(t, BOB, iat=t["created"] - 6),
            "window": answer(t, BOB, ttl=3601),
            "expired": answer(t, BOB, iat=now - 3, ttl=2),
            "class": None,
            "unknown": answer(t, BOB, decision_id=os.urandom(16)),
            "format": b"\x93\x01\x02\x03",
        }
        for want, obj in bad.items():
            if obj is not None:
                got = office.say(obj)[0]
                assert got == want, (want, got)
        assert office.say(answer(t, BOB, iat=now + 60))[0] == "window"  # from the future
        raw = bytearray(answer(t, BOB))
        for i in range(0, len(raw), 3):
            raw[i] ^= 4
            assert office.say(bytes(raw))[0] != "ok", i
            raw[i] ^= 4
        assert not h.launcher.started and [s for _, s, _ in office.tickets()] == [1, 1]
        # an answer for one call is none for the other, whichever comes first
        good = answer(u, BOB)
        assert office.say(good) == ("ok", "granted") and other.want(DECISION)[3] == "permitted"
        ended(h)
        assert office.say(good) == ("unknown", "none")
        assert h.launcher.started == 1
    with_gate(g, one, files=files())


def a_no_is_final_and_the_call_cools_down(g):
    def one(h):
        c, d = held(h)
        office = Office(h)
        t = office.only()
        assert office.say(answer(t, CAROL, verdict=NO)) == ("ok", "denied")
        d2 = c.want(DECISION)
        assert d2[2:5] == [DENY, "approval_denied", d[4]] and d2[6] == 0, d2
        assert ended(h) == ["denied"]
        assert office.say(answer(t, BOB)) == ("unknown", "none")
        assert c.run("t.echo")[0][3] == "approval_denied"  # the very same call
        assert c.run("t.echo", {"text": "else"})[0][3] == "approval_required"
        assert not h.launcher.started
    with_gate(g, one, files=files())


def a_late_yes_lets_the_same_call_run_once(g):
    def one(h):
        ch, _ = chain()
        c, d = held(h, client=Client(h).login(ch), hold=50)
        d2 = c.want(DECISION)
        assert d2[2:5] == [PENDING, "approval_required", d[4]] and d2[6] == d[6], d2
        office = Office(h)
        assert office.approve(office.only(), BOB) == ("ok", "granted")
        assert office.tickets()[0][1] == 2 and not h.launcher.started
        assert c.run("t.echo", {"text": "other"})[0][3] == "approval_required"  # other arguments are another call
        # two at once, from two sessions: one runs
        two = [c, Client(h).login(ch)]
        os.kill(h.p.pid, signal.SIGSTOP)
        for x in two:
            x.call("t.echo")
        os.kill(h.p.pid, signal.SIGCONT)
        got = sorted(x.collect()[0][3] for x in two)
        assert got == ["approval_required", "permitted"], got
        assert h.launcher.started == 1 and ended(h)[0] == "taken"
        assert len(office.tickets()) == 2  # asked anew, twice
    with_gate(g, one, files=files())


def an_unheld_call_is_asked_about_once(g):
    def one(h):
        c = Client(h).login()
        first = c.run("t.echo")[0]
        again = c.run("t.echo")[0]
        assert first[2:4] == again[2:4] == [PENDING, "approval_required"]
        assert first[4] == again[4] and first[6] == again[6]
        assert len(Office(h).tickets()) == 1
        wait_for(lambda: len({r["id"] for r in h.recorder.of("decision")}) == 2, "both records")
    with_gate(g, one, files=files())


def cancel_withdraws_and_going_away_does_not(g):
    def one(h):
        ch, _ = chain()
        c, d = held(h, client=Client(h).login(ch))
        office = Office(h)
        t = office.only()
        c.put(CANCEL, [1, c.seq])
        d2 = c.want(DECISION)
        assert d2[2:5] == [DENY, "cancelled", d[4]], d2
        assert ended(h) == ["withdrawn"] and office.say(answer(t, BOB)) == ("unknown", "none")
        c, d = held(h, client=c)
        c.close()
        time.sleep(0.05)  # the question stays, however long ago that was
        assert office.only()["decision_id"] == d[4]
        assert office.approve(office.only(), BOB) == ("ok", "granted") and not h.launcher.started
        assert Client(h).login(ch).run("t.echo")[2][2] == "exited"
        assert h.launcher.started == 1
    with_gate(g, one, files=files())


def every_revocation_ends_what_rests_on_it(g):
    ch, grant = chain()
    targets = {"grant": grant, "block": blocks_of(ch)[0], "key": bytes(CODER.verify_key), "user": b"alice",
               "agent": b"coder", "task": b"t1", "tenant": b"", "issuer_key": kid_of(bytes(ISSUER.verify_key)),
               "approver": b"bob", "decision": None}
    for name, target in targets.items():
        def one(h):
            c, d = held(h, "t.hold", client=Client(h).login(ch))
            office = Office(h)
            t = office.only()
            assert office.say(answer(t, BOB)) == ("ok", "waiting")
            ack = office.revoke(KIND[name], target if target is not None else d[4])
            assert ack[4] == 1, (name, ack)  # tickets
            assert ended(h) == ["revoked"], name
            assert c.want(DECISION)[2:4] == [DENY, "revoked"], name
            assert office.say(answer(t, CAROL)) == ("unknown", "none"), name
            assert not h.launcher.started
        with_gate(g, one, files=files())


def other_revocations_end_nothing(g):
    def one(h):
        c, d = held(h)
        office = Office(h)
        for kind, target in (("grant", os.urandom(16)), ("user", b"bobby"), ("approver", b"carol"),
                             ("decision", os.urandom(16))):
            assert office.revoke(KIND[kind], target)[4] == 0, kind
        t = office.only()
        assert office.say(answer(t, CAROL)) == ("revoked", "waiting")
        assert office.approve(t, BOB) == ("ok", "granted")
        assert c.want(DECISION)[3] == "permitted"
    with_gate(g, one, files=files())


def other_rules_or_people_end_every_question(g):
    def one(h):
        c, _ = held(h)
        office = Office(h)
        t = office.only()
        assert office.feed(people(seq=2))[4] == 1
        assert c.want(DECISION)[2:4] == [DENY, "approval_expired"]
        assert ended(h) == ["policies_changed"] and office.say(answer(t, BOB)) == ("unknown", "none")
        c, _ = held(h, client=c)
        files2 = files(seq=2)
        assert h.prepare(2, files2)[0] == 4
        h.send(6, [0, 2])
        assert c.want(DECISION)[2:4] == [DENY, "approval_expired"]
        assert ended(h, 2) == ["policies_changed"] * 2
        assert not h.launcher.started
    with_gate(g, one, files=files())


def time_ends_a_question(g):
    def one(h):
        ch, _ = chain()
        c, d = held(h, client=Client(h).login(ch))
        office = Office(h)
        t = office.only()
        assert t["expires"] == t["created"] + 10
        wait_for(lambda: time.time() >= t["expires"], "its end", 15)
        assert office.say(answer(t, BOB))[0] in ("late", "unknown")
        assert c.want(DECISION)[2:4] == [DENY, "approval_expired"]
        assert ended(h) == ["expired"]
        assert office.say(answer(t, BOB)) == ("unknown", "none")
        assert not h.launcher.started
    with_gate(g, one, files=files(ttl=10))


def a_question_never_outlives_its_delegation(g):
    def one(h):
        ch, _ = chain(exp=int(time.time()) + 100)
        held(h, client=Client(h).login(ch))
        t = Office(h).only()
        assert t["expires"] <= time.time() + 100
    with_gate(g, one, files=files())


def what_people_cannot_lift_stays_forbidden(g):
    def one(h):
        c, _ = held(h, "t.deaf")
        office = Office(h)
        assert office.approve(office.only(), BOB) == ("ok", "granted")
        assert c.want(DECISION)[2:4] == [DENY, "approval_expired"]
        assert not h.launcher.started and ended(h) == ["policies_changed"]
    with_gate(g, one, files=files())


def a_rule_of_a_block_is_lifted_for_that_block_alone(g):
    """Whoever hands on may demand people, too, and cannot lift a tenant's rule by a name."""
    own = ('permit (principal, action, resource); @id("two") @approval("confirm") '
           'forbid (principal, action == Action::"t.hold", resource) unless { context.approvals.contains("two") };')

    def one(h):
        ch, _ = chain(policies=own)
        c, _ = held(h, "t.hold", client=Client(h).login(ch))
        office = Office(h)
        t = office.only()
        assert t["rules"] == [["two", "four-eyes", 2], ["block:0/two", "confirm", 1]], t["rules"]
        assert office.say(answer(t, ALICE)) == ("ok", "waiting")  # for the block's alone
        assert office.tickets()[0][2] == [["alice", 2]]
        assert office.approve(t, BOB, CAROL) == ("ok", "granted")
        assert c.want(DECISION)[3] == "permitted"
        sets = {s[0]: s[1] for s in h.recorder.of("decision")[1]["cedar"]}
        assert sets == {"user": "allow", "agent:0": "allow", "block:0": "allow"}, sets
    with_gate(g, one, files=files())


def blocks_that_ask_for_nonsense_open_no_session(g):
    twice = '@id("x") @approval("confirm") forbid (principal, action, resource);'
    ch, _ = chain(policies="permit (principal, action, resource);" + twice + twice)
    refused(g, lambda c: c.auth_body(ch))
    for value in ("", "four-eyes:0", "four-eyes:9", "four-eyes:12", "four eyes:1", "four-eyes:", ":1"):
        ch, _ = chain(policies=f'permit (principal, action, resource); @id("x") @approval("{value}") '
                               'forbid (principal, action, resource);')
        refused(g, lambda c: c.auth_body(ch))


def holds_are_bounded(g):
    def one(h):
        ch, _ = chain()
        cs = [Client(h).login(ch) for _ in range(6)]
        for c in cs:
            c.call("t.echo", hold=60000)
            assert c.want(DECISION)[2] == PENDING
        for c in cs[4:]:  # no place to wait: the hold is over at once
            assert c.want(DECISION)[2] == PENDING
        office = Office(h)
        assert office.status()["approvals"] == {"open": 1, "held": 4}
        assert office.approve(office.only(), BOB) == ("ok", "granted")
        got = sorted(c.want(DECISION)[3] for c in cs[:4])
        assert got == ["approval_expired"] * 3 + ["permitted"], got
        assert h.launcher.started == 1
        c = Client(h).login(ch)
        c.put(CALL, c.call_body("t.echo", hold=3600001))
        assert c.closed() == "bad_frame"
    with_gate(g, one, files=files())


def T25_a_restart_voids_every_question(g):
    kept, same = {}, files()

    def before(h):
        held(h, args={"text": "z"})
        c, _ = held(h)
        office = Office(h)
        t = next(x for x, _, _ in office.tickets() if x["args"] == b"\x80")
        kept["waits"] = next(x for x, _, _ in office.tickets() if x["args"] != b"\x80")
        assert office.approve(t, BOB) == ("ok", "granted") and c.want(DECISION)[3] == "permitted"
        kept["taken"], kept["journal"] = t, list(h.recorder.journal)
    with_gate(g, before, files=same)

    def after(h):
        office = Office(h)
        assert office.tickets() == []
        for t in (kept["waits"], kept["taken"]):
            assert office.say(answer(t, BOB)) == ("unknown", "none")
        assert not h.launcher.started
        assert Client(h).login().run("t.echo")[0][3] == "approval_required"
    with_gate(g, after, files=same, journal=kept["journal"])


def the_end_of_the_service_is_told(g):
    def one(h):
        c, _ = held(h)
        h.send(8, [0, 2000])
        assert c.want(DECISION)[2:4] == [DENY, "shutting_down"]
        assert c.closed() == "shutting_down" and h.p.wait(15) == 0
    with_gate(g, one, files=files())


def watchers_hear_of_everything(g):
    def one(h):
        w = Office(h)
        assert w.tickets(watch=True) == []
        c, d = held(h, "t.hold")
        kind, body = w.get()
        assert kind == TICKET and opened(body[1])["decision_id"] == d[4]
        office = Office(h)
        t = office.only()
        office.say(answer(t, BOB))
        assert w.want(NEWS) == [1, d[4], "acme", "answered", 1]
        office.say(answer(t, CAROL))
        assert w.want(NEWS)[2:] == ["acme", "granted", 2] and w.news() == "taken"
        assert w.say(answer(t, BOB)) == ("unknown", "none")  # a watcher may answer
        c, d = held(h, client=Client(h).login())
        w.want(TICKET)
        c.put(CANCEL, [1, c.seq])
        assert w.news() == "withdrawn"
    with_gate(g, one, files=files())


def operators_of_another_tenant_see_nothing(g):
    def one(h):
        held(h)
        o = Office(h)
        assert o.tickets() == []
        o.put(APPROVALS, [1, False, "acme"])
        assert o.want(FAIL)[1] == "denied"
    with_gate(g, one, files=files(), admins=[4243], operators=[["beta", UID]])

    def mine(h):
        _, d = held(h)
        o = Office(h)
        assert o.tickets(tenant="acme")[0][0]["decision_id"] == d[4]
        assert o.approve(o.only(), BOB) == ("ok", "granted")
    with_gate(g, mine, files=files(), admins=[4243], operators=[["acme", UID]])


def malformed_questions_and_answers_are_refused(g):
    def one(h):
        for kind, body in ((ANSWER, [1, b""]), (ANSWER, [1, bytes(2049)]), (ANSWER, [1, "x"]), (ANSWER, [2, b"x"]),
                           (APPROVALS, [1, 1, ""]), (APPROVALS, [1, True]), (APPROVALS, [1, True, "x" * 129]),
                           (TICKET, [1]), (ANSWERED, [1])):
            o = Office(h)
            o.put(kind, body)
            assert o.want(FAIL)[1] == "bad_frame", (kind, body)
    with_gate(g, one, files=files())


def too_large_for_people_is_denied(g):
    def one(h):
        c = Client(h).login()
        d = c.run("t.echo", {"text": "x" * 16384})[0]
        assert d[2:4] == [DENY, "bad_arguments"] and "16 KiB" in d[5], d
        assert Office(h).tickets() == []
        assert c.run("t.echo", {"text": "x" * 16000})[0][3] == "approval_required"
        assert len(Office(h).only()["args"]) > 16000
    with_gate(g, one, files=files())


def a_check_asks_nobody(g):
    def one(h):
        c = Client(h).login()
        c.seq += 1
        c.put(CHECK, [1, c.seq, [["t.echo", {}]], "", []])
        assert c.want(CHECKED)[2][0][0] == PENDING
        assert Office(h).tickets() == []
    with_gate(g, one, files=files())


TESTS = [v for k, v in list(globals().items()) if callable(v) and getattr(v, "__code__", None)
         and v.__code__.co_varnames[:1] == ("g",) and v.__module__ == __name__]

if __name__ == "__main__":
    sys.exit(main(sys.argv, TESTS))
