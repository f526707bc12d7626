#!/usr/bin/python3
"""The handshake, and what is malformed. usage: gate_scenario.py PROGRAM [NAME...]
"""
import random

from harness import *
from runner import *


# --- handshake ---------------------------------------------------------------

def handshake_ok(g):
    c = Client(g).login()
    assert c.welcome[4] == 0 and 0 < c.welcome[2] <= 600
    c.put(PING, [1, b"tok"])
    assert c.want(PING) == [1, b"tok"]
    c.close()
    c = Client(g)
    c.hello()
    c.put(PING, [1, b"early"])  # the only thing that is answered before AUTH
    assert c.want(PING)[1] == b"early"
    c.put(AUTH, c.auth_body(chain(link=True)[0], SUB))
    c.want(WELCOME)
    c.close()


def handshake_refusals(g):
    ch, _ = chain()
    refused(g, lambda c: c.auth_body(ch, SUB))  # not the holder's key
    refused(g, lambda c: c.auth_body(ch, uid=UID + 1))  # relayed from elsewhere
    refused(g, lambda c: c.auth_body(ch, challenge=bytes(32)))
    refused(g, lambda c: c.auth_body(chain(issuer=CODER)[0]))
    refused(g, lambda c: c.auth_body(chain(aud="sidecar/y")[0]))
    refused(g, lambda c: c.auth_body(chain(tenant="other")[0]))
    refused(g, lambda c: c.auth_body(chain(exp=int(time.time()) - 1, iat=int(time.time()) - 99,
                                           nbf=int(time.time()) - 99)[0]))
    refused(g, lambda c: c.auth_body(chain(policies="permit(")[0]))
    refused(g, lambda c: c.auth_body(b""))
    refused(g, lambda c: c.auth_body(b"\xdd\x0f\xff\xff\xff"))
    refused(g, lambda c: [1, ch, bytes(32)])  # malformed
    first = Client(g)
    first.hello()
    body = first.auth_body(ch)
    first.put(AUTH, body)
    first.want(WELCOME)
    refused(g, lambda c: body)  # a replay meets another challenge
    first.put(AUTH, body)  # and a second AUTH ends the session
    first.closed()


def wrong_uid(g):
    if UID != 0:
        print("    (not root: skipped)")
        return

    def as_stranger(uid, expect):
        def body():
            c = Client(g)
            if expect is None:  # refused before HELLO
                assert c.closed() == "auth_failed"
                return 0
            c.hello()
            c.put(AUTH, c.auth_body(chain()[0], uid=uid, gid=uid))
            kind, _ = c.get()
            return 0 if kind == expect else 1
        return as_uid(uid, body)
    assert as_stranger(OTHER_UID, WELCOME) == 0
    assert as_stranger(OTHER_UID + 1, ERROR) == 0  # a uid that coder may not use
    assert as_stranger(65534, None) == 0


def root_refused(g):
    if UID != 0:
        print("    (not root: skipped)")
        return
    h = Gate(g.program, root=False)
    try:
        assert Client(h).closed() == "auth_failed"
    finally:
        h.close()


def slow_handshake(g):
    start = time.monotonic()
    c, d = Client(g), Client(g)
    c.hello()
    d.hello()
    raw = frame(AUTH, d.auth_body(chain()[0]))
    try:
        for b in raw:  # one byte at a time does not extend the wait
            d.s.send(bytes([b]))
            if time.monotonic() - start > 30:
                break
            time.sleep(0.1)
    except OSError:
        pass
    assert c.closed() == "auth_failed"
    d.closed()
    assert 9 < time.monotonic() - start < 30


def handshake_flood(g):
    h = Gate(g.program, rate=5, burst=10)
    try:
        start = time.monotonic()
        codes = [Client(h) for _ in range(40)]
        got = []
        for c in codes:
            kind, body = c.get()
            got.append("hello" if kind == HELLO else body[1])
        refilled = int((time.monotonic() - start) * 5) + 3
        assert got.count("hello") in range(10, 10 + refilled), got
        assert got.count("rate_limited") == 40 - got.count("hello")
        for c in codes:
            c.close()
        wait_for(lambda: Client(h).get()[0] == HELLO, "the bucket to refill")
        assert h.alive()
    finally:
        h.close()


