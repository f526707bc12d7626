#!/usr/bin/python3
"""Each allocation of a real tipstaff-gate failing in turn, alone and with all that
follow, while an agent asks and people answer. A call is then refused with a code and a
record, or its connection ends; nothing runs that was not permitted, nobody waits for
ever, and the next one is served. When the gate has ended, it has freed everything.
"""
import breakglass_scenario as glass
from approval_scenario import (ANSWER, APPROVALS, BOB, DENY, FAIL, NO, PENDING, PERMIT, TICKET, TICKETS_END, Office,
                               answer, opened, people)
from approval_context_scenario import MAIL, begun, fresh, said, shop
from harness import *
from hook_scenario import Hook
from memory import Page
from authority_scenario import KIND
from operators import ACK, COMPLETE, Operator
from output_scenario import SECRET, tripwires

KEPT, HAS_KEEP = 19, 4
STATUS, FEED, REVOKE_OP = 4, 9, 1
PAGE = Page()
RULES = '@counts("mails") @sums("paid=sum") permit (principal, action == Action::"t.pay", resource) when { ' \
        'context.uses.hasTag("mails") && context.sums.hasTag("paid") };\n' \
        'permit (principal, action, resource) when { action != Action::"t.pay" };'


def bazaar():
    f = shop()
    f["tools/t.mail.yaml"] = MAIL + "  withhold: secret\n"
    return f


class Ended(Exception):
    """The gate ended the connection."""


def at_work(h):
    h.launcher.scripts["t.mail"] = said
    h.launcher.scripts["t.pay"] = lambda launcher, oid, fds: launcher.end(oid, 0, 0)


def with_gate(program, fn, files=None, **kw):
    h = Gate(program, files=files or bazaar(), **kw)
    try:
        assert h.ready == (2, [0, "serving"]), (h.ready, h.text())
        at_work(h)
        fn(h)
        assert h.alive(), h.text()
        assert h.drain() == 0, h.text()
        assert PAGE.live() == 0, PAGE.live()
    except BaseException:
        print(h.text()[-4000:])
        raise
    finally:
        PAGE.disarm()
        h.close()


def reply(c, *kinds):
    """The next message, of one of these kinds; Ended when the gate says no more."""
    try:
        kind, body = c.get()
    except (Closed, OSError) as e:
        assert not isinstance(e, TimeoutError), "nobody answers"
        raise Ended("closed") from e
    if kind == ERROR and kind not in kinds:  # STATUS has the same number elsewhere
        assert body[1] not in ("protocol", "bad_frame"), body
        raise Ended(body[1])
    assert kind in kinds, (kind, body)
    return kind, body


def put(c, kind, body):
    try:
        c.put(kind, body)
    except OSError as e:
        raise Ended("closed") from e


def decided(h, c):
    """The next decision: it is in the record as it was told."""
    kind, d = reply(c, DECISION)
    wait_for(lambda: any(r["id"] == d[4] for r in h.recorder.of("decision")), f"the record of {d}")
    r = next(r for r in h.recorder.of("decision") if r["id"] == d[4])
    assert r["effect"] == {DENY: "forbid", PENDING: "pending", PERMIT: "permit"}[d[2]], (d, r)
    assert (d[3] == "permitted") == (d[2] == PERMIT) and d[3], d
    return d


def result(h, c):
    kept = False
    while True:
        kind, b = reply(c, OUTPUT, RESULT, KEPT)
        if kind == OUTPUT:
            assert b"hunter" not in b[3], "a secret was shown that is withheld"
        kept = kept or kind == KEPT
        if kind == RESULT:
            return b, kept


def is_balanced(h):
    """What was launched was permitted, in the record, and by nothing else."""
    permits = [r for r in h.recorder.of("decision") if r["effect"] == "permit"]
    assert h.launcher.started <= len(permits), (h.launcher.started, len(permits))


# --- an agent ---------------------------------------------------------------------

