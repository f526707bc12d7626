"""Rules 1 to 3 and 5 of the binding to a process, and the threats that they are
for, in one PID namespace. Each test: real processes, the real service.

usage: peers_test.py [TEST...]
"""
import array
import errno
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading

import msgpack

from lib import (AUTH, CALL, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, DECISION, HELLO, PING,
                 Client, Closed, Service, SigningKey, become, child, frame, libc, run_as, run_tests,
                 unshare, until, word)

OTHER = 10002  # a uid that no agent lists
service = Service()


def agent_still_served(s):
    def agent():
        assert Client(s).enter() == "welcome"
    assert run_as(s.uid, agent)


# --- rule 1: the uid is the anchor -------------------------------------------

def uid_that_the_agent_lists_is_served(s):
    agent_still_served(s)


def T15_stolen_key_and_chain_are_useless_to_another_uid(s):
    def thief():  # signs for what he is, and for what he is not
        assert Client(s).enter() == "auth_failed"
        assert Client(s).enter(uid=s.uid, gid=s.uid) == "auth_failed"
    assert run_as(OTHER, thief)


def root_is_refused_unless_allowed(s):
    def refused_and_logged():  # the log takes ten such lines in a second
        assert Client(s).closed() == "auth_failed"
        return "peer_refused uid=0 reason=uid_root" in s.log()
    until(refused_and_logged, "the line in the log")


def nobody_is_refused(s):
    def nobody():
        assert Client(s).closed() == "auth_failed"
    assert run_as(65534, nobody)


def nested_user_namespace_cannot_claim_another_uid(s):
    def claimant():
        ours = os.getuid()
        unshare(CLONE_NEWUSER)
        for name, text in (("setgroups", "deny"), ("uid_map", f"{s.uid} {ours} 1"),
                           ("gid_map", f"{s.uid} {ours} 1")):
            with open(f"/proc/self/{name}", "w") as f:
                f.write(text)
        assert os.getuid() == s.uid  # so it looks from inside
        assert Client(s).enter() == "auth_failed"
        assert Client(s).enter(uid=OTHER, gid=OTHER) == "auth_failed"
    assert run_as(OTHER, claimant)


def client_in_a_child_pid_namespace_is_served_and_watched(s):
    r, w = os.pipe()

    def agent():
        become_later = s.uid
        unshare(CLONE_NEWPID)

        def inside():
            become(become_later)
            assert os.getpid() == 1
            c = Client(s)
            assert c.enter() == "welcome"
            c.call("demo.sleep", {"seconds": 30})
            decision = c.want(DECISION)
            assert decision[3] == "permitted", decision
            os.write(w, b"x")
            signal.pause()
        pid = child(inside)
        os.close(w)
        os.read(r2, 1)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    r2, w2 = os.pipe()
    before, dead = s.fds(), s.records().count('"disconnected"')
    pid = child(agent)
    assert word(r, w) == b"x"
    os.write(w2, b"x")
    assert os.waitpid(pid, 0)[1] == 0
    until(lambda: s.records().count('"disconnected"') > dead, "the tool to be killed")
    until(lambda: s.fds() <= before, "its descriptors to be closed")
    assert '"pid":0' not in s.records()


# --- rule 2: the session ends with the process that opened it ------------------

def forked_child_cannot_keep_the_session_of_a_dead_connector(s):
    before = s.fds()
    told_r, told_w = os.pipe()
    go_r, go_w = os.pipe()

    def agent():
        become(s.uid)
        c = Client(s)
        assert c.enter() == "welcome" and c.alive()
        if os.fork() == 0:
            os.read(go_r, 1)  # until the connector has been reaped
            try:
                c.s.settimeout(10)
                ended = c.s.recv(4096) == b"" or c.closed() is not None or True
            except ConnectionResetError:
                ended = True
            os.write(told_w, b"e" if ended and not c.alive() else b"a")
            os._exit(0)
    pid = child(agent)
    assert os.waitpid(pid, 0)[1] == 0
    os.write(go_w, b"x")
    assert word(told_r, told_w) == b"e"
    until(lambda: s.fds() <= before, "its descriptors to be closed")


def connector_that_ends_before_it_is_accepted_leaves_nothing(s):
    """The gate is stopped while the connector connects, ends and is reaped; its
    child, which has the socket and everything else, is not served."""
    told_r, told_w = os.pipe()
    go_r, go_w = os.pipe()

    def agent():
        become(s.uid)
        c = Client(s)
        if os.fork() == 0:
            os.read(go_r, 1)
            os.write(told_w, b"w" if c.enter() == "welcome" else b"r")
            os._exit(0)
    os.kill(s.gate_pid, signal.SIGSTOP)
    try:
        pid = child(agent)
        assert os.waitpid(pid, 0)[1] == 0
    finally:
        os.kill(s.gate_pid, signal.SIGCONT)
    os.write(go_w, b"x")
    assert word(told_r, told_w) == b"r"
    agent_still_served(s)


