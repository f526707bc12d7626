"""Two services on one host and the uids of their tools: who has them, who is
refused, and that a death gives them up. With stand-ins for the processes.

usage: hold_test.py TIPSTAFFD LIBEXEC
"""
import ctypes
import fcntl
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

DAEMON, STANDINS = sys.argv[1], sys.argv[2]
if os.geteuid() != 0 or int(open("/proc/self/uid_map").read().split()[2]) < 2**31:
    print("SKIPPED: only root has uids to give")
    sys.exit(0)
FIRST = 1000000 + os.getpid() % 1000000 * 1000  # nobody else's
NAMESPACES = subprocess.run(["unshare", "-m", "-p", "-f", "true"],
                            check=False, stderr=subprocess.DEVNULL).returncode == 0
failures = 0
services = []


def check(what, ok, detail=""):
    global failures
    print(("ok    " if ok else "FAIL  ") + what + ("" if ok else f": {detail}"))
    failures += not ok


def until(seconds, condition):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return condition()


class Service:
    """uids: offset from FIRST and count."""
    count = 0

    def __init__(self, first, count, level="auto", prefix=()):
        Service.count += 1
        self.dir = tempfile.mkdtemp(prefix="ts-hold-")
        os.chmod(self.dir, 0o755)
        self.config = os.path.join(self.dir, "etc")
        for name in ("tools", "tenants", "keys"):
            os.makedirs(os.path.join(self.config, name))
        seed = os.path.join(self.config, "keys/sidecar.seed")
        with open(seed, "wb") as f:
            f.write(b"s" * 32)
        os.chmod(seed, 0o400)
        self.range = f"{FIRST + first}-{FIRST + first + count - 1}"
        with open(os.path.join(self.config, "tipstaff.yaml"), "w") as f:
            f.write("sidecar_id: test/one\n"
                    f"run_dir: {self.dir}/run\nstate_dir: {self.dir}/state\n"
                    f"log_dir: {self.dir}/log\n"
                    f"sandbox: {{level: {level}, uids: {self.range}}}\n"
                    "users: {gate: 64001, recorder: 64002, launcher: 64003}\n")
        self.command = [*prefix, DAEMON, "--config", self.config, "--libexec", STANDINS]
        services.append(self)
        self.start()

    def start(self):
        self.err = open(os.path.join(self.dir, "err"), "w+")
        self.p = subprocess.Popen(self.command, stderr=self.err)

    def log(self):
        with open(os.path.join(self.dir, "err")) as f:
            return f.read()

    def settled(self):
        until(60, lambda: "serving" in self.log() or self.p.poll() is not None)
        return self

    def serves(self):
        self.settled()
        return "serving generation=1" in self.log() and self.p.poll() is None

    def refused(self, code=78):
        self.settled()
        return self.p.poll() == code and "uids_refused" in self.log()

    def end(self):
        if self.p.poll() is None:
            self.p.send_signal(signal.SIGTERM)
            self.p.wait(60)


def test_two():
    a = Service(0, 100)
    check("the first serves", a.serves(), a.log())
    for what, first, count in (("the same", 0, 100), ("one uid", 99, 100),
                               ("all of it and more", -40, 200), ("a part of it", 30, 40)):
        b = Service(first, count)
        check(f"{what}: the second is refused", b.refused(), b.log())
        check(f"{what}: with both ranges, whose it is and what to write",
              f"tipstaff.yaml: sandbox: uids {b.range}: {a.range} are held by process "
              f"{a.p.pid} ({DAEMON} --config {a.config}" in b.log() and
              re.search(r"such as `sandbox: \{uids: \d+-\d+\}`", b.log()), b.log())
        check(f"{what}: no socket was ever to be seen",
              not os.path.exists(f"{b.dir}/run/agent/agent.sock"))
    for first in (100, -100):
        b = Service(first, 100)
        check(f"a neighbour at {first} serves", b.serves(), b.log())
        b.end()
    b = Service(0, 100, level="bare")
    check("who gives no uids needs none", b.serves(), b.log())
    b.end()
    b = subprocess.run(a.command + ["--check"], capture_output=True, text=True, check=False)
    check("--check beside the service that has them tries others, and says so",
          b.returncode == 0 and "uids_in_use" in b.stderr and "instead" in b.stderr, b)
    b = Service(50, 100)
    check("and the service has them still", b.refused(), b.log())
    a.p.kill()
    a.p.wait()
    b.start()
    check("a killed one has given them up", b.serves(), b.log())
    a.start()
    check("and is the second now", a.refused(), a.log())
    b.end()
    a.start()
    check("one that ends gives them up, too", a.serves(), a.log())
    a.end()