def asked(c, tool, args, hold=0, flags=0):
    c.seq += 1
    put(c, CALL, c.call_body(tool, args, seq=c.seq, hold=hold, flags=flags))


def people_say_yes(h, c, d, ends):
    """The question of d, if it was put to people: and then it runs, or is refused."""
    if d[2] != PENDING:
        assert d[2] == DENY, d  # never permitted without a question
        return None
    office = Operator(h)
    try:
        put(office, APPROVALS, [1, False, ""])
        seen = []
        while (got := reply(office, TICKET, TICKETS_END, FAIL))[0] == TICKET:
            seen.append(opened(got[1][1]))
        mine = [t for t in seen if t["decision_id"] == d[4]]
        if not mine:
            assert ends(), "a question that nobody sees, and no memory is missing"
            return None
        put(office, ANSWER, [1, answer(mine[0], BOB)])
        _, b = reply(office, 17, FAIL)
    finally:
        office.close()
    if len(b) > 3 and b[1] == "ok":
        return decided(h, c)
    assert ends(), (b, "and no memory is missing")
    return None


def nobody_waits(h):
    """What was left open is answered: the gate has not forgotten it."""
    office = Office(h)
    for t, _, _ in office.tickets():
        assert office.say(answer(t, BOB, verdict=NO))[0] == "ok"
    assert office.tickets() == []
    office.close()


def whole_task(h, ends):
    """A task: mails, whose secrets are withheld; a payment to who sent one, which people
    are asked about; a command."""
    ch, grant = fresh()
    c = Client(h)
    try:
        steps(h, c, ch, grant, ends)
        return True
    except Ended:
        return False
    finally:
        c.close()


def login(c, ch):
    kind, c.h = reply(c, HELLO)
    put(c, AUTH, c.auth_body(ch))
    reply(c, WELCOME)


def steps(h, c, ch, grant, ends):
    login(c, ch)
    try:
        begun(c, grant, "pay 5 to bob@example.com")
    except OSError as e:
        raise Ended("closed") from e
    asked(c, "t.mail", {})
    d = decided(h, c)
    ref = None
    if d[2] == PERMIT:
        b, kept = result(h, c)
        ref = b[-1] if b[2] == "exited" else None
    to = [{"$ref": ref, "path": "/0/from"}] if ref else ["bob@example.com"]
    asked(c, "t.pay", {"to": to, "sum": 5}, hold=60000)
    first = decided(h, c)
    d = people_say_yes(h, c, first, ends)
    if d is not None and d[2] == PERMIT:
        result(h, c)
    assert d or ends(), (first, "and no memory is missing")
    c.seq += 1
    put(c, CHECK, [1, c.seq, [["t.cat", {}], ["t.no", {}]], "", []])
    kind, b = reply(c, CHECKED)
    assert b[2][1][0] == DENY, b
    put(c, TOOLS, [1, 77])
    reply(c, TOOLS)


def a_task_that_gets_no_memory_is_refused_and_the_next_is_served(program):
    def one(h):
        for _ in range(3):
            assert whole_task(h, lambda: False)
        n = PAGE.made(lambda: whole_task(h, lambda: False))
        done = []

        def once(ends):
            done.append(whole_task(h, ends))
            ends()
            is_balanced(h)
            nobody_waits(h)
            if len(done) % 8 == 0:
                assert whole_task(h, lambda: False), "the next one is not served"
        n = PAGE.sweep(once)
        print(f"    a task: {n} allocations; {done.count(False)} of {len(done)} connections ended")
        assert n >= 20 and done.count(True) > 0, n
        assert whole_task(h, lambda: False)
        permits = [r for r in h.recorder.of("decision") if r["effect"] == "permit" and r["tool"] == "t.pay"]
        assert all(r["approved_by"] == ["bob"] for r in permits), permits
    with_gate(program, one)


