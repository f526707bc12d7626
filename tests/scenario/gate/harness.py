"""Plays everything around tipstaff-gate: supervisor, recorder, launcher, shims.

Written from the documents (PROTOCOL.md, the contracts in sidecar/common), not
from the gate's code. The gate itself is the real program, confined as in
service.
"""
import array
import hashlib
import mmap
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import fcntl
import msgpack
from nacl.signing import SigningKey, VerifyKey

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "oracle"))
from delegation import blake, kid_of, le32, pae, block_message  # noqa: E402

RING_BYTES, RING_DATA = 8388608, 4096
RECORD, LAUNCH, KILL, JOURNAL, BARRIER = 1, 2, 3, 4, 5
HOP_BARRIER, HOP_STARTED, HOP_REFUSED, HOP_EXITED = 4, 5, 6, 7
(HELLO, AUTH, WELCOME, ERROR, CALL, DECISION, STDIN, OUTPUT, RESULT, CANCEL,
 CHECK, CHECKED, TOOLS, TASK_END, PING, WINDOW) = range(1, 17)
REASONS = ["exited", "refused", "wall_limit", "output_limit", "cancelled",
           "disconnected", "revoked", "expired", "shutdown", "lost"]
UID = os.geteuid()
OTHER_UID = 4242


def key(n):
    return SigningKey(bytes([n]) * 32)


ISSUER, CODER, SIDECAR, SUB, TOKEN = key(1), key(2), key(3), key(4), key(5)
DIRECTORY, REVOKER = key(40), key(41)
MANIFEST = """tool: {tool}
description: a tool of the test
exec: /usr/bin/true
argv: ["true", "{{text}}"]
args:
  text: {{type: string, required: false, max: 65536, description: "any"}}
stdin: {stdin}
limits: {{wall_ms: 60000, output_bytes: {cap}, on_output_limit: {on}}}
"""


def manifest(tool, stdin="false", cap=1048576, on="truncate"):
    return MANIFEST.format(tool=tool, stdin=stdin, cap=cap, on=on)


SCHEMA = """entity Group;
entity User in [Group];
entity Agent in [Agent] = { owner?: User };
entity Uses tags Long;
entity Sums tags decimal;
entity Tool = { name: String, sensitivity: String, sensitivity_level: Long };
type Kinds = { pinned: Bool, trusted: Bool, untrusted: Bool, unknown: Bool };
type Call = {
  hop: String, now: datetime, depth: Long, user: User, agents: Set<Agent>,
  root_agent: Agent, caller: Agent, task: String, tool: String,
  args: { text?: String },
  rate: {
    agent_1m: Long, agent_1h: Long, agent_tool_1m: Long, agent_tool_1h: Long,
    task_1m: Long, task_1h: Long, denied_1m: Long, denied_1h: Long,
  },
  provenance: {
    declared: Set<String>, origin: String, tainted: Bool,
    authority: Kinds, links: Kinds, content: Kinds, unendorsed: { untrusted: Bool, unknown: Bool },
    args: { text?: { source: String, sources: Set<String> } },
    secrets: Bool, level: Long, task: { untrusted: Bool, level: Long },
  },
  sensitivity: String, sensitivity_level: Long,
  grant: { attrs: {}, issued: datetime, expires: datetime },
  session: { uid: Long, gid: Long }, approvals: Set<String>,
  has_stdin: Bool, check_only: Bool, uses: Uses, sums: Sums,
};
"""


def schema(tools):
    return SCHEMA + "".join(
        f'action "{t}" appliesTo {{ principal: [User, Agent], resource: Tool, context: Call }};\n'
        for t in tools)


def signed(context, values, signer):
    """A signed object: [body, kid, signature]; context is never on the wire."""
    body = msgpack.packb(values)
    kid = kid_of(bytes(signer.verify_key))
    return msgpack.packb([body, kid, signer.sign(pae(context, body)).signature])


