"""What ends authority, and what it takes to have some: signed revocations of
every kind, directories and heartbeats as feeds, freshness, the clock. The real
tipstaff-gate between played neighbours, as in gate_scenario.py.
"""
import resource

import gate_scenario as base
from gate_scenario import refused
from harness import *

REVOKE_OP, ACK, COMPLETE, STATUS, FAIL, FEED = 1, 2, 3, 4, 5, 9
MSG_REVOKE = 17
KIND = dict(grant=1, block=2, key=3, user=4, agent=5, task=6, tenant=7, issuer_key=8, approver=9,
            escalation=10, decision=11, session=12)


def blocks_of(ch):
    """Ids of the blocks of a chain."""
    prev, ids = blake(pae("anchor", bytes(ISSUER.verify_key))), []
    for payload, _ in msgpack.unpackb(ch)[2]:
        prev = blake(pae("link", prev, payload))
        ids.append(prev)
    return ids


class Operator(Client):
    def __init__(self, g):
        super().__init__(g, g.admin_path)

    def ask(self, kind, body):
        """(ACK, COMPLETE) or FAIL's code."""
        self.put(kind, body)
        kind, body = self.get()
        if kind == FAIL:
            return body[1]
        assert kind == ACK, kind
        assert self.get() == (COMPLETE, [1, body[1]])
        return body

    def revoke(self, *a, **kw):
        return self.ask(REVOKE_OP, [1, revocation(*a, **kw)])

    def feed(self, obj, what=1):
        return self.ask(FEED, [1, what, obj])

    def status(self):
        import json
        self.put(STATUS, [1])
        return json.loads(self.want(STATUS)[1])


def with_gate(g, fn, **kw):
    h = Gate(g.program, **kw)
    try:
        assert h.ready == (2, [0, "serving"]), (h.ready, h.text())
        return fn(h)
    except BaseException:
        print(h.text())
        raise
    finally:
        h.close()


def holding(h, ch=None, holder=CODER):
    c = Client(h).login(ch, holder)
    c.call("t.hold")
    c.want(DECISION)
    return c


def journal_of(g, kind):
    return [j for j in g.recorder.journal if j[0] == kind]


# --- twelve kinds ------------------------------------------------------------

def every_kind_that_ends_a_chain(g):
    ch, grant = chain()
    targets = {"grant": grant, "block": blocks_of(ch)[0], "key": bytes(CODER.verify_key), "user": b"alice",
               "agent": b"coder", "task": b"t1", "tenant": b"", "issuer_key": kid_of(bytes(ISSUER.verify_key))}
    for name, target in targets.items():
        def one(h):
            c = holding(h, ch)
            ack = Operator(h).revoke(KIND[name], target)
            assert ack == [1, 1, 1, 1, 0], (name, ack)
            assert c.collect()[2][2] == "revoked" and c.closed() == "revoked"
            refused(h, lambda x: x.auth_body(ch))
            record, = h.recorder.of("revocation")
            assert record["target_kind"] == name.replace("_", "-") and record["by"] == "operator", record
            assert record["signer"] == kid_of(bytes(REVOKER.verify_key)), record
        with_gate(g, one)


def sub_agents_end_with_their_agent(g):
    ch, _ = chain(link=True)

    def one(h):
        c = holding(h, ch, SUB)
        assert Operator(h).revoke(5, b"coder/su")[3] == 0  # no prefix of a name
        assert Operator(h).revoke(5, b"coder")[2:4] == [1, 1]
        assert c.collect()[2][2] == "revoked"
    with_gate(g, one)


def registered_sub_agents_end_with_an_agent_above_them(g):
    """Whether that one is in the chain or not: a name is as good as those above it."""
    now = int(time.time())
    agent = lambda name, active, keys: [name, active, "alice", [bytes(k.verify_key) for k in keys], [UID], 7, []]
    people = lambda seq, active: signed("snapshot", [
        1, "acme", seq, now, now + 86400, [["alice", 1, [], []]],
        [agent("coder", active, []), agent("coder/sub", 1, [CODER])], [], []], DIRECTORY)
    ch, _ = chain(agent="coder/sub")

    def one(h):
        op = Operator(h)
        op.feed(people(2, 1))
        c = holding(h, ch)
        assert op.feed(people(3, 0))[2:4] == [1, 1]
        assert c.collect()[2][2] == "revoked" and c.closed() == "revoked"
        refused(h, lambda x: x.auth_body(ch))
    with_gate(g, one)


