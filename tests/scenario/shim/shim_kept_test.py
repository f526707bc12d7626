#!/usr/bin/python3
"""tipstaff-shim against the fake gate. usage: shim_kept_test.py TIPSTAFF_SHIM

Outputs that are kept back, and handles."""
from shim_case import *  # noqa: F403

FROM = ["/*/from", 1, 12, 13, 31, 1, False]
BODY = ["/*/?", 1, 3, 5, 5, 2, False]
PIN = ["/pin", 2, 1, 0, 0, 1, True]
KEEP, WITHHELD, RECORDED = 4, 8, 4


class KeptTest(ShimCase):
    def kept(self, rows, *words, **kept):
        """One call whose output is kept back; the CALL and what the shim did."""
        seen = []

        def script(c):
            c.handshake()
            seen.append(c.expect(CALL))
            c.decide(1)
            c.kept(1, rows, **kept)
            c.result(1, flags=WITHHELD)
        return self.shim("call", "t", *words, script=script), seen

    @staticmethod
    def idle(c):
        c.handshake()
        c.sock.recv(1)  # until it goes

    def test_the_wish_is_in_the_call(self):
        for words, flags, most in (((), 0, 0), (("--handle",), KEEP, 0), (("--max-inline", "0"), KEEP, 0),
                                   (("--max-inline=262144",), KEEP, 262144)):
            r, seen = self.kept([FROM], *words)
            self.assertEqual((r.returncode, seen[0][8], seen[0][11]), (0, flags, most), words)

    def test_a_size_that_is_none_is_bad_usage(self):
        for size in ("262145", "-1", "1k", "", "0x10"):
            r = self.shim("call", "t", "--max-inline", size)
            self.assertEqual(r.returncode, USAGE, size)
            self.assertIn(b"--max-inline is a number of bytes", r.stderr)

    def test_the_handle_stands_alone_and_rows_follow(self):
        r, _ = self.kept([FROM, BODY, PIN], "--handle", ref="call-31", more=True)
        self.assertEqual(r.stdout.decode().split("\n"), [
            "$ref:call-31", "#/*/from  12 string of 13 to 31 bytes", "#/*/?  3 string of 5 bytes, untrusted",
            "#/pin  1 number, secret", "and more", ""])
        self.assertIn(b"NAME='$ref:call-31#/POINTER'", r.stderr)

    def test_a_pattern_cannot_drive_a_terminal(self):
        r, _ = self.kept([["/\x1b[2J\u202e\n", 1, 1, 0, 0, 2, False]])
        self.assertEqual(r.stdout.count(b"\n"), 2)
        for bad in (b"\x1b", "\u202e".encode()):
            self.assertNotIn(bad, r.stdout)

    def test_what_no_handle_names_is_said(self):
        r, _ = self.kept([], ref="", out=300000)
        self.assertEqual((r.returncode, r.stdout), (0, b""))
        self.assertIn(b"no handle can name it", r.stderr)

    def test_events_tell_it(self):
        r, _ = self.kept([FROM], "--events", out=7, err=2)
        event = [json.loads(line) for line in r.stderr.splitlines() if b'"kept"' in line][0]
        self.assertEqual(event, {"event": "kept", "ref": "call-1", "stdout_bytes": 7, "stderr_bytes": 2, "more": False,
                                 "outline": [{"path": "/*/from", "type": "string", "count": 12, "min": 13, "max": 31,
                                              "untrusted": False, "secret": False}]})

    def test_output_and_kept_do_not_go_together(self):
        for first in ("output", "kept"):
            def script(c):
                c.handshake(), c.expect(CALL), c.decide(1)
                for what in (first, "kept" if first == "output" else "output"):
                    if what == "output":
                        c.output(1, STDOUT, b"x")
                    else:
                        c.kept(1, [FROM])
            r = self.shim("call", "t", script=script)
            self.assertEqual(r.returncode, UNAVAILABLE)
            self.assertIn(b"protocol", r.stderr)

    def test_a_recorded_outcome_tells_the_name(self):
        def script(c):
            c.handshake(), c.expect(CALL), c.decide(1)
            c.result(1, flags=WITHHELD | RECORDED)
        r = self.shim("call", "t", "--retry-id", ID, script=script)
        self.assertIn(b"its output was kept back as $ref:call-1", r.stderr)

    def test_a_batch_has_it_in_its_answers(self):
        wishes = []

        def script(c):
            c.handshake()
            for seq in (1, 2):
                call = c.expect(CALL)
                wishes.append((call[8], call[11]))
                c.decide(seq)
                c.kept(seq, [PIN], ref=f"call-{seq}")
                c.result(seq, flags=WITHHELD)
        r = self.shim("call", "--batch", "--max-inline", "9", script=script,
                      stdin=b'{"tool": "t"}\n{"tool": "t", "max_inline": 0}\n')
        self.assertEqual(wishes, [(KEEP, 9), (KEEP, 0)])
        for seq, line in enumerate(r.stdout.splitlines(), 1):
            answer = json.loads(line)
            self.assertEqual((answer["ref"], answer["stdout"]), (f"call-{seq}", ""))
            self.assertEqual(answer["kept"]["outline"], [{"path": "/pin", "type": "number", "count": 1, "min": 0,
                                                          "max": 0, "untrusted": False, "secret": True}])
        for bad in (b"-1", b"262145", b'"9"', b"true"):
            r = self.shim("call", "--batch", script=self.idle,
                          stdin=b'{"tool": "t", "max_inline": %s}\n' % bad)
            self.assertEqual(json.loads(r.stdout)["error"], "usage", bad)

    def test_a_handle_is_sent_as_one(self):
        seen = []

        def script(c):
            c.handshake()
            seen.append(c.expect(CALL)[4])
            c.decide(1, DENY, "denied")
        self.shim("call", "t", "a=$ref:call-3#/0/x~1y", "b=$ref:call-4", 'c:="$ref:call-5"', script=script)
        self.assertEqual(seen[0], {"a": {"$ref": "call-3", "path": "/0/x~1y"}, "b": {"$ref": "call-4", "path": ""},
                                   "c": "$ref:call-5"})
        r = self.shim("call", "t", "a=$ref:call-03", script=self.idle)
        self.assertEqual(r.returncode, USAGE)
        self.assertIn(b"is no handle", r.stderr)


if __name__ == "__main__":
    unittest.main()
