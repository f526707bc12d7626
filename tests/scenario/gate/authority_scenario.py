#!/usr/bin/python3
"""What ends authority: signed revocations of every kind, by operators, holders and
a tenant's own operators.
"""
from operators import *
from harness import *
from runner import *

MSG_REVOKE = 17
KIND = dict(grant=1, block=2, key=3, user=4, agent=5, task=6, tenant=7, issuer_key=8, approver=9,
            escalation=10, decision=11, session=12)


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
    with_gate(g, lambda h: refused(h, lambda x: x.auth_body(ch)), journal=g.recorder.journal, files=g.files)


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
    short, _ = chain(exp=int(time.time()) + 5)
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
        assert select.select([ready_r], [], [], 60)[0], "the operator of a tenant failed"
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


TESTS = [every_kind_that_ends_a_chain, sub_agents_end_with_their_agent,
         registered_sub_agents_end_with_an_agent_above_them, one_session_ends_and_no_other,
         what_waits_for_people_is_remembered, repetitions_and_narrower_ones_say_nothing_new,
         unseen_ids_are_accepted, what_is_revoked_by_id_outlives_a_restart,
         holder_takes_back_what_was_handed_on, holder_revokes_nothing_else, holders_have_a_budget,
         a_known_chain_is_judged_anew_in_all_that_changes, tenants_operators_stay_in_their_tenant,
         tenants_operators_leave_room_for_the_sidecars, a_stranger_cannot_make_it_hold_megabytes]

if __name__ == "__main__":
    sys.exit(main(sys.argv, TESTS))
