"""The on_pending hook as the gate meets it: a channel from the supervisor, of which
the other end may be anybody's by the time it is used.
"""
import json

from approval_scenario import ANSWER, BOB, NEWS, TICKET, TICKETS_END, Office, answer, files, held, opened
from authority_scenario import with_gate
from harness import *
from runner import main

WATCHER, HOOK, APPROVALS, STATUS, FAIL = 12, 18, 12, 4, 5


class Hook(Client):
    def __init__(self, gate, uid=None):
        theirs, self.s = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.s.settimeout(20)
        self.buf = b""
        gate.send(WATCHER, [1, os.geteuid() if uid is None else uid], [theirs.fileno()])
        theirs.close()

    def listed(self):
        out = []
        while True:
            kind, body = self.get()
            if kind == TICKETS_END:
                return out
            assert kind == TICKET, (kind, body)
            out.append(opened(body[1]))

    def report(self, ran, failed, left_out=0, code="exit", text="exit 3"):
        self.put(HOOK, [1, ran, failed, left_out, code, text])

    def is_closed(self):
        try:
            while self.s.recv(65536):
                pass
        except ConnectionError:
            pass
        return True


def status(office):
    office.put(STATUS, [1])
    kind, body = office.get()
    assert kind == STATUS, (kind, body)
    return json.loads(body[1])["hook"]


def T30_it_is_told_of_every_question_and_every_end(g):
    def one(h):
        c, d = held(h, args={"text": "x"})
        hook, office = Hook(h), Office(h)
        (t,) = hook.listed()
        assert t["decision_id"] == d[4]
        assert status(office) == {"state": "watching", "ran": 0, "failed": 0, "left_out": 0, "last_failure": ""}
        assert office.say(answer(t, BOB)) == ("ok", "granted")
        assert hook.want(NEWS)[3] == "granted"
        assert c.want(DECISION)[3] == "permitted"
        assert hook.want(NEWS)[3] == "taken"
        c2, d2 = held(h, args={"text": "y"})
        assert opened(hook.want(TICKET)[1])["decision_id"] == d2[4]
        hook.s.close()
        wait_for(lambda: status(office)["state"] == "lost", "that it is gone")
        wait_for(lambda: [r["code"] for r in h.recorder.of("hook_failed")] == ["lost"], "its record")
        assert office.say(answer(opened_of(office, d2), BOB)) == ("ok", "granted")
        assert c2.want(DECISION)[3] == "permitted"
    with_gate(g, one, files=files())


def opened_of(office, d):
    (t,) = [t for t, _, _ in office.tickets() if t["decision_id"] == d[4]]
    return t


def T31_it_can_say_how_it_fares_and_nothing_else(g):
    def one(h):
        c, _ = held(h, args={"text": "x"})
        office = Office(h)
        t = office.only()
        other = b"\x93\x01\x02\x03"
        for kind, body in ((ANSWER, [1, answer(t, BOB)]), (APPROVALS, [1, True, ""]), (STATUS, [1]), (1, [1, b"x"]),
                           (9, [1, 1, b"x"]), (HOOK, [1, 1, 2, 0, "exit", ""]), (HOOK, [1, 1, 1, 0, "E X", ""]),
                           (HOOK, [1, 1, 1, 0, "exit", "x" * 5000]), (HOOK, [2, 1, 1, 0, "exit", ""]), (77, other)):
            hook = Hook(h)
            hook.listed()
            hook.put(kind, body)
            assert hook.is_closed(), (kind, body)
        assert office.only()["id"] == t["id"] and not h.launcher.started
        assert not h.recorder.of("approval")
        # nor may who operates say it
        office.put(HOOK, [1, 1, 1, 0, "exit", ""])
        assert office.get()[0] == FAIL
        # who is not of the hook's uid is not heard
        hook = Hook(h, uid=4242)
        hook.listed()
        hook.report(1, 1)
        assert hook.is_closed()
        assert h.alive()
    with_gate(g, one, files=files())


def T32_failures_are_counted_and_one_record_stands_for_many(g):
    def one(h):
        hook, office = Hook(h), Office(h)
        hook.listed()
        for n in range(1, 2001):
            hook.report(2 * n, n, left_out=n // 2)
        wait_for(lambda: status(office)["failed"] == 2000, "the last of them")
        assert status(office) == {"state": "watching", "ran": 4000, "failed": 2000, "left_out": 1000,
                                  "last_failure": "exit"}
        assert len(h.recorder.of("hook_failed")) == 1, h.recorder.of("hook_failed")
        hook.s.close()
        wait_for(lambda: status(office)["state"] == "lost", "that it is gone")
        again = Hook(h)
        again.listed()
        again.report(3, 1, code="timeout")  # counts of processes are added up
        wait_for(lambda: status(office)["failed"] == 2001, "the count of both")
        assert status(office) == {"state": "watching", "ran": 4003, "failed": 2001, "left_out": 1000,
                                  "last_failure": "timeout"}
        wait_for(lambda: len(h.recorder.of("hook_failed")) == 2, "the record of the rest, ten seconds on")
        r = h.recorder.of("hook_failed")[1]
        assert (r["code"], r["ran"], r["failed"], r["left_out"]) == ("timeout", 4003, 2001, 1000), r
    with_gate(g, one, files=files())


TESTS = [v for k, v in list(globals().items()) if callable(v) and getattr(v, "__code__", None)
         and v.__code__.co_varnames[:1] == ("g",) and v.__module__ == __name__]

if __name__ == "__main__":
    sys.exit(main(sys.argv, TESTS))
