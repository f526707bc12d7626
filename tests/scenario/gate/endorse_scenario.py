"""One yes for a task: what @endorse lets through, and every way around it that we
could think of. Judged by the log: see judged().
"""
from approval_context_scenario import *
from operators import *

HELD_BACK = ('@id("no-secrets") forbid (principal is User, action, resource) when { context.provenance.secrets && '
             '(context.provenance.authority.untrusted || context.provenance.links.untrusted) };\n')
RULE = """@id("{name}") @approval("{people}") {endorse} @reason("{name}")
forbid (principal is User, action in [Action::"t.pay", Action::"t.tell"], resource)
when {{ {when} }} unless {{ context.approvals.contains("{name}") }};
"""
ON = '@endorse("task")'
OPEN = "context.provenance.unendorsed."
BIG = "context.args has sum && context.args.sum > 1000"
MALLORY_AT = "mallory@evil.example"


def rules(*more):
    both = (("strangers", "confirm:1", ON, OPEN + "untrusted"), ("made-up", "confirm:1", ON, OPEN + "unknown"))
    return "".join(RULE.format(name=n, people=p, endorse=e, when=w) for n, p, e, w in both + more)


def bazaar(policies=None):
    """The shop, with a second tool and an argument more, and these rules."""
    f = shop()
    f["tools/t.pay.yaml"] = "log: full\n" + PAY.replace("  sum:", '  cc: {type: strings, required: false, max: 65536, description: "who"}\n  sum:')
    f["tools/t.tell.yaml"] = f["tools/t.pay.yaml"].replace("t.pay", "t.tell")
    f["tenants/acme/policies/approval/10.cedar"] = policies or rules()
    f["tenants/acme/policies/hard/20.cedar"] = HELD_BACK
    s = f["tenants/acme/schema.cedarschema"].replace("to?: Set<String>,", "to?: Set<String>, cc?: Set<String>,")
    s = s.replace(f"to?: {SOURCE},", f"to?: {SOURCE}, cc?: {SOURCE},")
    at = s.index('action "t.pay"')
    f["tenants/acme/schema.cedarschema"] = s[:at] + 'action "t.tell", ' + s[at + len("action "):]
    return f


def judged(h):
    """What holds of every log, whatever was tried: what is said to be endorsed was,
    by a call of the same grant, chain, tool and argument that people approved, that
    was started, and behind which nobody was revoked."""
    given = {}
    ended_as = {r["id"]: r for r in h.recorder.of("exec_ended")}
    for r in h.recorder.records:
        if r["kind"] == "revocation" and r["target_kind"] in ("user", "approver", "escalation", "decision"):
            given = {}
        if r["kind"] != "decision":
            continue
        use = (r["grant"], r["agent"], r["tool"])
        for arg, (source, *places) in r["context"].get("provenance", {}).get("args", {}).items():
            if any(p.startswith("endorsed:") for p in places):
                value = r["args"][arg]
                for item in value if isinstance(value, list) else [value]:
                    assert any(same(item, v) for v in given.get(use + (arg,), [])), (use, arg, item, given)
        if r.get("endorses"):
            end = ended_as[r["id"]]
            assert r["effect"] == "permit" and r["approved_by"] and r["ticket"], r
            assert end["reason"] != "refused" or "endorsed" not in end, end
            for arg, value in r["endorses"] if end.get("endorsed") else []:
                given.setdefault(use + (arg.split("/")[0],), []).append(value)


def same(a, b):
    return " ".join(str(a).lower().split()) == " ".join(str(b).lower().split())


def with_bazaar(gate, fn, **kw):
    def one(h):
        h.launcher.scripts["t.mail"] = said
        h.launcher.scripts["t.pay"] = h.launcher.scripts["t.tell"] = lambda launcher, oid, fds: launcher.end(oid, 0, 0)
        fn(h)
        read(h)
        judged(h)
    with_gate(gate, one, **dict({"files": bazaar()}, **kw))


def task(h, **kw):
    """A task that has read the mails, begun by a user; its connection and chain."""
    now = int(time.time())
    ch, grant = chain(iat=now, nbf=now - 1, **kw)
    c = Client(h).login(ch)
    begun(c, grant, "answer my mails")
    assert c.run("t.mail")[2][2] == "exited"
    c.chain, c.grant = ch, grant
    return c


