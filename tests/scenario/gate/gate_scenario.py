#!/usr/bin/python3
"""Process-level tests of tipstaff-gate.  usage: gate_scenario.py PROGRAM [NAME...]

Each test starts the real, confined program. After most of them the gate must
still serve a fresh session and hold no more descriptors than before: whatever
one connection did, others are unaffected.
"""
import random
import traceback

from harness import *


def bystander(gate):
    c = Client(gate).login()
    decision, out, result = c.run("t.echo")
    assert decision[3] == "permitted" and out == b"hello\n" and result[2] == "exited", result
    c.close()


def settled(gate, before):
    wait_for(lambda: gate.fds() <= before, f"descriptors: {gate.fds()} > {before}")


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


def refused(g, body_of, code="auth_failed"):
    c = Client(g)
    c.hello()
    c.put(AUTH, body_of(c))
    got = c.closed()
    assert got == code, got


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
    c, d = Client(g), Client(g)
    c.hello()
    d.hello()
    raw = frame(AUTH, d.auth_body(chain()[0]))
    start = time.monotonic()
    try:
        for b in raw:  # one byte at a time does not extend the wait
            d.s.send(bytes([b]))
            if time.monotonic() - start > 6:
                break
            time.sleep(0.02)
    except OSError:
        pass
    assert c.closed() == "auth_failed"
    d.closed()
    assert 1.5 < time.monotonic() - start < 6


def handshake_flood(g):
    h = Gate(g.program, rate=5, burst=10)
    try:
        codes = [Client(h) for _ in range(40)]
        got = []
        for c in codes:
            kind, body = c.get()
            got.append("hello" if kind == HELLO else body[1])
        assert got.count("hello") in range(10, 13), got
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


# --- calls -------------------------------------------------------------------

def call_outcomes(g):
    c = Client(g).login()
    d, out, r = c.run("t.echo", {"text": "x"})
    assert d[2] == 2 and out == b"hello\n" and r[2:7] == ["exited", "permitted", 3, 0, 6], r
    for tool, args, code in (("t.no", {}, "forbidden"), ("t.gone", {}, "tool_unknown"),
                             ("t.echo", {"text": 5}, "bad_arguments"),
                             ("t.echo", {"other": "x"}, "bad_arguments")):
        d, _, r = c.run(tool, args)
        assert (d[2], d[3], r) == (0, code, None), d
    d, _, r = c.run("t.refuse")
    assert d[3] == "permitted" and r[2:4] == ["refused", "sandbox_unavailable"], (d, r)
    cid = os.urandom(16)
    for _ in range(2):  # a permit that could not be written down is none
        d, _, r = c.run("t.void", call_id=cid)
        assert (d[2], d[3], r) == (0, "audit_unavailable", None), (d, r)
    d, _, _ = c.run("t.echo", minrev=99)
    assert d[3] == "stale_state"
    d, _, _ = c.run("t.echo", sig=bytes(64))
    assert d[3] == "auth_failed"
    decisions, ends = g.recorder.of("decision"), g.recorder.of("exec_ended")
    wait_for(lambda: len(g.recorder.of("decision")) == 10, "records")
    decisions, ends = g.recorder.of("decision"), g.recorder.of("exec_ended")
    assert [e["reason"] for e in ends] == ["exited", "refused", "refused", "refused"]
    assert len({d["id"] for d in decisions}) == 10


def call_signature(g):
    c = Client(g).login()
    body = c.call_body("t.echo")
    raw = msgpack.packb(body)
    unsigned = raw[:-2]  # without sig and its head (an empty bin)
    assert raw[-2:] == b"\xc4\x00"
    m = pae("call", c.welcome[1], (1).to_bytes(8, "little"), blake(unsigned))
    body[-1] = CODER.sign(m).signature
    c.put(CALL, body)
    d, _, r = c.collect()
    assert d[3] == "permitted" and r[2] == "exited"


