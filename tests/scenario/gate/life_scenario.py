#!/usr/bin/python3
"""What operators and the supervisor do: revoke, reload, drain; many sessions.
"""
from harness import *
from runner import *


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
    op.s.settimeout(60)
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
    h = Gate(g.program, g.files, journal=g.recorder.journal)
    try:
        refused(h, lambda x: x.auth_body(chain(c.grant)[0]))
        assert Client(h).login().welcome[4] == 1
    finally:
        h.close()
    for bad in (g.recorder.journal * 2, [[1, "acme", 1, b"\x90"]], [[9, "", 1, b""]]):
        h = Gate(g.program, journal=bad)  # out of order, junk, an unknown type
        try:
            assert h.ready[0] == 5 and h.p.wait(60) == 1, h.ready
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
    g.send(8, [0, 3000])
    assert idle.closed() == "shutting_down"
    c.call("t.echo")
    assert c.want(DECISION)[3] == "shutting_down"
    assert c.collect()[2][2] == "shutdown"  # after the grace
    assert c.closed() == "shutting_down"
    assert g.p.wait(60) == 0, g.text()
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
            assert h.p.wait(60) == 1, h.text()
        finally:
            h.close()


def bad_bundle(g):
    files = config([UID])
    files["tenants/acme/trust.yaml"] = "issuers: 5\n"
    h = Gate(g.program, files=files)
    try:
        assert h.ready[0] == 5 and "trust.yaml" in h.ready[1][1], h.ready
        assert h.p.wait(60) == 1
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


TESTS = [revoke, revoke_survives, operators, task_end, reload, drain, channels_end, bad_bundle,
         many_sessions]

if __name__ == "__main__":
    sys.exit(main(sys.argv, TESTS))
