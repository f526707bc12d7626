"""What a tool could do harm to, and who looks afterwards whether it did.

A process of some user with a secret in its memory and environment, files that
anybody may read or change, shared memory, queues and sockets. Nothing here asks
the probe: effects() looks at the things themselves.
"""
import ctypes
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

LIBC = ctypes.CDLL(None, use_errno=True)
IPC_CREAT, IPC_RMID, GETVAL, SETVAL = 0o1000, 0, 12, 16

VICTIM = r'''
import ctypes, os, signal, sys, time
secret = ctypes.create_string_buffer(b"secret in memory, of 32 bytes...")
log = os.open("signals", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
def note(n, _): os.write(log, b"%d\n" % n)
for n in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGURG, signal.SIGIO, signal.SIGTERM, signal.SIGRTMAX):
    signal.signal(n, note)
print(ctypes.addressof(secret), flush=True)
while True: time.sleep(60)
'''
# What lies in the folder that everybody may write, and which probe wants it.
MADE = {"made": "write.drop", "linked": "write.link_there", "renamed": "write.rename_there",
        "sym": "write.symlink", "dir": "write.mkdir", "fifo": "write.mkfifo",
        "nameless": "write.nameless_out", "bound.sock": "unix.bind_path"}
GONE = {"unlink-me": "write.unlink", "rmdir-me": "write.rmdir", "take-me": "write.rename_here"}
ELSEWHERE = {"/tmp/escape-tmp-%s": "write.tmp", "/var/tmp/escape-tmp-%s": "write.var_tmp",
             "/dev/shm/escape-made-%s": "write.dev_shm"}
# An ALLOWED of these counts only when it was seen from outside: inside, a
# private folder or a world of its own looks the same as the real one.
OUTSIDE_ONLY = set(MADE.values()) | set(GONE.values()) | set(ELSEWHERE.values()) | {
    "write.truncate", "write.o_trunc", "write.chmod", "write.utime", "write.setxattr",
    "write.exchange", "write.link_here", "process.setown", "process.setown_ex",
    "process.limit_set", "process.kill_all", "limits.daemon", "limits.beside", "ipc.msg_send", "ipc.sem", "network.udp_send",
    "network.udp_connected", "unix.stream", "unix.dgram", "unix.abstract", "unix.abstract_dgram",
    "unix.pair_dgram", "unix.pair_dgram_abstract", "unix.pass_fd", "unix.by_root",
    "unix.by_victim_root"}


def _check(rc, what):
    if rc < 0:
        raise OSError(ctypes.get_errno(), what)
    return rc


