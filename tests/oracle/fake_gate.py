#!/usr/bin/python3
"""A gate that decides nothing: the agent socket's framing, messages and
handshake written a second time, from docs/PROTOCOL.md, with msgpack and PyNaCl
instead of our C. The shim's tests talk to it. It serves one connection at a
time and ends with the test that started it.

    gate = FakeGate(directory); gate.start(script); ...; gate.join()

script(conn) runs in a thread for each connection and speaks for the gate.
"""
import os
import socket
import struct
import threading

import msgpack
import nacl.bindings
import nacl.hash
import nacl.encoding
import nacl.signing

(HELLO, AUTH, WELCOME, ERROR, CALL, DECISION, STDIN, OUTPUT, RESULT, CANCEL,
 CHECK, CHECKED, TOOLS, TASK_END, PING, WINDOW, REVOKE, ORIGIN, KEPT) = range(1, 20)
DENY, PENDING, PERMIT = 0, 1, 2
STDOUT, STDERR = 1, 2


def pack(value):
    return msgpack.packb(value, use_bin_type=True)


def frame(kind, value):
    body = pack(value)
    return struct.pack(">IB", len(body), kind) + body


def pae(context, *parts):
    parts = (b"tipstaff/1/" + context.encode(),) + parts
    out = struct.pack("<I", len(parts))
    for p in parts:
        out += struct.pack("<I", len(p)) + p
    return out


def blake(data, size):
    return nacl.hash.blake2b(data, digest_size=size,
                             encoder=nacl.encoding.RawEncoder)


def key_files(directory):
    """A chain of one root block with its holder's seed, and a sidecar key."""
    holder = nacl.signing.SigningKey(b"\x11" * 32)
    issuer = nacl.signing.SigningKey(b"\x22" * 32)
    sidecar = nacl.signing.SigningKey(b"\x33" * 32)
    pk = bytes(issuer.verify_key)
    payload = pack([0, b"G" * 16, "acme", "idp", "alice", "coder",
                    bytes(holder.verify_key), "sidecar/local", "demo",
                    1763769600, 1763769600, 1763773200, 2, 0,
                    "permit (principal, action, resource);", []])
    anchor = blake(pae("anchor", pk), 32)
    signature = issuer.sign(pae("grant-root", anchor, payload)).signature
    chain = pack([1, blake(pae("kid", pk), 16), [[payload, signature]]])
    paths = {}
    for name, data, mode in (("chain", chain, 0o644),
                             ("seed", bytes(holder), 0o400),
                             ("pub", bytes(sidecar.verify_key).hex().encode()
                              + b"\n", 0o644)):
        paths[name] = os.path.join(directory, name)
        if os.path.exists(paths[name]):
            os.unlink(paths[name])
        fd = os.open(paths[name], os.O_WRONLY | os.O_CREAT, mode)
        os.write(fd, data)
        os.close(fd)
    return paths, holder, sidecar, chain


class Closed(Exception):
    pass