# --- rule 3: every message is the connector's -----------------------------------

def uid_dropped_after_connect_ends_the_connection(s):
    def agent():
        become(s.uid, keep_saved=True)
        c, control = Client(s), Client(s)
        assert c.enter() == "welcome" and control.enter() == "welcome"
        os.setresuid(-1, 0, -1)
        os.setresuid(OTHER, OTHER, OTHER)
        assert not c.alive()
        assert not control.alive()
    assert os.waitstatus_to_exitcode(os.waitpid(child(agent), 0)[1]) == 0
    agent_still_served(s)


def descriptor_passed_to_another_uid_is_noticed_at_its_first_message(s):
    ours, theirs = socket.socketpair()

    def stranger():
        become(OTHER)
        fds = array.array("i")
        _, anc, _, _ = theirs.recvmsg(1, socket.CMSG_LEN(fds.itemsize))
        fds.frombytes(anc[0][2][:fds.itemsize])
        got = socket.socket(fileno=fds[0])
        call = [2, 1, os.urandom(16), "fs.list", {"path": "."}, 0, "", [], 0, 0, b""]
        got.sendall(frame(CALL, call))
        theirs.send(b"d")

    def agent():
        become(s.uid)
        c = Client(s)
        assert c.enter() == "welcome" and c.alive()
        ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                               array.array("i", [c.s.fileno()]))])
        assert ours.recv(1) == b"d"
        try:
            kind, _ = c.get()
            assert kind != DECISION, "the stranger's call was decided"
        except Closed:
            pass
        assert not c.alive()
    other = child(stranger)
    mine = child(agent)
    assert os.waitpid(mine, 0)[1] == 0 and os.waitpid(other, 0)[1] == 0
    agent_still_served(s)


def descriptor_sent_to_us_is_refused_or_ends_the_connection(s):
    before = s.fds()

    def agent(ready, count):
        c = Client(s)
        if ready:
            assert c.enter() == "welcome"
        else:
            c.hello()
        fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(count)]
        try:
            c.s.sendmsg([frame(PING, [1, b"x"])],
                        [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
        except PermissionError:
            return  # SO_PASSRIGHTS=0: the kernel refuses to carry them
        assert not c.alive()
    for ready in (False, True):
        for count in (1, 3, 200):
            assert run_as(s.uid, lambda r=ready, n=count: agent(r, n))
    until(lambda: s.fds() <= before, "its descriptors to be closed")
    agent_still_served(s)


# --- the handshake between processes ---------------------------------------------

def T14_stolen_chain_without_its_key_is_useless(s):
    def thief():
        assert Client(s).enter(key=SigningKey(b"t" * 32)) == "auth_failed"
    assert run_as(s.uid, thief)


def T16_proof_of_one_connection_is_refused_on_another(s):
    def agent():
        first = Client(s)
        first.hello()
        proof = first.auth_as()
        first.put(AUTH, proof)
        assert first.get()[0] != 0 and first.alive()
        again = Client(s)
        again.hello()
        again.put(AUTH, proof)
        assert again.closed() == "auth_failed"
        assert first.alive()
    assert run_as(s.uid, agent)


class Relay(threading.Thread):
    """A socket of the attacker's, and what comes in there goes to the sidecar."""

    def __init__(self, path, target):
        super().__init__(daemon=True)
        self.target, self.seen = target, b""
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o777)
        self.listener.listen()

    def pump(self, a, b, keep=False):
        try:
            while data := a.recv(65536):
                if keep:
                    self.seen += data
                b.sendall(data)
        except OSError:
            pass
        for side in (a, b):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def run(self):
        while True:
            victim, _ = self.listener.accept()
            sidecar = socket.socket(socket.AF_UNIX)
            sidecar.connect(self.target)
            threading.Thread(target=self.pump, args=(victim, sidecar), daemon=True).start()
            self.pump(sidecar, victim, keep=True)


def shim(s, path, pin=True):
    """The real shim as the agent, at that socket."""
    env = {"TIPSTAFF_SOCKET": path, "TIPSTAFF_DELEGATION": os.environ["SERVICE_CHAIN"],
           "TIPSTAFF_KEY": os.path.join(s.dir, "keys/coder.seed"), "PATH": "/usr/bin:/bin"}
    if pin:
        env["TIPSTAFF_SIDECAR_KEY"] = os.path.join(s.dir, "etc/keys/sidecar.pub")
    return subprocess.run(
        ["setpriv", "--reuid", str(s.uid), "--regid", str(s.uid), "--clear-groups", s.shim,
         "call", "fs.list", "path=."], env=env, capture_output=True, timeout=30, check=False)


def T17_challenge_relayed_by_another_uid_is_refused(s):
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o777)

        def attacker():  # the victim answers the sidecar's own challenge
            become(OTHER)
            relay = Relay(os.path.join(d, "sock"), s.agent_path)
            os.write(w, b"x")
            relay.run()
        r, w = os.pipe()
        pid = child(attacker)
        assert word(r, w) == b"x"
        through, direct = shim(s, os.path.join(d, "sock")), shim(s, s.agent_path)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert direct.returncode == 0, direct
    assert through.returncode != 0 and b"auth_failed" in through.stderr, through
    assert through.stdout == b"", through


