"""What the tests of peer binding share: who we are, and a client of our own."""
import ctypes
import os
import signal
import socket
import struct
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "gate"))
import harness  # noqa: E402
from harness import (AUTH, CALL, DECISION, ERROR, HELLO, PING, RESULT, WELCOME,  # noqa: E402,F401
                     Closed, SigningKey, frame)

PR_SET_DUMPABLE = 4
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x10000000, 0x20000000
libc = ctypes.CDLL(None, use_errno=True)


class Service:
    """The running service, as peers.sh describes it in the environment."""

    def __init__(self):
        env = os.environ
        self.dir = env["SERVICE_DIR"]
        self.agent_path = env["SERVICE_SOCKET"]
        self.uid = int(env["SERVICE_AGENT_UID"])
        self.chain = open(env["SERVICE_CHAIN"], "rb").read()
        self.key = SigningKey(open(os.path.join(self.dir, "keys/coder.seed"), "rb").read())
        self.log_dir = os.path.join(self.dir, "var/log")
        self.shim = env["SERVICE_SHIM"]
        self.gate_pid = int(env["SERVICE_GATE"])

    def log(self):
        with open(os.path.join(self.dir, "service.log")) as f:
            return f.read()

    def records(self):
        text = ""
        for name in sorted(os.listdir(self.log_dir)):
            with open(os.path.join(self.log_dir, name)) as f:
                text += f.read()
        return text

    def fds(self):
        return len(os.listdir(f"/proc/{self.gate_pid}/fd"))


class Client(harness.Client):
    """As the agent, whoever the process is."""

    def __init__(self, service, path=None):
        super().__init__(service, path)
        self.service = service

    def auth_as(self, uid=None, gid=None, key=None):
        uid = os.getresuid()[0] if uid is None else uid
        gid = os.getresgid()[0] if gid is None else gid
        return self.auth_body(self.service.chain, key or self.service.key, uid, gid)

    def enter(self, **kw):
        """HELLO, AUTH; what was answered: "welcome" or an error's code."""
        try:
            self.hello()
            self.put(AUTH, self.auth_as(**kw))
            kind, body = self.get()
        except (Closed, OSError):
            return "closed"
        return "welcome" if kind == WELCOME else body[1]

    def alive(self):
        """PING is answered. What is not answered is the end of it."""
        try:
            self.put(PING, [1, b"there?"])
            kind, body = self.get()
            return kind == PING and body[1] == b"there?"
        except (Closed, OSError):
            return False


def become(uid, keep_saved=False):
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, 0 if keep_saved else uid)
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # so that /proc/self is still ours


def unshare(flags):
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def child(fn):
    """fn in a process of its own; its pid."""
    pid = os.fork()
    if pid != 0:
        return pid
    status = 99
    try:
        status = fn() or 0
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(status)


def run_as(uid, fn):
    """fn() in a child of that uid: true when it neither fails nor says 1."""
    def body():
        become(uid)
        return fn()
    return os.waitstatus_to_exitcode(os.waitpid(child(body), 0)[1]) == 0


def word(r, w):
    """One byte from another process, to which w was left; b"" if it has died."""
    os.close(w)
    got = os.read(r, 1)
    os.close(r)
    return got


def until(condition, what, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "timed out: " + what
        time.sleep(0.01)


def run_tests(tests, service):
    failed = 0
    for test in tests:
        try:
            why = test(service)
            print(f"SKIPPED {test.__name__}: {why}" if why else f"ok   {test.__name__}", flush=True)
        except BaseException:
            traceback.print_exc()
            print(f"FAIL {test.__name__}", flush=True)
            failed += 1
    if failed:
        sys.stderr.write(service.log())
    return 1 if failed else 0