def one_session_ends_and_no_other(g):
    ch, _ = chain()
    a, b = holding(g, ch), holding(g, ch)
    session = a.welcome[1]
    assert Operator(g).revoke(12, session, keep=2 ** 64 - 1) == [1, 1, 1, 1, 0]
    assert a.collect()[2][2] == "revoked" and a.closed() == "revoked"
    b.put(PING, [1, b"here"])
    b.want(PING)
    Client(g).login(ch)  # the same grant begins a new one
    entry, = journal_of(g, 1)
    assert entry[2] <= time.time() + 86400 + 61, entry  # never kept longer than a grant


def what_waits_for_people_is_remembered(g):
    op = Operator(g)
    for n, kind in enumerate((9, 10, 11), 1):
        ack = op.revoke(kind, b"bob" if kind == 9 else bytes(16))
        assert ack == [1, n, 0, 0, 0], ack
    assert len(g.recorder.of("revocation")) == 3 and len(journal_of(g, 1)) == 3


def repetitions_and_narrower_ones_say_nothing_new(g):
    op, now = Operator(g), int(time.time())
    record = revocation(4, b"bob", now)
    assert op.ask(REVOKE_OP, [1, record])[1] == 1
    assert op.ask(REVOKE_OP, [1, record])[1] == 1
    assert op.revoke(4, b"bob", now - 100)[1] == 1
    assert len(g.recorder.of("revocation")) == 1 and len(journal_of(g, 1)) == 1
    assert op.revoke(4, b"bob", now + 1, keep=now + 3 * 86400)[1] == 2
    assert op.revoke(4, b"bob", now - 50, keep=now + 4 * 86400)[1] == 3  # longer, not narrower
    entry = msgpack.unpackb(journal_of(g, 1)[-1][3])
    assert entry[5] == now + 1, entry


def unseen_ids_are_accepted(g):
    ch, grant = chain()
    assert Operator(g).revoke(1, grant) == [1, 1, 0, 0, 0]
    refused(g, lambda x: x.auth_body(ch))


def what_is_revoked_by_id_outlives_a_restart(g):
    """Whatever the record says of how long: what it names may be valid for a day."""
    ch, grant = chain()
    assert Operator(g).revoke(1, grant, keep=1)[1] == 1
    entry, = journal_of(g, 1)
    assert entry[2] >= time.time() + 86400, entry
    assert Operator(g).revoke(1, grant, keep=1)[1] == 1  # nothing new
    with_gate(g, lambda h: refused(h, lambda x: x.auth_body(ch)), journal=g.recorder.journal)


# --- by a holder -------------------------------------------------------------

def holder_takes_back_what_was_handed_on(g):
    ch, grant = chain(link=True)
    root = msgpack.packb(msgpack.unpackb(ch)[:2] + [msgpack.unpackb(ch)[2][:1]])
    sub, boss = holding(g, ch, SUB), Client(g).login(root)
    record = revocation(2, blocks_of(ch)[1], by=CODER)
    boss.put(MSG_REVOKE, [1, 77, record, ch])
    assert boss.want(MSG_REVOKE) == [1, 77]
    assert sub.collect()[2][2] == "revoked" and sub.closed() == "revoked"
    refused(g, lambda x: x.auth_body(ch, SUB))
    assert boss.run("t.echo")[2][2] == "exited"
    boss.put(MSG_REVOKE, [1, 78, record, ch])  # again: acknowledged, no second record
    assert boss.want(MSG_REVOKE) == [1, 78]
    entry, = g.recorder.of("revocation")
    assert entry["by"] == "holder" and entry["signer"] == kid_of(bytes(CODER.verify_key)), entry
    boss.put(MSG_REVOKE, [1, 79, revocation(1, grant, by=CODER), root])  # and the grant itself
    assert boss.closed() == "revoked"
    refused(g, lambda x: x.auth_body(root))


def holder_revokes_nothing_else(g):
    ch, grant = chain(link=True)
    other, other_grant = chain(link=True)
    ids = blocks_of(ch)
    forged = bytearray(ch)
    forged[-1] ^= 1
    for record, evidence in ((revocation(1, grant, by=SUB), ch), (revocation(2, ids[0], by=SUB), ch),
                             (revocation(2, ids[0], by=CODER), ch), (revocation(2, ids[1], by=SUB), ch),
                             (revocation(4, b"alice", by=CODER), ch), (revocation(5, b"coder", by=CODER), ch),
                             (revocation(1, other_grant, by=CODER), ch),
                             (revocation(2, blocks_of(other)[1], by=CODER), ch),
                             (revocation(2, ids[1], by=CODER), bytes(forged)), (revocation(1, grant, by=CODER), b"x"),
                             (revocation(1, grant, by=CODER, tenant="beta"), ch),
                             (revocation(1, grant, by=ISSUER), ch), (b"x", ch)):
        c = Client(g).login()
        c.put(MSG_REVOKE, [1, 1, record, evidence])
        assert c.closed() == "bad_frame"
    assert not g.recorder.of("revocation") and not journal_of(g, 1)


