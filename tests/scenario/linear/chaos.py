#!/usr/bin/python3
"""chaos.py DIRECTORY PROGRAMS --uid N --gid N [--seconds N] [--seed S]

Processes of the service are killed or made to wait at random, one at a time and
sometimes all of them, while clients call, an operator revokes and a directory is published.
Whatever is killed when: what was acknowledged as revoked is never permitted
again, and none of it runs after COMPLETE; no budget is given twice; the
directory never goes back; every launch has one outcome and the log verifies.
"""
import argparse
import mmap
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import msgpack  # noqa: E402
from crash import Daemon, refused  # noqa: E402
from rig import (ADMIN_ACK, ADMIN_COMPLETE, PERMIT, Admin, Closed, Refused, Service, Session,  # noqa: E402
                 SigningKey, processes, signed)

ADMIN_FEED, FEED_SNAPSHOT = 9, 1
GRANTS, BUDGET, CALLERS, WINDOW = 300, 7, 3, 8
VICTIMS = ("tipstaff-gate", "tipstaff-recorde", "tipstaff-launche")
AWAY = (OSError, Closed, Refused, AssertionError)


class Shared:
    """Of all processes: which grants are revoked, and what each caller was permitted."""

    def __init__(self):
        self.m = mmap.mmap(-1, GRANTS * (1 + CALLERS) + 1)

    def acked(self, i):
        return self.m[i] == 1

    def ack(self, i):
        self.m[i] = 1

    def permit(self, caller, i):
        self.m[GRANTS * (1 + caller) + i] += 1

    def permits(self, i):
        return sum(self.m[GRANTS * (1 + c) + i] for c in range(CALLERS))

    @property
    def over(self):
        return self.m[len(self.m) - 1] == 1

    def end(self):
        self.m[len(self.m) - 1] = 1


class Plan:
    """All grants, made beforehand; every third has a budget. A few are in use at a time."""

    def __init__(self, service, seconds):
        self.start, self.seconds = time.monotonic(), seconds
        self.grants = [service.chain(max_calls=BUDGET if i % 3 == 0 else 0, exp=int(time.time()) + 3000)[:2]
                       for i in range(GRANTS)]

    def front(self):
        return min(GRANTS - 1, int((time.monotonic() - self.start) / self.seconds * GRANTS))

    def pick(self, rnd):
        front = self.front()
        return rnd.randint(max(0, front - WINDOW), front)


def marker(i):
    return 4 * 10**8 + os.getppid() % 900 * 10**5 + i


def call(s, shared, me, i, tool, args):
    """True if the session goes on. What was acknowledged before it is not permitted."""
    acked = shared.acked(i)
    c = s.wait(s.call(tool, args), lambda c: c["decision"] is not None)
    if c["decision"] is None:
        return False
    if c["decision"][0] == PERMIT:
        shared.permit(me, i)
        assert not acked, f"VIOLATION grant {i}: permitted although its revocation was acknowledged"
    return s.over is None


def caller(service, plan, shared, me, seed):
    rnd = random.Random(seed * 100 + me)
    service.as_agent()
    while not shared.over:
        i = plan.pick(rnd)
        try:
            s = Session(service, plan.grants[i][0])
        except AWAY:
            time.sleep(0.003)
            continue
        try:
            for _ in range(rnd.randint(1, 6)):
                run = rnd.randrange(4) == 0
                if not call(s, shared, me, i, "lin.run" if run else "lin.true", {"marker": marker(i)} if run else {}):
                    break
        except (OSError, Closed):
            pass
        s.close()


class Operator:
    def __init__(self, service, plan, shared, seed):
        self.service, self.plan, self.shared = service, plan, shared
        self.random = random.Random(seed)
        self.acks = self.completes = self.feeds = 0
        etc = os.path.join(service.dir, "etc")
        self.path = os.path.join(etc, "tenants", "acme", "directory.snapshot")
        self.key = SigningKey(open(os.path.join(etc, "keys", "directory.seed"), "rb").read())
        self.body = msgpack.unpackb(msgpack.unpackb(open(self.path, "rb").read())[0])
        self.known = [open(self.path, "rb").read()]  # states that were acknowledged
        self.next = None  # signed, and perhaps in force already: nothing else may have its number

    def revoke(self):
        i = self.plan.pick(self.random)
        admin = Admin(self.service)
        admin.send_revoke(self.service.record(1, self.plan.grants[i][1]))
        admin.answer(ADMIN_ACK)
        self.shared.ack(i)
        self.acks += 1
        admin.answer(ADMIN_COMPLETE)
        self.completes += 1
        left = processes(str(marker(i)))
        assert not left, f"VIOLATION grant {i}: {left} run after COMPLETE"
        admin.close()

    def feed(self, obj):
        admin = Admin(self.service)
        admin.put(ADMIN_FEED, [1, FEED_SNAPSHOT, obj])
        kind, _ = admin.get()
        admin.close()
        return kind == ADMIN_ACK

    def publish(self):
        """The next state, as a file as well; then an older one, which is refused."""
        if self.next is None:
            self.body = list(self.body)
            self.body[2] += 1
            self.body[3] = int(time.time())
            self.next = signed.make("snapshot", self.body, self.key)
            self.install(self.next)
        if self.feed(self.next):
            self.feeds += 1
            self.known.append(self.next)
            self.next = None
        if len(self.known) > 1:
            old = self.random.choice(self.known[:-1])
            assert not self.feed(old), "VIOLATION: an older directory was taken"

    def install(self, obj):
        self.service.as_admin()
        with open(self.path + ".tmp", "wb") as f:
            f.write(obj)
        os.rename(self.path + ".tmp", self.path)

    def loop(self):
        while not self.shared.over:
            try:
                self.publish() if self.random.randrange(4) == 0 else self.revoke()
            except AWAY as e:
                if "VIOLATION" in str(e):
                    raise
                time.sleep(0.005)
            time.sleep(self.random.random() * 0.05)
        print(f"     {self.acks} revocations acknowledged, {self.completes} complete, {self.feeds} directories")
        assert self.acks > 0 and self.feeds > 0, "nothing was acknowledged: this tested nothing"


