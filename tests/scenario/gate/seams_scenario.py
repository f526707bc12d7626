#!/usr/bin/python3
"""Attacks on the seams: approvals, counters, break-glass, handles and provenance, each with
the others, by an agent that holds real authority. The real tipstaff-gate between played
neighbours.
"""
import json

import breakglass_scenario as glass
from approval_scenario import *
from approval_context_scenario import MAILS, PAY, begun, fresh, shop
from harness import *
from runner import main

COUNTS = '@counts("c") permit (principal, action, resource) when { context.uses.hasTag("c") && ' \
         'context.uses.getTag("c") < %d };'
TAINT = '@id("tainted") @approval("four-eyes") forbid (principal, action == Action::"t.echo", resource) ' \
        'when { context.provenance.task.untrusted && !context.approvals.contains("tainted") };'


def succeeds(fn):
    """Every t.echo ends well: a call that failed would give back what it took."""
    def one(h):
        h.launcher.scripts["t.echo"] = lambda launcher, oid, fds: launcher.end(oid, 0, 0)
        fn(h)
    return one


def run(g, fn, policies=POLICIES, **kw):
    with_gate(g, succeeds(fn), files=files(policies=policies, **kw))


def counted(n, **kw):
    return chain(policies=COUNTS % n, **kw)[0]


def asks(h, c, text):
    """A call of t.echo that is held, and its question."""
    _, d = held(h, client=c, args={"text": text})
    return next(t for t, _, _ in Office(h).tickets() if t["decision_id"] == d[4])


def all_words(c, n):
    """The final answers of n held calls: their codes."""
    out = []
    while len(out) < n:
        kind, b = c.get()
        if kind == DECISION and b[2] != PERMIT:
            out.append(b[3])
        elif kind == RESULT:
            out.append(b[2])
    return sorted(out)


# --- approvals and counters -------------------------------------------------------

def a_limit_that_is_reached_while_people_think_holds(g):
    def one(h):
        c = Client(h).login(counted(1))
        questions = [asks(h, c, x) for x in ("a", "b", "c")]
        office = Office(h)
        for t in questions:
            assert office.approve(t, BOB) == ("ok", "granted")
        assert all_words(c, 3) == ["exited", "limit_reached", "limit_reached"]
        assert h.launcher.started == 1
    run(g, one)


def a_held_call_is_counted_once_and_a_withdrawn_one_never(g):
    def one(h):
        c = Client(h).login(counted(2))
        office = Office(h)
        for i in range(6):  # asked, and withdrawn
            asks(h, c, f"w{i}")
            c.put(CANCEL, [1, c.seq])
            assert c.want(DECISION)[3] == "cancelled"
        for x in "ab":
            assert office.approve(asks(h, c, x), BOB) == ("ok", "granted")
            assert all_words(c, 1) == ["exited"]
        assert c.run("t.echo", {"text": "c"})[0][3] == "limit_reached"
        assert h.launcher.started == 2
    run(g, one)


def two_sessions_of_a_grant_share_what_people_gave(g):
    def one(h):
        ch = counted(1)
        a, b = Client(h).login(ch), Client(h).login(ch)
        first, second = asks(h, a, "a"), asks(h, b, "b")
        office = Office(h)
        os.kill(h.p.pid, signal.SIGSTOP)
        for t in (first, second):
            office.put(ANSWER, [1, answer(t, BOB)])
        os.kill(h.p.pid, signal.SIGCONT)
        assert sorted(all_words(a, 1) + all_words(b, 1)) == ["exited", "limit_reached"]
        assert h.launcher.started == 1
    run(g, one)


# --- approvals and break-glass ------------------------------------------------------

ASKED = '@id("ask") @approval("four-eyes") forbid (principal, action == Action::"t.echo", resource) ' \
    'unless { context.approvals.contains("ask") };\n'


def glass_files(approval=ASKED):
    f = glass.files()
    f["tenants/acme/policies/approval/20.cedar"] = approval
    f["tenants/acme/tenant.yaml"] += "approval_ttl_s: 600\n"
    return f


def a_yes_does_not_carry_a_call_over_the_end_of_an_escalation(g):
    def one(h):
        office, people = glass.Office(h), Office(h)
        v, _ = office.open()
        c = Client(h).login()
        t = asks(h, c, "x")  # opened by the escalation, asked about by the tenant
        office.revoke(KIND["escalation"], v["id"])
        assert people.approve(t, BOB)[0] in ("ok", "unknown")
        code = c.want(DECISION)[2:4]
        assert code[0] == DENY, code
        assert c.run("t.echo", {"text": "x"})[0][2] == DENY and not h.launcher.started
    with_gate(g, succeeds(one), files=glass_files())


