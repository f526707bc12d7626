"""Approvals under attack, the real gate: races without end, ten thousand questions
of one hijacked agent, a full ring, a full disk, a recorder that has died.

Every race is judged by the log, which is what is left of it: see judged().
"""
import random

from approval_scenario import *
from operators import ACK, COMPLETE

ROUNDS = 150  # of each race
OK, NO_SPACE, STOPPED = 1, 2, 0  # what the recorder says of itself


def settle(h):
    """What was sent before has been decided, and its records have been read."""
    Operator(h).revoke(KIND["grant"], os.urandom(16))
    wait_for(lambda: struct.unpack_from("<Q", h.recorder.map, 0)[0] == h.recorder.tail, "an empty ring")


def judged(h):
    """What holds of every log, whatever happened: a question has one end; it is
    taken once, by one launch, behind enough people and in front of its journal
    entry; nothing is launched on a grant behind its revocation. Returns the ends
    by ticket."""
    ends, launched, gone, yes, waits = {}, {}, set(), {}, set()
    for r in h.recorder.records:
        kind = r["kind"]
        if kind == "revocation":
            gone.add(r["target"])
        elif kind == "approval" and r["code"] == "ok" and r["verdict"] == "yes":
            yes.setdefault(r["ticket"], []).append(r["person"])
        elif kind == "decision" and r["effect"] == "pending":
            waits.add(r["ticket"])
        elif kind == "decision" and r["effect"] == "permit" and r.get("ticket"):
            assert r["ticket"] not in launched and r["ticket"] in waits, "launched twice, or unasked"
            assert r["grant"] not in gone and r["grant"].hex() not in gone, "launched behind a revocation"
            assert sorted(r["approved_by"]) == sorted(yes[r["ticket"]]), (r["approved_by"], yes)
            launched[r["ticket"]] = r["id"]
        elif kind == "approval_ended":
            assert r["ticket"] not in ends, "two ends"
            ends[r["ticket"]] = r["reason"]
    for ticket, why in ends.items():
        assert (why == "taken") == (ticket in launched), (why, ticket in launched)
    assert set(launched) <= set(ends) <= waits
    entries = {msgpack.unpackb(j[3])[3]: msgpack.unpackb(j[3])[4] for j in journal_of(h, JOURNAL_APPROVAL)}
    assert entries == launched, "who approved stands in the journal of each launch, and of nothing else"
    assert h.launcher.started == len(launched), (h.launcher.started, len(launched))
    return ends


def last_word(c):
    """The last DECISION of a held call, or how its connection ended."""
    try:
        kind, body = c.get()
    except Closed:
        return "closed"
    if kind == ERROR:
        return body[1]
    assert kind == DECISION, (kind, body)
    return body[3]


def raced(h, what, rounds=ROUNDS):
    """yes and something else at once, with threads that nobody orders."""
    office, other = Office(h), Office(h)
    words = {}
    for i in range(rounds):
        ch, grant = chain()
        c, d = held(h, "t.echo", client=Client(h).login(ch))
        t = next(x for x, _, _ in office.tickets() if x["decision_id"] == d[4])
        again = Client(h).login(ch) if what == "retry" else None
        yes = lambda: office.put(ANSWER, [1, answer(t, BOB)])
        against = {"cancel": lambda: c.put(CANCEL, [1, c.seq]),
                   "revoke": lambda: other.put(1, [1, revocation(1, grant)]),
                   "revoke_person": lambda: other.put(1, [1, revocation(KIND["approver"], b"bob")]),
                   "disconnect": c.close,
                   "no": lambda: other.put(ANSWER, [1, answer(t, CAROL, verdict=NO)]),
                   "yes": lambda: other.put(ANSWER, [1, answer(t, CAROL)]),
                   "retry": lambda: again.call("t.echo")}[what]
        gap = random.choice((0, 0, random.random() / 4000))
        def late():
            time.sleep(gap)
            against()
        first, second = (yes, late) if random.random() < 0.5 else (late, yes)
        threads = [threading.Thread(target=first), threading.Thread(target=second)]
        for x in threads:
            x.start()
        for x in threads:
            x.join()
        said = office.want(ANSWERED)[1]
        if what in ("revoke", "revoke_person"):
            assert other.want(ACK) and other.want(COMPLETE)
        if what in ("no", "yes"):
            said = (said, other.want(ANSWERED)[1])
        if what == "revoke_person" and said == "revoked":
            c.put(CANCEL, [1, c.seq])  # others may still answer
        word = last_word(c) if what != "disconnect" else "gone"
        if what == "retry":
            got = again.collect()
            word = (word, got[0][3])
            again.close()
        words[(said, word)] = words.get((said, word), 0) + 1
        c.close()
        if what == "disconnect":  # what stays is asked for and taken, or withdrawn
            b = Client(h).login(ch)
            b.run("t.echo")
            b.close()
    settle(h)
    assert h.alive(), h.text()
    return words