def holders_have_a_budget(g):
    ch, _ = chain(link=True)
    c = Client(g).login()
    record = revocation(2, blocks_of(ch)[1], by=CODER)
    for n in range(32):
        c.put(MSG_REVOKE, [1, n, record, ch])
        assert c.want(MSG_REVOKE) == [1, n]
    c.put(MSG_REVOKE, [1, 99, record, ch])
    assert c.closed() == "rate_limited"
    assert Operator(g).revoke(4, b"bob")[1] == 2  # revokers have none


# --- a chain that was verified before -----------------------------------------

def a_known_chain_is_judged_anew_in_all_that_changes(g):
    op = Operator(g)

    def known():
        return op.status()["chains_known"]
    ch, grant = chain()
    for n in range(3):
        assert known() == max(0, n - 1)
        Client(g).login(ch).run("t.echo")
    assert known() == 2
    wrong = chain()[0]
    refused(g, lambda x: x.auth_body(ch, key(99)))  # known or not: no key, no session
    refused(g, lambda x: x.auth_body(wrong, key(99)))
    refused(g, lambda x: x.auth_body(wrong, key(99)))
    assert known() == 3, known()  # and what was never opened is not known
    op.feed(directory([UID], seq=2, alice=0))
    refused(g, lambda x: x.auth_body(ch))
    op.feed(directory([UID], seq=3))
    Client(g).login(ch)
    assert known() == 3, known()  # another directory: all is verified again
    short, _ = chain(exp=int(time.time()) + 2)
    Client(g).login(short)
    Client(g).login(short)
    assert known() == 4
    op.revoke(KIND["grant"], grant)
    refused(g, lambda x: x.auth_body(ch))
    wait_for(lambda: chain_ended(g, short), "the end of the chain")


def chain_ended(g, ch):
    try:
        Client(g).login(ch)
        return False
    except (AssertionError, Closed):
        return True


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


# --- freshness and readiness -------------------------------------------------

def heartbeat_files(snapshot, staleness=5):
    files = config([UID])
    files["tenants/acme/directory.snapshot"] = snapshot
    files["tenants/acme/tenant.yaml"] = files["tenants/acme/tenant.yaml"].replace(
        "freshness: snapshot", f"freshness: heartbeat\nmax_staleness_s: {staleness}")
    return files


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
            assert h.ready[0] == 5 and h.p.wait(10) == 1, h.ready
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
        status = Operator(h).status()
        assert status["revocations"] == 200000, status
        assert status["journal"]["took_us"] < 2000000, status
        assert Client(h).login().run("t.echo")[2][2] == "exited"
    with_gate(g, one, journal=entries)


# --- operators of a tenant ---------------------------------------------------

def tenants_operators_stay_in_their_tenant(g):
    if UID != 0:
        return

    def act(h, code):
        def child():
            op = Operator(h)
            got = op.revoke(4, b"bob")
            assert got == code if isinstance(code, str) else got[1] == code, got
            tenants = Operator(h).status()["tenants"]
            assert list(tenants) == ([] if code == "denied" else ["acme"]), tenants
            assert Operator(h).feed(directory([UID], seq=2)) == "denied"
        assert as_uid(OTHER_UID, child) == 0
    with_gate(g, lambda h: act(h, 1), operators=[["acme", OTHER_UID]])
    with_gate(g, lambda h: act(h, "denied"), operators=[["beta", OTHER_UID]])


def tenants_operators_leave_room_for_the_sidecars(g):
    if UID != 0:
        return

    def one(h):
        def child():
            held = [Operator(h) for _ in range(40)]
            answered = 0
            for op in held:
                try:
                    op.status()
                    answered += 1
                except (Closed, BrokenPipeError, ConnectionResetError):
                    pass
            assert answered == 4, answered
            os.write(ready_w, b"x")
            os.read(go_r, 1)
        go_r, go_w = os.pipe()
        ready_r, ready_w = os.pipe()
        keeper = threading.Thread(target=as_uid, args=(OTHER_UID, child))
        keeper.start()
        assert select.select([ready_r], [], [], 10)[0], "the operator of a tenant failed"
        ops = [Operator(h) for _ in range(28)]
        assert [op.status()["generation"] for op in ops] == [1] * 28
        os.write(go_w, b"x")
        keeper.join()
    with_gate(g, one, operators=[["acme", OTHER_UID]])