class Conn:
    """One connection, seen from the gate. limit: bytes that may be sent before
    the gate drops dead, to try every place where a peer can vanish."""

    def __init__(self, sock, gate, limit=None):
        self.sock, self.gate, self.limit = sock, gate, limit
        self.sent = 0
        self.buffer = b""

    def raw(self, data):
        if self.limit is not None and self.sent + len(data) > self.limit:
            self.sock.sendall(data[:self.limit - self.sent])
            raise Closed
        self.sock.sendall(data)
        self.sent += len(data)

    def send(self, kind, value):
        self.raw(frame(kind, value))

    def receive(self):
        while True:
            if len(self.buffer) >= 5:
                size, kind = struct.unpack(">IB", self.buffer[:5])
                assert size <= 262144, "frame over the limit"
                if len(self.buffer) >= 5 + size:
                    body = self.buffer[5:5 + size]
                    self.buffer = self.buffer[5 + size:]
                    value = msgpack.unpackb(body, raw=False,
                                            strict_map_key=True)
                    assert pack(value) == body, "not the one encoding"
                    self.body = body
                    return kind, value
            data = self.sock.recv(65536)
            if not data:
                raise Closed
            self.buffer += data

    def expect(self, kind):
        got, value = self.receive()
        assert got == kind, f"expected type {kind}, got {got}: {value}"
        return value

    def handshake(self, signer=None, hello_pk=None):
        """Returns after WELCOME. signer: who signs as the sidecar."""
        key = self.gate.sidecar
        challenge = os.urandom(32)
        pk = hello_pk or bytes(key.verify_key)
        self.send(HELLO, [1, challenge, "sidecar/local", pk, 1763769700,
                          262144])
        version, chain, nonce, proof = self.expect(AUTH)
        assert version == 1 and chain == self.gate.chain
        transcript = (challenge, nonce, pk, b"sidecar/local",
                      blake(pae("chain", chain), 32),
                      struct.pack("<II", os.geteuid(), os.getegid()))
        self.gate.holder.verify_key.verify(pae("hs-client", *transcript),
                                           proof)
        session = blake(pae("session", *transcript, proof), 16)
        server = (signer or key).sign(
            pae("hs-server", *transcript, proof, session)).signature
        self.session = session
        self.send(WELCOME, [1, session, 3500, server, 7])

    def verify_call(self):
        """The signature of the CALL that was received last, from its bytes.
        Raises if it is not the holder's, for this session and seq."""
        call = msgpack.unpackb(self.body, raw=False)
        assert len(call) == 13 and len(call[12]) == 64, "no signature"
        unsigned = self.body[:len(self.body) - len(pack(call[12]))]
        self.gate.holder.verify_key.verify(
            pae("call", self.session, struct.pack("<Q", call[1]),
                blake(unsigned, 32)), call[12])

    def decide(self, seq, verdict=PERMIT, code="permitted", text="", expires=0):
        self.send(DECISION, [2, seq, verdict, code, b"\xab" * 16, text, expires])

    def output(self, seq, stream, data):
        self.send(OUTPUT, [1, seq, stream, data])

    def kept(self, seq, rows, ref="call-1", out=0, err=0, more=False):
        """rows: [pattern, type, count, min, max, source, secret]"""
        self.send(KEPT, [1, seq, ref, out, err, more, rows])

    def result(self, seq, reason="exited", code="permitted", exit_code=0,
               signal=0, flags=0):
        ref = "" if reason == "refused" else f"call-{seq}"
        self.send(RESULT, [2, seq, reason, code, exit_code, signal, 0, 0,
                           1000, flags, ref])


class FakeGate:
    def __init__(self, directory):
        self.paths, self.holder, self.sidecar, self.chain = \
            key_files(directory)
        self.socket_path = os.path.join(directory, "agent.sock")
        self.listener = None
        self.error = None
        self.connections = 0

    def environment(self):
        return {"TIPSTAFF_SOCKET": self.socket_path,
                "TIPSTAFF_DELEGATION": self.paths["chain"],
                "TIPSTAFF_KEY": self.paths["seed"],
                "TIPSTAFF_SIDECAR_KEY": self.paths["pub"]}

    def start(self, script, limit=None, count=1, timeout=30):
        """Serves count connections, one after the other."""
        if os.path.exists(self.socket_path):
            os.unlink(self.socket_path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.socket_path)
        self.listener.listen(8)
        self.listener.settimeout(timeout)
        self.error = None

        def serve():
            try:
                for _ in range(count):
                    sock, _ = self.listener.accept()
                    sock.settimeout(timeout)
                    self.connections += 1
                    with sock:
                        try:
                            script(Conn(sock, self, limit))
                        except (Closed, BrokenPipeError,
                                ConnectionResetError):
                            pass
            except Exception as e:  # told by join(), in the test's thread
                self.error = e

        self.thread = threading.Thread(target=serve, daemon=True)
        self.thread.start()

    def join(self, timeout=30):
        self.thread.join(timeout)
        alive = self.thread.is_alive()
        self.listener.close()
        if self.error is not None:
            raise self.error
        assert not alive, "the fake gate is still waiting"