def question(h, c, tool="t.pay", **args):
    """The question that the call comes to: its context and ticket."""
    return context(h, c.run(tool, args)[0])


def asks(h, c, tool="t.pay", **args):
    """The same, and nobody is for it."""
    x, t = question(h, c, tool, **args)
    assert Office(h).say(answer(t, BOB, verdict=NO)) in (("ok", "denied"), ("class", "waiting")), t
    return x, t


def runs(c, tool="t.pay", **args):
    d, _, result = c.run(tool, args)
    assert d[3] == "permitted" and result[2] == "exited", (d, result)


def denied(c, code, tool="t.pay", **args):
    d = c.run(tool, args)[0]
    assert d[2:4] == [DENY, code], d


def yes(h, c, *who, tool="t.pay", **args):
    """Asked, approved and run."""
    x, t = question(h, c, tool, **args)
    assert Office(h).approve(t, *(who or (ALICE,))) == ("ok", "granted")
    runs(c, tool, **args)
    return x


def read(h):
    """What was written before is read; a call's records go before its RESULT."""
    wait_for(lambda: struct.unpack_from("<Q", h.recorder.map, 0)[0] == h.recorder.tail, "an empty ring")


def ends(h):
    read(h)
    return h.recorder.of("exec_ended")


def last(h, tool="t.pay"):
    read(h)
    return [r for r in h.recorder.of("decision") if r["tool"] == tool][-1]


# --- what it does ------------------------------------------------------------------

def one_yes_is_enough_for_the_task(g):
    def one(h):
        c = task(h)
        x = yes(h, c, to=[MALLORY_AT], memo="first")
        assert x["endorses"] == [["to", MALLORY_AT]], x
        first = last(h)
        assert first["endorses"] == [["to", MALLORY_AT]] and first["approved_by"] == ["alice"], first
        runs(c, to=[MALLORY_AT], memo="second")
        r = last(h)
        p = r["context"]["provenance"]
        assert p["unendorsed"] == [False, False] and p["authority"] == [False, False, True, False], p
        assert p["args"]["to"] == ["untrusted", "t.mail:/*/body", "endorsed:call-2"], p["args"]
        assert "ticket" not in r and "endorses" not in r
        by = {e["id"]: e for e in ends(h)}
        assert by[first["id"]]["endorsed"] == 1 and "endorsed" not in by[r["id"]]
        x = yes(h, c, to=[MALLORY_AT, "zoe@made.example"], sum=77)
        assert x["endorses"] == [["to", "zoe@made.example"], ["sum", "77"]], x["endorses"]
        runs(c, to=["zoe@made.example", MALLORY_AT], sum=77, memo="both")
        assert last(h)["context"]["provenance"]["args"]["to"][-2:] == ["endorsed:call-4", "endorsed:call-2"], last(h)
        c2 = Client(h).login(c.chain)  # another session of the task
        runs(c2, to=[MALLORY_AT])
        asks(h, c2, to=[MALLORY_AT], sum=88)
    with_bazaar(g, one)


def a_held_call_lets_through_when_it_runs(g):
    def one(h):
        c = task(h)
        c.call("t.pay", {"to": [MALLORY_AT]}, hold=60000)
        d = c.want(DECISION)
        t = next(x for x, _, _ in Office(h).tickets() if x["decision_id"] == d[4])
        asks(h, Client(h).login(c.chain), to=[MALLORY_AT], memo="not yet")
        assert Office(h).approve(t, ALICE) == ("ok", "granted")
        d, _, result = c.collect()
        assert d[3] == "permitted" and result[2] == "exited"
        runs(c, to=[MALLORY_AT], memo="now")
    with_bazaar(g, one)


# --- what it does not do -------------------------------------------------------------

