"""Clients of a real service, over its real sockets, written with the oracle's
modules: chains are minted here, the handshake is done here.

The service is started by script/service.sh; its directory is all that this
needs. As root a client has the agent's real and effective uid, since the gate
asks the kernel for both, and goes back to root for the admin socket.
"""
import glob
import json
import os
import socket
import struct
import sys
import time

import msgpack
from nacl.signing import SigningKey

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "oracle"))
from trust import chain as chains  # noqa: E402
from trust import handshake, revocation, signed  # noqa: E402
from trust.pae import kid_of  # noqa: E402

(HELLO, AUTH, WELCOME, ERROR, CALL, DECISION, STDIN, OUTPUT, RESULT, CANCEL,
 CHECK, CHECKED, TOOLS, TASK_END, PING, WINDOW) = range(1, 17)
ADMIN_REVOKE, ADMIN_ACK, ADMIN_COMPLETE, ADMIN_STATUS, ADMIN_FAIL = range(1, 6)
DENY, PENDING, PERMIT = range(3)
ANYTHING = "permit (principal, action, resource);"
FOR_EVER = 2**64 - 1


class Closed(Exception):
    pass


class Service:
    """keys: the folder of seeds, one for each tenant."""

    def __init__(self, directory, agent_uid, agent_gid, tenant="acme", keys="keys"):
        self.dir, self.uid, self.gid, self.tenant = directory, agent_uid, agent_gid, tenant
        self.root = os.getuid() == 0
        etc = os.path.join(directory, "etc")
        seed = lambda *p: SigningKey(open(os.path.join(etc, keys, *p), "rb").read())
        self.issuer, self.revoker = seed("issuer.seed"), seed("revoker.seed")
        self.coder = seed("agents", "coder.seed")
        run = os.path.join(directory, "var", "run")
        self.agent_path = os.path.join(run, "agent", "agent.sock")
        self.admin_path = os.path.join(run, "admin", "admin.sock")

    def as_agent(self):
        if self.root and os.getuid() == 0:
            os.setresgid(self.gid, self.gid, 0)
            os.setresuid(self.uid, self.uid, 0)

    def as_admin(self):
        if self.root:
            os.seteuid(0)
            os.setresuid(0, 0, 0)
            os.setresgid(0, 0, 0)

    def chain(self, links=(), **kw):
        """(wire, grant id, block ids). links: dicts with agent and key."""
        now = int(time.time())
        f = dict(nonce=os.urandom(16), tenant=self.tenant, issuer="acme-issuer",
                 user="alice", agent="coder", holder=bytes(self.coder.verify_key),
                 aud="sidecar/local", task="demo", iat=now, nbf=now, exp=now + 600, depth=3,
                 max_calls=0, policies=ANYTHING, attrs=[])
        f.update(kw)
        payloads, keys = [[0] + list(f.values())], [self.issuer, self.coder]
        for n, link in enumerate(links):
            payloads.append([1, os.urandom(16), link["agent"], bytes(link["key"].verify_key),
                             link.get("iat", f["iat"]), f["nbf"], f["exp"], f["depth"] - 1 - n,
                             link.get("policies", ANYTHING), b""])
            keys.append(link["key"])
        wire, ids = chains.sign(payloads, keys)
        return wire, f["nonce"], ids

    def record(self, kind, target, cutoff=0, tenant=None, keep_until=FOR_EVER, key=None):
        body = revocation.body(dict(tenant=tenant or self.tenant, kind=kind, target=target,
                                    cutoff=cutoff, keep_until=keep_until, reason="a test",
                                    nonce=os.urandom(16)))
        return signed.make("revocation", body, key or self.revoker)

    def log(self):
        """All records so far; the last line may still be being written."""
        for path in sorted(glob.glob(os.path.join(self.dir, "var", "log", "*.jsonl"))):
            for line in open(path, "rb").read().split(b"\n"):
                if line.endswith(b"}"):
                    yield json.loads(line)


class Conn:
    """Frames over a stream socket; get() waits, poll() takes what is there."""

    def __init__(self, path, seconds=20):
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.s.settimeout(seconds)
        self.s.connect(path)
        self.buf, self.seconds = b"", seconds

    def put(self, kind, body):
        raw = msgpack.packb(body)
        self.s.sendall(struct.pack(">IB", len(raw), kind) + raw)

    def frame(self):
        if len(self.buf) < 5:
            return None
        n, kind = struct.unpack(">IB", self.buf[:5])
        if len(self.buf) < 5 + n:
            return None
        body, self.buf = self.buf[5:5 + n], self.buf[5 + n:]
        return kind, msgpack.unpackb(body)

    def fill(self):
        try:
            data = self.s.recv(1 << 18)
        except (ConnectionResetError, BrokenPipeError):
            data = b""
        if not data:
            raise Closed()
        self.buf += data

    def get(self):
        while True:
            f = self.frame()
            if f is not None:
                return f
            self.fill()

    def poll(self):
        """Every whole frame that has come, without waiting."""
        over = False
        self.s.settimeout(0)
        try:
            while True:
                self.fill()
        except BlockingIOError:
            pass
        except Closed:
            over = True
        self.s.settimeout(self.seconds)
        while (f := self.frame()) is not None:
            yield f
        if over:
            raise Closed()

    def close(self):
        self.s.close()


