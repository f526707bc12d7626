#!/usr/bin/python3
"""race.py [--rounds N] [--seconds S] LEVEL... : what changes while a tool starts.

paths     the authorised name becomes a link to a file outside, a thousand times
          a second, while tools read, list and write by that name
program   the program of a manifest is exchanged for another one
stop      whatever the launcher has between clone and exec is sent SIGSTOP
restart   gate, recorder and launcher are killed while tools run

The attackers are processes outside, with all rights: more than a tool has.
"""
import argparse
import ctypes
import glob
import mmap
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "..", "scenario", "linear"))
import host  # noqa: E402
import rig  # noqa: E402
import service  # noqa: E402

LIBC = ctypes.CDLL(None, use_errno=True)
WINDOW = 16  # calls in flight


class Attacker:
    """A loop in a process of its own, until the block ends."""

    def __init__(self, step):
        self.step = step

    def __enter__(self):
        self.pid = os.fork()
        if self.pid == 0:
            signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
            while True:
                try:
                    self.step()
                except OSError:
                    pass
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def swap_file(space):
    """in.txt is a file, then a link out, then a file..."""
    tmp = os.path.join(space, ".tmp")
    with open(tmp, "w") as f:
        f.write("in\n")
    os.chmod(tmp, 0o666)
    os.rename(tmp, os.path.join(space, "in.txt"))
    os.symlink("../outside/in.txt", tmp)
    os.rename(tmp, os.path.join(space, "in.txt"))


def swap_folder(space):
    """dir is a folder, then a link to one outside."""
    real, way = os.path.join(space, ".real"), os.path.join(space, "dir")
    os.rename(way, real)
    os.symlink("../outside", way)
    os.unlink(way)
    os.rename(real, way)


def swap_program(world, count):
    """Their folders change places: the pinned file itself is not touched."""
    if LIBC.renameat2(-100, os.path.join(world, "program").encode(), -100,
                      os.path.join(world, "evil").encode(), 2) == 0:  # RENAME_EXCHANGE
        count[0] = min(count[0] + 1, 255)
    time.sleep(0.0005)


def stop_children(launchers, hits):
    """SIGSTOP to what is still the launcher's program; what is a tool goes on."""
    for launcher in launchers:
        for name in glob.glob("/proc/%d/task/*/children" % launcher):
            for pid in map(int, open(name).read().split()):
                os.kill(pid, signal.SIGSTOP)
                exe = os.readlink("/proc/%d/exe" % pid)
                if exe.endswith("tipstaff-launcher"):
                    os.write(hits, pid.to_bytes(4, "big"))
                else:
                    os.kill(pid, signal.SIGCONT)


def ended_well(c):
    """result: why it ended, the code of the decision, the exit status."""
    return c["result"] is not None and c["result"][0] == "exited" and c["result"][2] == 0


