"""A gate for tests of tipstaff approvals: questions made and answers checked
without any code of the product."""
import hashlib
import os
import socket
import struct
import threading

import msgpack
from nacl.signing import SigningKey, VerifyKey

APPROVALS, TICKET, NEWS, END, ANSWER, ANSWERED, FAIL = 12, 13, 14, 15, 16, 17, 5


def pae(context, *parts):
    all_parts = [b"tipstaff/1/" + context.encode(), *parts]
    out = struct.pack("<I", len(all_parts))
    for p in all_parts:
        out += struct.pack("<I", len(p)) + p
    return out


def hashed(context, *parts, size=32):
    return hashlib.blake2b(pae(context, *parts), digest_size=size).digest()


def kid(pk):
    return hashed("kid", pk, size=16)


SIDECAR = SigningKey(b"\x51" * 32)
SIDECAR_PK = bytes(SIDECAR.verify_key)


def ticket(args, context=None, n=1, key=SIDECAR, **changes):
    """The signed object, and its id. args: a dict, or bytes."""
    t = dict(sidecar="sidecar/pod-7", tenant="acme", user="alice", agents=["planner", "planner/mailer"],
             task="task-1", tool="mail.send", action="mail.send", resource='Mailbox::"alice"',
             rules=[["strangers", "four-eyes", 2]], created=1800000000, expires=4000000000, epoch=3)
    t.update(changes)
    if not isinstance(args, bytes):
        args = msgpack.packb(args)
    body = msgpack.packb([
        1, bytes([0xd0]) + bytes(13) + struct.pack(">H", n), t["sidecar"], t["tenant"], t["user"], t["agents"],
        bytes([0x91]) * 16, bytes([0xb1]) * 32, t["task"], bytes([0xc1]) * 16, t["tool"], bytes([0x71]) * 32,
        t["action"], t["resource"], args, msgpack.packb(context or {}), t["rules"], t["created"], t["expires"],
        t["epoch"]])
    pk = bytes(key.verify_key)
    sig = key.sign(pae("approval-ticket", body)).signature
    return msgpack.packb([body, kid(pk), sig]), hashed("ticket-id", body)


def frame(kind, body):
    raw = msgpack.packb(body)
    return struct.pack(">IB", len(raw), kind) + raw


def waiting(obj, stage=1, people=()):
    return frame(TICKET, [1, obj, stage, [list(p) for p in people]])


def read_frame(s):
    head = b""
    while len(head) < 5:
        got = s.recv(5 - len(head))
        if not got:
            return None, None
        head += got
    n, kind = struct.unpack(">IB", head)
    body = b""
    while len(body) < n:
        got = s.recv(n - len(body))
        if not got:
            return None, None
        body += got
    return kind, msgpack.unpackb(body)


class Gate(threading.Thread):
    """Tells frames to whoever asks, and answers ANSWER with what answered()
    makes of it; keeps the answers."""

    def __init__(self, path, frames, news=(), answered=None):
        super().__init__(daemon=True)
        if os.path.exists(path):
            os.unlink(path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(16)
        self.frames, self.news, self.answered = list(frames), list(news), answered
        self.answers, self.asked = [], []
        self.start()

    def run(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            s.settimeout(20)
            with s:
                try:
                    self.serve(s)
                except OSError:
                    pass

    def serve(self, s):
        while True:
            kind, body = read_frame(s)
            if kind is None:
                return
            if kind == APPROVALS:
                self.asked.append(body)
                for f in self.frames:
                    s.sendall(f)
                s.sendall(frame(END, [1]))
                for f in self.news if body[1] else ():
                    s.sendall(f() if callable(f) else f)
                if body[1]:
                    return
            elif kind == ANSWER:
                self.answers.append(body[1])
                code, text, state = self.answered(body[1]) if self.answered else ("ok", "it counts", "waiting")
                s.sendall(frame(ANSWERED, [1, code, text, state, bytes(16)]))

    def stop(self):
        self.listener.close()


def ssh_string(b):
    return struct.pack(">I", len(b)) + b


def take(b):
    n = struct.unpack(">I", b[:4])[0]
    return b[4:4 + n], b[4 + n:]


def check_answer(answer, pk):
    """What an answer says, once its signature holds under pk."""
    parts = msgpack.unpackb(answer)
    if len(parts) == 3:
        body, its_kid, sig = parts
        assert its_kid == kid(pk), "the kid of another key"
        VerifyKey(pk).verify(pae("approval", body), sig)
    else:
        body, blob = parts
        assert blob[:10] == b"SSHSIG\0\0\0\1"
        key, rest = take(blob[10:])
        space, rest = take(rest)
        reserved, rest = take(rest)
        name, rest = take(rest)
        sig, rest = take(rest)
        assert (space, reserved, name, rest) == (b"approval@tipstaff", b"", b"sha512", b"")
        assert key == ssh_string(b"ssh-ed25519") + ssh_string(pk)
        kind, raw = take(sig)
        assert kind == b"ssh-ed25519"
        message = b"SSHSIG" + ssh_string(space) + ssh_string(b"") + ssh_string(b"sha512") + ssh_string(
            hashlib.sha512(body).digest())
        VerifyKey(pk).verify(message, take(raw)[0])
    version, ticket_id, decision_id, tenant, person, verdict, iat, exp, note = msgpack.unpackb(body)
    assert version == 1
    return dict(ticket_id=ticket_id, decision_id=decision_id, tenant=tenant, person=person, verdict=verdict,
                iat=iat, exp=exp, note=note)