def call_ids(g):
    ch, _ = chain()
    c = Client(g).login(ch)
    cid = os.urandom(16)
    d1, out1, r1 = c.run("t.echo", {"text": "a"}, call_id=cid)
    launches = g.launcher.started
    d2, out2, r2 = c.run("t.echo", {"text": "a"}, call_id=cid, flags=2)
    assert d2[4] == d1[4] and r2[9] & 4 and r2[2:9] == r1[2:9] and out2 == b""
    d3, _, _ = c.run("t.echo", {"text": "b"}, call_id=cid)
    assert d3[3] == "duplicate_call"
    other = Client(g).login(ch)  # after a reconnect, too
    d4, _, r4 = other.run("t.echo", {"text": "a"}, call_id=cid)
    assert d4[4] == d1[4] and r4[9] & 4
    stranger = Client(g).login()  # another grant may use the same id
    d5, _, r5 = stranger.run("t.echo", {"text": "a"}, call_id=cid)
    assert d5[4] != d1[4] and not r5[9] & 4
    assert g.launcher.started == launches + 1
    seq = c.call("t.hold", call_id=b"h" * 16)
    c.want(DECISION)
    d6, _, _ = other.run("t.hold", call_id=b"h" * 16)
    assert d6[3] == "duplicate_call"  # it runs: nothing to repeat yet
    c.put(CANCEL, [1, seq])
    assert c.collect()[2][2] == "cancelled"


def in_flight_limit(g):
    c = Client(g).login()
    for _ in range(64):
        c.call("t.hold")
    for _ in range(64):
        assert c.want(DECISION)[3] == "permitted"
    c.call("t.hold")
    assert c.want(DECISION)[3] == "too_many_calls"
    bystander(g)
    c.close()
    wait_for(lambda: len(g.recorder.of("exec_ended")) == 65, "all to be killed")
    assert not g.launcher.runs


def stdio(g):
    c = Client(g).login()
    data = os.urandom(700_000)
    seq = c.call("t.cat", flags=1)
    c.want(DECISION)
    sent, window, out, eof, result = 0, 131072, b"", False, None
    while result is None:
        while window and sent < len(data):
            n = min(window, 30000, len(data) - sent)
            c.put(STDIN, [1, seq, data[sent:sent + n], False])
            sent, window = sent + n, window - n
        if sent == len(data) and not eof:
            c.put(STDIN, [1, seq, b"", True])
            eof = True
        kind, body = c.get()
        if kind == OUTPUT:
            out += body[3]
        elif kind == WINDOW:
            window += body[2]
        else:
            assert kind == RESULT
            result = body
    assert out == data and result[6] == len(data)
    c = Client(g).login()
    seq = c.call("t.cat", flags=1)
    c.want(DECISION)
    c.put(STDIN, [1, seq, b"x" * 65536, False])
    c.put(STDIN, [1, seq, b"x" * 65536, False])
    c.put(STDIN, [1, seq, b"x" * 65536, False])  # may pass or not: up to the tool
    c.close()
    c = Client(g).login()
    c.call("t.echo", flags=1)  # a tool without stdin
    d = c.want(DECISION)
    assert d[3] == "bad_arguments", d


def window_overrun(g):
    c = Client(g).login()
    seq = c.call("t.hold")
    c.want(DECISION)
    c.put(STDIN, [1, seq, b"x", False])  # CALL did not announce any
    assert c.closed() == "bad_frame"
    c = Client(g).login()
    seq = c.call("t.deaf", flags=1)  # reads nothing: a pipe and a window, no more
    c.want(DECISION)
    try:
        for _ in range(8):
            c.put(STDIN, [1, seq, bytes(65536), False])
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert c.closed() == "bad_frame"
    wait_for(lambda: len(g.recorder.of("exec_ended")) == 2, "both killed")


def output_limits(g):
    c = Client(g).login()
    _, out, r = c.run("t.trim")
    assert len(out) == 1000 and r[2] == "exited" and r[6] == 5000 and r[9] & 1, r
    _, out, r = c.run("t.over")
    assert len(out) <= 1000 and r[2] == "output_limit", r


def slow_reader(g):
    c = Client(g).login()
    c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    before = g.rss_kb()
    for _ in range(8):
        c.call("t.flood")
    wait_for(lambda: g.launcher.started == 8, "starts")
    # every tool stands still: one without a bound would have taken it all by then
    pipes = [run["fds"][1] for run in g.launcher.runs.values()]
    assert len(pipes) == 8
    wait_for(lambda: g.leaves_alone(pipes), "the gate to leave the pipes full")
    assert g.rss_kb() - before < 6000, g.rss_kb() - before
    bystander(g)
    got = {}
    ended = 0
    while ended < 8:
        kind, body = c.get()
        if kind == OUTPUT:
            got[body[1]] = got.get(body[1], 0) + len(body[3])
        elif kind == RESULT:
            assert body[2] == "exited" and got[body[1]] == 4 << 20, (body, got)
            ended += 1