def directory(uids, seq=1, coder=1, alice=1, tenant="acme", ttl=86400, signer=DIRECTORY, revocations=()):
    """The people of the test, signed; coder and alice: 1 active, 0 not."""
    now = int(time.time())
    users = [["alice", alice, ["dev"], []]]
    agents = [["coder", coder, "alice", [bytes(CODER.verify_key)], list(uids), 7, []]]
    return signed("snapshot", [1, tenant, seq, now, now + ttl, users, agents, [], list(revocations)], signer)


def body_of(obj):
    return msgpack.unpackb(obj)[0]


def heartbeat(snapshot, issued=None, not_after=None, by=DIRECTORY, tenant="acme", seq=None):
    """That this directory is still the newest."""
    now = int(time.time())
    body = body_of(snapshot)
    return signed("heartbeat", [1, tenant, seq or msgpack.unpackb(body)[2], blake(pae("snapshot-hash", body)),
                                issued or now, not_after or now + 60], by)


BY_ID, TEXT = (1, 2, 10, 11, 12), (4, 5, 6, 7, 9)


def revocation(kind, target=b"", cutoff=None, tenant="acme", by=REVOKER, keep=None, reason="because"):
    """A signed record; cutoff None: now + 5 where there is one."""
    if cutoff is None:
        cutoff = 0 if kind in BY_ID else int(time.time()) + 5
    target = target.decode() if kind in TEXT else target
    keep = keep or int(time.time()) + 2 * 86400
    return signed("revocation", [1, tenant, kind, target, cutoff, keep, reason, os.urandom(16)], by)


def config(uids):
    pk = lambda k: bytes(k.verify_key).hex()
    return {
        "tenants/acme/directory.snapshot": directory(uids),
        "tenants/acme/entities.json": "[]",
        "tenants/acme/policies/hard/10.cedar":
            '@id("all")\npermit (principal, action, resource);\n'
            '@id("not-that")\nforbid (principal, action == Action::"t.no", resource);\n',
        "tenants/acme/schema.cedarschema": schema(
            ["t.cat", "t.deaf", "t.echo", "t.flood", "t.gone", "t.hold", "t.no", "t.over", "t.refuse", "t.slow", "t.trim",
             "t.void"]),
        "tenants/acme/tenant.yaml":
            "tenant: acme\nmax_ttl_s: 3600\ndefault_sensitivity: internal\n"
            "trusted_provenance: [user]\nfreshness: snapshot\n",
        "tenants/acme/trust.yaml":
            f"issuers:\n  - name: idp\n    key: {pk(ISSUER)}\n"
            f"directory:\n  - name: people\n    key: {pk(DIRECTORY)}\n"
            f"revokers:\n  - name: ops\n    key: {pk(REVOKER)}\n",
        "tools/t.cat.yaml": manifest("t.cat", stdin="true"),
        "tools/t.deaf.yaml": manifest("t.deaf", stdin="true"),
        "tools/t.echo.yaml": manifest("t.echo"),
        "tools/t.flood.yaml": manifest("t.flood", cap=4 << 20),
        "tools/t.hold.yaml": manifest("t.hold"),
        "tools/t.no.yaml": manifest("t.no"),
        "tools/t.over.yaml": manifest("t.over", cap=1000, on="kill"),
        "tools/t.refuse.yaml": manifest("t.refuse"),
        "tools/t.trim.yaml": manifest("t.trim", cap=1000),
        "tools/t.void.yaml": manifest("t.void"),
    }


