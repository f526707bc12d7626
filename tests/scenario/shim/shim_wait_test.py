#!/usr/bin/python3
"""tipstaff-shim against the fake gate. usage: shim_wait_test.py TIPSTAFF_SHIM

Calls that wait for people."""
import pty

from shim_case import *  # noqa: F403

EXPIRES = 4000000000


def asked(c, seq=1):
    c.decide(seq, PENDING, "approval_required", "people were asked", EXPIRES)


class WaitTest(ShimCase):
    def hold_of(self, *words):
        seen = []

        def script(c):
            c.handshake()
            seen.append(c.expect(CALL)[10])
            c.decide(1, DENY, "denied")
        r = self.shim("call", "t", *words, script=script)
        self.assertEqual(r.returncode, DENIED)
        return seen[0]

    def test_a_call_waits_for_50_seconds_unless_said(self):
        for words, ms in (((), 50000), (("--wait", "0"), 0), (("--wait", "90"), 90000), (("--wait", "7s"), 7000),
                          (("--wait", "10m"), 600000), (("--wait=1h",), 3600000), (("--wait", "3600s"), 3600000)):
            self.assertEqual(self.hold_of(*words), ms, words)

    def test_what_is_no_time_is_refused(self):
        for bad in ("", "s", "-1", "1.5", "1d", "61m", "2h", "3601", "10mm", "10m ", "99999999999999999999"):
            r = self.shim("call", "t", "--wait", bad)
            self.assertEqual(r.returncode, USAGE, bad)
            self.assertIn(b"--wait", r.stderr)
        r = self.shim("call", "--batch", "--events")
        self.assertEqual(r.returncode, USAGE)
        r = self.shim("check", "t", "--wait", "1")
        self.assertEqual(r.returncode, USAGE)

    def test_it_goes_on_by_itself_when_people_say_yes(self):
        def script(c):
            c.handshake(), c.expect(CALL)
            asked(c)
            c.decide(1)
            c.output(1, STDOUT, b"done\n")
            c.result(1, exit_code=3)
        r = self.shim("call", "t", "--wait", "10m", script=script)
        self.assertEqual((r.returncode, r.stdout), (3, b"done\n"))
        self.assertEqual(r.stderr, f"WAITING decision {ID}: people were asked; waiting up to 600 s\n".encode())

    def test_denied_and_not_answered_end_it(self):
        for verdict, code, exit_code, word in ((DENY, "approval_denied", DENIED, "DENIED"),
                                               (DENY, "approval_expired", DENIED, "DENIED"),
                                               (PENDING, "approval_required", PENDING_EXIT, "PENDING")):
            def script(c):
                c.handshake(), c.expect(CALL)
                asked(c)
                c.decide(1, verdict, code, "so\x1b[1m it is", EXPIRES if verdict == PENDING else 0)
            r = self.shim("call", "t", script=script)
            self.assertEqual(r.returncode, exit_code)
            self.assertEqual(r.stderr.decode().splitlines()[1:],
                             [f"{word} [{code}] decision {ID}: so\\x1b[1m it is"])

    def test_approved_but_not_started_is_refused(self):
        def script(c):
            c.handshake(), c.expect(CALL)
            asked(c)
            c.result(1, "refused", "sandbox_unavailable")
        r = self.shim("call", "t", script=script)
        self.assertEqual(r.returncode, REFUSED)
        self.assertIn(b"REFUSED [sandbox_unavailable]", r.stderr)

    def test_a_sidecar_that_is_lost_while_people_think_is_not_a_success(self):
        def script(c):
            c.handshake(), c.expect(CALL)
            asked(c)
        r = self.shim("call", "t", script=script)
        self.assertEqual(r.returncode, UNAVAILABLE)
        self.assertIn(b"--retry-id", r.stderr)

    def test_a_signal_withdraws_the_question(self):
        asked_now = threading.Event()

        def script(c):
            c.handshake(), c.expect(CALL)
            asked(c)
            asked_now.set()
            self.assertEqual(c.expect(CANCEL), [1, 1])
            c.decide(1, DENY, "cancelled")
        for sig, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            asked_now.clear()
            self.gate.start(script)
            p = subprocess.Popen([SHIM, "call", "t"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env())
            self.assertIn(b"WAITING", p.stderr.readline())
            p.send_signal(sig)
            p.communicate(timeout=60)
            self.assertEqual(p.returncode, code)
            self.gate.join()

    def test_events_are_one_object_a_line(self):
        def script(c):
            c.handshake(), c.expect(CALL)
            asked(c)
            c.decide(1)
            c.output(1, STDOUT, b"out")
            c.result(1, exit_code=3)
        r = self.shim("call", "t", "--wait", "90", "--events", script=script)
        self.assertEqual((r.returncode, r.stdout), (3, b"out"))
        waiting, decided, ended = [json.loads(x) for x in r.stderr.splitlines()]
        self.assertEqual(waiting, {"event": "waiting", "verdict": "pending", "decision": ID,
                                   "code": "approval_required", "text": "people were asked", "expires": EXPIRES,
                                   "wait_ms": 90000})
        self.assertEqual((decided["event"], decided["verdict"], decided["decision"]), ("decided", "permit", ID))
        self.assertEqual((ended["event"], ended["exit"], ended["signal"], ended["started"], ended["decision"]),
                         ("ended", 3, 0, True, ID))

        def deny(c):
            c.handshake(), c.expect(CALL)
            c.decide(1, DENY, "denied", "no\x1b[1m\u202e")
        r = self.shim("call", "t", "--events", script=deny)
        self.assertEqual(r.returncode, DENIED)
        self.assertTrue(r.stderr.isascii() and b"\x1b" not in r.stderr)
        self.assertEqual(json.loads(r.stderr)["text"], "no\x1b[1m\u202e")

    def test_a_batch_waits_only_when_told_and_answers_once(self):
        holds = []

        def script(c):
            c.handshake()
            for seq in (1, 2):
                holds.append(c.expect(CALL)[10])
                if holds[-1] > 0:
                    asked(c, seq)
                c.decide(seq, PENDING, "approval_required", "", EXPIRES)
        lines = b'{"tool":"t","id":1}\n{"tool":"t","id":2}\n'
        for words, want in (((), [0, 0]), (("--wait", "5s"), [5000, 5000])):
            holds.clear()
            r = self.shim("call", "--batch", *words, script=script, stdin=lines)
            self.assertEqual(holds, want)
            self.assertEqual([json.loads(x)["verdict"] for x in r.stdout.splitlines()], ["pending", "pending"])

    def test_a_terminal_sees_one_line_that_is_kept_up_to_date(self):
        go_on = threading.Event()

        def script(c):
            c.handshake(), c.expect(CALL)
            asked(c)
            go_on.wait(30)
            c.decide(1)
            c.result(1)
        self.gate.start(script)
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(SHIM, [SHIM, "call", "t", "--wait", "9m"], self.env())
        text = b""
        while True:
            try:
                got = os.read(fd, 4096)
            except OSError:
                break
            text += got
            if text.count(b"\r") >= 3:  # the first, and two seconds later
                go_on.set()
            if not got:
                break
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        os.close(fd)
        self.gate.join()
        shown = text.decode().rstrip().split("\r")
        head = f"WAITING decision {ID}: people were asked; waiting "
        self.assertTrue(all(x.startswith(head) for x in shown if x), shown)
        left = [int(x[len(head):].split()[0]) for x in shown if x]
        self.assertEqual(left, sorted(set(left), reverse=True))
        self.assertEqual(text.count(b"\n"), 1)


if __name__ == "__main__":
    unittest.main()
