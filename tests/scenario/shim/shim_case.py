"""A test with a fake gate and the program, which is the first argument of the test."""
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

SHIM = os.path.abspath(sys.argv.pop(1))
DENIED, PENDING_EXIT, REFUSED, UNAVAILABLE, USAGE = 104, 105, 106, 107, 108
ID = "ab" * 16


class ShimCase(unittest.TestCase):
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