class Refused(Exception):
    pass


class Session(Conn):
    """Welcomed, or Refused with the code."""

    def __init__(self, service, wire, key=None):
        super().__init__(service.agent_path)
        self.calls, self.over, self.seq = {}, None, 0
        kind, hello = self.get()
        if kind == ERROR:
            raise Refused(hello[1])
        t = handshake.transcript(hello[1], os.urandom(32), hello[3], hello[2], wire,
                                 service.uid, service.gid)
        proof = handshake.client_proof(t, key or service.coder)
        self.put(AUTH, [1, wire, t[1], proof])
        try:
            kind, w = self.get()
        except Closed:
            raise Refused("closed")
        if kind != WELCOME:
            self.close()
            raise Refused(w[1])
        assert handshake.server_ok(t, hello[3], proof, w[1], w[3]), "not the sidecar"
        self.id, self.rev_seq = w[1], w[4]

    def call(self, tool, args=None, call_id=None, provenance=(), min_rev_seq=0):
        """Sends; the events of it gather in calls[seq]."""
        self.seq += 1
        self.calls[self.seq] = dict(tool=tool, decision=None, result=None, out=b"")
        self.put(CALL, [4, self.seq, call_id or os.urandom(16), tool, args or {}, 0, "",
                        list(provenance), 0, min_rev_seq, 0, 0, b""])
        return self.seq

    def note(self, kind, body):
        if kind == DECISION:
            self.calls[body[1]]["decision"] = (body[2], body[3], body[4].hex())
        elif kind == OUTPUT:
            self.calls[body[1]]["out"] += body[3]
        elif kind == RESULT:
            self.calls[body[1]]["result"] = (body[2], body[3], body[4])
        elif kind == ERROR:
            self.over = body[1]

    def pump(self):
        """Takes what has come; the end of the session is noted, not raised."""
        if self.over == "closed" or self.s.fileno() < 0:
            return
        try:
            for kind, body in self.poll():
                self.note(kind, body)
        except Closed:
            self.over = self.over or "closed"
            self.close()

    def done(self, seq):
        c = self.calls[seq]
        return c["result"] is not None or (c["decision"] is not None and c["decision"][0] != PERMIT)

    def wait(self, seq, cond=None):
        """Until that call is done, or cond(call) holds, or the session ends."""
        cond = cond or (lambda c: self.done(seq))
        while self.over is None and not cond(self.calls[seq]):
            try:
                self.note(*self.get())
            except Closed:
                self.over = "closed"
                self.close()
        return self.calls[seq]

    def run(self, tool, args=None, **kw):
        return self.wait(self.call(tool, args, **kw))


class Admin(Conn):
    """Back to root for what it sends: the gate asks the kernel each time."""

    def __init__(self, service):
        self.service = service
        service.as_admin()
        super().__init__(service.admin_path)
        service.as_agent()

    def put(self, kind, body):
        self.service.as_admin()
        super().put(kind, body)
        self.service.as_agent()

    def send_revoke(self, record):
        self.put(ADMIN_REVOKE, [1, record])

    def answer(self, kind):
        got, body = self.get()
        assert got == kind, (got, body)
        return body

    def revoke(self, record):
        self.send_revoke(record)
        ack = self.answer(ADMIN_ACK)
        complete = self.answer(ADMIN_COMPLETE)
        assert complete[1] == ack[1]
        return ack


def processes(marker):
    """Pids whose command line holds marker as a whole word."""
    word, found = marker.encode(), []
    for pid in os.listdir("/proc"):
        if not pid.isdigit():
            continue
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
            with open(f"/proc/{pid}/stat", "rb") as f:
                state = f.read().rpartition(b")")[2].split()[0]
        except OSError:
            continue
        if word in words and state not in (b"Z", b"X"):
            found.append(int(pid))
    return found


def quantile(values, q):
    v = sorted(values)
    return v[min(len(v) - 1, int(q * len(v)))]


__all__ = [n for n in dir() if not n.startswith("_")] + ["kid_of"]
