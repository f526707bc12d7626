#!/usr/bin/python3
"""Directories and heartbeats as feeds; freshness.
"""
from operators import *
from harness import *
from runner import *


# --- feeds -------------------------------------------------------------------

def directory_as_a_feed(g):
    op = Operator(g)
    c = holding(g)
    second = directory([UID], seq=2, coder=0)
    ack = op.feed(second)
    assert ack[2:] == [1, 1, 0], ack
    assert c.collect()[2][2] == "revoked" and c.closed() == "revoked"
    assert op.feed(second)[2:] == [0, 0, 0]  # in force already
    kinds = [k for k in g.recorder.entries if k != RECORD]
    assert kinds[-4:] == [JOURNAL, KILL, BARRIER, BARRIER], kinds
    assert [msgpack.unpackb(j[3])[2] for j in journal_of(g, 3)] == [1, 2]
    refused(g, lambda x: x.auth_body(chain()[0]))
    for bad, code in ((directory([UID]), "stale_state"), (directory([UID], seq=2), "stale_state"),
                      (directory([UID], seq=9, signer=REVOKER), "auth_failed"),
                      (directory([UID], seq=9, signer=key(77)), "auth_failed"),
                      (directory([UID], seq=9, tenant="beta"), "bad_arguments"),
                      (directory([UID], seq=9, ttl=-5), "stale_state"),
                      (directory([UID], seq=9)[:-1], "bad_arguments"), (directory([UID], seq=2, alice=0), "stale_state"), (b"x", "bad_arguments"),
                      (heartbeat(second), "auth_failed")):
        got = Operator(g).feed(bad)
        assert got == code, (got, code, g.text()[-500:])
    wait_for(lambda: len(g.recorder.of("directory_rejected")) == 10, "records of refusals")
    third = directory([UID], seq=3)
    assert op.feed(third)[2:] == [0, 0, 0]
    assert Client(g).login().run("t.echo")[2][2] == "exited"
    assert [r["dir_seq"] for r in g.recorder.of("directory_loaded")] == [1, 2, 3]
    assert g.recorder.of("decision")[-1]["dir_seq"] == 3


def directory_from_a_file_that_changed(g):
    c = holding(g)
    for obj in (b"junk", directory([UID], seq=2, alice=0)):
        fd = sealed(obj)
        g.send(10, [1, "acme", 1], [fd])
        os.close(fd)
    assert c.collect()[2][2] == "revoked" and c.closed() == "revoked"
    assert len(g.recorder.of("directory_rejected")) == 1
    fd = sealed(directory([UID], seq=3))
    g.send(10, [1, "acme", 1], [fd])
    os.close(fd)
    wait_for(lambda: len(g.recorder.of("directory_loaded")) == 3, "third directory")
    Client(g).login()


def directory_while_the_ring_is_full(g):
    g.recorder.paused = True
    c = Client(g).login()
    c.s.settimeout(0.5)
    try:
        while True:  # until nothing fits
            c.put(CALL, c.call_body("t.no", {"text": "x" * 8000}))
    except TimeoutError:
        pass
    for seq in (2, 3):
        fd = sealed(directory([UID], seq=seq))
        g.send(10, [1, "acme", 1], [fd])
        os.close(fd)
    g.recorder.paused = False
    wait_for(lambda: 3 in [r["dir_seq"] for r in g.recorder.of("directory_loaded")], "the newest")


def directories_of_many_tenants_at_once_are_all_taken(g):
    """More than may be under way at once, while no barrier comes back."""
    names = [f"t{i:02}" for i in range(60)]
    files = config([UID])
    signer = lambda i: key(100 + i)
    people = lambda i, seq: signed("snapshot", [1, names[i], seq, int(time.time()), int(time.time()) + 86400,
                                                [["alice", seq % 2, [], []]], [], [], []], signer(i))
    for i, name in enumerate(names):
        for file in ("entities.json", "schema.cedarschema", "policies/hard/10.cedar"):
            files[f"tenants/{name}/{file}"] = files[f"tenants/acme/{file}"]
        files[f"tenants/{name}/tenant.yaml"] = files["tenants/acme/tenant.yaml"].replace("acme", name)
        files[f"tenants/{name}/trust.yaml"] = \
            f"issuers:\n  - name: idp\n    key: {bytes(key(180 + i).verify_key).hex()}\n" \
            f"directory:\n  - name: people\n    key: {bytes(signer(i).verify_key).hex()}\n"
        files[f"tenants/{name}/directory.snapshot"] = people(i, 1)

    def one(h):
        h.recorder.paused = True
        for i, name in enumerate(names):
            for what, obj in ((1, people(i, 2)), (1, b"junk")):  # what is refused takes nobody's place
                fd = sealed(obj)
                h.send(10, [1, name, what], [fd])
                os.close(fd)
        h.recorder.paused = False
        wait_for(lambda: [r["dir_seq"] for r in h.recorder.of("directory_loaded")].count(2) == len(names),
                 "a directory of each tenant")
    with_gate(g, one, files=files)