def sealed(data):
    fd = os.memfd_create("t", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    fcntl.fcntl(fd, 1033, 1 | 2 | 4 | 8)  # F_ADD_SEALS: seal shrink grow write
    return fd


def bundle(files):
    return sealed(msgpack.packb([1, [[n, c if isinstance(c, bytes) else c.encode()] for n, c in sorted(files.items())]]))


def wait_for(cond, what, seconds=60):
    end = time.monotonic() + seconds
    while not cond():
        assert time.monotonic() < end, "timed out: " + what
        time.sleep(0.002)


# --- recorder and launcher --------------------------------------------------

class Recorder(threading.Thread):
    """Reads the ring, keeps the records, hands orders to the launcher."""

    def __init__(self, ring_fd, wake_fd, launcher):
        super().__init__(daemon=True)
        self.map = mmap.mmap(ring_fd, RING_DATA + RING_BYTES)
        self.wake_fd, self.launcher = wake_fd, launcher
        self.records, self.journal, self.entries = [], [], []
        self.tail, self.stopped, self.paused = 0, False, False
        self.lock = threading.Lock()
        self.state(1)

    def state(self, value):
        struct.pack_into("<I", self.map, 128, value)

    def run(self):
        while not self.stopped:
            select.select([self.wake_fd], [], [], 0.0005)
            try:
                os.read(self.wake_fd, 8)
            except BlockingIOError:
                pass
            if not self.paused:
                with self.lock:
                    self.drain()

    def drain(self):
        head = struct.unpack_from("<Q", self.map, 0)[0]
        while self.tail < head:
            at = RING_DATA + self.tail % RING_BYTES
            size, kind = struct.unpack_from("<II", self.map, at)
            body = bytes(self.map[at + 8:at + 8 + size])
            self.tail += 8 + (size + 7) // 8 * 8
            if kind:
                self.entry(kind, body)
            struct.pack_into("<Q", self.map, 64, self.tail)

    def record(self, body):
        self.records.append(msgpack.unpackb(body, strict_map_key=True))

    def entry(self, kind, body):
        v = msgpack.unpackb(body)
        self.entries.append(kind)
        if kind == RECORD:
            self.record(body)
        elif kind == LAUNCH:
            self.record(v[1])
            self.launcher.order(msgpack.unpackb(v[2]))
        elif kind == KILL:
            self.launcher.kill(v[1], v[2])
        elif kind == JOURNAL:
            self.journal.append([v[0], v[1], v[3], v[4]])  # as the recorder hands it back
        elif kind == BARRIER:
            self.launcher.send(HOP_BARRIER, v)

    def of(self, kind):
        return [r for r in self.records if r["kind"] == kind]


class Launcher:
    def __init__(self, sock):
        self.sock, self.runs, self.started = sock, {}, 0
        self.lock = threading.Lock()
        self.hold_exits = False
        self.scripts = {}    # tool: fn(launcher, order id, its stdio), in a thread
        self.tripwires = b""  # of the next tools

    def send(self, kind, body, fds=()):
        anc = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.sock.sendmsg([bytes([kind]) + msgpack.packb(body)], anc)

    def exited(self, oid, reason=0, code=0, sig=0):
        try:
            self.send(HOP_EXITED, [oid, reason, code, sig, 1000, 500, 1024, 0])
        except BrokenPipeError:
            pass  # the gate has ended

    def order(self, o):
        _, oid, _, tool, args, path, access, wall, cap, stdin, did, _token, _box, _require = o
        if tool == "t.void":  # what a launcher answers to VOID
            self.send(HOP_REFUSED, [oid, "audit_unavailable", "record", 28, "not written"])
            return
        if tool == "t.refuse":
            self.send(HOP_REFUSED, [oid, "sandbox_unavailable", "landlock", 38, "no layer"])
            return
        pairs = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
        ends = [pairs[0][0], pairs[1][1], pairs[2][1]]
        if not stdin:  # cannot be polled: the gate must not try
            os.close(pairs[0][1])
            pairs[0] = (pairs[0][0], os.open("/dev/null", os.O_WRONLY | os.O_CLOEXEC))
        with self.lock:  # before anybody is told
            self.runs[oid] = {"fds": ends, "kill": None,
                              "moves": tool not in ("t.deaf", "t.echo", "t.hold")
                              and tool not in self.scripts}
            self.started += 1
        self.send(HOP_STARTED, [oid, 7, 4, 150, 1, 0, self.tripwires], [pairs[0][1], pairs[1][0], pairs[2][0]])
        for fd in (pairs[0][1], pairs[1][0], pairs[2][0]):
            os.close(fd)
        if tool in self.scripts:
            threading.Thread(target=self.scripts[tool], args=(self, oid, ends), daemon=True).start()
        elif tool == "t.echo":
            os.write(ends[1], b"hello\n")
            self.end(oid, 0, 3)
        elif tool not in ("t.deaf", "t.hold"):
            threading.Thread(target=self.tool, args=(oid, tool), daemon=True).start()

    def tool(self, oid, tool):
        """A tool that moves bytes; looks every 20 ms whether it was killed."""
        run = self.runs[oid]
        fds = run["fds"]
        for fd in fds:
            os.set_blocking(fd, False)
        left = {"t.flood": 4 << 20, "t.over": 1 << 40, "t.trim": 5000, "t.cat": 0}[tool]
        data, eof = b"", tool != "t.cat"
        while run["kill"] is None and (left or data or not eof):
            want_in = not eof and not data
            ins, outs, _ = select.select([fds[0]] if want_in else [],
                                         [] if want_in else [fds[1]], [], 0.02)
            try:
                if ins:
                    data = os.read(fds[0], 65536)
                    eof = not data
                elif outs and data:
                    data = data[os.write(fds[1], data):]
                elif outs:
                    left -= os.write(fds[1], b"x" * min(left, 65536))
            except BlockingIOError:
                pass
        if run["kill"] is None:
            self.end(oid, 0, 0)
        else:
            self.end(oid, run["kill"], 0, 9)

    def end(self, oid, reason, code=0, sig=0):
        with self.lock:
            run = self.runs.pop(oid, None)
        if run is None:
            return
        for fd in run["fds"]:
            os.close(fd)
        self.exited(oid, reason, code, sig)

    def kill(self, oid, reason):
        run = self.runs.get(oid)
        if self.hold_exits or run is None:
            return
        if run["moves"]:
            run["kill"] = reason  # its own thread ends it
        else:
            self.end(oid, reason, 0, 9)


# --- the gate ----------------------------------------------------------------

class Gate:
    def __init__(self, program, files=None, journal=None, **settings):
        self.dir = tempfile.TemporaryDirectory()
        os.chmod(self.dir.name, 0o755)
        self.agent_path = os.path.join(self.dir.name, "agent.sock")
        self.admin_path = os.path.join(self.dir.name, "admin.sock")
        self.files = files or config(sorted({UID, OTHER_UID}))
        agent, admin = self.listen(self.agent_path), self.listen(self.admin_path)
        self.control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        launcher, gate_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ring = os.memfd_create("ring", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(ring, RING_DATA + RING_BYTES)
        fcntl.fcntl(ring, 1033, 1 | 2 | 4)
        wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        key_r, key_w = os.pipe2(os.O_CLOEXEC)
        os.write(key_w, bytes(SIDECAR) + (bytes(TOKEN) if settings.get("token_key") else b""))
        os.close(key_w)
        self.launcher = Launcher(launcher)
        self.recorder = Recorder(ring, wake, self.launcher)
        self.log = open(os.path.join(self.dir.name, "log"), "w+")
        absent = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)  # the broker
        fds = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in
               (control.fileno(), agent.fileno(), admin.fileno(), ring, wake, key_r,
                absent, gate_end.fileno())]
        self.p = subprocess.Popen([program], stdin=subprocess.DEVNULL, close_fds=False,
                                  stdout=self.log, stderr=self.log,
                                  preexec_fn=lambda: self.hand_over(fds))
        for fd in fds + [key_r, ring, absent]:
            os.close(fd)
        for s in (control, agent, admin, gate_end):
            s.close()
        s = dict(generation=1, boot_id=7, launchers=1, index=0, sidecar="sidecar/x",
                 audiences=["sidecar/x"], sync=True, admins=[UID], root=True, pidfd=False,
                 segment=1 << 20, reserve=1 << 20, rate=1000, burst=10000, operators=[],
                 init_state=False, token_key=False, check=False,
                 sandbox=[0, 0, 0, False], broker=False, dns="", resolv="")
        s.update(settings)
        journal_fd = sealed(msgpack.packb([1, journal or []]))
        files_fd = bundle(self.files)
        try:
            self.send(1, [2] + list(s.values()), [files_fd, journal_fd])
        except BrokenPipeError:
            pass  # it ended before that
        os.close(files_fd)
        os.close(journal_fd)
        self.recorder.start()
        self.ready = self.receive()

    @staticmethod
    def hand_over(fds):
        for i, fd in enumerate(fds):
            os.dup2(fd, 3 + i)
        os.closerange(3 + len(fds), 1024)

    def listen(self, path):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        s.bind(path)
        os.chmod(path, 0o666)
        s.listen(256)
        return s

    def send(self, kind, body, fds=()):
        anc = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.control.sendmsg([bytes([kind]) + msgpack.packb(body)], anc)

    def receive(self, seconds=60):
        self.control.settimeout(seconds)
        data = b"\x09"
        while data[:1] == b"\x09":  # STATUS: the gate's sign of life
            try:
                data = self.control.recv(16384)
            except ConnectionResetError:  # it ended, and left something unread
                data = b""
        return (data[0], msgpack.unpackb(data[1:])) if data else None

    def prepare(self, generation, files):
        fd = bundle(files)
        self.send(4 - 1, [1, generation], [fd])
        os.close(fd)
        return self.receive()

    def text(self):
        self.log.flush()
        return open(self.log.name).read()

    def fds(self):
        return len(os.listdir(f"/proc/{self.p.pid}/fd"))

    def rss_kb(self):  # without the shared ring
        for line in open(f"/proc/{self.p.pid}/status"):
            if line.startswith("RssAnon"):
                return int(line.split()[1])

    def leaves_alone(self, fds):
        """The gate waits although there is something in each of these pipes: they
        are full, and it sleeps. One that still wanted it would be running."""
        full = not select.select([], fds, [], 0)[1]
        state = open(f"/proc/{self.p.pid}/stat").read().rsplit(")", 1)[1].split()[0]
        return full and state == "S"

    def cpu_s(self):
        """Seconds that it has run: what it takes, however busy the machine is."""
        fields = open(f"/proc/{self.p.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def alive(self):
        return self.p.poll() is None

    def drain(self, grace_ms=2000):
        self.send(8, [0, grace_ms])
        return self.p.wait(60)

    def close(self):
        if self.alive():
            self.p.kill()
            self.p.wait()
        self.recorder.stopped = True
        self.recorder.join()
        self.log.close()
        self.control.close()
        self.launcher.sock.close()
        os.close(self.recorder.wake_fd)
        self.dir.cleanup()


# --- shims -------------------------------------------------------------------

def root_block(grant, **kw):
    now = int(time.time())
    f = dict(nonce=grant, tenant="acme", issuer="idp", user="alice", agent="coder",
             holder=bytes(CODER.verify_key), aud="sidecar/x", task="t1", iat=now - 1, nbf=now - 1,
             exp=now + 600, depth=2, max_calls=0,
             policies="permit(principal, action, resource);", attrs=[])
    f.update(kw)
    return [0] + list(f.values())


def chain(grant=None, link=False, issuer=ISSUER, **kw):
    grant = grant or os.urandom(16)
    payload = msgpack.packb(root_block(grant, **kw))
    prev = blake(pae("anchor", bytes(ISSUER.verify_key)))
    blocks = [[payload, issuer.sign(block_message(0, prev, payload)).signature]]
    if link:
        now = int(time.time())
        prev = blake(pae("link", prev, payload))
        payload = msgpack.packb([1, os.urandom(16), "coder/sub", bytes(SUB.verify_key), now - 1,
                                 now - 1, now + 500, 0, "permit(principal, action, resource);", b""])
        blocks.append([payload, CODER.sign(block_message(1, prev, payload)).signature])
    return msgpack.packb([1, kid_of(bytes(ISSUER.verify_key)), blocks]), grant


def frame(kind, body):
    raw = body if isinstance(body, bytes) else msgpack.packb(body)
    return struct.pack(">IB", len(raw), kind) + raw


class Closed(Exception):
    pass


class Client:
    def __init__(self, gate, path=None):
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.s.settimeout(60)
        self.s.connect(path or gate.agent_path)
        self.buf, self.seq = b"", 0

    def get(self):
        while True:
            if len(self.buf) >= 5:
                n, kind = struct.unpack(">IB", self.buf[:5])
                if len(self.buf) >= 5 + n:
                    body, self.buf = self.buf[5:5 + n], self.buf[5 + n:]
                    return kind, msgpack.unpackb(body)
            try:
                data = self.s.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                raise Closed()
            self.buf += data

    def want(self, kind):
        got, body = self.get()
        assert got == kind, (kind, got, body)
        return body

    def put(self, kind, body):
        self.s.sendall(frame(kind, body))

    def hello(self):
        self.h = self.want(HELLO)
        return self.h

    def auth_body(self, ch, holder=CODER, uid=UID, gid=None, challenge=None):
        nonce = os.urandom(32)
        _, chal, sid, pk, _, _ = self.h
        t = (challenge or chal, nonce, pk, sid.encode(), blake(pae("chain", ch)),
             le32(uid) + le32(os.getegid() if gid is None else gid))
        proof = holder.sign(pae("hs-client", *t)).signature
        self.t, self.proof = t, proof
        return [1, ch, nonce, proof]

    def login(self, ch=None, holder=CODER, **kw):
        if ch is None:
            ch, self.grant = chain()
        self.hello()
        self.put(AUTH, self.auth_body(ch, holder, **kw))
        w = self.want(WELCOME)
        session = blake(pae("session", *self.t, self.proof), 16)
        VerifyKey(self.h[3]).verify(pae("hs-server", *self.t, self.proof, session), w[3])
        assert session == w[1]
        self.welcome = w
        return self

    def call_body(self, tool, args=None, flags=0, call_id=None, seq=None, deadline=0, minrev=0,
                  sig=b"", hold=0, inline=0):
        if seq is None:
            self.seq += 1
            seq = self.seq
        return [4, seq, call_id or os.urandom(16), tool, args or {}, deadline, "", [], flags,
                minrev, hold, inline, sig]

    def call(self, tool, args=None, **kw):
        self.put(CALL, self.call_body(tool, args, **kw))
        return self.seq

    def run(self, tool, args=None, **kw):
        """One call to its end: (decision or None, stdout, result or None)."""
        self.call(tool, args, **kw)
        return self.collect()

    def collect(self):
        decision, out = None, b""
        while True:
            kind, body = self.get()
            if kind == DECISION:
                decision = body
                if body[2] != 2:
                    return decision, out, None
            elif kind == OUTPUT:
                out += body[3]
            elif kind == RESULT:
                return decision, out, body
            elif kind == ERROR:
                raise AssertionError(body)

    def closed(self):
        """Reads to the end; returns the ERROR code seen on the way, or None."""
        code = None
        try:
            while True:
                kind, body = self.get()
                if kind == ERROR:
                    code = body[1]
        except Closed:
            return code

    def close(self):
        self.s.close()


def as_uid(uid, fn):
    """Runs fn in a child with another uid; returns its exit status."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgid(uid)
            os.setuid(uid)
            os._exit(fn() or 0)
        except BaseException as e:  # the child must not return
            sys.stderr.write(f"child: {e!r}\n")
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