def only(words, *fine):
    assert set(words) <= set(fine), words
    return words


def yes_and_cancel(g):
    def one(h):
        only(raced(h, "cancel"), ("ok", "permitted"), ("unknown", "cancelled"), ("ok", "cancelled"))
        assert set(judged(h).values()) <= {"taken", "withdrawn"}
    with_gate(g, one, files=files())


def yes_and_revoke(g):
    def one(h):
        only(raced(h, "revoke"), ("ok", "permitted"), ("unknown", "revoked"), ("revoked", "revoked"),
             ("unknown", "closed"), ("ok", "revoked"))
        assert set(judged(h).values()) <= {"taken", "revoked"}
    with_gate(g, one, files=files(), rate=100000)


def yes_and_the_revocation_of_who_says_it(g):
    """In a tenant of its own for each round, so to say: bob is revoked for good."""
    for _ in range(25):
        def one(h):
            raced(h, "revoke_person", rounds=1)
            judged(h)
            c, _ = held(h, "t.echo", args={"text": "after"})
            office = Office(h)
            t = next(x for x, _, _ in office.tickets() if x["args"] != b"\x80")
            assert office.say(answer(t, BOB))[0] == "revoked" and not judged(h).get(t["id"])
        with_gate(g, one, files=files())


def yes_and_no(g):
    def one(h):
        only(raced(h, "no"), (("ok", "ok"), "approval_denied"), (("unknown", "ok"), "approval_denied"),
             (("denied", "ok"), "approval_denied"), (("ok", "unknown"), "permitted"))
        assert set(judged(h).values()) <= {"taken", "denied"}
    with_gate(g, one, files=files())


def yes_and_yes(g):
    def one(h):
        words = only(raced(h, "yes"), (("ok", "unknown"), "permitted"), (("unknown", "ok"), "permitted"),
                     (("ok", "enough"), "permitted"), (("enough", "ok"), "permitted"))
        assert set(judged(h).values()) == {"taken"} and sum(words.values()) == ROUNDS
    with_gate(g, one, files=files())


def yes_and_the_same_call_of_another_session(g):
    """One of the two runs; the other is asked anew, or told that its question went."""
    def one(h):
        only(raced(h, "retry"), ("ok", ("permitted", "approval_required")), ("ok", ("approval_expired", "permitted")))
        ends = judged(h)
        assert list(ends.values()).count("taken") == ROUNDS, ends
    with_gate(g, one, files=files())


def yes_and_a_connection_that_goes(g):
    def one(h):
        raced(h, "disconnect")
        ends = judged(h)
        assert list(ends.values()).count("taken") == ROUNDS, "an approved call that was asked for again was lost"
    with_gate(g, one, files=files())


# --- answers for something else ------------------------------------------------