def a_long_directory_does_not_hold_up_calls(g):
    c = Client(g).login()
    users = sorted([f"u{i:05}", 1, [f"g{k}" for k in range(30)], []] for i in range(8000))
    records = [revocation(1, os.urandom(16)) for _ in range(4096)]
    now = int(time.time())
    obj = signed("snapshot", [1, "acme", 2, now, now + 86400, [["alice", 1, [], []]] + users,
                              [["coder", 1, "alice", [bytes(CODER.verify_key)], [UID], 7, []]], [], records], DIRECTORY)
    before = len(journal_of(g, 1))
    fd = sealed(obj)
    g.send(10, [1, "acme", 1], [fd])
    os.close(fd)
    answers, seen = 0, 0  # what was answered while revocations still came in
    while len(g.recorder.of("directory_loaded")) < 2:
        assert c.run("t.echo")[0][3] == "permitted"
        if len(journal_of(g, 1)) not in (seen, before):
            seen, answers = len(journal_of(g, 1)), answers + 1
    assert answers >= 3, answers
    assert len(journal_of(g, 1)) == before + len(records)
    assert len(g.recorder.of("revocation")) == len(records)


def heartbeat_waits_for_its_directory(g):
    snapshot = directory([UID])

    def one(h):
        h.recorder.paused = True
        for n in range(16):
            fd = sealed(directory([UID], seq=2 + n))
            h.send(10, [1, "acme", 1], [fd])
            os.close(fd)
        last = directory([UID], seq=100)
        for what, obj in ((1, last), (2, heartbeat(last, issued=int(time.time()) + 4))):
            fd = sealed(obj)
            h.send(10, [1, "acme", what], [fd])
            os.close(fd)
        wait_for(lambda: "directory_loaded tenant=\"acme\" seq=17" in h.text(), "those before it")
        h.recorder.paused = False
        wait_for(lambda: [r["dir_seq"] for r in h.recorder.of("directory_loaded")][-1:] == [100], "the last")
        assert Operator(h).status()["tenants"]["acme"]["age_s"] == 0
        assert "of another directory" not in h.text(), h.text()
    with_gate(g, one, files=heartbeat_files(snapshot, 600))


def heartbeats_go_on_whatever_is_under_way(g):
    snapshot = directory([UID])

    def one(h):
        h.recorder.paused = True  # no barrier comes back: feeds have no place left
        for n in range(16):
            fd = sealed(directory([UID], seq=2 + n))
            h.send(10, [1, "acme", 1], [fd])
            os.close(fd)
        wait_for(lambda: "directory_loaded tenant=\"acme\" seq=17" in h.text(), "directories")
        fd = sealed(heartbeat(snapshot))  # not of the one in force: judged, not kept waiting
        h.send(10, [1, "acme", 2], [fd])
        os.close(fd)
        wait_for(lambda: "of another directory" in h.text(), "a judgement")
        h.recorder.paused = False
    with_gate(g, one, files=heartbeat_files(snapshot, 600))


def revocations_inside_a_directory(g):
    ch, grant = chain()
    c, keep = holding(g, ch), holding(g)
    op = Operator(g)
    good, bad = revocation(1, grant), revocation(1, bytes(16), by=ISSUER)
    for r in ([good, bad], [revocation(12, c.welcome[1])], [revocation(1, grant, tenant="beta")], [b"x"]):
        before = len(g.recorder.of("directory_rejected"))
        got = Operator(g).feed(directory([UID], seq=2, revocations=r))
        assert got in ("auth_failed", "bad_arguments"), got
        wait_for(lambda: len(g.recorder.of("directory_rejected")) == before + 1, "record of the refusal")
    assert op.feed(directory([UID], seq=2, revocations=[good, revocation(4, b"alice", 5)]))[2] == 0
    assert c.collect()[2][2] == "revoked"
    keep.put(PING, [1, b"x"])
    keep.want(PING)
    assert len(g.recorder.of("revocation")) == 2  # the first had entered with the refused one, on its own signature
    assert op.feed(directory([UID], seq=3, revocations=[good]))[1] == 2
    assert len(g.recorder.of("revocation")) == 2


