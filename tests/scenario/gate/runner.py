"""Runs scenarios, functions of one argument, each with a gate of its own.

Each starts the real, confined program. After most of them the gate must still
serve a fresh session and hold no more descriptors than before: whatever one
connection did, others are unaffected.
"""
import traceback

from harness import *


def bystander(gate):
    c = Client(gate).login()
    decision, out, result = c.run("t.echo")
    assert decision[3] == "permitted" and out == b"hello\n" and result[2] == "exited", result
    c.close()


def settled(gate, before):
    wait_for(lambda: gate.fds() <= before, f"descriptors: {gate.fds()} > {before}")


def refused(g, body_of, code="auth_failed"):
    c = Client(g)
    c.hello()
    c.put(AUTH, body_of(c))
    got = c.closed()
    assert got == code, got


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


def main(argv, tests):
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    program, names = argv[1], argv[2:]
    failed = 0
    for test in tests:
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