def a_stranger_cannot_make_it_hold_megabytes(g):
    op = Operator(g)
    op.s.sendall(struct.pack(">IB", 4 << 20, 7))  # no message of this size but FEED
    assert op.get()[0] == FAIL
    op = Operator(g)
    op.s.sendall(struct.pack(">IB", (4 << 20) + 100, FEED))
    assert op.get()[0] == FAIL


# --- threats that need the whole gate ----------------------------------------

def T16_proof_over_an_earlier_challenge_is_refused(g):
    ch, _ = chain()
    first = Client(g)
    first.hello()
    body = first.auth_body(ch)
    first.put(AUTH, body)
    first.want(WELCOME)
    refused(g, lambda c: body)


def T17_challenge_relayed_by_another_uid_is_refused(g):
    ch, _ = chain()
    refused(g, lambda c: c.auth_body(ch, uid=UID + 1))
    refused(g, lambda c: c.auth_body(ch, gid=os.getegid() + 1))


def T19_replayed_call_runs_once(g):
    ch, _ = chain()
    c = Client(g).login(ch)
    call = c.call_body("t.echo", {"text": "once"})
    c.put(CALL, call)
    assert c.collect()[2][2] == "exited"
    started = g.launcher.started
    c.put(CALL, call)  # the same frame again: its seq is used up
    assert c.closed() == "bad_frame"
    d = Client(g).login(ch)  # the same id on another connection: the recorded outcome
    d.put(CALL, d.call_body("t.echo", {"text": "once"}, call_id=call[2], flags=2))
    assert d.collect()[2][9] & 4
    d.seq = 1
    d.put(CALL, d.call_body("t.echo", {"text": "twice"}, call_id=call[2]))
    assert d.want(DECISION)[3] == "duplicate_call"
    assert g.launcher.started == started


def the_outcome_of_the_last_call_of_a_budget_is_told_again(g):
    ch, _ = chain(max_calls=2)
    c = Client(g).login(ch)
    for _ in range(2):
        call = c.call_body("t.echo", {"text": "once"})
        c.put(CALL, call)
        assert c.collect()[2][2] == "exited"
    started = g.launcher.started
    d = Client(g).login(ch)  # the connection broke before the answer came
    d.put(CALL, d.call_body("t.echo", {"text": "once"}, call_id=call[2], flags=2))
    assert d.collect()[2][9] & 4
    d.put(CALL, d.call_body("t.echo", {"text": "more"}))
    assert d.want(DECISION)[3] == "budget_exhausted"
    assert g.launcher.started == started


def a_grant_for_every_task_goes_on_for_ever(g):
    """More in an hour than are remembered at once; a retry of one that made room is not run again."""
    ch, _ = chain()
    c = Client(g).login(ch)
    call = c.call_body("t.echo", {"text": "once"})
    c.put(CALL, call)
    assert c.collect()[2][2] == "exited"
    c.s.close()
    for _ in range(4200):
        one = Client(g).login()
        one.run("t.no")
        one.s.close()
    started = g.launcher.started
    d = Client(g).login(ch)
    d.put(CALL, d.call_body("t.echo", {"text": "once"}, call_id=call[2], flags=2))
    assert d.want(DECISION)[3] == "outcome_unknown"
    assert g.launcher.started == started