def fork(fn, *args):
    pid = os.fork()
    if pid != 0:
        return pid
    status = 1
    try:
        fn(*args)
        status = 0
    except BaseException as e:
        print(f"{fn.__name__}: {type(e).__name__}: {e}", file=sys.stderr)
    finally:
        sys.stdout.flush()
        os._exit(status)


class Killer:
    def __init__(self, daemon, seed):
        self.daemon, self.random = daemon, random.Random(seed + 7)
        self.kills = dict.fromkeys(VICTIMS + ("all", "paused", "gave up"), 0)

    def one(self):
        d, what = self.daemon, self.random.choice(VICTIMS * 2 + ("all",))
        if d.p.poll() is not None:  # more than five deaths in 30 s: as documented
            self.kills["gave up"] += 1
            d.start()
            return
        if what == "all":
            d.kill()
            d.start()
        else:
            victim = [p for p in d.children() if comm(p) == what[:15]]
            if not victim:
                return
            paused = self.random.randrange(4) == 0
            try:
                if paused:  # it is late, and then goes on
                    os.kill(victim[0], signal.SIGSTOP)
                    time.sleep(self.random.random())
                    os.kill(victim[0], signal.SIGCONT)
                else:
                    os.kill(victim[0], signal.SIGKILL)
            except ProcessLookupError:
                return
            what = "paused" if paused else what
        self.kills[what] += 1


def comm(pid):
    try:
        return open(f"/proc/{pid}/comm").read().strip()
    except OSError:
        return ""


def settle(daemon, pids, shared):
    shared.end()
    failed = []
    if daemon.p.poll() is not None:
        daemon.start()
    end = time.monotonic() + 60
    for pid in pids:
        while (got := os.waitpid(pid, os.WNOHANG))[0] == 0:
            assert time.monotonic() < end, "a client does not end"
            if daemon.p.poll() is not None:
                daemon.start()
            time.sleep(0.02)
        failed += [pid] * (got[1] != 0)
    assert not failed, f"{len(failed)} of the clients saw a violation"


def look(service, plan, shared):
    """With the whole service alive again: budgets, and what is revoked."""
    service.as_agent()
    for i, (wire, _) in enumerate(plan.grants):
        if shared.acked(i):
            assert refused(service, wire), f"grant {i}: revoked, acknowledged, and alive at the end"
    service.as_admin()


def judge_log(service, plan):
    decided, ended, permits, last = {}, {}, {}, 0
    for r in service.log():
        if r["kind"] == "decision":
            decided[r["id"]] = "order" in r
            if r["effect"] == "permit":
                permits[r["grant"]] = permits.get(r["grant"], 0) + 1
            seq = r.get("dir_seq", 0) or last  # 0: denied before anybody was looked up
            assert seq >= last, f"the directory went back from {last}: {r}"
            last = seq
        elif r["kind"] == "exec_ended":
            ended[r["id"]] = ended.get(r["id"], 0) + 1
    for d, launched in decided.items():
        assert ended.get(d, 0) == (1 if launched else 0), f"decision {d}: {ended.get(d, 0)} outcomes"
    for i, (_, grant) in enumerate(plan.grants):
        n = permits.get(grant.hex(), 0)
        assert i % 3 != 0 or n <= BUDGET, f"grant {i}: {n} permits of {BUDGET}"
    return len(decided), sum(permits.values()), last


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("directory")
    a.add_argument("programs")
    a.add_argument("--uid", type=int, required=True)
    a.add_argument("--gid", type=int, required=True)
    a.add_argument("--seconds", type=float, default=180)
    a.add_argument("--seed", type=int, default=1)
    o = a.parse_args()
    service = Service(o.directory, o.uid, o.gid)
    daemon, shared, pids = Daemon(service, o.programs), Shared(), []
    try:
        daemon.start()
        service.as_admin()
        plan, killer = Plan(service, o.seconds), Killer(daemon, o.seed)
        pids = [fork(caller, service, plan, shared, n, o.seed) for n in range(CALLERS)]
        pids.append(fork(Operator(service, plan, shared, o.seed).loop))
        end = time.monotonic() + o.seconds
        while time.monotonic() < end:
            time.sleep(0.2 + killer.random.random() * 2)
            service.as_admin()
            killer.one()
        service.as_admin()
        settle(daemon, pids, shared)
        pids = []
        daemon_end(daemon, service, plan, shared)
        for i in range(0, GRANTS, 3):
            assert shared.permits(i) <= BUDGET, f"grant {i}: {shared.permits(i)} calls permitted"
        decisions, permits, seq = judge_log(service, plan)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        if daemon.p is not None and daemon.p.poll() is None:
            daemon.kill()
    kills = ", ".join(f"{k} {n}" for k, n in killer.kills.items())
    print(f"ok   T22_chaos: {decisions} decisions, {permits} permits, directory {seq}; killed: {kills}")


def daemon_end(daemon, service, plan, shared):
    """A last start, so that what is lost has its outcome, and a stop in good order."""
    daemon.kill()
    daemon.start()
    look(service, plan, shared)
    daemon.stop()


if __name__ == "__main__":
    main()