def nothing_else_is_let_through(g):
    """Other arguments, tools, agents, grants, texts."""
    def one(h):
        now = int(time.time())
        how = dict(iat=now, nbf=now - 1, exp=now + 600)
        c = task(h, **{k: v for k, v in how.items() if k == "exp"})
        yes(h, c, to=[MALLORY_AT], extra={"to": "eve@made.example", "cc": ["fay@made.example"]})
        asks(h, c, cc=[MALLORY_AT], to=["carol@example.com"])
        asks(h, c, tool="t.tell", to=[MALLORY_AT])
        for other in ("eve@made.example", "m" + MALLORY_AT, MALLORY_AT + ".example", "mallory@evil", "Mallory <%s>" % MALLORY_AT,
                      MALLORY_AT.replace("o", "\u043e"), "mallory @evil.example", MALLORY_AT + "," + MALLORY_AT):
            x, _ = asks(h, c, to=[other])
            assert x["endorses"] == [["to", other]], (other, x)
            if x["asked"][0] > 15:
                c = again(h, c)
        for other in ({"to": "fay@made.example"}, {"bcc": "eve@made.example"}, {"to": "EVE@made.example"},
                      {"to": {"to": "eve@made.example"}}, {"eve@made.example": 1}):
            asks(h, c, to=["carol@example.com"], extra=other)
    with_bazaar(g, one)


def again(h, c):
    """Another task in which the same was let through: questions are few in one."""
    c = task(h)
    yes(h, c, to=[MALLORY_AT], extra={"to": "eve@made.example", "cc": ["fay@made.example"]})
    return c


def the_same_in_another_spelling_is_the_same(g):
    def one(h):
        c = task(h)
        yes(h, c, to=[MALLORY_AT], sum=12)
        runs(c, to=[" MALLORY@Evil.Example "], sum=12)
        runs(c, to=["mallory@evil.example\u00a0", MALLORY_AT])
        x, _ = asks(h, c, to=["mallory\u00a0@evil.example"])
        assert x["endorses"], x
    with_bazaar(g, one)


def sub_agents_and_other_grants_are_asked(g):
    def one(h):
        now = int(time.time())
        grant, how = os.urandom(16), dict(iat=now, nbf=now - 1, exp=now + 600)
        ch, _ = chain(grant, **how)
        below, _ = chain(grant, link=True, **how)
        c = Client(h).login(ch)
        begun(c, grant, "answer my mails")
        c.run("t.mail")
        sub = Client(h).login(below, holder=SUB)
        x = yes(h, c, to=[MALLORY_AT])
        asks(h, sub, to=[MALLORY_AT])  # the same task
        assert last(h)["agent"] == "coder/sub" and last(h)["grant"] == grant
        x = yes(h, sub, to=[MALLORY_AT, "sam@made.example"])
        assert x["endorses"] == [["to", MALLORY_AT], ["to", "sam@made.example"]]
        runs(sub, to=["sam@made.example"])
        asks(h, c, to=["sam@made.example"])  # nor upwards
        runs(c, to=[MALLORY_AT])
        other = task(h)
        asks(h, other, to=[MALLORY_AT])
    with_bazaar(g, one)


def content_and_links_are_asked_about_each_time(g):
    def one(h):
        c = task(h)
        x = yes(h, c, to=[MALLORY_AT], memo="see https://evil.example/x")
        assert x["endorses"] == [["to", MALLORY_AT]], x
        asks(h, c, to=[MALLORY_AT], memo="again https://evil.example/x")
        asks(h, c, to=["carol@example.com"], memo=MALLORY_AT)
        runs(c, to=[MALLORY_AT], memo="no link")
        long = "x" * 150 + "@made.example"
        x = yes(h, c, to=[long])  # too long to be shown whole: not let through
        assert "endorses" not in x and "endorses" not in last(h), x
        asks(h, c, to=[long], memo="again")
    with_bazaar(g, one)


def an_endorsed_stranger_gets_no_secrets(g):
    def one(h):
        c = task(h)
        yes(h, c, to=[MALLORY_AT])
        denied(c, "forbidden", to=[MALLORY_AT], memo="the pin is hunter22.")
        assert any("no-secrets" in p for p in last(h)["policies"])
        runs(c, to=[MALLORY_AT], memo="no pin")
    with_bazaar(g, one)


def a_list_is_let_through_item_by_item(g):
    def one(h):
        c = task(h)
        yes(h, c, to=[MALLORY_AT])
        x, _ = asks(h, c, to=[MALLORY_AT, "new@made.example"])
        assert x["endorses"] == [["to", "new@made.example"]], x
        p = last(h)["context"]["provenance"]
        assert p["unendorsed"] == [False, True] and not any("endorsed" in s for s in p["args"]["to"]), p
        x, _ = asks(h, c, to=["new@made.example", MALLORY_AT])
        runs(c, to=[MALLORY_AT, MALLORY_AT])
        runs(c, to=[MALLORY_AT, "carol@example.com"])  # a trusted one beside it
        assert last(h)["context"]["provenance"]["unendorsed"] == [False, False]
        assert not any("endorsed" in s for s in last(h)["context"]["provenance"]["args"]["to"])
    with_bazaar(g, one)