class Race:
    def __init__(self, level, rounds, seconds):
        self.level, self.rounds, self.seconds = level, rounds, seconds
        self.s = service.Service("race.sh", level)
        at = self.s.at
        self.world = at["world"]
        self.rig = rig.Service(at["dir"], at["agent"], at["agent_gid"])
        self.wire = self.rig.chain()[0]
        self.wrong = []

    def check(self, good, what):
        if not good:
            self.wrong.append(what)

    def session(self):
        """From here until leave() this process is the agent's: the gate asks the
        kernel who speaks."""
        self.rig.as_agent()
        return rig.Session(self.rig, self.wire)

    def leave(self, s):
        if s is not None:
            s.close()
        self.rig.as_admin()

    def storm(self, calls, judge, rounds=None):
        """Calls in turn, WINDOW at a time; judge(call) for each that is done."""
        flying, done, sent = [], 0, 0
        end, rounds = time.time() + self.seconds, rounds or self.rounds
        s = self.session()
        while flying or (sent < rounds and time.time() < end):
            while len(flying) < WINDOW and sent < rounds and time.time() < end:
                tool, args = calls[sent % len(calls)]
                flying.append(s.call(tool, args))
                sent += 1
            seq = flying.pop(0)
            c = s.wait(seq)
            if s.over is not None:
                self.check(False, "the session ended: %s" % s.over)
                break
            judge(c)
            del s.calls[seq]
            done += 1
        self.leave(s)
        return done

    def paths(self):
        space, outside = os.path.join(self.world, "space"), os.path.join(self.world, "outside/in.txt")
        seen = {"read": 0, "refused": 0}

        def judge(c):
            self.check(b"secret" not in c["out"], "%s gave the secret" % c["tool"])
            self.check(b"outside" not in c["out"], "%s listed outside" % c["tool"])
            seen["read" if ended_well(c) else "refused"] += 1
        calls = [("race.read", {"path": space + "/in.txt"}), ("race.write", {"path": space + "/in.txt"}),
                 ("race.read", {"path": space + "/dir/in.txt"}), ("race.list", {"path": space + "/dir"})]
        with open(os.path.join(space, "dir", "in.txt"), "w") as f:
            f.write("in\n")
        os.chmod(os.path.join(space, "dir", "in.txt"), 0o666)
        with Attacker(lambda: swap_file(space)), Attacker(lambda: swap_folder(space)):
            n = self.storm(calls, judge)
        self.check(open(outside).read() == "secret\n", "the file outside was written")
        self.check(seen["read"] > 0 and seen["refused"] > 0, "the storm met nothing: %s" % seen)
        return "%d calls, %s" % (n, seen)

    def program(self):
        codes, count = {}, mmap.mmap(-1, 1)  # shared with the attacker

        def judge(c):
            result = c["result"]
            key = "none" if result is None else " ".join(map(str, result))
            codes[key] = codes.get(key, 0) + 1
            # /bin/false ends with 1; ours ends with 0 or is not started
            self.check(result is None or result[0] != "exited" or result[2] == 0,
                       "the other program ran")
        with Attacker(lambda: swap_program(self.world, count)):
            n = self.storm([("race.swap", {})], judge, self.rounds // 4)
        self.check(count[0] > 100, "the programs changed places %d times only" % count[0])
        return "%d calls, %s" % (n, codes)

    def launchers(self):
        return [p for p in service.descendants(self.s.at["main"])
                if service.comm(p).startswith("tipstaff-launch")]

    def stop(self):
        r, w = os.pipe()
        os.set_blocking(r, False)
        os.set_blocking(w, False)  # what does not fit is not counted
        slow, codes = [0.0], {}
        last = [time.time()]

        def judge(c):
            now = time.time()
            slow[0], last[0] = max(slow[0], now - last[0]), now
            key = "none" if c["result"] is None else " ".join(map(str, c["result"]))
            codes[key] = codes.get(key, 0) + 1
        launchers = self.launchers()
        with Attacker(lambda: stop_children(launchers, w)):
            n = self.storm([("race.true", {})], judge, self.rounds // 4)
        try:
            raw = os.read(r, 1 << 20)
            hits = len({raw[i:i + 4] for i in range(0, len(raw), 4)})
        except BlockingIOError:
            hits = 0
        os.close(r)
        os.close(w)
        self.check(slow[0] < 5, "a call waited %.1f s" % slow[0])
        self.check(self.launchers() == launchers, "a launcher did not survive")
        return "%d calls, %d stopped in the window, longest wait %.2f s, %s" % (n, hits, slow[0], codes)

    def restart(self):
        marker = str(300000 + os.getpid() % 90000)
        told = []
        for victim in ("tipstaff-gate", "tipstaff-record", "tipstaff-launch"):
            s = self.session()
            for _ in range(3):
                s.call("race.wait", {"n": marker})
            self.rig.as_admin()
            self.check(wait(20, lambda: len(rig.processes(marker)) >= 6), "%s: tools run" % victim)
            pid = next(p for p in service.children(self.s.at["main"])
                       if service.comm(p).startswith(victim))
            start = time.time()
            os.kill(pid, signal.SIGKILL)
            self.check(wait(10, lambda: not rig.processes(marker)), "%s: a tool survives" % victim)
            told.append("%s %.0f ms" % (victim, (time.time() - start) * 1000))
            self.leave(s)
            self.check(wait(20, self.serves), "%s: the service does not come back" % victim)
        return ", ".join(told)

    def serves(self):
        s = None
        try:
            s = self.session()
            c = s.run("race.true")
            return ended_well(c)
        except (OSError, rig.Refused, rig.Closed):
            return False
        finally:
            self.leave(s)


def wait(seconds, condition):
    end = time.time() + seconds
    while not condition():
        if time.time() > end:
            return False
        time.sleep(0.02)
    return True


def run_level(level, rounds, seconds):
    if not host.gives_level(level):
        return True
    r = Race(level, rounds, seconds)
    try:
        for name in ("paths", "program", "stop", "restart"):
            print("%-7s %-8s %s" % (level, name, getattr(r, name)()), flush=True)
    finally:
        r.rig.as_admin()
        r.s.close()
    if r.s.process.returncode == 9:
        r.check(False, "the log does not verify")
    for w in sorted(set(r.wrong)):
        print("FAILED %s: %s (%d times)" % (level, w, r.wrong.count(w)))
    return not r.wrong


if __name__ == "__main__":
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--rounds", type=int, default=10000)
    a.add_argument("--seconds", type=int, default=20)
    a.add_argument("levels", nargs="+")
    args = a.parse_args()
    sys.exit(0 if all([run_level(x, args.rounds, args.seconds) for x in args.levels]) else 1)