def fake_sidecar(path, hello, welcome=b""):
    """One connection: says hello, reads what comes, says welcome."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o777)
    listener.listen()
    got = []

    def serve():
        conn, _ = listener.accept()
        conn.settimeout(5)
        conn.sendall(hello)
        try:
            got.append(conn.recv(65536))
            conn.sendall(welcome)
            got.append(conn.recv(65536))
        except OSError:
            pass
        conn.close()
    t = threading.Thread(target=serve, daemon=True)
    t.start()
    return t, got


def T18_fake_sidecar_without_the_pinned_key_gets_nothing(s):
    def peek():
        c = Client(s)
        hello = c.hello()
        with open(os.path.join(d, "hello"), "wb") as f:
            f.write(msgpack.packb(hello))
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o777)
        assert run_as(s.uid, peek)
        with open(os.path.join(d, "hello"), "rb") as f:
            real = msgpack.unpackb(f.read())
        own = list(real)
        own[3] = bytes(SigningKey(b"f" * 32).verify_key)
        # a key of its own: the shim says nothing at all
        t, got = fake_sidecar(os.path.join(d, "own"), frame(HELLO, own))
        answer = shim(s, os.path.join(d, "own"))
        t.join(10)
        assert answer.returncode != 0 and b"pinned" in answer.stderr, answer
        assert not got or got[0] == b"", got
        # the real one's key, whose private half it has not: WELCOME is refused
        forged = frame(3, [1, os.urandom(16), 600, os.urandom(64), 0])
        t, got = fake_sidecar(os.path.join(d, "copied"), frame(HELLO, real), forged)
        answer = shim(s, os.path.join(d, "copied"))
        t.join(10)
        assert answer.returncode != 0 and answer.stdout == b"", answer
        assert len(got) == 2 and got[1] == b"", "a call was made"


def T18_socket_cannot_be_squatted_through_a_read_only_mount(s):
    directory = os.path.dirname(s.agent_path)

    def agent():
        unshare(CLONE_NEWNS)
        ms_rec_private, ms_bind, ms_remount_ro = 0x44000, 0x1000, 0x1000 | 0x20 | 1
        at = directory.encode()
        assert libc.mount(b"none", b"/", None, ms_rec_private, None) == 0
        assert libc.mount(at, at, None, ms_bind, None) == 0
        assert libc.mount(None, at, None, ms_remount_ro, None) == 0
        become(s.uid)
        for what in (lambda: os.unlink(s.agent_path),
                     lambda: os.rename(s.agent_path, s.agent_path + "2"),
                     lambda: socket.socket(socket.AF_UNIX).bind(os.path.join(directory, "mine")),
                     lambda: os.symlink("/tmp/x", os.path.join(directory, "link"))):
            try:
                what()
                raise AssertionError("the directory was written to")
            except OSError as e:
                assert e.errno == errno.EROFS, e
        assert Client(s).enter() == "welcome"
    # Writable even for the agent otherwise: the mount alone is what keeps it.
    os.chmod(directory, 0o777)
    try:
        assert os.waitstatus_to_exitcode(os.waitpid(child(agent), 0)[1]) == 0
    finally:
        os.chmod(directory, 0o755)
    agent_still_served(s)


TESTS = [uid_that_the_agent_lists_is_served,
         T15_stolen_key_and_chain_are_useless_to_another_uid,
         root_is_refused_unless_allowed, nobody_is_refused,
         nested_user_namespace_cannot_claim_another_uid,
         client_in_a_child_pid_namespace_is_served_and_watched,
         forked_child_cannot_keep_the_session_of_a_dead_connector,
         connector_that_ends_before_it_is_accepted_leaves_nothing,
         uid_dropped_after_connect_ends_the_connection,
         descriptor_passed_to_another_uid_is_noticed_at_its_first_message,
         descriptor_sent_to_us_is_refused_or_ends_the_connection,
         T14_stolen_chain_without_its_key_is_useless,
         T16_proof_of_one_connection_is_refused_on_another,
         T17_challenge_relayed_by_another_uid_is_refused,
         T18_fake_sidecar_without_the_pinned_key_gets_nothing,
         T18_socket_cannot_be_squatted_through_a_read_only_mount]
sys.exit(run_tests([t for t in TESTS if len(sys.argv) < 2 or t.__name__ in sys.argv[1:]], service))
