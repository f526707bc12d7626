#!/usr/bin/python3
"""Calls: outcomes, ids, limits, stdio, a ring that is full, what ends them.
"""
from harness import *
from runner import *


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
    c = Client(g).login(chain(exp=int(time.time()) + 4)[0])
    c.call("t.hold")
    c.want(DECISION)
    _, _, r = c.collect()
    assert r[2] == "expired", r
    assert c.closed() == "expired"


TESTS = [call_outcomes, call_signature, call_ids, in_flight_limit, stdio, window_overrun, output_limits,
         slow_reader, check, tools, ring_full, recorder_states, disconnect_kills, cancel, expiry]

if __name__ == "__main__":
    sys.exit(main(sys.argv, TESTS))
