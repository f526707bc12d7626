"""tipstaffd with stand-ins: start, reload, death, back-off, drain, refusal.

usage: supervisor_test.py TIPSTAFFD LIBEXEC
"""
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

DAEMON, STANDINS = sys.argv[1], sys.argv[2]
ROOT = os.geteuid() == 0
# Of tools; another service on this host may have the default ones.
TOOLS = 1000000 + os.getpid() % 1000000 * 1000
OWN_UIDS = f"sandbox: {{uids: {TOOLS}-{TOOLS + 99}}}\n" if ROOT else ""
UIDS = {"gate": 64001, "recorder": 64002, "launcher": 64003}
failures = 0


def check(what, ok, detail=""):
    global failures
    print(("ok    " if ok else "FAIL  ") + what + ("" if ok else f": {detail}"))
    failures += not ok


def until(seconds, condition):
    """Polls a condition; its last value is the answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    return condition()


class Service:
    def __init__(self, yaml="", env=None, notify=True, pass_fds=(), start=True):
        self.dir = tempfile.mkdtemp(prefix="ts-sup-")
        os.chmod(self.dir, 0o755)
        self.config = os.path.join(self.dir, "etc")
        os.makedirs(os.path.join(self.config, "tools"))
        os.makedirs(os.path.join(self.config, "tenants"))
        os.makedirs(os.path.join(self.config, "keys"))
        self.write("keys/sidecar.seed", b"s" * 32, 0o400)
        users = "".join(f"  {k}: {v}\n" for k, v in UIDS.items())
        self.write("tipstaff.yaml", (
            "sidecar_id: test/one\n"
            f"run_dir: {self.dir}/run\nstate_dir: {self.dir}/state\n"
            f"log_dir: {self.dir}/log\n"
            "agent_socket: {mode: \"0666\", dir_mode: \"0755\"}\n"
            + ("users:\n" + users if ROOT else "") + OWN_UIDS + yaml).encode())
        self.agent = os.path.join(self.dir, "run/agent/agent.sock")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(os.path.join(self.dir, "notify"))
        self.notify.settimeout(60)
        environ = {"PATH": "/usr/bin"}
        if notify:
            environ["NOTIFY_SOCKET"] = os.path.join(self.dir, "notify")
        environ.update(env or {})
        self.err = open(os.path.join(self.dir, "err"), "w+")
        self.environ, self.pass_fds = environ, pass_fds
        if start:
            self.run()

    def run(self):
        self.daemon = subprocess.Popen(
            [DAEMON, "--config", self.config, "--libexec", STANDINS],
            env=self.environ, stderr=self.err, pass_fds=self.pass_fds)

    def check(self):
        return subprocess.run(
            [DAEMON, "--config", self.config, "--libexec", STANDINS, "--check"],
            capture_output=True, check=False, timeout=60)

    def write(self, name, data, mode=0o644):
        path = os.path.join(self.config, name)
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, mode)

    def wait_notify(self, word):
        """Reads notifications until one has the word."""
        seen = []
        try:
            while True:
                text = self.notify.recv(4096).decode()
                seen.append(text)
                if word in text:
                    return text
        except socket.timeout:
            return "" if not seen else ""

    def ask(self, command=""):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(self.agent)
            line = s.recv(1024).decode()
            if command:
                s.send(command.encode())
            return line

    def children(self):
        path = f"/proc/{self.daemon.pid}/task/{self.daemon.pid}/children"
        found = {}
        try:
            with open(path) as f:
                for pid in f.read().split():
                    with open(f"/proc/{pid}/comm") as g:
                        found.setdefault(g.read().strip(), int(pid))
        except OSError:
            pass
        return found

    def log(self):
        with open(os.path.join(self.dir, "err")) as f:
            return f.read()

    def end(self):
        if self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
        try:
            return self.daemon.wait(60)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            return None
        finally:
            self.notify.close()

    def clean(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def all_orphans():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm") as f:
                if f.read().strip() == "ts-orphan":
                    found.append(int(pid))
        except OSError:
            pass
    return found


# What a run before this one left behind is not ours to judge.
LAUNCHERS = 5  # one for each built-in profile
FOREIGN = set(all_orphans())


def orphans():
    return [pid for pid in all_orphans() if pid not in FOREIGN]


def test_start_reload_drain():
    s = Service()
    check("READY is said", "serving generation 1" in s.wait_notify("READY=1"),
          s.log())
    mode = os.stat(s.agent)
    check("the agent socket has its mode",
          stat.S_IMODE(mode.st_mode) == 0o666, oct(mode.st_mode))
    check("nothing but the sockets is in the directories",
          os.listdir(os.path.join(s.dir, "run/agent")) == ["agent.sock"]
          and sorted(os.listdir(os.path.join(s.dir, "run/admin")))
          == ["admin.sock", "log.sock"])
    check("the gate got seed and bundle", s.ask().startswith(
        "generation=1 seed=32 "), s.log())
    if ROOT:
        owners = {n: os.stat(f"/proc/{p}").st_uid
                  for n, p in s.children().items() if n != "ts-orphan"}
        check("every process has its own user",
              sorted(owners.values()) == sorted(UIDS.values()), owners)
    s.write("tools/a.yaml", b"tool: a\n")
    s.daemon.send_signal(signal.SIGHUP)
    check("RELOADING is said", s.wait_notify("RELOADING=1") != "")
    check("a reload takes the new generation",
          "serving generation 2" in s.wait_notify("READY=1"), s.log())
    check("the gate has it", until(60, lambda: "generation=2" in s.ask()))
    s.write("tools/refuse.yaml", b"")
    s.daemon.send_signal(signal.SIGHUP)
    check("a refused reload keeps the old", "still on generation 2" in
          s.wait_notify("refused"), s.log())
    check("the gate was told why", until(60, lambda: (
        "aborted=tools/refuse.yaml:1: refused" in s.ask())), s.ask())
    check("so was the log", 'text="tools/refuse.yaml:1: refused"' in s.log())
    os.unlink(os.path.join(s.config, "tools/refuse.yaml"))
    s.write("tools/readme.txt", b"")
    s.daemon.send_signal(signal.SIGHUP)
    s.wait_notify("refused")
    check("files that cannot be read are refused with their name", until(
        60, lambda: "aborted=tools/readme.txt: not a name" in s.ask()))
    check("exit 0 after SIGTERM", s.end() == 0, s.log())
    check("the recorder ended last and in good order",
          os.path.exists(os.path.join(s.dir, "log/drained")))
    check("the sockets are gone", not os.path.exists(s.agent))
    check("no tool is left", until(60, lambda: not orphans()), orphans())
    s.clean()


def test_deaths():
    s = Service()
    s.wait_notify("READY=1")
    for name in ("tipstaff-gate", "tipstaff-launch", "tipstaff-record"):
        before = s.children()
        os.kill(before[name], signal.SIGKILL)
        s.wait_notify("restarting")
        check(f"{name}: a fresh set serves",
              "serving" in s.wait_notify("READY=1"), s.log())
        after = s.children()
        check(f"{name}: every process is new",
              len(after) >= 3 and not set(after.values()) &
              set(before.values()), (before, after))
        # One of each new launcher is left, which it may not have started yet.
        check(f"{name}: no tool outlived it",
              until(60, lambda: len(orphans()) == LAUNCHERS), orphans())
        check(f"{name}: the socket is still the same",
              "generation=1" in s.ask())
    drained = os.path.join(s.dir, "log/drained")
    check("the recorder drained when another died, not when it died itself",
          os.path.getsize(drained) == 2, os.path.getsize(drained))
    s.ask("nonsense\n")
    check("a process that breaks the protocol costs the set its life",
          "serving" in s.wait_notify("serving"), s.log())
    check("which the log says", "protocol_broken name=tipstaff-gate" in s.log())
    s.write("tools/die.yaml", b"")
    before = s.children()
    s.daemon.send_signal(signal.SIGHUP)
    s.wait_notify("restarting")
    check("a death during a reload starts a fresh set on the old files",
          "serving generation 1" in s.wait_notify("serving generation"),
          s.log())
    check("exit 0 at the end", s.end() == 0, s.log())
    s.clean()


def test_gives_up():
    s = Service()
    s.wait_notify("READY=1")
    killed = 0
    while s.daemon.poll() is None and killed < 10:
        gate = until(60, lambda: s.daemon.poll() is not None or
                     s.children().get("tipstaff-gate"))
        if gate is True or not gate:
            break
        try:
            os.kill(gate, signal.SIGKILL)
        except ProcessLookupError:
            break
        killed += 1
        s.wait_notify("STATUS=")  # restarting, or stopping
        if s.daemon.poll() is None and killed < 6:
            s.wait_notify("READY=1")
    code = s.end()
    check("gives up after more than five deaths", killed == 6 and code == 1,
          (killed, code, s.log()))
    check("and leaves nothing", not orphans() and not os.path.exists(s.agent))
    s.clean()


def test_refusals():
    s = Service(yaml="color: red\n")
    code = s.daemon.wait(60)
    check("an unknown key is refused with its line", code == 78 and
          "unknown key color" in s.log() and "tipstaff.yaml:" in s.log(),
          (code, s.log()))
    s.end()
    s.clean()
    s = Service(yaml="key: keys/none.seed\n")
    check("a missing key stops the start", s.daemon.wait(60) == 78 and
          "make one with `tipstaff key new`" in s.log(), s.log())
    check("and no socket was ever to be seen", not os.path.exists(s.agent))
    s.end()
    s.clean()
    s = Service()
    s.wait_notify("READY=1")
    other = subprocess.run([DAEMON, "--config", s.config, "--libexec",
                            STANDINS], stderr=subprocess.PIPE, check=False)
    check("a live socket is not replaced", other.returncode == 78 and
          b"another service answers there" in other.stderr, other)
    check("and still works", s.ask().startswith("generation=1"))
    mine = [p for n, p in s.children().items() if n != "ts-orphan"]
    s.daemon.kill()
    s.daemon.wait()
    check("kill -9 of the supervisor takes its processes along", until(
        60, lambda: not any(os.path.exists(f"/proc/{p}") for p in mine)), mine)
    for pid in orphans():  # init's now; the service manager's to kill
        os.kill(pid, signal.SIGKILL)
    again = subprocess.Popen([DAEMON, "--config", s.config, "--libexec",
                              STANDINS], stderr=subprocess.DEVNULL)
    check("a stale socket is replaced", until(60, lambda: _answers(s)))
    again.terminate()
    check("exit 0", again.wait(60) == 0)
    s.notify.close()
    s.clean()


def _answers(s):
    try:
        return s.ask().startswith("generation=1")
    except OSError:
        return False


def test_watchdog():
    for silent in (False, True):
        s = Service(env={"WATCHDOG_USEC": "200000"}, start=False)
        if silent:
            s.write("tools/silent.yaml", b"")
        s.run()
        s.wait_notify("READY=1")
        end = time.monotonic() + (60 if silent else 7)

        def beat(seconds=0.5):
            s.notify.settimeout(seconds)
            try:
                return "WATCHDOG=1" in s.notify.recv(4096).decode()
            except (socket.timeout, BlockingIOError):
                return False
        while time.monotonic() < end and not (silent and "gate_silent" in s.log()):
            beat()
        while silent and beat(0):
            pass  # what was sent before
        if silent:
            check("WATCHDOG=1 stops when the gate hangs", "gate_silent" in s.log() and not beat(1.5), s.log())
        else:
            check("WATCHDOG=1 goes on while the gate beats", until(60, beat) and "gate_silent" not in s.log(), s.log())
        s.end()
        s.clean()


def test_check():
    s = Service(start=False)
    ok = s.check()
    check("--check starts nothing that stays and touches no log",
          ok.returncode == 0 and not os.path.exists(os.path.join(s.dir, "log"))
          and not os.path.exists(s.agent) and b"no mistake" in ok.stdout, ok)
    s.write("tools/refuse.yaml", b"")
    bad = s.check()
    check("--check says what a process refuses", bad.returncode == 78, bad)
    os.unlink(os.path.join(s.config, "tools/refuse.yaml"))
    os.unlink(os.path.join(s.config, "keys/sidecar.seed"))
    bad = s.check()
    check("--check misses the key", bad.returncode == 78 and
          b"key_refused" in bad.stderr, bad)
    s.notify.close()
    s.clean()


def test_socket_activation():
    base = tempfile.mkdtemp(prefix="ts-act-")
    names, socks = ["log", "agent", "admin"], []
    for name in names:
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(os.path.join(base, name))
        sock.listen()
        socks.append(sock)
    s = Service()
    s.end()
    # A helper in between puts the descriptors at 3, 4, 5 and its pid is the
    # daemon's, since it execs.
    code = ("import os,sys\n"
            "fds=[int(x) for x in sys.argv[1].split(',')]\n"
            "hi=[os.dup2(f,50+i) for i,f in enumerate(fds)]\n"
            "[os.dup2(h,3+i) for i,h in enumerate(hi)]\n"
            "os.closerange(6,100)\n"
            "os.environ.update(LISTEN_PID=str(os.getpid()),LISTEN_FDS='3',"
            "LISTEN_FDNAMES='log:agent:admin')\n"
            "os.execv(sys.argv[2],sys.argv[2:])\n")
    daemon = subprocess.Popen(
        [sys.executable, "-c", code, ",".join(str(x.fileno()) for x in socks),
         DAEMON, "--config", s.config, "--libexec", STANDINS],
        pass_fds=[x.fileno() for x in socks], stderr=subprocess.PIPE)
    s.agent = os.path.join(base, "agent")
    check("sockets of the service manager are used", until(
        60, lambda: _answers(s)))
    daemon.terminate()
    check("and left in place", daemon.wait(60) == 0 and
          os.path.exists(s.agent), daemon.stderr.read())
    for sock in socks:
        sock.close()
    s.clean()
    shutil.rmtree(base)


def test_feed():
    s = Service(start=False)
    for tenant in ("acme", "beta"):
        os.makedirs(os.path.join(s.config, "tenants", tenant))
        s.write(f"tenants/{tenant}/tenant.yaml", b"")
    s.write("tenants/acme/directory.snapshot", b"s1")
    s.write("tenants/acme/directory.heartbeat", b"h1")
    s.run()
    s.wait_notify("READY=1")
    path = lambda name: os.path.join(s.config, "tenants", name)

    def replace(name, data):
        s.write("new", data)
        os.rename(os.path.join(s.config, "new"), path(name))

    def fed():
        return s.ask().split("fed=")[1].strip()

    def swap(n, data):  # as the kubelet does
        os.mkdir(path(f"beta/..{n}"))
        s.write(f"tenants/beta/..{n}/directory.snapshot", data)
        os.symlink(f"..{n}", path("beta/..tmp"))
        os.rename(path("beta/..tmp"), path("beta/..data"))

    check("what the bundle holds is not fed", fed() == "", fed())
    replace("acme/directory.heartbeat", b"h2")
    want = "acme/2=h2,"
    check("a renamed file is fed at once", until(60, lambda: fed() == want), fed())
    replace("acme/directory.heartbeat", b"h2")
    swap(1, b"b1")
    os.symlink("..data/directory.snapshot", path("beta/directory.snapshot"))
    want += "beta/1=b1,"
    check("files behind ..data are fed, the same bytes are not",
          until(60, lambda: fed() == want), fed())
    swap(2, b"b2")
    want += "beta/1=b2,"
    check("so is what takes their place", until(60, lambda: fed() == want), fed())
    with open(path("acme/directory.snapshot"), "wb") as f:
        f.write(b"s")
        f.flush()
        replace("acme/directory.heartbeat", b"h3")
        want += "acme/2=h3,"
        check("a file in the middle of being written is left alone",
              until(60, lambda: fed() == want), fed())
        f.write(b"2")
    want += "acme/1=s2,acme/2=h3,"
    check("and fed when it is whole, its heartbeat after it",
          until(60, lambda: fed() == want), fed())
    os.kill(s.children()["tipstaff-gate"], signal.SIGKILL)
    s.wait_notify("restarting")
    s.wait_notify("READY=1")
    check("a new gate is fed what differs from its bundle", until(60, lambda: sorted(
        fed().split(",")) == ["", "acme/1=s2", "acme/2=h3", "beta/1=b2"]), fed())
    s.daemon.send_signal(signal.SIGHUP)
    s.wait_notify("generation 2")
    before = fed()
    replace("acme/directory.heartbeat", b"h4")
    check("after a reload only what differs from the new bundle is fed",
          until(60, lambda: fed() == before + "acme/2=h4,"), fed())
    check("exit 0", s.end() == 0, s.log())
    s.clean()


def test_token_key_and_operators():
    s = Service(yaml="token_key: keys/token.seed\ntenant_operators: {acme: [7]}\n",
                start=False)
    os.makedirs(os.path.join(s.config, "tenants/acme"))
    s.write("tenants/acme/tenant.yaml", b"")
    s.write("keys/token.seed", b"t" * 32, 0o400)
    s.run()
    s.wait_notify("READY=1")
    check("two seeds go through the pipe", "seed=64 " in s.ask(), s.ask())
    s.end()
    os.rename(os.path.join(s.config, "tenants/acme"),
              os.path.join(s.config, "tenants/other"))
    bad = s.check()
    check("an operator of a tenant that is not there is a mistake",
          bad.returncode == 78 and b"tenant_operators names tenant acme" in
          bad.stderr, bad)
    s.clean()


for test in (test_start_reload_drain, test_feed, test_token_key_and_operators, test_deaths, test_gives_up,
             test_refusals, test_socket_activation, test_watchdog, test_check):
    print(f"-- {test.__name__}")
    test()
print(f"{failures} failed")
sys.exit(1 if failures else 0)
