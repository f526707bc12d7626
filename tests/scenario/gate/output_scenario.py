#!/usr/bin/python3
"""What of a tool's output reaches the agent: secrets, limits, slow agents.

The tripwires are made here from the description in sidecar/common/tripwire/tripwire.h,
not by the code that the gate is built from.
"""
import base64
import hashlib
import os
import signal
import select
import socket
import struct
import sys
import threading
import time
import traceback

from harness import OUTPUT, RESULT, Client, Closed, Gate, wait_for

SECRET = b"sk_live_51Hx9Qe7vT2LmPz8RkYw4BnC"
MARK = b"[redacted]"
KEY = bytes(range(16))
PRIME = (1 << 61) - 1
STOPS = b"\n\r\t >:})"


def tripwire(key, text):
    k = hashlib.blake2b(b"tipstaff tripwire 1", key=key, digest_size=64).digest()
    flip, factor, base, mix = struct.unpack("<4Q", k[:32])
    base = (base & (PRIME >> 1)) + 257
    first = int.from_bytes(text[:8], "little")
    fingerprint = ((first ^ flip) * (factor | 1)) % (1 << 64) >> 32
    total = 0
    for c in text:
        total = (total * base + c + 1) % PRIME
    check = (total * (mix | 1)) % (1 << 64) >> 52
    stops = [sum(1 << i for i, c in enumerate(STOPS) if c not in part)
             for part in (text, text[:8])]
    digest = hashlib.blake2b(text, key=k[32:], digest_size=16).digest()
    return struct.pack("<IHHBB", fingerprint, len(text), check, *stops) + digest


def tripwires(*texts):
    return KEY + b"".join(tripwire(KEY, t) for t in texts)


def run_tool(g, script, tool="t.hold", tw=b""):
    """One call whose tool is script(write to stdout, write to stderr)."""
    def act(launcher, oid, fds):
        fds = [os.dup(fd) for fd in fds]
        def write(i, b):  # a killed tool writes no more
            if oid not in launcher.runs:
                raise BrokenPipeError()
            return os.write(fds[i], b)
        try:
            script(lambda b: write(1, b), lambda b: write(2, b))
        except BrokenPipeError:
            pass
        for fd in fds:
            os.close(fd)
        launcher.end(oid, 0, 0)
    g.launcher.scripts[tool] = act
    g.launcher.tripwires = tw
    ended = len(g.recorder.of("exec_ended"))
    c = Client(g).login()
    c.call(tool)
    streams, kind = [b"", b""], None
    while kind != RESULT:
        kind, body = c.get()
        if kind == OUTPUT:
            streams[body[2] - 1] += body[3]
    c.close()
    wait_for(lambda: len(g.recorder.of("exec_ended")) > ended, "the record")
    return streams[0], streams[1], body, g.recorder.of("exec_ended")[-1]


def every_way_in_any_pieces(g):
    ways = [SECRET, base64.b64encode(SECRET)[:42], SECRET.hex().encode()]
    tw = tripwires(*ways)
    data = b"".join(b"<" + w + b">" for w in ways) + b"plain text"
    want = b"<" + MARK + b"><" + MARK + b">" + b"<" + MARK + b">plain text"
    whole = base64.b64encode(SECRET)
    assert whole.startswith(ways[1])
    for piece in (1, 5, 8, 33, len(data)):
        def script(out, err):
            for at in range(0, len(data), piece):
                out(data[at:at + piece])
            err(data)
        out, err, result, record = run_tool(g, script, tw=tw)
        assert out == want and err == want, (piece, out, err)
        assert result[6] == result[7] == len(data), result  # as the tool wrote it
        assert record["redacted"] == 6 and not record["truncated"], record
    assert "secret_in_output tool=t.hold" in g.text()
    assert SECRET.decode() not in g.text()


def streams_are_apart(g):
    def script(out, err):
        out(SECRET[:16])
        err(SECRET[16:])
        out(b"|" + SECRET[16:])
    out, err, _, record = run_tool(g, script, tw=tripwires(SECRET))
    assert out == SECRET[:16] + b"|" + SECRET[16:] and err == SECRET[16:]
    assert record["redacted"] == 0


def beginnings_come_at_the_end(g):
    for n in range(1, len(SECRET)):
        out, _, _, record = run_tool(g, lambda o, e: o(b"x" + SECRET[:n]), tw=tripwires(SECRET))
        assert out == b"x" + SECRET[:n] and record["redacted"] == 0, (n, out)


def cut_off_shows_no_beginning(g):
    """t.trim shows 1000 bytes; the cut goes through the secret."""
    for before in range(1000 - len(SECRET) + 1, 1001):
        data = b"." * before + SECRET + b"." * 100
        out, _, result, record = run_tool(g, lambda o, e: o(data), "t.trim", tripwires(SECRET))
        assert set(out) == set(b".") and before - 7 <= len(out) <= before, (before, out[-9:])
        assert result[6] == len(data) and result[9] & 1
        assert record["truncated"]
    data = b"." * (1000 - len(SECRET)) + SECRET + b"."
    out, _, _, record = run_tool(g, lambda o, e: o(data), "t.trim", tripwires(SECRET))
    assert out.endswith(MARK) and record["redacted"] == 1


def dialogue_goes_on(g):
    """A line is passed on while the tool still runs."""
    said = []

    def script(launcher, oid, fds):
        for line in (b"{\"id\":1}\n", b"s\n", b"sk_live_51Hx9\n", b"login: "):
            os.write(fds[1], line)
            wait_for(lambda: len(said) >= 1 and said.pop() == line, "the line")
        launcher.end(oid, 0, 0)
    g.launcher.scripts["t.hold"] = script
    g.launcher.tripwires = tripwires(SECRET)
    c = Client(g).login()
    c.call("t.hold")
    while True:
        kind, body = c.get()
        if kind == OUTPUT:
            said.append(body[3])
        if kind == RESULT:
            break