def an_answer_is_good_for_one_question_alone(g):
    """Also where the call is the same to the byte, and asked by the same agent."""
    def one(h):
        ch, _ = chain()
        office = Office(h)
        c, _ = held(h, client=Client(h).login(ch))
        first = office.only()
        good = answer(first, BOB)
        assert office.say(good) == ("ok", "granted") and c.collect()[0][3] == "permitted"
        c.call("t.echo", hold=60000)
        c.want(DECISION)
        second = office.only()
        assert second["args"] == first["args"] and second["id"] != first["id"]
        assert office.say(good) == ("unknown", "none")
        assert office.say(answer(second, BOB, id=first["id"]))[0] == "ticket"
        assert office.say(answer(second, BOB, decision_id=first["decision_id"])) == ("unknown", "none")
        assert h.launcher.started == 1 and office.approve(second, CAROL) == ("ok", "granted")
    with_gate(g, one, files=files())


# --- too much ------------------------------------------------------------------

def a_hijacked_agent_buries_nobody(g):
    """Ten thousand different questions in four sessions: others ask, are seen, are answered and are served meanwhile."""
    def one(h):
        mine, _ = chain()
        agents = [Client(h).login(mine) for _ in range(4)]
        office, codes, slowest, most = Office(h), {}, 0, 0
        for i in range(0, 10000, 40):
            for n, agent in enumerate(agents):
                for k in range(10):
                    agent.call("t.echo", {"text": f"{i + 10 * n + k}"})
            if i % 400 == 0:  # in the midst of it
                calm = Client(h).login()
                start, used = time.monotonic(), h.cpu_s()
                calm.call("t.trim", {"text": str(i)}, hold=60000)
                d = calm.want(DECISION)
                assert d[3] == "approval_required", d
                t = next(x for x, _, _ in office.tickets() if x["decision_id"] == d[4])
                assert office.say(answer(t, ALICE)) == ("ok", "granted")
                assert calm.collect()[2][2] == "exited"
                slowest, most = max(slowest, time.monotonic() - start), max(most, h.cpu_s() - used)
                calm.close()
            for agent in agents:
                for _ in range(10):
                    kind, body = agent.get()
                    codes[body[3]] = codes.get(body[3], 0) + 1
        assert codes == {"approval_required": 8, "rate_limited": 9992}, codes
        assert slowest < 10 and most < 0.5, (slowest, most)  # some ms, but on a busy machine
        seen = [x for x, _, _ in office.tickets()]
        assert len(seen) == 8 and all(x["tool"] == "t.echo" for x in seen), len(seen)
        assert office.status()["approvals"] == {"open": 8, "held": 0}
        settle(h)
        assert len(h.recorder.of("approval_ended")) == 25
    with_gate(g, one, files=files())


def sub_agents_ask_on_the_account_of_their_grant(g):
    def one(h):
        ch, _ = chain(link=True)
        first = Client(h).login(ch, holder=SUB)
        for i in range(8):
            assert first.run("t.echo", {"text": str(i)})[0][3] == "approval_required"
        assert first.run("t.echo", {"text": "9"})[0][3] == "rate_limited"
        for i in range(3):
            assert Client(h).login(ch, holder=SUB).run("t.echo", {"text": f"{i}x"})[0][3] == "rate_limited"
        assert len(Office(h).tickets()) == 8
    with_gate(g, one, files=files())


def a_tenant_is_full_and_what_waits_can_be_answered(g):
    """32 grants of eight questions: the 257th is refused, those before it are all
    in the list, each can be answered, and a place that is left is free again."""
    def one(h):
        for i in range(32):
            c = Client(h).login()
            for k in range(8):
                assert c.run("t.echo", {"text": f"{i}.{k}"})[0][3] == "approval_required"
            c.close()
        c = Client(h).login()
        assert c.run("t.echo")[0][3] == "rate_limited"
        office = Office(h)
        start = h.cpu_s()
        seen = office.tickets()
        assert len(seen) == 256 and h.cpu_s() - start < 1
        for t, _, _ in seen[::16]:
            assert office.say(answer(t, BOB, verdict=NO)) == ("ok", "denied")
        assert c.run("t.echo")[0][3] == "approval_required"
        settle(h)
        assert list(judged(h).values()) == ["denied"] * 16
    with_gate(g, one, files=files())


