#!/usr/bin/python3
"""tipstaff-shim against the fake gate. usage: shim_session_test.py TIPSTAFF_SHIM

Sessions: what is missing, the handshake, ends, timeouts, signatures."""
from shim_case import *  # noqa: F403


class SessionTest(ShimCase):
    def test_every_missing_piece_is_named(self):
        cases = (("TIPSTAFF_DELEGATION", None, b"TIPSTAFF_DELEGATION"),
                 ("TIPSTAFF_KEY", None, b"TIPSTAFF_KEY"),
                 ("TIPSTAFF_DELEGATION", "/nope/chain", b"/nope/chain"),
                 ("TIPSTAFF_KEY", "/nope/seed", b"/nope/seed"),
                 ("TIPSTAFF_SIDECAR_KEY", "/nope/pub", b"/nope/pub"),
                 ("TIPSTAFF_SOCKET", "/nope/sock", b"/nope/sock"),
                 ("TIPSTAFF_SOCKET", "/" + "x" * 200, b"socket"),
                 ("TIPSTAFF_KEY", self.gate.paths["chain"], b"chain"),
                 ("TIPSTAFF_DELEGATION", self.gate.paths["seed"], b"seed"),
                 ("TIPSTAFF_SIDECAR_KEY", self.gate.paths["seed"], b"seed"))
        for name, value, text in cases:
            r = self.shim("call", "t", env=self.env(**{name: value}))
            self.assertEqual(r.returncode, UNAVAILABLE, name)
            self.assertIn(text, r.stderr)
            self.assertEqual(r.stdout, b"")

    def test_key_of_somebody_else_is_found_before_connecting(self):
        path = os.path.join(self.dir.name, "other")
        fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o400)
        os.write(fd, b"\x77" * 32)
        os.close(fd)
        r = self.shim("call", "t", env=self.env(TIPSTAFF_KEY=path))
        self.assertEqual(r.returncode, UNAVAILABLE)
        self.assertIn(b"not the key of the last holder", r.stderr)

    def test_unpinned_sidecar_is_warned_about_once(self):
        def script(c):
            c.handshake(), c.expect(CALL), c.decide(1, DENY, "denied")
        r = self.shim("call", "t", script=script,
                      env=self.env(TIPSTAFF_SIDECAR_KEY=None))
        self.assertEqual(r.returncode, DENIED)
        self.assertEqual(r.stderr.count(b"warning"), 1)

    def test_wrong_sidecar_key_gets_nothing_from_us(self):
        other = nacl.signing.SigningKey(b"\x44" * 32)
        heard = []

        def script(c):
            c.send(HELLO, [1, b"c" * 32, "sidecar/local",
                           bytes(other.verify_key), 1763769700, 262144])
            heard.append(c.sock.recv(1))
        r = self.shim("call", "t", script=script)
        self.assertEqual(r.returncode, UNAVAILABLE)
        self.assertIn(b"another key than the pinned one", r.stderr)
        self.assertEqual(heard, [b""])

    def test_sidecar_that_cannot_prove_its_key_is_refused(self):
        other = nacl.signing.SigningKey(b"\x44" * 32)

        def script(c):
            c.handshake(signer=other)
            with self.assertRaises(Closed):
                c.receive()
        r = self.shim("call", "t", script=script)
        self.assertEqual(r.returncode, UNAVAILABLE)
        self.assertIn(b"did not prove its key", r.stderr)

    def test_refused_handshake_says_the_code(self):
        def script(c):
            c.send(HELLO, [1, b"c" * 32, "sidecar/local",
                           bytes(self.gate.sidecar.verify_key), 1, 262144])
            c.expect(AUTH)
            c.send(ERROR, [1, "auth_failed", "no"])
        r = self.shim("call", "t", script=script)
        self.assertEqual(r.returncode, UNAVAILABLE)
        self.assertIn(b"auth_failed", r.stderr)

    def test_vanishing_after_every_byte_never_looks_like_success(self):
        def script(c):
            c.handshake(), c.expect(CALL), c.decide(1)
            c.output(1, STDOUT, b"half")
            c.result(1)
            total.append(c.sent)
        total = []
        self.assertEqual(self.shim("call", "t", script=script).returncode, 0)
        for cut in range(total[0]):
            r = self.shim("call", "t", script=script, limit=cut)
            self.assertEqual(r.returncode, UNAVAILABLE, (cut, r.stderr))
            self.assertIn(b"UNAVAILABLE", r.stderr)
            if cut > total[0] - 40:  # the call was under way
                self.assertIn(b"outcome of the call in flight is unknown",
                              r.stderr)

    def test_garbage_and_messages_out_of_turn_end_the_session(self):
        sends = {
            "noise": lambda c: c.raw(b"\x00\x00\x00\x05\x06garba"),
            "huge": lambda c: c.raw(b"\xff\xff\xff\xff\x06"),
            "unknown type": lambda c: c.send(99, [1, 1]),
            "result first": lambda c: c.result(1),
            "output first": lambda c: c.output(1, STDOUT, b"x"),
            "other call": lambda c: c.decide(2),
            "two decisions": lambda c: (c.decide(1), c.decide(1)),
            "verdict 3": lambda c: c.decide(1, 3, "permitted"),
            "lie": lambda c: c.decide(1, PERMIT, "denied"),
            "stream 3": lambda c: (c.decide(1), c.output(1, 3, b"x")),
            "too much credit": lambda c: (c.decide(1),
                                          c.send(WINDOW, [1, 1, 1])),
            "reason": lambda c: (c.decide(1), c.result(1, reason="fine")),
            "refused but permitted": lambda c: (
                c.decide(1), c.result(1, "refused", "permitted")),
            "float": lambda c: c.raw(
                b"\x00\x00\x00\x0b\x06\x96\x01\xcb" + b"\x00" * 8),
            "error": lambda c: c.send(ERROR, [1, "revoked", "gone"]),
            "checked": lambda c: c.send(CHECKED, [1, 1, []]),
        }
        for name, send in sends.items():
            def script(c):
                c.handshake(), c.expect(CALL)
                send(c)
                with self.assertRaises((Closed, ConnectionResetError)):
                    c.receive()
            r = self.shim("call", "t", script=script)
            self.assertEqual(r.returncode, UNAVAILABLE, (name, r.stderr))
            self.assertIn(b"outcome of the call in flight is unknown",
                          r.stderr)

    def test_silent_gate_runs_into_the_timeout(self):
        def script(c):
            c.handshake(), c.expect(CALL)
            with self.assertRaises(Closed):
                c.receive()
        r = self.shim("call", "t", "--timeout", "300", script=script)
        self.assertEqual(r.returncode, UNAVAILABLE)
        self.assertIn(b"did not decide in time", r.stderr)

    def test_bad_usage_is_told_apart(self):
        for words in ((), ("fly",), ("call",), ("call", "t", "--nope"),
                      ("call", "t", "--retry-id", "12"),
                      ("call", "t", "--deadline", "-1"),
                      ("call", "--batch", "t"), ("ping", "x"),
                      ("check", "t", "--stdin"),
                      ("call", "t", "a=b", "--json", "-")):
            r = self.shim(*words)
            self.assertEqual(r.returncode, USAGE, (words, r.stderr))
            self.assertRegex(r.stderr, b"^tipstaff-shim: .*; see --help\n$")
        for words, says in ((("call", "t", "--nope"), "unknown option: --nope"),
                            (("ping", "-z"), "unknown option: -z"),
                            (("call", "t", "--wait"), "a value is missing: --wait"),
                            (("call", "t", "--stdin=1"), "takes no value: --stdin=1"),
                            (("call", "t", "--wait", "2h"), "--wait is at most 1h: 2h"),
                            (("call", "t", "--deadline", "x"), "--deadline is a number of milliseconds: x")):
            self.assertIn(says.encode(), self.shim(*words).stderr)

        def script(c):
            c.handshake()
            with self.assertRaises(Closed):
                c.receive()
        for words in (("call", "Bad"), ("call", "t", "word"),
                      ("call", "t", "=x"), ("call", "t", "a:=nope"),
                      ("call", "t", "a:=1e999"), ("call", "t", "a=1", "a=2"),
                      ("call", "t", 'a:={"k":1,"k":2}'),
                      ("call", "t", "--traceparent", "00-zz")):
            r = self.shim(*words, script=script)
            self.assertEqual(r.returncode, USAGE, (words, r.stderr))
        with tempfile.TemporaryDirectory() as d:
            with open(d + "/list", "w", encoding="utf-8") as f:
                f.write("[]")
            with open(d + "/cut", "w", encoding="utf-8") as f:
                f.write('{"a":\n')
            for words, says in (((d,), d + ": Is a directory"), ((d + "/none",), d + "/none: No such file"),
                                ((d + "/list",), d + "/list: not a JSON object"),
                                ((d + "/cut",), d + "/cut:2: not JSON: ")):
                r = self.shim("call", "t", "--json", *words, script=script)
                self.assertEqual(r.returncode, USAGE)
                self.assertIn(says.encode(), r.stderr)
        r = self.shim("call", "t", "ab=1", "a=2", "ab:=3", script=script)
        self.assertIn(b'argument "ab" is given twice', r.stderr)

    def test_signed_calls_verify_and_unsigned_sessions_send_none(self):
        def signed(c):
            c.handshake()
            for _ in range(3):
                seq = c.expect(CALL)[1]
                c.verify_call()
                c.decide(seq, DENY, "denied")
            with self.assertRaises(Closed):
                c.receive()

        def unsigned(c):
            c.handshake()
            self.assertEqual(c.expect(CALL)[12], b"")
            c.decide(1, DENY, "auth_failed", "sign here")
        lines = (b'{"tool":"t","args":{"a":"%s"}}\n' % (b"x" * 30000)
                 + b'{"tool":"t"}\n' * 2)
        for words, env in ((["--sign"], {}),
                           ([], {"TIPSTAFF_SIGN_CALLS": "1"})):
            r = self.shim("call", "--batch", *words, script=signed,
                          stdin=lines, env=self.env(**env))
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual(len(r.stdout.splitlines()), 3)
        r = self.shim("call", "t", script=unsigned,
                      env=self.env(TIPSTAFF_SIGN_CALLS="0"))
        self.assertEqual(r.returncode, DENIED)
        self.assertIn(b"sign here\n", r.stderr)
        self.assertIn(b"TIPSTAFF_SIGN_CALLS=1", r.stderr)
        self.assertIn(b"--sign", r.stderr)
        r = self.shim("call", "t", env=self.env(TIPSTAFF_SIGN_CALLS="yes"))
        self.assertEqual(r.returncode, UNAVAILABLE)
        self.assertIn(b"TIPSTAFF_SIGN_CALLS", r.stderr)

    def test_end_is_confirmed_or_reported_as_unknown(self):
        def good(c):
            c.handshake()
            c.send(TASK_END, [1, c.expect(TASK_END)[1]])

        def revoked_first(c):
            c.handshake(), c.expect(TASK_END)
            c.send(ERROR, [1, "revoked", "gone"])

        def other_seq(c):
            c.handshake()
            c.send(TASK_END, [1, c.expect(TASK_END)[1] + 1])

        def other_error(c):
            c.handshake(), c.expect(TASK_END)
            c.send(ERROR, [1, "shutting_down", "bye"])

        def silent(c):
            c.handshake(), c.expect(TASK_END)
        for script, code in ((good, 0), (revoked_first, 0),
                             (other_seq, UNAVAILABLE),
                             (other_error, UNAVAILABLE),
                             (silent, UNAVAILABLE)):
            r = self.shim("end", script=script)
            self.assertEqual(r.returncode, code, (script, r.stderr))
            if code == 0:
                self.assertIn(b"revoked", r.stderr)

    def test_sidecar_that_is_not_ready_says_so_at_the_door(self):
        for code in ("not_ready", "stale_state", "no_such_code", "x" * 64):
            def script(c):
                c.send(HELLO, [1, os.urandom(32), "sidecar/local", bytes(self.gate.sidecar.verify_key), 1763769700,
                               262144])
                c.expect(AUTH)
                c.send(ERROR, [1, code, "a\x1b[31msentence"])
            r = self.shim("call", "t", script=script)
            self.assertEqual(r.returncode, UNAVAILABLE, r.stderr)
            self.assertIn(code.encode(), r.stderr)
            self.assertNotIn(b"\x1b", r.stderr)

    def test_ping_comes_back_and_a_foreign_token_does_not_pass(self):
        def good(c):
            c.handshake()
            c.send(PING, [1, c.expect(PING)[1]])

        def bad(c):
            c.handshake()
            c.expect(PING)
            c.send(PING, [1, b"other"])
        self.assertEqual(self.shim("ping", script=good).returncode, 0)
        self.assertEqual(self.shim("ping", script=bad).returncode, UNAVAILABLE)

    def test_ping_of_the_gate_is_answered_during_a_call(self):
        def script(c):
            c.handshake(), c.expect(CALL), c.decide(1)
            c.send(PING, [1, b"alive?"])
            self.assertEqual(c.expect(PING), [1, b"alive?"])
            c.result(1)
        self.assertEqual(self.shim("call", "t", script=script).returncode, 0)


if __name__ == "__main__":
    unittest.main()
