#!/usr/bin/python3
"""tipstaff-shim against the fake gate. usage: shim_test.py TIPSTAFF_SHIM"""
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "oracle"))
import nacl.signing  # noqa: E402
from fake_gate import *  # noqa: E402,F403
from trust import chain as chains  # noqa: E402
from trust import revocation, signed  # noqa: E402

SHIM = None
DENIED, PENDING_EXIT, REFUSED, UNAVAILABLE, USAGE = 104, 105, 106, 107, 108
ID = "ab" * 16


class ShimTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.gate = FakeGate(self.dir.name)

    def tearDown(self):
        self.dir.cleanup()

    def env(self, **changes):
        e = {"PATH": "/usr/bin:/bin", **self.gate.environment()}
        for k, v in changes.items():
            if v is None:
                e.pop(k, None)
            else:
                e[k] = v
        return e

    def shim(self, *words, script=None, stdin=b"", env=None, limit=None):
        if script is not None:
            self.gate.start(script, limit)
        done = subprocess.run([SHIM, *words], input=stdin, timeout=60,
                              capture_output=True, env=env or self.env())
        if script is not None:
            self.gate.join()
        return done

    # one call ----------------------------------------------------------

    def test_permitted_call_streams_output_and_passes_the_exit_code_on(self):
        seen = []

        def script(c):
            c.handshake()
            call = c.expect(CALL)
            seen.append(call)
            c.decide(1)
            c.output(1, STDOUT, b"out\x00\xff\n")
            c.output(1, STDERR, b"err\n")
            c.result(1, exit_code=7)

        r = self.shim("call", "fs.read", "path=a.txt", "n:=-3",
                      'l:=["x",{"y":null}]', "--deadline", "5000",
                      "--provenance", "web", "--provenance", "mail",
                      script=script)
        self.assertEqual((r.returncode, r.stdout, r.stderr),
                         (7, b"out\x00\xff\n", b"err\n"))
        call = seen[0]
        self.assertEqual(call[:2], [2, 1])
        self.assertEqual(len(call[2]), 16)
        self.assertEqual(call[3:], ["fs.read", {"path": "a.txt", "n": -3,
                                                "l": ["x", {"y": None}]},
                                    5000, "", ["web", "mail"], 0, 0, b""])

    def test_signalled_tool_gives_128_plus_signal(self):
        def script(c):
            c.handshake(), c.expect(CALL), c.decide(1)
            c.result(1, signal=11)
        r = self.shim("call", "t", script=script)
        self.assertEqual(r.returncode, 139)

    def test_tool_that_was_stopped_never_ends_in_zero(self):
        for reason in ("wall_limit", "output_limit", "revoked", "expired",
                       "shutdown", "lost", "disconnected", "cancelled"):
            def script(c):
                c.handshake(), c.expect(CALL), c.decide(1)
                c.result(1, reason=reason, exit_code=0)
            r = self.shim("call", "t", script=script)
            self.assertEqual(r.returncode, 137, reason)
            self.assertIn(f"STOPPED [{reason}] decision {ID}".encode(),
                          r.stderr)

    def test_denied_pending_and_refused_have_their_own_codes(self):
        def deny(c):
            c.handshake(), c.expect(CALL)
            c.decide(1, DENY, "forbidden", "no\x1b[31m way")

        def pend(c):
            c.handshake(), c.expect(CALL)
            c.decide(1, PENDING, "approval_required", "ask bob")

        def refuse(c):
            c.handshake(), c.expect(CALL), c.decide(1)
            c.result(1, "refused", "audit_unavailable")
        r = self.shim("call", "t", script=deny)
        self.assertEqual(r.returncode, DENIED)
        self.assertEqual(r.stderr, f"DENIED [forbidden] decision {ID}: "
                         "no\\x1b[31m way\n".encode())
        self.assertEqual(r.stdout, b"")
        r = self.shim("call", "t", script=pend)
        self.assertEqual(r.returncode, PENDING_EXIT)
        self.assertIn(b"PENDING [approval_required]", r.stderr)
        r = self.shim("call", "t", script=refuse)
        self.assertEqual(r.returncode, REFUSED)
        self.assertIn(b"REFUSED [audit_unavailable]", r.stderr)

    def test_refusal_without_a_decision_is_a_refusal_in_call_and_batch(self):
        def script(c):
            c.handshake()
            seq = c.expect(CALL)[1]
            c.result(seq, "refused", "sandbox_unavailable")
            with self.assertRaises(Closed):
                c.receive()
        r = self.shim("call", "t", script=script)
        self.assertEqual(r.returncode, REFUSED)
        self.assertIn(b"REFUSED [sandbox_unavailable]", r.stderr)
        r = self.shim("call", "--batch", script=script,
                      stdin=b'{"tool":"t","id":9}\n')
        self.assertEqual(r.returncode, 0, r.stderr)
        a = json.loads(r.stdout)
        self.assertEqual((a["id"], a["reason"], a["code"], "exit" in a),
                         (9, "refused", "sandbox_unavailable", False))

    def test_retry_id_sets_flag_and_id(self):
        seen = []

        def script(c):
            c.handshake()
            seen.append(c.expect(CALL))
            c.decide(1)
            c.result(1, exit_code=3, flags=4)
        r = self.shim("call", "t", "--retry-id", "0123456789abcdef" * 2,
                      script=script)
        self.assertEqual(r.returncode, 3)
        self.assertEqual(seen[0][2].hex(), "0123456789abcdef" * 2)
        self.assertEqual(seen[0][8], 2)
        self.assertIn(b"recorded outcome", r.stderr)

    def test_json_arguments_from_standard_input(self):
        seen = []

        def script(c):
            c.handshake()
            seen.append(c.expect(CALL))
            c.decide(1, DENY, "denied")
        r = self.shim("call", "t", "--json", "-", script=script,
                      stdin=b'{"a": "\\u00e9", "b": true}')
        self.assertEqual(r.returncode, DENIED)
        self.assertEqual(seen[0][4], {"a": "\u00e9", "b": True})

    # input and output ----------------------------------------------------

    def test_ten_megabytes_of_stdin_stay_within_the_window(self):
        data = os.urandom(1 << 16) * 160
        got, worst = [], [0]

        def script(c):
            c.handshake()
            call = c.expect(CALL)
            self.assertEqual(call[8], 1)
            c.decide(1)
            credit, eof = 131072, False
            while not eof:
                _, seq, chunk, eof = c.expect(STDIN)
                credit -= len(chunk)
                worst[0] = min(worst[0], credit)
                got.append(chunk)
                if credit < 65536 and not eof:
                    c.send(WINDOW, [1, seq, 131072 - credit])
                    credit = 131072
            c.output(1, STDOUT, b"%d" % sum(map(len, got)))
            c.result(1)
        r = self.shim("call", "t", "--stdin", script=script, stdin=data)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(r.stdout, b"%d" % len(data))
        self.assertEqual(b"".join(got), data)
        self.assertEqual(worst[0], 0)

    def test_stdin_is_not_touched_without_the_flag_or_before_a_permit(self):
        def script(c):
            c.handshake()
            self.assertEqual(c.expect(CALL)[8], 1)
            c.decide(1, DENY, "denied")
            with self.assertRaises(Closed):
                c.receive()
        r = self.shim("call", "t", "--stdin", script=script, stdin=b"secret")
        self.assertEqual(r.returncode, DENIED)

    def test_slow_reader_makes_the_gate_wait_and_loses_nothing(self):
        total, sent = 4 << 20, [0]

        def script(c):
            c.handshake(), c.expect(CALL), c.decide(1)
            for i in range(total >> 16):
                c.output(1, STDOUT, bytes([i & 255]) * 65536)
                sent[0] += 65536
            c.result(1)
        self.gate.start(script)
        p = subprocess.Popen([SHIM, "call", "t"], stdout=subprocess.PIPE,
                             env=self.env())
        first = p.stdout.read(65536)
        # The pipe, the socket and one buffer are all that can be on the way.
        self.assertLess(sent[0], total)
        rest = p.stdout.read()
        self.assertEqual(p.wait(60), 0)
        p.stdout.close()
        self.gate.join()
        whole = b"".join(bytes([i & 255]) * 65536 for i in range(total >> 16))
        self.assertEqual(first + rest, whole)

    def test_reader_that_goes_away_cancels_the_call(self):
        cancelled = []

        def script(c):
            c.handshake(), c.expect(CALL), c.decide(1)
            kind = None
            c.sock.setblocking(True)
            c.output(1, STDOUT, b"x" * 65536)
            c.output(1, STDOUT, b"x" * 65536)
            c.output(1, STDOUT, b"x" * 65536)
            kind, value = c.receive()
            cancelled.append((kind, value))
            c.result(1, "cancelled", signal=9)
        self.gate.start(script)
        p = subprocess.Popen([SHIM, "call", "t"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=self.env())
        p.stdout.read(1)
        p.stdout.close()
        self.assertEqual(p.wait(60), 141)
        p.stderr.close()
        self.gate.join()
        self.assertEqual(cancelled, [(CANCEL, [1, 1])])

    def test_interrupt_sends_cancel_waits_for_the_result_and_exits_130(self):
        permitted = threading.Event()

        def script(c):
            c.handshake(), c.expect(CALL), c.decide(1)
            c.output(1, STDOUT, b"going\n")
            permitted.set()
            self.assertEqual(c.expect(CANCEL), [1, 1])
            c.output(1, STDOUT, b"late")
            c.result(1, "cancelled", signal=9)
        for sig, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            permitted.clear()
            self.gate.start(script)
            p = subprocess.Popen([SHIM, "call", "t"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, env=self.env())
            self.assertEqual(p.stdout.readline(), b"going\n")
            p.send_signal(sig)
            _, err = p.communicate(timeout=60)
            self.assertEqual(p.returncode, code, err)
            self.gate.join()

    # nobody, or the wrong one, at the other end --------------------------

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

    # usage -----------------------------------------------------------------

    def test_bad_usage_is_told_apart(self):
        for words in ((), ("fly",), ("call",), ("call", "t", "--nope"),
                      ("call", "t", "--retry-id", "12"),
                      ("call", "t", "--deadline", "-1"),
                      ("call", "--batch", "t"), ("ping", "x"),
                      ("check", "t", "--stdin"),
                      ("call", "t", "a=b", "--json", "-")):
            r = self.shim(*words)
            self.assertEqual(r.returncode, USAGE, (words, r.stderr))
            self.assertNotEqual(r.stderr, b"")

        def script(c):
            c.handshake()
            with self.assertRaises(Closed):
                c.receive()
        for words in (("call", "Bad"), ("call", "t", "word"),
                      ("call", "t", "=x"), ("call", "t", "a:=nope"),
                      ("call", "t", "a:=1.5"), ("call", "t", "a=1", "a=2"),
                      ("call", "t", 'a:={"k":1,"k":2}'),
                      ("call", "t", "--traceparent", "00-zz")):
            r = self.shim(*words, script=script)
            self.assertEqual(r.returncode, USAGE, (words, r.stderr))

    # batch, check, tools, ping -----------------------------------------------

    def test_batch_of_a_thousand_is_pipelined_on_one_connection(self):
        deepest = [0]

        def script(c):
            c.handshake()
            pending, done = [], 0
            while done < 1000:
                call = c.expect(CALL)
                pending.append((call[1], call[4]["n"]))
                self.assertEqual(call[1], done + len(pending))
                if len(pending) < 32 and done + len(pending) < 1000:
                    continue
                deepest[0] = max(deepest[0], len(pending))
                for seq, n in reversed(pending):  # any order is fine
                    if n % 3 == 0:
                        c.decide(seq, DENY, "denied", "no")
                        continue
                    c.decide(seq)
                    c.output(seq, STDOUT,
                             b"\xff" if n % 3 == 1 else b"n%d" % n)
                    c.result(seq, exit_code=n % 256)
                done += len(pending)
                pending = []
            with self.assertRaises(Closed):
                c.receive()  # the shim leaves first
        lines = b"".join(b'{"tool":"t","args":{"n":%d},"id":%d}\n' % (n, n)
                         for n in range(1000))
        r = self.shim("call", "--batch", script=script, stdin=lines)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(self.gate.connections, 1)
        self.assertEqual(deepest[0], 32)
        answers = {a["id"]: a for a in map(json.loads, r.stdout.splitlines())}
        self.assertEqual(len(answers), 1000)
        for n, a in answers.items():
            self.assertEqual(a["decision"], ID)
            if n % 3 == 0:
                self.assertEqual((a["verdict"], a["code"], "exit" in a),
                                 ("deny", "denied", False))
            else:
                self.assertEqual((a["verdict"], a["exit"], a["reason"]),
                                 ("permit", n % 256, "exited"))
            if n % 3 == 1:
                self.assertEqual(base64.b64decode(a["stdout_base64"]), b"\xff")
            if n % 3 == 2:
                self.assertEqual(a["stdout"], "n%d" % n)

    def test_batch_bad_lines_are_answered_and_the_rest_goes_on(self):
        bad = [b"nonsense", b"[]", b'{"args":{}}', b'{"tool":"T"}',
               b'{"tool":"t","args":[]}', b'{"tool":"t","extra":1}',
               b'{"tool":"t","args":{"a":1,"a":2}}', b'{"tool":"t","id":1',
               b'{"tool":"t","args":{"a":1.5}}']

        def script(c):
            c.handshake(), c.expect(CALL)
            c.decide(1, DENY, "denied")
            with self.assertRaises(Closed):
                c.receive()
        r = self.shim("call", "--batch", script=script,
                      stdin=b"\n".join(bad) + b'\n{"tool":"t","id":"last"}')
        self.assertEqual(r.returncode, USAGE)
        lines = [json.loads(x) for x in r.stdout.splitlines()]
        self.assertEqual([x["line"] for x in lines if "error" in x],
                         list(range(1, len(bad) + 1)))
        self.assertEqual([x["id"] for x in lines if "verdict" in x], ["last"])

    def test_batch_lost_midway_reports_every_open_call_as_unknown(self):
        def script(c):
            c.handshake()
            for _ in range(3):
                c.expect(CALL)
            c.decide(1, DENY, "denied")
        r = self.shim("call", "--batch", script=script,
                      stdin=b'{"tool":"t","id":1}\n{"tool":"t","id":2}\n'
                            b'{"tool":"t","id":3}\n')
        self.assertEqual(r.returncode, UNAVAILABLE)
        lines = [json.loads(x) for x in r.stdout.splitlines()]
        self.assertEqual({x["id"]: x.get("error", x.get("code"))
                          for x in lines},
                         {1: "denied", 2: "unavailable", 3: "unavailable"})

    def test_check_gives_the_verdict_as_exit_code(self):
        for verdict, code, exit_code in ((PERMIT, "permitted", 0),
                                         (DENY, "denied", DENIED),
                                         (PENDING, "approval_required",
                                          PENDING_EXIT)):
            def script(c):
                c.handshake()
                self.assertEqual(c.expect(CHECK),
                                 [1, 1, [["t", {"a": "b"}]], "", ["web"]])
                c.send(CHECKED, [1, 1, [[verdict, code, b"\xab" * 16]]])
            r = self.shim("check", "t", "a=b", "--provenance", "web",
                          script=script)
            self.assertEqual(r.returncode, exit_code, r.stderr)
            self.assertIn(f"[{code}] decision {ID}".encode(), r.stderr)

    def test_check_batch_splits_at_1024_and_keeps_the_order(self):
        sizes = []

        def script(c):
            c.handshake()
            while sum(sizes) < 2500:
                _, seq, items, _, _ = c.expect(CHECK)
                sizes.append(len(items))
                self.assertEqual(seq, len(sizes))
                c.send(CHECKED, [1, seq, [
                    [PERMIT, "permitted", b"\xab" * 16] if i[1]["n"] % 2
                    else [DENY, "denied", b"\xab" * 16] for i in items]])
        lines = b"".join(b'{"tool":"t","args":{"n":%d},"id":%d}\n' % (n, n)
                         for n in range(2500))
        r = self.shim("check", "--batch", script=script, stdin=lines)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(sizes, [1024, 1024, 452])
        answers = [json.loads(x) for x in r.stdout.splitlines()]
        self.assertEqual([(a["id"], a["verdict"]) for a in answers],
                         [(n, "permit" if n % 2 else "deny")
                          for n in range(2500)])

    def test_check_batch_splits_by_size_too(self):
        sizes = []

        def script(c):
            c.handshake()
            while sum(sizes) < 20:
                _, seq, items, _, _ = c.expect(CHECK)
                sizes.append(len(items))
                c.send(CHECKED, [1, seq, [[DENY, "denied", b"\xab" * 16]]
                                 * len(items)])
        line = json.dumps({"tool": "t", "args": {"a": "x" * 60000}}).encode()
        r = self.shim("check", "--batch", script=script,
                      stdin=(line + b"\n") * 20)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertGreater(len(sizes), 4)
        self.assertEqual(len(r.stdout.splitlines()), 20)

    def test_check_answer_of_another_length_is_refused(self):
        def script(c):
            c.handshake(), c.expect(CHECK)
            c.send(CHECKED, [1, 1, [[PERMIT, "permitted", b"\xab" * 16]] * 2])
        r = self.shim("check", "t", script=script)
        self.assertEqual(r.returncode, UNAVAILABLE)

    def test_check_batch_asks_lines_of_equal_labels_together(self):
        seen = []

        def script(c):
            c.handshake()
            while sum(len(x[0]) for x in seen) < 9:
                _, seq, items, trace, labels = c.expect(CHECK)
                seen.append(([i[1]["n"] for i in items], trace, labels))
                c.send(CHECKED, [1, seq, [
                    [DENY, "denied", bytes([i[1]["n"]]) * 16]
                    for i in items]])
        trace = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
        extra = [{}, {"provenance": ["web"]}, {"traceparent": trace}]
        lines = [json.dumps({"tool": "t", "args": {"n": n}, "id": n,
                             **extra[n % 3]}) for n in range(9)]
        r = self.shim("check", "--batch", "--provenance", "mail",
                      script=script, stdin="\n".join(lines).encode())
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(seen, [([0, 3, 6], "", ["mail"]),
                                ([1, 4, 7], "", ["mail", "web"]),
                                ([2, 5, 8], trace, ["mail"])])
        answers = [json.loads(x) for x in r.stdout.splitlines()]
        self.assertEqual([(a["id"], a["decision"]) for a in answers],
                         [(n, "%02x" % n * 16) for n in range(9)])

    def test_check_batch_refuses_what_it_would_not_use(self):
        def script(c):
            c.handshake()
            _, seq, items, _, _ = c.expect(CHECK)
            self.assertEqual(len(items), 1)
            c.send(CHECKED, [1, seq, [[DENY, "denied", b"\xab" * 16]]])
        bad = [{"deadline_ms": 5}, {"retry_id": ID}, {"provenance": [""]},
               {"provenance": ["x" * 500]}, {"traceparent": "nonsense"},
               {"provenance": ["x"] * 16},
               {"args": {"a%d" % n: n for n in range(65)}}]
        lines = [json.dumps({"tool": "t", **b}) for b in bad]
        r = self.shim("check", "--batch", "--provenance", "mail",
                      script=script,
                      stdin="\n".join(lines + ['{"tool":"t"}']).encode())
        self.assertEqual(r.returncode, USAGE)
        answers = [json.loads(x) for x in r.stdout.splitlines()]
        self.assertEqual([a["line"] for a in answers if "error" in a],
                         list(range(1, len(bad) + 1)))
        self.assertEqual(sum("verdict" in a for a in answers), 1)

    def test_call_batch_takes_options_as_defaults_of_its_lines(self):
        def script(c):
            c.handshake()
            calls = [c.expect(CALL) for _ in range(2)]
            self.assertEqual([(x[5], x[7]) for x in calls],
                             [(100, ["mail"]), (7, ["mail", "web"])])
            for x in calls:
                c.decide(x[1], DENY, "denied")
            with self.assertRaises(Closed):
                c.receive()
        r = self.shim("call", "--batch", "--provenance", "mail", "--deadline",
                      "100", script=script, stdin=b'{"tool":"t"}\n{"tool":"t",'
                      b'"deadline_ms":7,"provenance":["web"]}\n')
        self.assertEqual(r.returncode, 0, r.stderr)

    # signatures, the end of a task --------------------------------------

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
            self.assertEqual(c.expect(CALL)[10], b"")
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

    # what was handed on is taken back --------------------------------------

    def handed_on(self, name="child"):
        """A chain of two blocks: the session's own, and one for somebody else."""
        root = msgpack.unpackb(msgpack.unpackb(self.gate.chain)[2][0][0])
        link = [1, os.urandom(16), "coder/x", b"\x44" * 32] + root[9:12] + [1, root[14], b""]
        link[3] = bytes(nacl.signing.SigningKey(b"\x44" * 32).verify_key)
        issuer = nacl.signing.SigningKey(b"\x22" * 32)
        wire, ids = chains.sign([root, link], [issuer, self.gate.holder])
        path = os.path.join(self.dir.name, name)
        with open(path, "wb") as f:
            f.write(wire)
        with open(path + ".issuer", "w") as f:
            f.write(bytes(issuer.verify_key).hex() + "\n")
        return path, wire, ids

    def test_revoke_sends_a_record_of_this_holder_for_the_next_block(self):
        path, wire, ids = self.handed_on()
        seen = []

        def script(c):
            c.handshake()
            seen.append(c.expect(REVOKE))
            c.send(PING, [1, b"p"]), c.expect(PING)
            c.send(REVOKE, [1, seen[-1][1]])

        for words, kind, target in (((), 2, ids[1]), (("--block", "1"), 2, ids[1]), (("--block", "0"), 1, b"G" * 16)):
            r = self.shim("revoke", path, "--reason", "done with it", *words, script=script)
            self.assertEqual(r.returncode, 0, r.stderr)
            version, seq, record, chain = seen[-1]
            self.assertEqual((version, chain), (1, wire))
            body, kid, sig = signed.split("revocation", record)
            signed.verify("revocation", bytes(self.gate.holder.verify_key), body, kid, sig)
            said = revocation.decode(body)
            self.assertEqual((said["tenant"], said["kind"], said["target"], said["reason"]),
                             ("acme", kind, target, "done with it"))

    def test_revoke_that_was_not_confirmed_is_never_called_revoked(self):
        path, _, _ = self.handed_on()
        error = lambda code: lambda c, seq: c.send(ERROR, [1, code, "no"])
        answers = {
            "another seq": lambda c, seq: c.send(REVOKE, [1, seq + 1]),
            "not the one encoding": lambda c, seq: c.raw(b"\x00\x00\x00\x04\x11\x92\x01\xcc\x01"),
            "version": lambda c, seq: c.send(REVOKE, [2, seq]),
            "longer": lambda c, seq: c.send(REVOKE, [1, seq, 0]),
            "the end of a task": lambda c, seq: c.send(TASK_END, [1, seq]),
            "a decision": lambda c, seq: c.decide(seq),
            "an outcome": lambda c, seq: c.result(seq),
            "the next number": lambda c, seq: c.send(18, [1, seq]),
            "nothing": lambda c, seq: None,
            "rate": error("rate_limited"), "frame": error("bad_frame"), "not ready": error("not_ready"),
            "stale": error("stale_state"), "down": error("shutting_down"),
            # somebody revoked this session: what was handed on is another matter
            "revoked": error("revoked"),
        }
        for name, send in answers.items():
            def script(c):
                c.handshake()
                send(c, c.expect(REVOKE)[1])
            r = self.shim("revoke", path, script=script)
            self.assertEqual(r.returncode, UNAVAILABLE, (name, r.stderr))
            self.assertNotIn(b"revoked: nothing starts", r.stderr)

    def test_revoke_of_the_own_grant_is_confirmed_by_the_end_of_the_session(self):
        path, _, _ = self.handed_on()

        def script(c):
            c.handshake(), c.expect(REVOKE)
            c.send(ERROR, [1, "revoked", "gone"])
        self.assertEqual(self.shim("revoke", path, "--block", "0", script=script).returncode, 0)

    def test_revoke_cut_off_after_every_byte_never_looks_like_success(self):
        path, _, _ = self.handed_on()

        def script(c):
            c.handshake()
            c.send(REVOKE, [1, c.expect(REVOKE)[1]])
            total.append(c.sent)
        total = []
        self.assertEqual(self.shim("revoke", path, script=script).returncode, 0)
        for cut in range(total[0]):
            r = self.shim("revoke", path, script=script, limit=cut)
            self.assertEqual(r.returncode, UNAVAILABLE, (cut, r.stderr))

    def test_revoke_that_may_not_be_is_found_before_anything_is_sent(self):
        path, wire, _ = self.handed_on()

        def script(c):
            c.handshake()
            with self.assertRaises(Closed):
                c.receive()
        own = os.path.join(self.dir.name, "own")
        torn = os.path.join(self.dir.name, "torn")
        alien = os.path.join(self.dir.name, "alien")
        for name, data in ((own, self.gate.chain), (torn, wire[:-1]), (alien, wire)):
            with open(name, "wb") as f:
                f.write(data)
            shutil.copy(path + ".issuer", name + ".issuer")
        with open(alien + ".issuer", "w") as f:
            f.write("00" * 31 + "\n")
        for words in ((own,), (torn,), (alien,), ("/nowhere",), (path, "--block", "2"), (path, "--issuer", "/nowhere"),
                      (path, "--reason", "x" * 257), (path, "--reason", b"\xff")):
            r = self.shim("revoke", *words, script=script)
            self.assertEqual(r.returncode, 108, (words, r.stderr))
            self.assertEqual(len(r.stderr.splitlines()), 1, r.stderr)
        for words in ((), (path, path), (path, "--block", "-1"), (path, "--block", "x"), (path, "--block", "999"),
                      (path, "--stdin"), (path, "--batch")):
            self.assertEqual(self.shim("revoke", *words).returncode, 108, words)

    def test_confirmation_nobody_asked_for_ends_the_session(self):
        for send in (lambda c: c.send(REVOKE, [1, 1]), lambda c: c.send(ERROR, [1, "stale_state", "x"])):
            def script(c):
                c.handshake(), c.expect(CALL)
                send(c)
            r = self.shim("call", "t", script=script)
            self.assertEqual(r.returncode, UNAVAILABLE, r.stderr)

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

    def test_denial_that_says_itself_what_it_is_is_printed_once(self):
        for head in ("DENIED", "UNAVAILABLE"):
            text = f"{head} [denied] decision {ID}: do not\nNo\x1b[1m such."

            def script(c):
                c.handshake(), c.expect(CALL)
                c.decide(1, DENY, "denied", text)
            r = self.shim("call", "t", script=script)
            self.assertEqual(r.stderr.decode(),
                             f"{head} [denied] decision {ID}: do not\n"
                             "No\\x1b[1m such.\n")
            r = self.shim("call", "--batch", script=script,
                          stdin=b'{"tool":"t"}')
            self.assertEqual(json.loads(r.stdout),
                             {"verdict": "deny", "code": "denied",
                              "decision": ID, "text": text})
        # A text about another decision does not pass for this one's.
        text = f"DENIED [denied] decision {'cd' * 16}: x"

        def other(c):
            c.handshake(), c.expect(CALL)
            c.decide(1, DENY, "denied", text)
        r = self.shim("call", "t", script=other)
        self.assertEqual(r.stderr.decode(),
                         f"DENIED [denied] decision {ID}: {text}\n")

    def test_lost_call_names_the_id_that_learns_its_outcome(self):
        ids = []

        def lose(c):
            c.handshake()
            ids.append(c.expect(CALL)[2].hex())
            c.decide(1)
        r = self.shim("call", "t", script=lose)
        self.assertEqual(r.returncode, UNAVAILABLE)
        self.assertIn(f"--retry-id {ids[0]}".encode(), r.stderr)
        r = self.shim("call", "--batch", script=lose, stdin=b'{"tool":"t"}')
        self.assertEqual(json.loads(r.stdout)["retry_id"], ids[1])

        def again(c):
            c.handshake()
            call = c.expect(CALL)
            self.assertEqual((call[2].hex(), call[8]), (ids[0], 2))
            c.decide(1)
            c.result(1, flags=4, exit_code=3)
        r = self.shim("call", "t", "--retry-id", ids[0], script=again)
        self.assertEqual(r.returncode, 3)

    def test_tools_lists_for_people_and_machines(self):
        items = [["fs.read", "reads\x1b a file", "Fs.read",
                  [["path", "path", True, "which"], ["n", "int", False, ""]]],
                 ["git.log", "", "Git.log", []]]

        def script(c):
            c.handshake()
            _, seq = c.expect(TOOLS)
            c.send(TOOLS, [1, seq, items])
        r = self.shim("tools", script=script)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(r.stdout.decode(), "fs.read path:path [n:int]\n"
                         "    reads\\x1b a file\ngit.log\n    \n")
        r = self.shim("tools", "--json", script=script)
        listed = [json.loads(x) for x in r.stdout.splitlines()]
        self.assertEqual([t["name"] for t in listed], ["fs.read", "git.log"])
        self.assertEqual(listed[0]["args"][1],
                         {"name": "n", "type": "int", "required": False,
                          "description": ""})

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

    # size ----------------------------------------------------------------

    def test_waiting_shim_is_small(self):
        rss = {}

        def script(c):
            c.handshake(), c.expect(CALL), c.decide(1)
            c.output(1, STDOUT, b"waiting\n")
            go.wait(30)
            c.result(1)
        go = threading.Event()
        self.gate.start(script)
        p = subprocess.Popen([SHIM, "call", "t"], stdout=subprocess.PIPE,
                             env=self.env())
        p.stdout.readline()
        with open(f"/proc/{p.pid}/status") as f:
            for line in f:
                if line.startswith("VmRSS"):
                    rss = int(line.split()[1])
        go.set()
        self.assertEqual(p.wait(60), 0)
        p.stdout.close()
        self.gate.join()
        print(f"RSS while waiting: {rss} kB")
        with open(SHIM, "rb") as f:
            sanitized = b"__asan_init" in f.read()
        if not sanitized:
            self.assertLess(rss, 2048)


if __name__ == "__main__":
    SHIM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