def check(g):
    c = Client(g).login()
    items = [["t.echo", {"text": "x"}], ["t.no", {}], ["nope", {}], ["t.echo", {"text": 1}]] * 200
    c.put(CHECK, [1, 1, items, "", []])
    got = c.want(CHECKED)
    assert got[1] == 1 and [i[1] for i in got[2]] == \
        ["permitted", "forbidden", "tool_unknown", "bad_arguments"] * 200
    c.seq = 1
    assert c.run("t.echo")[0][3] == "permitted"
    wait_for(lambda: len(g.recorder.of("decision")) == 801, "one record each")
    assert len({i[2] for i in got[2]}) == 800
    assert g.launcher.started == 1


def tools(g):
    c = Client(g).login()
    c.put(TOOLS, [1, 77])
    got = c.want(TOOLS)
    assert got[1] == 77 and "t.echo" in [t[0] for t in got[2]]


def ring_full(g):
    c = Client(g).login()
    g.recorder.paused = True
    n = 0
    c.s.settimeout(0.5)
    try:
        while n < 20000:  # every denial needs room in the ring
            c.put(CALL, c.call_body("t.no"))
            n += 1
    except (TimeoutError, BlockingIOError):
        pass
    assert n < 20000
    assert g.alive()
    g.recorder.paused = False
    c.s.settimeout(10)
    # what was accepted is answered in order, one record each
    c.s.settimeout(2)
    answered = 0
    try:
        while True:
            kind, body = c.get()
            assert kind == DECISION and body[1] == answered + 1
            answered += 1
    except (TimeoutError, Closed):
        pass
    assert answered >= n - 1, (answered, n)
    assert len(g.recorder.of("decision")) == answered


def recorder_states(g):
    c = Client(g).login()
    g.recorder.state(2)  # the reserve is left: denials only
    assert c.run("t.echo")[0][3] == "audit_unavailable"
    assert g.launcher.started == 0
    g.recorder.state(1)
    assert c.run("t.echo")[0][3] == "permitted"
    g.recorder.state(0)
    c.call("t.echo")
    assert c.closed() == "audit_unavailable"
    g.recorder.state(1)


# --- ends --------------------------------------------------------------------

def disconnect_kills(g):
    c = Client(g).login()
    c.call("t.hold")
    c.want(DECISION)
    c.close()
    wait_for(lambda: g.recorder.of("exec_ended"), "the outcome")
    e, = g.recorder.of("exec_ended")
    assert e["reason"] == "disconnected"


def cancel(g):
    c = Client(g).login()
    seq = c.call("t.hold")
    c.put(CANCEL, [1, seq])  # before or after the start: the same to the agent
    _, _, r = c.collect()
    assert r[2] == "cancelled" and r[5] == 9
    c.put(CANCEL, [1, seq])  # too late: ignored
    assert c.run("t.echo")[2][2] == "exited"


def expiry(g):
    c = Client(g).login(chain(exp=int(time.time()) + 2)[0])
    c.call("t.hold")
    c.want(DECISION)
    _, _, r = c.collect()
    assert r[2] == "expired", r
    assert c.closed() == "expired"


def revoke_body(kind, target=b"", cutoff=None, tenant="acme", by=REVOKER):
    return [1, revocation(kind, target, cutoff, tenant, by)]


def revoke(g):
    a, b = Client(g).login(), Client(g).login()
    for c in (a, b):
        c.call("t.hold")
        c.want(DECISION)
    g.launcher.hold_exits = True
    op = Client(g, g.admin_path)
    op.put(1, revoke_body(1, a.grant))
    kind, ack = op.get()
    assert (kind, ack) == (2, [1, 1, 1, 1, 0]), (kind, ack)
    kinds = [k for k in g.recorder.entries if k != RECORD]
    assert kinds[-3:] == [JOURNAL, KILL, BARRIER], kinds
    op.s.settimeout(0.2)
    try:
        op.get()
        raise AssertionError("COMPLETE before the tool was reaped")
    except TimeoutError:
        pass
    op.s.settimeout(10)
    g.launcher.hold_exits = False
    for oid, run in list(g.launcher.runs.items()):
        if len(g.launcher.runs) == 2:
            g.launcher.end(oid, 6, 0, 9)
    assert op.get() == (3, [1, 1])
    assert a.collect()[2][2] == "revoked"
    assert a.closed() == "revoked"
    refused(g, lambda c: c.auth_body(chain(a.grant)[0]))
    b.put(PING, [1, b"still here"])
    assert b.want(PING)[1] == b"still here"
    op.put(1, revoke_body(5, b"coder"))
    assert op.get()[0] == 2 and op.get() == (3, [1, 2])
    assert b.collect()[2][2] == "revoked"
    refused(g, lambda c: c.auth_body(chain()[0]))
    wait_for(lambda: len(g.recorder.of("revocation")) == 2, "records")
    assert len([j for j in g.recorder.journal if j[0] == 1]) == 2
    op.put(4, [1])
    kind, status = op.get()
    assert kind == 4 and '"rev_seq":2' in status[1], status


