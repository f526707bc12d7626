#!/usr/bin/python3
"""tipstaff-shim against the fake gate. usage: shim_revoke_test.py TIPSTAFF_SHIM

What a holder takes back."""
from shim_case import *  # noqa: F403


class RevokeTest(ShimCase):
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


if __name__ == "__main__":
    unittest.main()