def every_rule_must_have_the_annotation(g):
    def one(h):
        c = task(h)
        x = yes(h, c, ALICE, BOB, to=[MALLORY_AT], sum=2000)
        assert "endorses" not in x and "endorses" not in last(h)
        assert "endorsed" not in ends(h)[-1]
        asks(h, c, to=[MALLORY_AT])
        yes(h, c, to=[MALLORY_AT], memo="m")  # without the other rule it does
        runs(c, to=[MALLORY_AT])
        asks(h, c, to=[MALLORY_AT], sum=2000)
    with_bazaar(g, one, files=bazaar(rules(("big", "four-eyes:1", "", BIG))))


def without_it_nothing_is_let_through(g):
    def one(h):
        c = task(h)
        x = yes(h, c, to=[MALLORY_AT])
        assert "endorses" not in x
        asks(h, c, to=[MALLORY_AT])
    with_bazaar(g, one, files=bazaar(rules().replace(ON, "")))


def a_block_that_asks_lifts_nothing_of_the_tenants(g):
    """The tenant asks four eyes about what has a memo; the block's own, milder
    question was answered before."""
    mild = ('permit(principal, action, resource); @id("mild") @approval("confirm:1") @endorse("task") forbid (principal, '
            'action == Action::"t.tell", resource) when { context.provenance.unendorsed.unknown } '
            'unless { context.approvals.contains("mild") };')
    hard = RULE.format(name="eyes", people="four-eyes:1", endorse="", when="context.args has memo && " + OPEN + "unknown")
    def one(h):
        c = task(h, policies=mild)
        x, t = question(h, c, tool="t.tell", to=["zoe@made.example"])
        assert [r[0] for r in t["rules"]] == ["block:0/mild"] and x["endorses"] == [["to", "zoe@made.example"]], (t["rules"], x)
        assert Office(h).approve(t, ALICE) == ("ok", "granted")
        runs(c, "t.tell", to=["zoe@made.example"])
        runs(c, "t.tell", to=["zoe@made.example"])  # the block's own question is answered
        p = last(h, "t.tell")["context"]["provenance"]
        assert p["unendorsed"] == [False, True] and p["args"]["to"] == ["unknown", "endorsed:call-2 block:0"], p
        x, t = asks(h, c, tool="t.tell", to=["zoe@made.example"], memo="m")
        assert [r[0] for r in t["rules"]] == ["eyes"] and "endorses" not in x, t["rules"]
    with_bazaar(g, one, files=bazaar(hard))


# --- when it ends, or never begins ------------------------------------------------------

def what_was_not_started_lets_nothing_through(g):
    def one(h):
        c = task(h)
        launch = h.launcher.order

        def refuse(o):
            h.launcher.order = launch
            h.launcher.send(HOP_REFUSED, [o[1], "sandbox_unavailable", "landlock", 38, "no layer"])
        _, t = question(h, c, to=[MALLORY_AT])
        assert Office(h).approve(t, ALICE) == ("ok", "granted")
        h.launcher.order = refuse
        d, _, _ = c.run("t.pay", {"to": [MALLORY_AT]})
        r = last(h)
        assert r["effect"] == "permit" and r["endorses"] == [["to", MALLORY_AT]], r
        assert ends(h)[-1]["id"] == r["id"]
        assert ends(h)[-1]["reason"] == "refused" and "endorsed" not in ends(h)[-1]
        asks(h, c, to=[MALLORY_AT])
    with_bazaar(g, one)


def a_no_lets_nothing_through(g):
    def one(h):
        c = task(h)
        _, t = question(h, c, to=[MALLORY_AT])
        assert Office(h).say(answer(t, ALICE, verdict=NO))[0] == "ok"
        denied(c, "approval_denied", to=[MALLORY_AT])
        asks(h, c, to=[MALLORY_AT], memo="again")
    with_bazaar(g, one)


