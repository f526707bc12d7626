"""The real service, and a call of its tool that is the program of probes."""
import glob
import json
import os
import signal
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def children(pid):
    out = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(x) for x in out.stdout.split()]


def comm(pid):
    try:
        return open("/proc/%d/comm" % pid).read().strip()
    except OSError:
        return ""


def descendants(pid):
    for c in children(pid):
        yield c
        yield from descendants(c)


class Service:
    """What a script of this folder starts; fds: what it inherits by accident."""

    def __init__(self, script, *words, fds=()):
        env = dict(os.environ, SBX_SECRET="secret in the environment")
        self.process = subprocess.Popen(
            [os.path.join(HERE, script), *words], env=env, pass_fds=fds, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, start_new_session=True)
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise RuntimeError("the service did not start")
        self.at = json.loads(line)
        self.waiter = None
        log = open(os.path.join(self.at["dir"], "service.log")).read()
        refused = [l for l in log.splitlines() if "tool_refused" in l]
        if refused:
            self.close()
            raise RuntimeError(refused[0])

    def shim(self, *words):
        keys = os.path.join(self.at["dir"], "keys")
        env = {"PATH": os.environ["PATH"], "TIPSTAFF_SOCKET": self.at["socket"],
               "TIPSTAFF_DELEGATION": os.path.join(self.at["dir"], "a.chain"),
               "TIPSTAFF_KEY": os.path.join(keys, "coder.seed"),
               "TIPSTAFF_SIDECAR_KEY": os.path.join(self.at["dir"], "etc/keys/sidecar.pub")}
        ids = {}
        if os.geteuid() == 0:
            ids = dict(user=self.at["agent"], group=self.at["agent"], extra_groups=[])
        return subprocess.Popen([self.at["shim"], "call", *words], env=env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **ids)

    def call(self, *words, timeout=150):
        p = self.shim(*words)
        out, err = p.communicate(timeout=timeout)
        return p.returncode, out, err

    def neighbour(self):
        """A tool that runs meanwhile: (its pid, its launcher's)."""
        self.waiter = self.shim("escape.wait", "n=500")
        for _ in range(200):
            for pid in descendants(self.at["main"]):
                if comm(pid) == "sleep":
                    return pid, self._launcher_above(pid)
            if self.waiter.poll() is not None:
                raise RuntimeError("no neighbour: " + self.waiter.stderr.read())
            time.sleep(0.05)
        raise RuntimeError("no neighbour")

    @staticmethod
    def _launcher_above(pid):
        while comm(pid) and not comm(pid).startswith("tipstaff-launch"):
            pid = int(open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[1])
        return pid

    def gate(self):
        return next(p for p in descendants(self.at["main"]) if comm(p) == "tipstaff-gate")

    def facts(self):
        pid, launcher = self.neighbour()
        return dict(N=pid, L=launcher, G=self.gate(), R=self.at["socket"],
                    C=os.path.join(self.at["dir"], "etc"))

    def layers(self):
        """What the last outcome record says that held."""
        held = []
        for path in sorted(glob.glob(os.path.join(self.at["log"], "*.jsonl"))):
            for line in open(path):
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                text = json.dumps(record)
                if "escape.probe" in text or "layers" in text:
                    held.append(record)
        return held[-1] if held else None

    def close(self):
        if self.waiter is not None:
            self.waiter.kill()
            self.waiter.wait()
        self.process.stdin.close()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