def people_and_an_escalation_use_it_once_for_each_launch(g):
    def one(h):
        office, people = glass.Office(h), Office(h)
        office.open(uses=1)
        c = Client(h).login()
        questions = [asks(h, c, x) for x in "abc"]
        assert office.states() == [("active", 0, 1)], office.states()
        for t in questions:
            assert people.approve(t, BOB)[0] == "ok"
        got = all_words(c, 3)
        assert got.count("exited") == 1 and h.launcher.started == 1, got
        assert glass.reviews(h)[0]["used"] == 1
    with_gate(g, succeeds(one), files=glass_files())


def what_an_escalation_lifts_was_not_approved(g):
    """A question of before it, an escalation that answers it, and its end: people are asked again."""
    rule = '@id("slow") @breakglass @approval("four-eyes") forbid (principal, action == Action::"t.cat", resource) ' \
        'unless { context.approvals.contains("slow") };'

    def one(h):
        office, people = glass.Office(h), Office(h)
        c = Client(h).login()
        assert c.run("t.cat")[0][3] == "approval_required"
        v, _ = office.open("", ["slow"])
        assert c.run("t.cat")[0][3] == "permitted" and h.launcher.started == 1
        office.revoke(KIND["escalation"], v["id"])
        assert c.run("t.cat")[0][3] == "approval_required" and h.launcher.started == 1
        assert len(people.tickets()) == 1
    with_gate(g, succeeds(one), files=glass_files(rule))


def a_limit_of_the_grant_holds_in_an_emergency(g):
    def one(h):
        office = glass.Office(h)
        office.open(uses=5)
        c = Client(h).login(counted(1))
        assert c.run("t.echo")[0][3] == "permitted"
        assert [c.run("t.echo")[0][2] for _ in range(3)] == [DENY] * 3
        assert h.launcher.started == 1 and office.states() == [("active", 1, 5)], office.states()
    with_gate(g, succeeds(one), files=glass.files())


# --- approvals and what the task reads meanwhile -------------------------------------

def what_a_task_reads_while_people_think_is_asked_about(g):
    def one(h):
        c = Client(h).login(fresh()[0])
        t = asks(h, c, "x")
        c.call("t.flood")  # a stranger's words, by the same task
        while c.get()[0] != RESULT:
            pass
        assert Office(h).approve(t, BOB)[0] == "ok"
        d = c.want(DECISION)
        assert d[2:4] == [DENY, "approval_expired"], d
        assert h.launcher.started == 1  # t.flood
    run(g, one, POLICIES + TAINT)


# --- handles ---------------------------------------------------------------------------

def orders(h):
    got, order = [], h.launcher.order

    def keep(o):
        got.append(o)
        order(o)
    h.launcher.order = keep
    return got


def shopping(g, fn, mails=MAILS):
    def said(launcher, oid, fds):
        os.write(fds[1], mails)
        launcher.end(oid, 0, 0)

    def one(h):
        h.launcher.scripts["t.mail"] = said
        h.launcher.scripts["t.pay"] = lambda launcher, oid, fds: launcher.end(oid, 0, 0)
        fn(h)
    with_gate(g, one, files=shop())


def question(h, d):
    assert d[3] == "approval_required", d
    return next(t for t, _, _ in Office(h).tickets() if t["decision_id"] == d[4])


def sources(t):
    return {(a[0], a[1]): a[2] for a in msgpack.unpackb(t["context"])["args"]}


def what_people_sign_for_a_handle_is_what_runs(g):
    def one(h):
        seen = orders(h)
        c = Client(h).login(fresh()[0])
        assert c.run("t.mail")[2][2] == "exited"
        ref = {"$ref": "call-1", "path": "/0/from"}
        c.call("t.pay", {"to": [ref]}, hold=60000)
        t = question(h, c.want(DECISION))
        assert t["args"] == msgpack.packb({"to": ["bob@example.com"]})
        for _ in range(3):  # later outputs of the task are other handles
            c.call("t.mail")
            while c.get()[0] != RESULT:
                pass
        assert Office(h).approve(t, BOB) == ("ok", "granted")
        assert all_words(c, 1) == ["exited"]
        assert seen[-1][3] == "t.pay" and t["args"] in msgpack.packb(seen[-1]), seen[-1]
    shopping(g, one)


def a_handle_of_another_task_is_another_question(g):
    def one(h):
        c = Client(h).login(fresh()[0])
        d = Client(h).login(fresh()[0])
        c.run("t.mail")
        t = question(h, c.run("t.pay", {"to": [{"$ref": "call-1", "path": "/0/from"}]})[0])
        assert Office(h).approve(t, BOB) == ("ok", "granted")
        got = d.run("t.pay", {"to": [{"$ref": "call-1", "path": "/0/from"}]})[0]
        assert got[3].startswith("handle_"), got
        assert d.run("t.pay", {"to": ["bob@example.com"]})[0][3] == "approval_required"
    shopping(g, one)