def revoke_survives(g):
    c = Client(g).login()
    op = Client(g, g.admin_path)
    op.put(1, revoke_body(1, c.grant))
    assert op.get()[0] == 2
    wait_for(lambda: g.recorder.journal, "journal")
    h = Gate(g.program, journal=g.recorder.journal)
    try:
        refused(h, lambda x: x.auth_body(chain(c.grant)[0]))
        assert Client(h).login().welcome[4] == 1
    finally:
        h.close()
    for bad in (g.recorder.journal * 2, [[1, "acme", 1, b"\x90"]], [[9, "", 1, b""]]):
        h = Gate(g.program, journal=bad)  # out of order, junk, an unknown type
        try:
            assert h.ready[0] == 5 and h.p.wait(10) == 1, h.ready
        finally:
            h.close()


def operators(g):
    op = Client(g, g.admin_path)
    for body in (revoke_body(1, b"short"), revoke_body(5, b"a b"), revoke_body(1, bytes(16), 1),
                 revoke_body(1, bytes(16), tenant="x y"), revoke_body(1, bytes(16), tenant="nobody"),
                 revoke_body(13, bytes(16), 0), revoke_body(0, bytes(16), 0),
                 revoke_body(1, bytes(16), by=DIRECTORY), revoke_body(7, by=DIRECTORY),
                 revoke_body(1, bytes(16), by=ISSUER), revoke_body(1, bytes(16), by=CODER),
                 revoke_body(1, bytes(16), by=key(99)), [1, b""], [1, bytes(1024)], [1, bytes(1025)],
                 [1, 1, "acme", bytes(16), 0, "unsigned"]):
        o = Client(g, g.admin_path)
        o.put(1, body)
        kind, _ = o.get()
        assert kind == 5
    op.s.sendall(b"\xff" * 9)
    assert op.get()[0] == 5
    many = [Client(g, g.admin_path) for _ in range(32)]
    for o in many:
        o.put(4, [1])
    assert [o.get()[0] for o in many].count(4) >= 31
    if UID == 0:
        def stranger():
            o = Client(g, g.admin_path)
            try:
                o.put(4, [1])
                o.get()
                return 1
            except (Closed, BrokenPipeError):
                return 0
        assert as_uid(OTHER_UID, stranger) == 0


def task_end(g):
    ch, grant = chain()
    c, d = Client(g).login(ch), Client(g).login(ch)
    c.put(TASK_END, [1, 3])
    assert c.want(TASK_END) == [1, 3]
    assert c.closed() == "revoked" and d.closed() == "revoked"
    refused(g, lambda x: x.auth_body(ch))
    sub = Client(g)
    sub.hello()
    sub.put(AUTH, sub.auth_body(chain(link=True)[0], SUB))
    sub.want(WELCOME)
    sub.put(TASK_END, [1, 1])  # not its grant to give up
    assert sub.closed() == "bad_frame"


def reload(g):
    c = Client(g).login()
    files = dict(g.files)
    bad = "tenants/acme/policies/hard/99.cedar"
    files[bad] = "permit (\n"
    kind, text = g.prepare(2, files)
    assert kind == 5 and bad in text[1], text
    g.send(7, [0, 2, text[1]])
    assert c.run("t.echo")[0][3] == "permitted"
    files = dict(g.files)
    files["tools/bad.yaml"] = "tool: t.bad\nargv: [\n"
    files["tenants/acme/policies/hard/10.cedar"] = '@id("no")\nforbid(principal,action,resource);\n'
    assert g.prepare(3, files) == (4, [0, 3, ""])
    assert c.run("t.echo")[0][3] == "permitted"  # prepared is not in force
    g.send(6, [0, 3])
    wait_for(lambda: g.recorder.of("policy_loaded"), "commit")
    assert c.run("t.echo")[0][3] == "forbidden"
    wait_for(lambda: g.recorder.of("tool_refused"), "its record")
    refusal = g.recorder.of("tool_refused")[0]
    assert (refusal["tool"], refusal["file"], refusal["generation"]) == ("t.bad", "tools/bad.yaml", 3), refusal
    assert c.run("t.bad")[0][3] == "tool_unavailable"
    files["tenants/acme/directory.snapshot"] = directory([UID], seq=2, coder=0)
    assert g.prepare(4, files)[0] == 4
    g.send(6, [0, 4])
    assert c.closed() == "revoked"
    assert [r["generation"] for r in g.recorder.of("policy_rejected")] == [2]
    g.expect_end = True  # coder is gone: nobody can log in any more


