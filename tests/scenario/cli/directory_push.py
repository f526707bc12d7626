"""tipstaff directory apply and push against a service that answers in every way.

usage: directory_push.py PROGRAM
"""
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

import msgpack

PROGRAM = os.path.abspath(sys.argv[1])
ACK, COMPLETE, FAIL, FEED = 2, 3, 5, 9
top = tempfile.mkdtemp()
os.chdir(top)
failures = 0


def run(*args, code, says=(), timeout=60):
    global failures
    p = subprocess.run([PROGRAM, *args], capture_output=True, text=True, timeout=timeout)
    text = p.stdout + p.stderr
    if p.returncode != code or not all(s in text for s in says):
        failures += 1
        print(f"FAIL {args}: exit {p.returncode} instead of {code}\n{text}")
    return text


def frame(kind, body):
    raw = msgpack.packb(body)
    return struct.pack(">IB", len(raw), kind) + raw


class Service(threading.Thread):
    """Answers one connection with what it is given; keeps what it was sent."""

    def __init__(self, path, *answers, read=True, installed=None):
        super().__init__()
        if os.path.exists(path):
            os.unlink(path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)
        self.answers, self.read, self.installed = answers, read, installed
        self.got, self.at_ack = None, None
        self.start()

    def run(self):
        s, _ = self.listener.accept()
        s.settimeout(20)
        if self.read:
            head = b""
            while len(head) < 5:
                head += s.recv(5 - len(head))
            n, kind = struct.unpack(">IB", head)
            body = b""
            while len(body) < n:
                body += s.recv(n - len(body))
            self.got = (kind, msgpack.unpackb(body))
        if self.installed is not None:  # the file as it is before an answer
            self.at_ack = open(self.installed, "rb").read() if os.path.exists(self.installed) else b""
        try:
            for a in self.answers:
                s.sendall(a)
            if not self.answers or self.answers[-1] == b"":
                s.recv(1)  # until the other side gives up
        except OSError:
            pass
        s.close()
        self.listener.close()


os.mkdir("work")
run("init", "etc", "--workspace", "work", "--base", "run", "--agent-uid", "10001", code=0)
SNAPSHOT, SOURCE = "etc/tenants/acme/directory.snapshot", "etc/directory/acme.yaml"
sock = os.path.join(top, "admin.sock")


def bytes_now():
    return open(SNAPSHOT, "rb").read()


def seq_of(raw):
    return msgpack.unpackb(msgpack.unpackb(raw)[0])[2]


def apply(*answers, code, says, changed, what, read=True, wait="5s"):
    """One apply; changed: whether the file must be another afterwards."""
    global failures
    before = bytes_now()
    service = Service(sock, *answers, read=read, installed=SNAPSHOT)
    run("directory", "apply", SOURCE, "--config", "etc", "--socket", sock, "--wait", wait,
        code=code, says=says)
    service.join()
    after = bytes_now()
    ok = (after != before) == changed
    ok &= service.at_ack == before  # asked before the file is replaced
    if read and service.got is not None:
        ok &= service.got[0] == FEED and service.got[1][:2] == [1, 1]
        if changed:
            ok &= service.got[1][2] == after
    ok &= not [n for n in os.listdir("etc/tenants/acme") if n.endswith(".new")]
    if not ok:
        failures += 1
    print("ok  " if ok else "FAIL", what)


ack = frame(ACK, [1, 7, 1, 2, 0])
done = frame(COMPLETE, [1, 7])
apply(ack + done, code=0, changed=True, what="both answers at once",
      says=["in force: seq 2; 2 sessions closed, 1 tool killed, all gone after"])
apply(ack, done, code=0, changed=True, what="one after the other", says=["in force: seq 3"])
apply(frame(ACK, [1, 8, 0, 1, 0]), frame(COMPLETE, [1, 8]), code=0, changed=True, what="plural",
      says=["1 session closed, 0 tools killed"])
apply(frame(FAIL, [1, "bad_request", "seq 4 was in force"]), code=1, changed=False,
      what="refused", says=["refused (bad_request): seq 4 was in force", "nothing was changed"])
apply(frame(FAIL, [1, "denied", "evil \x1b[31m"]), code=1, changed=False, what="refused with controls",
      says=["\\x1b[31m"])
apply(code=1, changed=True, what="closed without an answer", wait="1s",
      says=["no answer from the service within 1 s", "it is not known whether it is in force"])
apply(frame(99, [1]), code=1, changed=True, what="another message", says=["malformed", "not known"])
apply(frame(ACK, [1, 7]), code=1, changed=True, what="a short ACK", says=["malformed", "not known"])
apply(struct.pack(">IB", 1 << 30, 2), code=1, changed=True, what="a frame too long", says=["malformed"])
apply(ack, frame(COMPLETE, [1, 8]), code=1, changed=True, what="COMPLETE of another",
      says=["it is in force, but whether every tool has ended is not known"])
apply(ack, b"", code=1, changed=True, what="no COMPLETE", wait="1s",
      says=["in force, but after 1 s not every tool was seen to end"])
apply(ack, frame(FAIL, [1, "internal", "x"]), code=1, changed=True, what="FAIL after ACK", says=["refused (internal)"])
apply(ack, done, code=0, changed=True, what="and again", says=["in force"])

# the socket of tipstaff.yaml is found without being told
os.makedirs("run/run/admin")
before = bytes_now()
service = Service("run/run/admin/admin.sock", ack, done)
run("directory", "apply", SOURCE, "--config", "etc", code=0, says=["in force"])
service.join()

# push: what was signed elsewhere
for name, what in ((SNAPSHOT, 1), ("etc/tenants/acme/directory.heartbeat", 2)):
    if what == 2:
        run("directory", "heartbeat", "--config", "etc", "--once", "--no-push", code=0)
    service = Service(sock, ack, done)
    run("directory", "push", name, "--socket", sock, code=0, says=["in force: 2 sessions closed"])
    service.join()
    if service.got != (FEED, [1, what, open(name, "rb").read()]):
        failures += 1
        print("FAIL push sent something else")
run("directory", "push", SOURCE, "--socket", sock, code=1, says=["neither a directory snapshot nor a heartbeat"])
run("directory", "push", "nowhere", "--socket", sock, code=1, says=["No such file"])
run("directory", "push", SNAPSHOT, "--socket", "gone.sock", code=1, says=["is the service running"])
run("directory", "push", SNAPSHOT, "--socket", "x" * 200, code=1, says=["1 to 107 bytes"])

# heartbeats go on while the service comes and goes
service = Service(sock, ack, done)
run("directory", "heartbeat", "--config", "etc", "--once", "--socket", sock, code=0, says=["is the newest"])
service.join()
if service.got[1][1] != 2:
    failures += 1
    print("FAIL the heartbeat was sent as something else")

# as large as it may be: one frame, beyond the limit of every other message
with open("large.yaml", "w") as f:
    f.write("users:\n")
    for i in range(12000):
        f.write(f"  - id: user-{i:06}-with-a-name-of-some-length\n    status: active\n    groups: [a, b]\n")
    f.write("agents: []\n")
service = Service(sock, ack, done)
run("directory", "apply", "large.yaml", "--config", "etc", "--socket", sock, code=0, says=["in force"])
service.join()
if len(service.got[1][2]) < 400000 or service.got[1][2] != bytes_now():
    failures += 1
    print("FAIL the large one")
shutil.rmtree(top)
print(f"{failures} failed")
sys.exit(1 if failures else 0)
