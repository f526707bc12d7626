#!/usr/bin/python3
"""Threats that need the whole gate: replays, relays, floods, one tenant among many.
"""
import resource

from operators import *
from harness import *
from runner import *


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
        assert codes[:5] == ["hello"] * 5 and "rate_limited" in codes, codes  # one a second comes back
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


TESTS = [T16_proof_over_an_earlier_challenge_is_refused, T17_challenge_relayed_by_another_uid_is_refused,
         T19_replayed_call_runs_once, the_outcome_of_the_last_call_of_a_budget_is_told_again,
         a_grant_for_every_task_goes_on_for_ever, T34_one_tenant_leaves_places_for_calls,
         T20_hello_floods_and_long_chains_are_bounded, T21_nothing_starts_after_the_acknowledgement]

if __name__ == "__main__":
    sys.exit(main(sys.argv, TESTS))