def drain(g):
    c, idle = Client(g).login(), Client(g).login()
    c.call("t.hold")
    c.want(DECISION)
    g.send(8, [0, 300])
    assert idle.closed() == "shutting_down"
    c.call("t.echo")
    assert c.want(DECISION)[3] == "shutting_down"
    assert c.collect()[2][2] == "shutdown"  # after the grace
    assert c.closed() == "shutting_down"
    assert g.p.wait(10) == 0, g.text()
    wait_for(lambda: g.recorder.of("stop"), "stop record")
    assert [r["kind"] for r in g.recorder.records][0] == "start"
    g.expect_end = True


def channels_end(g):
    for close in (lambda h: h.launcher.sock.close(), lambda h: h.control.close(),
                  lambda h: h.launcher.sock.send(b"\x09junk"),
                  lambda h: h.launcher.exited(12345),
                  lambda h: h.launcher.send(HOP_BARRIER, [99]),
                  lambda h: h.send(6, [0, 9])):
        h = Gate(g.program)
        try:
            Client(h).login()
            close(h)
            assert h.p.wait(10) == 1, h.text()
        finally:
            h.close()


def bad_bundle(g):
    files = config([UID])
    files["tenants/acme/trust.yaml"] = "issuers: 5\n"
    h = Gate(g.program, files=files)
    try:
        assert h.ready[0] == 5 and "trust.yaml" in h.ready[1][1], h.ready
        assert h.p.wait(10) == 1
    finally:
        h.close()


def many_sessions(g):
    """No growth: descriptors and memory after many sessions and calls."""
    ch, _ = chain()

    def session():
        c = Client(g).login(ch)
        for _ in range(20):
            assert c.run("t.echo")[2][2] == "exited"
        c.close()
    for _ in range(250):  # more than the call ids that are remembered
        session()
    fds, rss = g.fds(), g.rss_kb()
    for _ in range(250):
        session()
    settled(g, fds)
    assert g.rss_kb() - rss < 200, g.rss_kb() - rss
    wait_for(lambda: len(g.recorder.of("exec_ended")) == 10000, "every outcome's record")
    assert len(g.recorder.of("decision")) == 10000


TESTS = [handshake_ok, handshake_refusals, wrong_uid, root_refused, slow_handshake,
         handshake_flood, connection_limit, garbage_everywhere, frames_out_of_limits,
         every_type_out_of_turn, sequence, descriptors_passed, handed_to_another_uid,
         holder_exits, call_outcomes, call_signature, call_ids, in_flight_limit, stdio,
         window_overrun, output_limits, slow_reader, check, tools, ring_full, recorder_states,
         disconnect_kills, cancel, expiry, revoke, revoke_survives, operators, task_end, reload,
         drain, channels_end, bad_bundle, many_sessions]


def run_one(test, program):
    g = Gate(program)
    g.program, g.expect_end = program, False
    try:
        assert g.ready == (2, [0, "serving"]), (g.ready, g.text())
        bystander_first = g.fds()
        test(g)
        if not g.expect_end:
            settled(g, bystander_first)
            if not any("agent" in str(r.get("target", "")) or r.get("target") == "coder"
                       for r in g.recorder.of("revocation")):
                bystander(g)
            assert g.alive(), g.text()
            assert g.drain() == 0, g.text()
    except BaseException:
        sys.stderr.write(g.text())
        raise
    finally:
        g.close()


def main(argv):
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    program, names = argv[1], argv[2:]
    failed = 0
    for test in TESTS:
        if names and test.__name__ not in names:
            continue
        start = time.monotonic()
        try:
            run_one(test, program)
            print(f"ok      {test.__name__} ({time.monotonic() - start:.1f} s)", flush=True)
        except BaseException:
            failed += 1
            traceback.print_exc()
            print(f"FAILED  {test.__name__}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
