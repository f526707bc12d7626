#!/usr/bin/python3
"""tipstaff-shim against the fake gate. usage: shim_batch_test.py TIPSTAFF_SHIM

Batches and checks."""
from shim_case import *  # noqa: F403


class BatchTest(ShimCase):
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
               b'{"tool":"t","args":{"a":1e999}}']

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


if __name__ == "__main__":
    unittest.main()