class Victims:
    """uid, gid: whom the tool runs as, where that is known."""

    def __init__(self, uid, gid, probe, base=None):
        self.uid, self.gid, self.probe = uid, gid, probe
        self.mark = os.urandom(4).hex()
        self.dir = tempfile.mkdtemp(prefix="escape-victim-", dir=base)
        os.chmod(self.dir, 0o755)
        self.heard, self.sockets, self.others = set(), [], []
        self.places, self.turns = [], 0
        self._files()
        self._ipc()
        self._process()
        self._listen()

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def own(self, path):
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def put(self, name, text, mode):
        with open(self.path(name), "w") as f:
            f.write(text)
        os.chmod(self.path(name), mode)
        self.own(self.path(name))

    def _files(self):
        for name, mode in (("drop", 0o777), ("scratch", 0o700), ("suid", 0o755)):
            os.mkdir(self.path(name))
            os.chmod(self.path(name), mode)
            self.own(self.path(name))
        self.own(self.dir)
        self.put("secret.txt", "secret\n", 0o644)
        os.setxattr(self.path("secret.txt"), "user.escape", b"secret")
        self.put("key.seed", "private\n", 0o600)
        self.put("tipstaff.yaml", "secret: configuration\n", 0o640)
        os.mkdir(self.path("tools"))
        self.own(self.path("tools"))
        os.symlink("secret.txt", self.path("link"))
        for name in ("world.txt", "trunc.txt", "cut.txt", "xattr.txt", "take-me", "unlink-me", "swap-me"):
            self.put(os.path.join("drop", name), "world\n", 0o666)
        self.put("drop/mode.txt", "world\n", 0o644)
        self.put("drop/times.txt", "world\n", 0o644)
        os.utime(self.path("drop/times.txt"), (1000000000, 1000000000))
        os.mkdir(self.path("drop/rmdir-me"))
        self.own(self.path("drop/rmdir-me"))
        for name in ("program", "neighbour"):  # one to run, one at rest
            shutil.copy(self.probe, self.path(name))
            os.chmod(self.path(name), 0o755)
            self.own(self.path(name))
        shutil.copy(os.path.join(os.path.dirname(self.probe), "escape_suid"), self.path("suid/suid"))
        os.chmod(self.path("suid/suid"), 0o4755 if os.geteuid() == 0 else 0o755)
        self.initial = set(os.listdir(self.path("drop")))
        self.swap_inode = os.stat(self.path("drop/swap-me")).st_ino

    def _ipc(self):
        self.shm_name = "/dev/shm/escape-" + self.mark
        with open(self.shm_name, "w") as f:
            f.write("secret\n")
        os.chmod(self.shm_name, 0o666)
        self.shm = _check(LIBC.shmget(0, 4096, IPC_CREAT | 0o666), "shmget")
        self.msq = _check(LIBC.msgget(0, IPC_CREAT | 0o666), "msgget")
        self.sem = _check(LIBC.semget(0, 1, IPC_CREAT | 0o666), "semget")
        message = ctypes.create_string_buffer(b"\1\0\0\0\0\0\0\0secret", 16)
        _check(LIBC.msgsnd(self.msq, message, 7, 0), "msgsnd")
        self.queue = b"/escape-%s" % self.mark.encode()
        old = os.umask(0)
        self.queue_fd = LIBC.mq_open(self.queue, os.O_RDWR | os.O_CREAT, 0o666, None)
        os.umask(old)

    def _process(self):
        ids = dict(user=self.uid, group=self.gid, extra_groups=[]) if os.geteuid() == 0 else {}
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "-c", VICTIM, "argument-secret"], cwd=self.path("drop"),
            stdin=open(self.path("key.seed")), stdout=subprocess.PIPE, start_new_session=True,
            env={"VICTIM_SECRET": "secret in the environment", "PATH": "/usr/bin:/bin"}, **ids)
        self.address = int(self.process.stdout.readline())
        self.initial.add("signals")
        self.limits = os.path.join("/proc", str(self.process.pid), "limits")

    def _hear(self, s, name):
        """Each datagram, or each connection with what it says first."""
        while True:
            try:
                if s.type == socket.SOCK_DGRAM:
                    text = s.recv(256)
                else:
                    c, _ = s.accept()
                    c.settimeout(0.2)
                    try:
                        text = c.recv(256)
                    except OSError:
                        text = b""
                    c.close()
            except OSError:
                return
            self.heard.add((name, text.decode("latin-1")))

    def _listen(self):
        def add(family, kind, address, name):
            s = socket.socket(family, kind)
            s.bind(address)
            if kind == socket.SOCK_STREAM:
                s.listen(64)
            self.sockets.append(s)
            self.places.append((s, name, s.getsockname() if family == socket.AF_INET else address))
            threading.Thread(target=self._hear, args=(s, name), daemon=True).start()
            return s
        self.abstract = "escape-" + self.mark
        v4, stream, dgram = socket.AF_INET, socket.SOCK_STREAM, socket.SOCK_DGRAM
        self.tcp = add(v4, stream, ("127.0.0.1", 0), "tcp").getsockname()[1]
        self.udp = add(v4, dgram, ("127.0.0.1", 0), "udp").getsockname()[1]
        for kind, name, ext in ((stream, "stream", ""), (dgram, "dgram", "-d")):
            add(socket.AF_UNIX, kind, self.path(name + ".sock"), name)
            os.chmod(self.path(name + ".sock"), 0o777)
            add(socket.AF_UNIX, kind, "\0" + self.abstract + ext, "abstract " + name)

    def facts(self, **more):
        f = dict(D=self.dir, P=self.process.pid, X=self.address, L=self.process.pid,
                 N=self.process.pid, G=self.process.pid, T=self.tcp, U=self.udp, A=self.abstract, C=self.dir,
                 R=self.path("stream.sock"), K=self.shm, Q=self.msq, E=self.sem,
                 M=self.queue.decode(), H=socket.gethostname(), W=self.mark)
        f.update(more)
        return ";".join("%s=%s" % kv for kv in f.items())

    def effects(self):
        """{probe: what was seen} of everything that changed."""
        seen, drop = {}, self.path("drop")
        now = set(os.listdir(drop))
        for name in now - self.initial:
            seen[MADE.get(name, "write.?")] = "made " + name
        for name in (self.initial - now) & set(GONE):
            seen[GONE[name]] = "took " + name
        for pattern, probe in ELSEWHERE.items():
            if os.path.exists(pattern % self.mark):
                seen[probe] = "made " + pattern % "MARK"
        self._settle()
        self._file_effects(seen)
        self._process_effects(seen)
        for name, text in list(self.heard):
            if text.startswith("settled-"):
                continue
            for word in text.split("\n"):
                if word.split(".")[0] in ("network", "unix") or name == "udp":
                    seen[word] = "arrived: " + name
        self._ipc_effects(seen)
        return seen

    def _settle(self):
        """What the tool had sent when it ended has arrived: whatever we send now to the
        same place comes behind it. And a tree that was ending has had its time."""
        self.turns += 1
        word = "settled-%d" % self.turns
        for s, name, address in self.places:
            with socket.socket(s.family, s.type) as c:
                c.settimeout(10)
                if s.type == socket.SOCK_DGRAM:
                    c.sendto(word.encode(), address)
                else:
                    c.connect(address)
                    c.sendall(word.encode())
        wait_for(lambda: all((name, word) in self.heard for _, name, _ in self.places),
                 "what was sent before to be heard")
        if self.process.poll() is None:  # later than any other signal that it hears
            os.kill(self.process.pid, signal.SIGCONT)
            os.kill(self.process.pid, signal.SIGRTMAX)
            wait_for(lambda: self.process.poll() is not None or open(self.path("drop/signals"))
                     .read().split().count(str(int(signal.SIGRTMAX))) >= self.turns,
                     "the victim to hear its signals")
        end = time.monotonic() + 0.3  # one that outlives this has outlived its call
        while survivors("esc-" + self.mark, "esb-" + self.mark) and time.monotonic() < end:
            time.sleep(0.01)

    def _file_effects(self, seen):
        p = lambda n: self.path("drop", n)
        st = os.stat(p("world.txt"))
        if st.st_nlink > 1:
            seen["write.link_here"] = "another name of world.txt"
        if open(p("world.txt")).read() != "world\n":
            seen["write.overwrite"] = "world.txt changed"
        if os.stat(p("cut.txt")).st_size != 6:
            seen["write.truncate"] = "cut.txt cut"
        if os.stat(p("trunc.txt")).st_size == 0:
            seen["write.o_trunc"] = "trunc.txt emptied"
        if stat.S_IMODE(os.stat(p("mode.txt")).st_mode) != 0o644:
            seen["write.chmod"] = "mode.txt changed"
        if os.stat(p("times.txt")).st_mtime != 1000000000:
            seen["write.utime"] = "times.txt changed"
        if "user.touched" in os.listxattr(p("xattr.txt")):
            seen["write.setxattr"] = "xattr.txt marked"
        if os.path.exists(p("swap-me")) and os.stat(p("swap-me")).st_ino != self.swap_inode:
            seen["write.exchange"] = "swap-me is another file"

    def _process_effects(self, seen):
        if self.process.poll() is not None:
            seen["process.kill_victim"] = "the victim is dead"
        else:
            line = next(l for l in open(self.limits) if l.startswith("Max open files"))
            if line.split()[3] == "777":
                seen["process.limit_set"] = "the victim's limit"
        heard = open(self.path("drop/signals")).read().split()
        for number, probe in ((signal.SIGUSR1, "process.setown"), (signal.SIGUSR2, "process.setown_ex"),
                              (signal.SIGURG, "process.kill_all"),
                              (signal.SIGIO, "process.timer")):
            if str(int(number)) in heard:
                seen[probe] = "a signal arrived"
        self.daemons = survivors("esc-" + self.mark)
        if self.daemons:
            seen["limits.daemon"] = "%d alive" % len(self.daemons)
        beside = survivors("esb-" + self.mark)
        if beside:
            seen["limits.beside"] = "%d alive" % len(beside)
        self.daemons += beside

    def _ipc_effects(self, seen):
        buf = ctypes.create_string_buffer(64)
        if LIBC.msgrcv(self.msq, buf, 32, ctypes.c_long(77), 0o4000) >= 0:
            seen["ipc.msg_send"] = "a message arrived"
        if LIBC.semctl(self.sem, 0, GETVAL) != 0:
            seen["ipc.sem"] = "the semaphore changed"

    def close(self):
        for pid in getattr(self, "daemons", []):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.kill()
        self.process.wait()
        for s in self.sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
        LIBC.shmctl(self.shm, IPC_RMID, None)
        LIBC.msgctl(self.msq, IPC_RMID, None)
        LIBC.semctl(self.sem, 0, IPC_RMID)
        LIBC.mq_unlink(self.queue)
        for path in [self.shm_name] + [p % self.mark for p in ELSEWHERE]:
            if os.path.exists(path):
                os.unlink(path)
        subprocess.run(["chattr", "-R", "-i", self.path("scratch")], stderr=subprocess.DEVNULL,
                       check=False)
        shutil.rmtree(self.dir, ignore_errors=True)


def wait_for(cond, what, seconds=10):
    end = time.monotonic() + seconds
    while not cond():
        if time.monotonic() > end:
            raise RuntimeError("timed out: waiting for " + what)
        time.sleep(0.002)


def survivors(*comms):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if open("/proc/%s/comm" % pid).read().strip() in comms:
                found.append(int(pid))
        except OSError:
            pass
    return found


if __name__ == "__main__":
    sys.exit("run escape.py")