def a_kept_secret_is_in_no_answer_to_the_agent(g):
    """Errors, denials and questions that a handle to a secret leads to."""
    def one(h):
        c = Client(h).login(fresh()[0])
        c.call("t.mail", flags=0)
        while c.get()[0] != RESULT:
            pass
        ref = lambda path: {"$ref": "call-1", "path": path}
        for args in ({"sum": ref("/0/pin")}, {"to": ref("/0/pin")}, {"extra": ref("/0/pin")}, {"none": ref("/0/pin")},
                     {"to": ["a"], "sum": ref("/0/pin")}, {"to": [ref("/0/pin/x")]}, {"to": [ref("/0/pin")] * 200}):
            d = c.run("t.pay", args)[0]
            assert b"hunter" not in msgpack.packb(d), d
        assert "hunter" not in h.text()
    shopping(g, one)


# --- spellings -----------------------------------------------------------------------------

BODY = "write to smith@example.com, see https://bank.example/pay or https://evil.example, account 0042 of mallory@evil.example"
ODD = json.dumps([{"id": "7", "from": "anna.smith@example.com", "pin": "hunter22", "body": BODY}]).encode()


def no_spelling_makes_a_strangers_value_better(g):
    import base64
    evil = "mallory@evil.example"
    tricks = [evil, evil.upper(), f" {evil}\n", f"{evil}/", f"https://{evil}", f"htTPs://{evil}", "smith@example.com",
              "https://bank.example/pay", "bank.example/pay", "mallory\u200b@evil.example", "\u043callory@evil.example",
              "\uff4dallory@evil.example", "mallory%40evil.example", "mallory@evil\u3002example", evil[::-1],
              base64.b64encode(evil.encode()).decode(), evil.encode().hex(), f'"Anna <anna.smith@example.com>" <{evil}>',
              f"anna.smith@example.com,{evil}", f"anna.smith@example.com {evil}", f"anna.smith@example.com@{evil}",
              "https://acme.co", "https://alice:x@evil.example", "http://0x7f000001/", "http://0177.0.0.1/"]

    def one(h):
        ch, grant = fresh()
        c = Client(h).login(ch)
        begun(c, grant, "use https://my-bank.example/pay and https://acme.co.uk/login, write to anna.smith@example.com")
        c.run("t.mail")
        assert sources(question(h, c.run("t.pay", {"to": ["anna.smith@example.com"]})[0]))["/to/0", ""] == "prompt"
        for chunk in (tricks[:12], tricks[12:]):
            c = Client(h).login(ch)
            got = sources(question(h, c.run("t.pay", {"to": chunk})[0]))
            for i, x in enumerate(chunk):
                assert got[f"/to/{i}", ""] in ("untrusted", "unknown"), (x, got[f"/to/{i}", ""])
        memo = "see https://my-bank.example'@evil.example/pay and https://acme.co.uk\\@evil.example/"
        got = sources(question(h, c.run("t.pay", {"to": ["anna.smith@example.com"], "memo": memo})[0]))
        assert {v for (a, x), v in got.items() if a == "/memo"} <= {"untrusted", "unknown"}, got
    shopping(g, one, ODD)


def many_values_hold_nobody_up(g):
    """A call that looks up as much as it can; another agent waits no longer than a moment."""
    many = json.dumps([{"id": "7", "from": "a b c " * 3000, "body": "a b c " * 3000}] * 8).encode()

    def one(h):
        c, d = Client(h).login(fresh()[0]), Client(h).login()
        c.run("t.mail")
        took = []
        for _ in range(20):
            c.call("t.pay", {"to": ["a,b"] * 128, "extra": json.dumps(["a.b.a.b"] * 1000)})
            start = h.cpu_s()
            assert d.run("t.no")[0][2] == DENY
            took.append(h.cpu_s() - start)
        assert sorted(took)[10] < 0.2, took  # 10 ms, as its clock ticks
    shopping(g, one, many)


def a_sub_agents_reading_is_its_parents(g):
    def one(h):
        now = int(time.time())
        ch, grant = chain(link=True, iat=now, nbf=now - 1)
        root, _ = chain(grant=grant, iat=now, nbf=now - 1)
        sub, parent = Client(h).login(ch, SUB), Client(h).login(root)
        assert sub.run("t.mail")[2][2] == "exited"
        t = question(h, parent.run("t.pay", {"to": ["mallory@evil.example"]})[0])
        assert sources(t)["/to/0", ""] == "untrusted" and msgpack.unpackb(t["context"])["tainted"] is True
    shopping(g, one)


TESTS = [v for k, v in list(globals().items()) if callable(v) and getattr(v, "__code__", None)
         and v.__code__.co_varnames[:1] == ("g",) and v.__module__ == __name__ and k not in ("run", "shopping")]

if __name__ == "__main__":
    sys.exit(main(sys.argv, TESTS))