def T34_one_tenant_leaves_places_for_calls(g):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 8192:
        return
    files, issuer, agent, people = config([UID]), key(201), key(202), key(203)
    hexed = lambda k: bytes(k.verify_key).hex()
    for file in ("entities.json", "schema.cedarschema", "policies/hard/10.cedar"):
        files[f"tenants/beta/{file}"] = files[f"tenants/acme/{file}"]
    files["tenants/beta/tenant.yaml"] = files["tenants/acme/tenant.yaml"].replace("acme", "beta")
    files["tenants/beta/trust.yaml"] = (f"issuers:\n  - name: idp\n    key: {hexed(issuer)}\n"
                                        f"directory:\n  - name: people\n    key: {hexed(people)}\n")
    now = int(time.time())
    files["tenants/beta/directory.snapshot"] = signed(
        "snapshot", [1, "beta", 1, now, now + 86400, [["alice", 1, [], []]],
                     [["coder", 1, "alice", [bytes(agent.verify_key)], [UID], 7, []]], [], []], people)
    payload = msgpack.packb(root_block(os.urandom(16), tenant="beta", holder=bytes(agent.verify_key)))
    prev = blake(pae("anchor", bytes(issuer.verify_key)))
    ch = msgpack.packb([1, kid_of(bytes(issuer.verify_key)),
                        [[payload, issuer.sign(block_message(0, prev, payload)).signature]]])

    def one(h):
        codes, busy = [], [Client(h).login() for _ in range(15)]
        for c in busy:
            for _ in range(64):
                c.call("t.hold")
                codes.append(c.want(DECISION)[3])
        assert codes == ["permitted"] * 896 + ["too_many_calls"] * 64, codes
        assert Client(h).login(ch, agent).run("t.echo")[2][2] == "exited"
        for c in busy:
            c.s.close()
        wait_for(lambda: not h.launcher.runs, "all of them to end")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 8192), hard))
    try:
        with_gate(g, one, files=files)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def T20_hello_floods_and_long_chains_are_bounded(g):
    ch, _ = chain()
    kid, block = msgpack.unpackb(ch)[1], msgpack.unpackb(ch)[2][0]
    refused(g, lambda c: [1, msgpack.packb([1, kid, [block] * 9]), os.urandom(32), bytes(64)])
    refused(g, lambda c: [1, bytes(32769), os.urandom(32), bytes(64)])

    def flood(h):
        codes = []
        for _ in range(12):
            c = Client(h)
            kind, body = c.get()
            codes.append(body[1] if kind == ERROR else "hello")
        assert codes[:5] == ["hello"] * 5 and codes[-1] == "rate_limited", codes
    with_gate(g, flood, rate=1, burst=5)


def T21_nothing_starts_after_the_acknowledgement(g):
    for _ in range(10):
        ch, grant = chain()
        clients = [Client(g).login(ch) for _ in range(4)]

        def call(c):
            try:
                while True:
                    c.run("t.echo")
            except (Closed, AssertionError, BrokenPipeError, ConnectionResetError):
                pass
        threads = [threading.Thread(target=call, args=(c,)) for c in clients]
        for t in threads:
            t.start()
        time.sleep(0.02)  # they are at it; how far does not matter
        ack = Operator(g).revoke(1, grant)
        launched = g.launcher.started
        assert ack[0] == 1
        for t in threads:
            t.join()
        assert g.launcher.started == launched


TESTS = [every_kind_that_ends_a_chain, sub_agents_end_with_their_agent,
         registered_sub_agents_end_with_an_agent_above_them, one_session_ends_and_no_other,
         what_waits_for_people_is_remembered, repetitions_and_narrower_ones_say_nothing_new, unseen_ids_are_accepted,
         what_is_revoked_by_id_outlives_a_restart,
         holder_takes_back_what_was_handed_on, holder_revokes_nothing_else, holders_have_a_budget,
         a_known_chain_is_judged_anew_in_all_that_changes,
         directory_as_a_feed, directory_from_a_file_that_changed, directory_while_the_ring_is_full,
         directories_of_many_tenants_at_once_are_all_taken, a_long_directory_does_not_hold_up_calls,
         heartbeat_waits_for_its_directory, heartbeats_go_on_whatever_is_under_way,
         revocations_inside_a_directory, a_directory_that_is_not_in_force_is_not_acknowledged,
         T24_stale_directory_denies_with_its_own_code, no_directory_is_not_ready,
         T23_older_directory_is_refused_after_a_restart, T30_clock_behind_the_journal_is_not_ready,
         T30_revocations_know_the_time_too, the_time_is_written_down, journal_that_cannot_be_read_stops_the_start,
         journal_with_holes_is_fine, many_revocations_start_soon,
         tenants_that_left_do_not_stop_the_start, tenants_operators_stay_in_their_tenant,
         tenants_operators_leave_room_for_the_sidecars,
         a_stranger_cannot_make_it_hold_megabytes, T16_proof_over_an_earlier_challenge_is_refused,
         T17_challenge_relayed_by_another_uid_is_refused, T19_replayed_call_runs_once,
         the_outcome_of_the_last_call_of_a_budget_is_told_again,
         a_grant_for_every_task_goes_on_for_ever, T34_one_tenant_leaves_places_for_calls,
         T20_hello_floods_and_long_chains_are_bounded, T21_nothing_starts_after_the_acknowledgement]

if __name__ == "__main__":
    base.TESTS = TESTS
    sys.exit(base.main(sys.argv))