def swept(h, once, least, name, serves=None, before=lambda: None):
    """once(ends) with each allocation failing; then the gate is as good as new."""
    before()
    once(lambda: False)

    def one(ends):
        once(ends)
        ends()
        is_balanced(h)
    n = PAGE.sweep(one, before)
    print(f"    {name}: {n} allocations")
    assert n >= least, n
    assert (serves or whole_task)(h, lambda: False)


def a_secret_of_an_output_is_cut_out_or_the_output_with_it(program):
    def one(h):
        def tells(launcher, oid, fds):
            try:
                for at in range(0, len(SECRET) + 40, 5):
                    os.write(fds[1], (b"x" * 20 + SECRET + b"y" * 20)[at:at + 5])
            except OSError:
                pass  # killed
            launcher.end(oid, 0, 0)

        def once(ends):
            h.launcher.scripts["t.echo"], h.launcher.tripwires = tells, tripwires(SECRET)
            c, out = Client(h), b""
            try:
                login(c, fresh()[0])
                asked(c, "t.echo", {"text": "x"}, hold=60000)
                d = people_say_yes(h, c, decided(h, c), ends)
                while d and d[2] == PERMIT:
                    kind, b = reply(c, OUTPUT, RESULT, DECISION)
                    if kind == RESULT:
                        break
                    out += b[3] if kind == OUTPUT else b""
            except Ended:
                pass
            finally:
                c.close()
            ends()
            assert SECRET not in out, out
            h.launcher.tripwires = b""
            nobody_waits(h)
        swept(h, once, 5, "an output with a secret")
    with_gate(program, one)


def what_is_revoked_without_memory_is_revoked_or_not_acknowledged(program):
    def one(h):
        now = {}

        def before():
            now["chain"], now["grant"] = fresh()
            now["session"] = Client(h).login(now["chain"])
            now["session"].call("t.hold")
            assert now["session"].want(DECISION)[3] == "permitted"

        def once(ends):
            ch, grant, c = now["chain"], now["grant"], now["session"]
            office = Operator(h)
            try:
                put(office, REVOKE_OP, [1, revocation(1, grant)])
                said_so = reply(office, ACK, FAIL)[0] == ACK
                said_so = said_so and reply(office, COMPLETE, FAIL)[0] == COMPLETE
            except Ended:
                said_so = False
            office.close()
            ends()
            if not said_so:
                assert Operator(h).revoke(1, grant)[0] == 1  # again, and now it is
            try:
                while True:
                    c.get()
            except Closed:
                pass  # it is told why, or only ended
            c.close()
            d = Client(h)
            d.hello()
            d.put(AUTH, d.auth_body(ch))
            assert d.closed() in ("revoked", "auth_failed")
            d.close()
        swept(h, once, 2, "a revocation", serves_a_call, before)
    with_gate(program, one, files=config([UID]))


def serves_a_call(h, _ends):
    c = Client(h).login(fresh()[0])
    code = c.run("t.cat")[0][3]
    c.close()
    return code == "permitted"


def a_directory_that_gets_no_memory_is_not_taken_over(program):
    def one(h):
        seq = [1]

        def once(ends):
            seq[0] += 1
            office = Operator(h)
            try:
                got = office.feed(people(seq=seq[0]))
            except (Closed, OSError):
                got = "closed"
            office.close()
            ends()
            if isinstance(got, str):
                assert Operator(h).feed(people(seq=seq[0]))[0] == 1, got
        swept(h, once, 10, "a directory")
    with_gate(program, one)


def a_reload_that_gets_no_memory_is_rejected_and_the_old_one_serves(program):
    def one(h):
        rejected = []

        def once(ends):
            got = h.prepare(2, bazaar())
            fired = ends()
            assert got[0] in (4, 5), got
            assert got[0] == 4 or (fired and got[1][-1]), got  # and says why
            rejected.append(got[0] == 5)
            h.send(7, [0, 2, ""])
        swept(h, once, 50, "a reload")
        assert rejected.count(True) > 20
        assert h.prepare(3, bazaar())[0] == 4
        h.send(6, [0, 3])
        assert whole_task(h, lambda: False)
    with_gate(program, one)