def a_revocation_ends_it(g):
    """Of anybody who approves, a user, a question, an escalation; of the tenant's
    alone, and not of a session."""
    def one(h):
        office = Office(h)
        for kind, target in (("approver", b"carol"), ("user", b"erin"), ("decision", os.urandom(16)),
                             ("escalation", os.urandom(16))):
            c, other = task(h), task(h)
            for x in (c, other):
                yes(h, x, to=[MALLORY_AT])
            runs(c, to=[MALLORY_AT], memo="let through")
            office.revoke(KIND[kind], target)
            for x in (c, other):
                asks(h, x, to=[MALLORY_AT], memo="asked " + kind)
        c = task(h)
        yes(h, c, to=[MALLORY_AT])
        office.revoke(KIND["session"], os.urandom(16))
        runs(c, to=[MALLORY_AT], memo="still")
    with_bazaar(g, one)


def revoked_between_yes_and_start_lets_nothing_through(g):
    def one(h):
        c = task(h)
        launch, kept = h.launcher.order, []
        _, t = question(h, c, to=[MALLORY_AT])
        assert Office(h).approve(t, ALICE) == ("ok", "granted")
        h.launcher.order = kept.append
        c.call("t.pay", {"to": [MALLORY_AT]})
        wait_for(lambda: kept, "the order")
        Office(h).revoke(KIND["approver"], b"alice")
        h.launcher.order = launch
        launch(kept[0])
        d, _, result = c.collect()
        assert d[3] == "permitted" and result[2] == "exited", (d, result)
        assert "endorsed" not in ends(h)[-1]
        asks(h, c, to=[MALLORY_AT], memo="again")
    with_bazaar(g, one)


def other_rules_or_people_end_it(g):
    def one(h):
        c = task(h)
        yes(h, c, to=[MALLORY_AT])
        assert Office(h).feed(people(seq=2))
        asks(h, c, to=[MALLORY_AT], memo="other people")
        yes(h, c, to=[MALLORY_AT])
        runs(c, to=[MALLORY_AT], memo="again")
        f = bazaar()
        f["tenants/acme/directory.snapshot"] = people(seq=2)
        assert h.prepare(2, f)[0] == 4
        h.send(6, [0, 2])
        wait_for(lambda: Client(h).login(fresh()[0]).run("t.mail")[0] is not None and
                 h.recorder.of("decision")[-1]["generation"] == 2, "the new rules")
        c2 = Client(h).login(c.chain)
        asks(h, c2, to=[MALLORY_AT], memo="other rules")
    with_bazaar(g, one)


def a_restart_ends_it(g):
    kept = {}

    def one(h):
        c = task(h)
        yes(h, c, to=[MALLORY_AT])
        runs(c, to=[MALLORY_AT], memo="before")
        kept.update(chain=c.chain, journal=list(h.recorder.journal))

    def two(h):
        c = Client(h).login(kept["chain"])
        asks(h, c, to=[MALLORY_AT], memo="behind")
    f = bazaar()  # one directory: another one under its number would not be taken
    with_bazaar(g, one, files=f)
    with_bazaar(g, two, files=f, journal=kept["journal"])


def a_full_table_takes_no_more_and_forgets_nothing(g):
    def one(h):
        now = int(time.time())
        c = task(h)
        for i in range(16):
            x = yes(h, c, to=[f"u{i}v{k}@made.example" for k in range(16)])
            assert len(x["endorses"]) == 16, x["endorses"]
        assert [r["endorsed"] for r in ends(h) if "endorsed" in r] == [16] * 16
        x = yes(h, c, to=["one@more.example"])
        assert x["endorses"] == [["to", "one@more.example"]]
        assert "endorsed" not in ends(h)[-1]
        asks(h, c, to=["one@more.example"], memo="again")
        for i in range(16):
            runs(c, to=[f"u{i}v{k}@made.example" for k in range(16)], memo="all")
        other = task(h)  # another task has room of its own
        yes(h, other, to=["one@more.example"])
        runs(other, to=["one@more.example"])
    with_bazaar(g, one)


TESTS = [v for k, v in list(globals().items()) if callable(v) and getattr(v, "__code__", None)
         and v.__code__.co_varnames[:1] == ("g",) and v.__module__ == __name__]

if __name__ == "__main__":
    sys.exit(main(sys.argv, TESTS))