def a_directory_that_is_not_in_force_is_not_acknowledged(g):
    """One of the files, with a revocation that nobody may sign."""
    files = dict(g.files)
    bad = directory([UID], seq=2, revocations=[revocation(1, bytes(16), by=ISSUER)])
    files["tenants/acme/directory.snapshot"] = bad
    assert g.prepare(2, files) == (4, [0, 2, ""])
    g.send(6, [0, 2])
    wait_for(lambda: "reloaded generation=2" in g.text(), "reload")
    assert Operator(g).status()["tenants"]["acme"]["state"] == "not_ready"
    assert Operator(g).feed(bad) == "auth_failed"
    assert Operator(g).feed(directory([UID], seq=3))[2:] == [0, 0, 0]
    assert Operator(g).status()["tenants"]["acme"]["state"] == "ready"
    Client(g).login()


def T24_stale_directory_denies_with_its_own_code(g):
    snapshot = directory([UID])

    def one(h):
        c, tool = Client(h).login(), holding(h)
        assert c.run("t.echo")[0][3] == "permitted"
        assert Operator(h).status()["tenants"]["acme"]["state"] == "ready"
        wait_for(lambda: c.run("t.echo")[0][3] == "stale_state", "staleness")
        assert Operator(h).status()["tenants"]["acme"]["state"] == "stale_state"
        tool.put(PING, [1, b"runs"])
        tool.want(PING)  # what runs keeps its own deadline
        for bad in (heartbeat(snapshot, by=REVOKER), heartbeat(snapshot, seq=2), heartbeat(snapshot, tenant="beta"),
                    heartbeat(snapshot, issued=int(time.time()) + 60), heartbeat(directory([UID], seq=2)),
                    heartbeat(snapshot, issued=1, not_after=2)):
            got = Operator(h).feed(bad, 2)
            assert got in ("stale_state", "bad_arguments"), got
        assert c.run("t.echo")[0][3] == "stale_state"
        assert Operator(h).feed(heartbeat(snapshot), 2)[2:] == [0, 0, 0]
        assert c.run("t.echo")[0][3] == "permitted"
    with_gate(g, one, files=heartbeat_files(snapshot))


def no_directory_is_not_ready(g):
    files = config([UID])
    first = files.pop("tenants/acme/directory.snapshot")

    def one(h):
        refused(h, lambda x: x.auth_body(chain()[0]), "not_ready")
        assert Operator(h).status()["tenants"]["acme"]["state"] == "not_ready"
        assert Operator(h).feed(first)[2:] == [0, 0, 0]
        Client(h).login()
    with_gate(g, one, files=files)


def T23_older_directory_is_refused_after_a_restart(g):
    Operator(g).feed(directory([UID], seq=2))

    def one(h):  # its files hold the first one
        refused(h, lambda x: x.auth_body(chain()[0]), "not_ready")
        assert Operator(h).feed(directory([UID])) == "stale_state"
        assert Operator(h).feed(directory([UID], seq=2, alice=0)) == "stale_state"
        assert Operator(h).feed(directory([UID], seq=3))[2:] == [0, 0, 0]
        Client(h).login()
        assert Operator(h).status()["journal"]["directories"] >= 1
    with_gate(g, one, journal=g.recorder.journal)


TESTS = [directory_as_a_feed, directory_from_a_file_that_changed, directory_while_the_ring_is_full,
         directories_of_many_tenants_at_once_are_all_taken, a_long_directory_does_not_hold_up_calls,
         heartbeat_waits_for_its_directory, heartbeats_go_on_whatever_is_under_way,
         revocations_inside_a_directory, a_directory_that_is_not_in_force_is_not_acknowledged,
         T24_stale_directory_denies_with_its_own_code, no_directory_is_not_ready,
         T23_older_directory_is_refused_after_a_restart]

if __name__ == "__main__":
    sys.exit(main(sys.argv, TESTS))