def connection_limit(g):
    many = [Client(g) for _ in range(64)]
    for c in many:
        assert c.get()[0] == HELLO
    assert Client(g).closed() == "rate_limited"
    for c in many:
        c.close()


# --- malformed ---------------------------------------------------------------

def garbage_everywhere(g):
    rnd = random.Random(1)
    for stage in ("fresh", "ready"):
        for i in range(40):
            c = Client(g)
            if stage == "ready":
                c.login()
            else:
                c.hello()
            n = rnd.choice((1, 4, 5, 6, 40, 300))
            raw = bytes(rnd.randrange(256) for _ in range(n))
            if i % 2:
                raw = frame(rnd.randrange(256), raw)
            c.s.sendall(raw)
            c.s.shutdown(socket.SHUT_WR)
            c.closed()


def frames_out_of_limits(g):
    for stage, size in (("fresh", 40961), ("ready", 262145)):
        c = Client(g)
        if stage == "ready":
            c.login()
        else:
            c.hello()
        c.s.sendall(struct.pack(">IB", size, CALL))  # refused before the body
        assert c.closed() == "bad_frame"


def every_type_out_of_turn(g):
    for kind in range(0, 256):
        if kind in (AUTH, PING):
            continue
        c = Client(g)
        c.hello()
        c.put(kind, [1, 1])
        c.closed()
    for kind in (HELLO, AUTH, WELCOME, ERROR, DECISION, OUTPUT, RESULT, CHECKED, WINDOW, 0, 99):
        c = Client(g).login()
        c.put(kind, [1, 1])
        c.closed()


def sequence(g):
    for seq in (0, 2, 2**63):
        c = Client(g).login()
        c.call("t.echo", seq=seq)
        assert c.closed() == "bad_frame"
    c = Client(g).login()
    c.run("t.echo")
    c.call("t.echo", seq=1)
    assert c.closed() == "bad_frame"
    c = Client(g).login()
    c.put(CANCEL, [1, 5])  # unknown: ignored
    assert c.run("t.echo")[2][2] == "exited"
    c = Client(g).login()
    c.put(STDIN, [1, 5, b"x", False])
    assert c.closed() == "bad_frame"


def descriptors_passed(g):
    for stage in ("fresh", "ready"):
        for count in (1, 3, 20):
            c = Client(g)
            if stage == "ready":
                c.login()
            else:
                c.hello()
            fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(count)]
            try:
                c.s.sendmsg([frame(PING, [1, b"x"])],
                            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
            except PermissionError:
                continue  # the kernel refuses them (SO_PASSRIGHTS)
            finally:
                for fd in fds:
                    os.close(fd)
            c.closed()


def handed_to_another_uid(g):
    if UID != 0:
        print("    (not root: skipped)")
        return
    c = Client(g).login()

    def stranger():
        c.put(PING, [1, b"mine now"])
        return 0
    assert as_uid(OTHER_UID, stranger) == 0
    c.closed()


def holder_exits(g):
    """The connecting process ends, a child keeps the socket: session over."""
    before = g.rss_kb()
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        c = Client(g).login()
        c.call("t.hold")
        c.want(DECISION)
        if os.fork() == 0:
            os.close(w)
            code = b"c"
            try:
                c.closed()
            except BaseException:
                code = b"?"
            os.write(2, b"") if code == b"c" else os.write(2, b"grandchild failed\n")
            os._exit(0)
        os.write(w, b"x")
        os._exit(0)
    os.read(r, 1)
    os.waitpid(pid, 0)
    os.close(r)
    os.close(w)
    wait_for(lambda: any(e["reason"] == "disconnected" for e in g.recorder.of("exec_ended")),
             "the tool to be killed")
    assert before


TESTS = [handshake_ok, handshake_refusals, wrong_uid, root_refused, slow_handshake, handshake_flood,
         connection_limit, garbage_everywhere, frames_out_of_limits, every_type_out_of_turn, sequence,
         descriptors_passed, handed_to_another_uid, holder_exits]

if __name__ == "__main__":
    sys.exit(main(sys.argv, TESTS))
