#!/usr/bin/python3
"""What a start needs: a clock that can be believed, a journal that can be read.
"""
from operators import *
from harness import *
from runner import *


# --- the clock ---------------------------------------------------------------

def T30_clock_behind_the_journal_is_not_ready(g):
    ahead = [[4, "", 2 ** 64 - 1, msgpack.packb([1, (int(time.time()) + 3600) * 1000])]]
    snapshot = directory([UID])
    files = heartbeat_files(snapshot, 600)

    def one(h):
        refused(h, lambda x: x.auth_body(chain()[0]), "not_ready")
        status = Operator(h).status()
        assert status["clock"]["state"] == "rolled_back", status
        Operator(h).feed(heartbeat(snapshot), 2)  # could be one of an hour ago, were it not for its number
        assert Operator(h).status()["clock"]["state"] == "rolled_back"
        assert Operator(h).feed(directory([UID], seq=2))[2:] == [0, 0, 0]
        assert Operator(h).status()["clock"]["state"] == "trusted"
        Client(h).login()
    mark = [[3, "acme", 2 ** 64 - 1, msgpack.packb([1, "acme", 1, blake(pae("snapshot-hash", body_of(snapshot)))])]]
    with_gate(g, one, journal=ahead + mark, files=files)
    near = [[4, "", 2 ** 64 - 1, msgpack.packb([1, int(time.time() * 1000) + 3000])]]
    with_gate(g, lambda h: Client(h).login(), journal=near)


def T30_revocations_know_the_time_too(g):
    late = [[1, "acme", 2 ** 64 - 1, msgpack.packb([1, 1, 4, "acme", b"bob", 5, (int(time.time()) + 3600) * 1000, ""])]]


    def one(h):  # nor does the first directory of all confirm it: it may be old
        refused(h, lambda x: x.auth_body(chain()[0]), "not_ready")
        assert Operator(h).feed(directory([UID], seq=2))[2:] == [0, 0, 0]
        Client(h).login()
    with_gate(g, one, journal=late)


def the_time_is_written_down(g):
    wait_for(lambda: journal_of(g, 4), "clock entry")
    at = msgpack.unpackb(journal_of(g, 4)[0][3])[1]
    assert abs(at - time.time() * 1000) < 5000


# --- journal -----------------------------------------------------------------

def entry(n, kind=4, target=None):
    return [1, "acme", 2 ** 64 - 1,
            msgpack.packb([1, n, kind, "acme", target or b"u%d" % n, 5, int(time.time() * 1000), ""])]


def journal_that_cannot_be_read_stops_the_start(g):
    ok = entry(1)
    for bad in ([entry(2), entry(1)], [ok, ok], [[1, "acme", 0, b"\x90"]], [[9, "", 0, b""]], [[3, "acme", 0, b"\x90"]],
                [[4, "", 0, b"\x90"]], [[1, "acme", 0]], [entry(1, 13)], [[2, "acme", 0, b"\x91\x01"]]):
        h = Gate(g.program, journal=bad)
        try:
            assert h.ready[0] == 5 and h.p.wait(60) == 1, h.ready
            assert "--init-state" in str(h.ready) and "journal_refused reason=" in h.text(), h.ready
        finally:
            h.close()


def journal_with_holes_is_fine(g):
    def one(h):
        assert Client(h).login().welcome[4] == 1000
        assert Operator(h).revoke(4, b"bob")[1] == 1001
    with_gate(g, one, journal=[entry(3), entry(70), entry(1000)])


def tenants_that_left_do_not_stop_the_start(g):
    marks = [[3, f"t{n}", 2 ** 64 - 1, msgpack.packb([1, f"t{n}", 1, bytes(32)])] for n in range(20000)]

    def one(h):
        assert Operator(h).status()["journal"]["directories"] == len(marks)
        Client(h).login()
    with_gate(g, one, journal=marks)


def many_revocations_start_soon(g):
    entries = [entry(n) for n in range(1, 200001)]

    def one(h):
        used, status = h.cpu_s(), Operator(h).status()
        assert status["revocations"] == 200000, status
        assert used < 1 and 0 < status["journal"]["took_us"] < 20000000, (used, status)  # a tenth, but on a busy machine
        assert Client(h).login().run("t.echo")[2][2] == "exited"
    with_gate(g, one, journal=entries)


TESTS = [T30_clock_behind_the_journal_is_not_ready, T30_revocations_know_the_time_too,
         the_time_is_written_down, journal_that_cannot_be_read_stops_the_start, journal_with_holes_is_fine,
         many_revocations_start_soon, tenants_that_left_do_not_stop_the_start]

if __name__ == "__main__":
    sys.exit(main(sys.argv, TESTS))
