#!/usr/bin/python3
"""crash.py DIRECTORY PROGRAMS --uid N --gid N [--rounds N] [--seed S]

Each round: a tool runs under a fresh grant, a budget is partly spent; the grant
is revoked and everything is killed with SIGKILL as soon as the ACK is there (or
a moment earlier). After the restart no tool is left, what was acknowledged is
still revoked, and the budget is not whole again.
"""
import argparse
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rig import (ADMIN_ACK, PERMIT, Admin, Closed, Refused, Service, Session, processes)  # noqa: E402

BUDGET = 5


class Daemon:
    """tipstaffd and its children; killed together."""

    def __init__(self, service, programs):
        self.service, self.program = service, os.path.join(programs, "tipstaffd")
        self.log = open(os.path.join(service.dir, "service.log"), "a")
        self.p = None

    def start(self):
        self.service.as_admin()
        self.p = subprocess.Popen([self.program, "--config", os.path.join(self.service.dir, "etc")],
                                  stdout=self.log, stderr=self.log)
        end = time.monotonic() + 30
        while True:
            try:
                Admin(self.service).close()
                break
            except OSError:
                assert self.p.poll() is None, f"tipstaffd ended with {self.p.returncode}"
                assert time.monotonic() < end, "the service did not start"
                self.service.as_admin()
                time.sleep(0.005)
        self.service.as_agent()

    def children(self):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                stat = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
            except OSError:
                continue
            if int(stat[1]) == self.p.pid:
                found.append(int(pid))
        return found

    def kill(self):
        """All of them at once: the supervisor first, so that it restarts nobody."""
        self.service.as_admin()
        pids = self.children()
        os.kill(self.p.pid, signal.SIGKILL)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.p.wait()
        end = time.monotonic() + 10
        while any(self.lives(pid) for pid in pids):
            assert time.monotonic() < end, "a killed process is still there"
            time.sleep(0.002)
        self.service.as_agent()

    @staticmethod
    def lives(pid):
        """A zombie does not; whoever inherits it may take its time."""
        try:
            return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] not in "ZX"
        except OSError:
            return False

    def stop(self):
        self.service.as_admin()
        self.p.terminate()
        assert self.p.wait(30) == 0


def refused(service, wire):
    try:
        s = Session(service, wire)
    except Refused as e:
        assert str(e) == "auth_failed", e
        return True
    s.close()
    return False


class Crash:
    def __init__(self, service, daemon, seed):
        self.service, self.daemon, self.random = service, daemon, random.Random(seed)
        self.revoked, self.budgets, self.acked, self.unsure = [], [], 0, 0

    def gone(self, marker):
        end = time.monotonic() + 10
        while processes(marker):
            assert time.monotonic() < end, "a tool outlives the service"
            time.sleep(0.005)

    def round(self, n):
        s, marker = self.service, str(3 * 10**8 + os.getpid() % 900 * 10**5 + n)
        wire, grant, _ = s.chain()
        tool = Session(s, wire)
        c = tool.wait(tool.call("lin.run", {"marker": int(marker)}), lambda c: c["decision"])
        assert c["decision"][0] == PERMIT, c
        spent = self.budget(n)
        admin = Admin(s)
        admin.send_revoke(s.record(1, grant))
        if self.random.randrange(3) == 0:
            time.sleep(self.random.random() * 0.004)  # perhaps before the ACK
            acked = any(k == ADMIN_ACK for k, _ in admin.poll())
        else:
            acked = admin.answer(ADMIN_ACK) is not None
        self.daemon.kill()
        self.gone(marker)
        if not acked:  # it may have been on its way
            try:
                acked = admin.get()[0] == ADMIN_ACK
            except (Closed, OSError):
                pass
        self.daemon.start()
        if acked:
            self.acked += 1
            self.revoked.append(wire)
        else:
            self.unsure += 1
        for w in self.revoked[-1:] + self.random.sample(self.revoked, min(3, len(self.revoked))):
            assert refused(s, w), f"round {n}: revoked, acknowledged, and alive again"
        spent.check(n)
        for x in (tool, admin):
            x.close()

    def budget(self, n):
        b = Budget(self.service, self.random.randrange(BUDGET + 1))
        self.budgets.append(b)
        return b


class Budget:
    """max_calls of one grant: never more of them than that, over all restarts."""

    def __init__(self, service, spend):
        self.service = service
        self.wire, _, _ = service.chain(max_calls=BUDGET)
        self.used = 0
        self.spend(spend)

    def spend(self, most):
        s = Session(self.service, self.wire)
        for _ in range(most):
            verdict, code, _ = s.run("lin.true")["decision"]
            if verdict != PERMIT:
                assert code == "budget_exhausted", code
                break
            self.used += 1
        s.close()

    def check(self, n):
        before = self.used
        self.spend(BUDGET + 2)
        assert self.used <= BUDGET, f"round {n}: {before} before the kill, {self.used - before} after it"


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("directory")
    a.add_argument("programs")
    a.add_argument("--uid", type=int, required=True)
    a.add_argument("--gid", type=int, required=True)
    a.add_argument("--rounds", type=int, default=50)
    a.add_argument("--seed", type=int, default=1)
    o = a.parse_args()
    service = Service(o.directory, o.uid, o.gid)
    daemon = Daemon(service, o.programs)
    try:
        daemon.start()
        crash = Crash(service, daemon, o.seed)
        for n in range(o.rounds):
            crash.round(n)
        for w in crash.revoked:
            assert refused(service, w), "revoked, acknowledged, and alive at the end"
        for b in crash.budgets[-5:]:
            b.check("last")
        daemon.stop()
    finally:
        if daemon.p is not None and daemon.p.poll() is None:
            daemon.kill()
    print(f"ok   T22_revoked_stays_revoked_after_kill: {o.rounds} rounds, {crash.acked} acknowledged before the kill, "
          f"{crash.unsure} not; {len(crash.budgets)} budgets, none exceeded")


if __name__ == "__main__":
    main()