def test_at_once():
    for _ in range(3):
        many = [Service(0, 100) for _ in range(4)]
        serving = [s for s in many if s.serves()]
        check("of four at once one serves", len(serving) == 1,
              [s.log() for s in many])
        check("and the others are refused",
              sum(s.refused() for s in many) == 3)
        for s in many:
            s.end()


def test_worlds():
    if not NAMESPACES:
        print("SKIPPED: no namespaces here")
        return
    a = Service(0, 100)
    check("the first serves", a.serves(), a.log())
    b = Service(0, 100, prefix=("unshare", "-m", "-n", "sh", "-c",
                                'mount -t tmpfs none /run && exec "$@"', "sh"))
    check("in another mount and network namespace: refused", b.refused(), b.log())
    b = Service(0, 100, prefix=("unshare", "-m", "-p", "-f", "--kill-child",
                                "--mount-proc"))
    check("in a namespace of processes below, as in a pod: serves", b.serves(), b.log())
    a.end()
    a.start()
    check("and from above it is seen", a.refused(), a.log())
    b.p.kill()
    b.p.wait()
    until(60, lambda: not any(os.path.exists(f"/proc/{p}") and b.config in
                              open(f"/proc/{p}/cmdline").read()
                              for p in pids()))
    a.start()
    check("until it is gone", a.serves(), a.log())
    a.end()


def pids():
    return [p for p in os.listdir("/proc") if p.isdigit()]


def as_user(uid, body):
    """A child that becomes that user; says when it is ready; ends with us."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(r)
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        os.setgid(65534)
        os.setuid(uid)
        body()
        os.write(w, b"x")
        while True:
            signal.pause()
    os.close(w)
    os.read(r, 1)
    os.close(r)
    return pid


def lock_all(kind):
    fd = os.open("/proc/self/ns/pid", os.O_RDONLY)
    lock_all.kept = getattr(lock_all, "kept", []) + [fd]
    if kind == "flock":
        fcntl.flock(fd, fcntl.LOCK_EX)
    else:
        command = fcntl.F_SETLK if kind == "posix" else 37  # F_OFD_SETLK
        fcntl.fcntl(fd, command, struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 0, 0, 0))


def test_squatters():
    pids_ = [as_user(65534, lambda k=k: lock_all(k)) for k in ("posix", "ofd", "flock")]
    a = Service(0, 100)
    check("a user's locks on everything keep nobody from starting", a.serves(), a.log())
    b = Service(10, 100)
    check("and do not hide a service", b.refused(), b.log())
    a.end()
    for pid in pids_:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_leftovers():
    pid = as_user(FIRST + 7, lambda: None)
    a = Service(0, 100)
    check("where a process runs already: refused, and not for good", a.refused(1), a.log())
    check("with its number", f"process {pid} (" in a.log() and
          f"runs as {FIRST + 7}" in a.log(), a.log())
    b = Service(8, 100)
    check("beside it: serves", b.serves(), b.log())
    b.end()
    a.start()
    until(60, lambda: f"{FIRST}" in open("/proc/locks").read())  # it looks, and waits
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    check("one that is dying is waited for", a.serves(), a.log())
    a.end()


def test_users():
    if not NAMESPACES:
        print("SKIPPED: no namespaces here")
        return
    for name, line in (("passwd", f"mallory:x:{FIRST + 3}:100::/:/bin/sh"),
                       ("subuid", f"mallory:{FIRST - 10}:20"),
                       ("subuid", f"mallory:{FIRST + 99}:65536")):
        with tempfile.NamedTemporaryFile("w") as f:
            f.write("root:x:0:0::/:/bin/sh\n" if name == "passwd" else "a:1:2\n")
            f.write(line + "\n")
            f.flush()
            if not os.path.exists(f"/etc/{name}"):
                print(f"SKIPPED: there is no /etc/{name}")
                continue
            a = Service(0, 100, prefix=("unshare", "-m", "sh", "-c",
                                        f'mount --bind {f.name} /etc/{name} && exec "$@"', "sh"))
            check(f"somebody's in {name} ({line}): refused with file and line",
                  a.refused() and f"/etc/{name}:2 " in a.log() and "mallory" in a.log(),
                  a.log())


try:
    for test in (test_two, test_at_once, test_worlds, test_squatters, test_leftovers,
                 test_users):
        print(f"-- {test.__name__}", flush=True)
        test()
finally:
    for service in services:
        service.end()
        shutil.rmtree(service.dir, ignore_errors=True)
print(f"{failures} failed")
sys.exit(1 if failures else 0)