# --- the recorder is in trouble ------------------------------------------------

def filled(h, c):
    """The recorder reads no more, and the ring takes no more: the gate holds the
    calls of c back."""
    h.recorder.paused = True
    with h.recorder.lock:  # it has read what it was reading
        pass
    def forever(step):
        try:
            while step() != b"":
                pass
        except OSError:
            pass
    for step in (lambda: c.call("t.no", {"text": "x" * 1000}), lambda: c.s.recv(65536)):
        threading.Thread(target=forever, args=(step,), daemon=True).start()
    head, same, was = lambda: struct.unpack_from("<Q", h.recorder.map, 0)[0], 0, -1
    end = time.monotonic() + 60
    while same < 100 or RING_BYTES - (was - h.recorder.tail) >= RING_BYTES // 4:
        assert time.monotonic() < end, "the ring does not fill"
        same, was = (same + 1, was) if head() == was else (0, head())
        time.sleep(0.005)


def a_full_ring_holds_an_answer_back_and_loses_nothing(g):
    def one(h):
        c, d = held(h)
        office = Office(h)
        t = office.only()
        flood = Client(h).login()
        filled(h, flood)
        office.put(ANSWER, [1, answer(t, BOB)])
        office.s.settimeout(0.2)
        try:
            office.get()
            raise AssertionError("answered without a record")
        except TimeoutError:
            pass
        office.s.settimeout(60)
        assert not h.launcher.started and h.alive()
        flood.s.shutdown(socket.SHUT_RDWR)
        h.recorder.paused = False
        assert office.want(ANSWERED)[1:4:2] == ["ok", "granted"]
        assert c.want(DECISION)[3] == "permitted" and c.collect()[2][2] == "exited"
        settle(h)
        assert list(judged(h).values()) == ["taken"]
    with_gate(g, one, files=files())


def a_full_disk_takes_the_answer_and_launches_nothing(g):
    def one(h):
        ch, _ = chain()
        c, d = held(h, client=Client(h).login(ch))
        office = Office(h)
        t = office.only()
        h.recorder.state(NO_SPACE)
        assert office.say(answer(t, BOB)) == ("ok", "granted")
        assert c.want(DECISION)[2:4] == [DENY, "audit_unavailable"]
        assert not h.launcher.started and office.tickets()[0][1] == 2  # the yes is kept
        h.recorder.state(OK)
        assert Client(h).login(ch).run("t.echo")[2][2] == "exited"
        settle(h)
        assert list(judged(h).values()) == ["taken"]
    with_gate(g, one, files=files())


def while_nothing_can_be_recorded_nothing_is_answered(g):
    def one(h):
        ch, _ = chain()
        c, d = held(h, client=Client(h).login(ch), hold=3600000)
        office = Office(h)
        t = office.only()
        h.recorder.state(STOPPED)
        assert office.say(answer(t, BOB)) == ("audit_unavailable", "waiting")
        assert office.say(answer(t, CAROL, verdict=NO)) == ("audit_unavailable", "waiting")
        assert not h.launcher.started
        h.recorder.state(OK)
        assert office.say(answer(t, BOB)) == ("ok", "granted")
        assert Client(h).login(ch).run("t.echo")[2] is None or h.launcher.started == 1
        settle(h)
        assert list(judged(h).values()).count("taken") == 1
    with_gate(g, one, files=files())


TESTS = [v for k, v in list(globals().items()) if callable(v) and getattr(v, "__code__", None)
         and v.__code__.co_varnames[:1] == ("g",) and v.__module__ == __name__]

if __name__ == "__main__":
    sys.exit(main(sys.argv, TESTS))
