#!/usr/bin/python3
"""tipstaff-shim against the fake gate. usage: shim_call_test.py TIPSTAFF_SHIM

Calls: output, exit codes, stdin, denials, what is lost."""
from shim_case import *  # noqa: F403


class CallTest(ShimCase):
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

        r = self.shim("call", "fs.read", "path=a.txt", "n:=-3", "x:=-1.25",
                      'l:=["x",{"y":null}]', "--deadline", "5000",
                      "--provenance", "web", "--provenance", "mail",
                      script=script)
        self.assertEqual((r.returncode, r.stdout, r.stderr),
                         (7, b"out\x00\xff\n", b"err\n"))
        call = seen[0]
        self.assertEqual(call[:2], [4, 1])
        self.assertEqual(len(call[2]), 16)
        self.assertEqual(call[3:], ["fs.read", {"path": "a.txt", "n": -3,
                                                "x": -1.25,
                                                "l": ["x", {"y": None}]},
                                    5000, "", ["web", "mail"], 0, 0, 50000, 0,
                                    b""])

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
        r = self.shim("call", "t", "--wait", "0", script=pend)
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
    unittest.main()