def daemon_that_keeps_the_pipe(g):
    """EXITED is there, its pipes stay open: the call ends, and shows all."""
    kept = []

    def script(launcher, oid, fds):
        kept.extend(os.dup(fd) for fd in fds)
        os.write(fds[1], b"all of it " + SECRET[:20])
        launcher.end(oid, 0, 7)
    g.launcher.scripts["t.hold"] = script
    g.launcher.tripwires = tripwires(SECRET)
    c = Client(g).login()
    start = time.monotonic()
    _, out, result = c.run("t.hold")
    took = time.monotonic() - start
    assert out == b"all of it " + SECRET[:20] and result[4] == 7, (out, result)
    assert 0.09 < took < 30, took  # a tenth of a second; not the minute that the tool may run
    for fd in kept[1:3]:
        try:
            os.write(fd, b"x")
            raise AssertionError("the gate still holds a pipe of an ended call")
        except BrokenPipeError:
            pass
    for fd in kept:
        os.close(fd)


def flood_is_drained_then_killed(g):
    """`truncate` reads on up to 16 times the limit, unseen; then it kills."""
    wrote = [0]

    def script(out, err):
        while True:
            wrote[0] += out(b"y" * 4096)
    out, _, result, _ = run_tool(g, script, "t.trim")
    assert out == b"y" * 1000 and result[2] == "output_limit", result
    assert result[6] > 16 * 1000, result


def agent_that_takes_a_byte_at_a_time(g):
    """It stalls the tool, not the gate: its memory stays, others are served."""
    wrote, stop, pipes = [0], threading.Event(), []

    def script(launcher, oid, fds):
        os.set_blocking(fds[1], False)
        pipes.append(fds[1])
        while not stop.is_set():
            try:
                wrote[0] += os.write(fds[1], b"z" * 4096)
            except BlockingIOError:
                select.select([], [fds[1]], [], 0.1)
            except OSError:
                return
    g.launcher.scripts["t.flood"] = script
    slow = Client(g).login()
    slow.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    before = g.rss_kb()
    slow.call("t.flood")
    marks = []
    for _ in range(4):
        wait_for(lambda: wrote[0] > 200_000 and g.leaves_alone(pipes), "a tool that stands still")
        marks.append(wrote[0])
        slow.s.recv(1)
        c = Client(g).login()
        start = time.monotonic()
        _, out, result = c.run("t.echo")
        assert result[2] == "exited" and out == b"hello\n"
        assert time.monotonic() - start < 15
        c.close()
    # what fits between the two: socket buffers, the queue, the pipe
    assert marks[-1] < 4 << 20 and marks[-1] - marks[1] < 65536, marks
    assert g.rss_kb() - before < 4096
    slow.close()
    wait_for(lambda: any(r["reason"] == "disconnected" for r in g.recorder.of("exec_ended")),
             "the end of the slow agent's tool")
    stop.set()


def launcher_end(g):
    for oid in list(g.launcher.runs):
        g.launcher.end(oid, 0, 0)


def one_flood_and_many_others(g):
    """Rounds: a tool that always has more does not keep others waiting."""
    stop = threading.Event()

    def script(launcher, oid, fds):
        try:
            while oid in launcher.runs and not stop.is_set():
                os.write(fds[1], b"q" * 65536)
        except OSError:
            pass
    g.launcher.scripts["t.flood"] = script
    g.launcher.tripwires = tripwires(SECRET)
    noisy = Client(g).login()
    noisy.call("t.flood")

    def read_all():
        try:
            while noisy.get()[0] != RESULT:
                pass
        except (Closed, OSError):
            pass
    reader = threading.Thread(target=read_all, daemon=True)
    reader.start()
    for _ in range(20):
        c = Client(g).login()
        _, out, result = c.run("t.echo")
        assert out == b"hello\n" and result[2] == "exited"
        c.close()
    stop.set()
    launcher_end(g)
    reader.join(60)
    assert not reader.is_alive()


def malformed_tripwires_end_the_gate(g):
    g.launcher.tripwires = tripwires(SECRET)[:-1]
    c = Client(g).login()
    c.call("t.hold")
    wait_for(lambda: not g.alive(), "the gate's end")
    assert "malformed" in g.text()
    g.expect_end = True


TESTS = [every_way_in_any_pieces, streams_are_apart, beginnings_come_at_the_end,
         cut_off_shows_no_beginning, dialogue_goes_on, daemon_that_keeps_the_pipe,
         flood_is_drained_then_killed, agent_that_takes_a_byte_at_a_time, one_flood_and_many_others,
         malformed_tripwires_end_the_gate]


def run_one(test, program):
    g = Gate(program)
    g.expect_end = False
    try:
        assert g.ready == (2, [0, "serving"]), (g.ready, g.text())
        test(g)
        if not g.expect_end:
            assert g.alive() and g.drain() == 0, g.text()
    except BaseException:
        sys.stderr.write(g.text())
        raise
    finally:
        g.close()


def main(argv):
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    failed = 0
    for test in TESTS:
        if argv[2:] and test.__name__ not in argv[2:]:
            continue
        start = time.monotonic()
        try:
            run_one(test, argv[1])
            print(f"ok      {test.__name__} ({time.monotonic() - start:.1f} s)", flush=True)
        except BaseException:
            failed += 1
            traceback.print_exc()
            print(f"FAILED  {test.__name__}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