def who_watches_questions_misses_none_or_is_sent_away(program):
    def one(h):
        def once(ends):
            hook, c = None, Client(h)
            try:
                hook = Hook(h)
                login(c, fresh()[0])
                asked(c, "t.pay", {"to": ["bob@example.com"], "sum": 5}, hold=60000)
                d = decided(h, c)
                if d[2] == PENDING:
                    while (got := reply(hook, TICKET, TICKETS_END))[0] == TICKETS_END:
                        pass
                    assert opened(got[1][1])["decision_id"] == d[4]
                else:
                    assert ends()
            except Ended:
                assert ends()
            c.close()
            if hook:
                hook.s.close()
            ends()
            nobody_waits(h)
        swept(h, once, 5, "a question that is watched")
    with_gate(program, one)


def what_operators_ask_is_answered_or_they_are_sent_away(program):
    def one(h):
        def once(ends):
            for kind, body in ((STATUS, [1]), (APPROVALS, [1, True, ""]), (21, [1, ""]), (77, [1]), (ANSWER, [1, b"x"])):
                office = Operator(h)
                try:
                    put(office, kind, body)
                    reply(office, STATUS, TICKETS_END, 17, 23, FAIL)
                except Ended:
                    assert ends() or kind == 77, kind
                office.close()
        swept(h, once, 5, "operators")
    with_gate(program, one)


def an_emergency_that_gets_no_memory_is_not_open(program):
    def one(h):
        def once(ends):
            task = os.urandom(4).hex()
            raw, _ = glass.body(task=task, uses=2)
            obj, office = glass.opened_by(raw, glass.BOB, glass.CAROL), Operator(h)
            try:
                put(office, glass.ESCALATE, [1, obj])
                _, b = reply(office, glass.ESCALATED, FAIL)
                is_open = b[1] == "ok"
            except Ended:
                is_open = None  # the answer is lost
            office.close()
            ch = chain(task=task)[0]
            c = Client(h)
            try:
                login(c, ch)
                asked(c, "t.echo", {})
                d = decided(h, c)
                assert is_open or ends()
                assert d[2] == DENY or is_open is not False, "permitted, and not open"
            except Ended:
                pass
            c.close()
            fired = ends()
            again = glass.Office(h)
            for row in again.list():
                again.revoke(KIND["escalation"], row[1] if isinstance(row[1], bytes) else row[2])
            again.close()
            assert is_open or fired
        swept(h, once, 5, "an emergency", serves_a_call)
    with_gate(program, one, files=glass.files())


def a_gate_that_gets_no_memory_does_not_start(program):
    ended = []

    def once(ends):
        h = Gate(program, files=bazaar())
        try:
            fired = ends()
            at_work(h)
            if h.ready == (2, [0, "serving"]):
                assert whole_task(h, lambda: False)
                assert h.drain() == 0, h.text()
            else:
                assert fired, (h.ready, h.text())
                assert h.p.wait(20) == 1, h.text()
                ended.append(1)
        finally:
            h.close()
    n = PAGE.sweep(once)
    print(f"    a start: {n} allocations")
    assert n > 20 and len(ended) > 20, (n, ended)


TESTS = [v for k, v in list(globals().items()) if callable(v) and getattr(v, "__code__", None)
         and v.__code__.co_varnames[:1] == ("program",) and k not in ("main", "with_gate")]

def main(program, names):
    """A gate each, one at a time: they would share the page."""
    for test in TESTS:
        if names and test.__name__ not in names:
            continue
        start = time.monotonic()
        test(program)
        print(f"ok      {test.__name__} ({time.monotonic() - start:.1f} s)", flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    main(sys.argv[1], sys.argv[2:])
