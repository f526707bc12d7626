#!/usr/bin/python3
"""ltp.py FOLDER [MODE...] : the Linux Test Project's programs for ordinary system
calls, each once plainly, as a user without rights, and once in each box. FOLDER is
where `make install prefix=FOLDER` put them. What passes plainly and fails in a box
stands in expected.yaml with the reason, or this fails; docs/TESTING.md says more.
"""
import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "escape"))
import host  # noqa: E402
import service  # noqa: E402

# What programs do all day; accounting, keys, mounts and the like are not asked.
CALLS = """
access brk chdir chmod chown clock_getres clock_gettime clock_nanosleep clone close close_range
copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_wait
eventfd eventfd2 execl execle execlp execv execve execvp exit exit_group faccessat fadvise
fallocate fchdir fchmod fchmodat fchown fcntl fdatasync flock fork fstat fstatat fstatfs fsync
ftruncate futex getcpu getcwd getdents getegid geteuid getgid getitimer getpgid getpgrp getpid
getppid getrandom getrlimit getrusage getsid gettid gettimeofday getuid inotify kill lchown link
linkat llseek lseek lstat madvise mincore mkdir mkdirat mknod mmap mprotect mremap msync munmap
nanosleep open openat pause pipe pipe2 poll ppoll pread pselect pwrite read readlink readlinkat
readv rename renameat renameat2 rmdir rt_sigaction rt_sigprocmask rt_sigsuspend sbrk
sched_getaffinity sched_yield select sendfile setitimer setpgid setrlimit setsid sigaction
sigaltstack signal signalfd signalfd4 sigpending sigprocmask socketpair splice stat statfs statx
symlink symlinkat sync sync_file_range sysinfo tee tgkill time timerfd times truncate umask uname
unlink unlinkat utime utimensat utimes vfork wait wait4 waitid waitpid write writev
""".split()
MODES = {
    "bare": ("bare", "files"), "uid": ("uid", "files"), "full": ("full", "files"),
    "bare-build": ("bare", "build"), "full-build": ("full", "build"),
    "full-net": ("full", "net"), "full-jit": ("full", "jit"),
}
SECONDS = 40  # of one program, beside which the shell's own time is nothing
RUNTIME = "0.1"  # races are not what is looked for
CODES = {0: "pass", 32: "skip"}  # TCONF: the test says that it is not for this place


def commands(folder):
    """{name: words} of runtest/syscalls whose program is there and is asked."""
    found = {}
    with open(os.path.join(folder, "runtest", "syscalls")) as f:
        for line in f:
            words = line.split("#")[0].split()
            if len(words) < 2:
                continue
            call = re.match(r"[a-z_0-9]*?(?=_?\d\d|$)", words[1]).group(0)
            there = os.path.join(folder, "testcases", "bin", words[1])
            if call in CALLS and os.access(there, os.X_OK) and re.match(r"[\w./+-]+$", " ".join(words[2:]) or "-"):
                found[words[0]] = words[1:]
    return found


def last_line(text):
    """What went wrong first: TFAIL or TBROK."""
    for line in text.splitlines():
        if "TFAIL" in line or "TBROK" in line:
            return re.sub(r"^\S+:\d+: ", "", line.strip())[:110]
    return (text.strip().splitlines() or ["nothing said"])[-1][:110]


def plain(words, folder):
    where = tempfile.mkdtemp(prefix="ltp-")
    ids = {}
    if os.geteuid() == 0:
        os.chown(where, 61000, 61000)
        ids = dict(user=61000, group=61000, extra_groups=[])
    bin_folder = os.path.join(folder, "testcases", "bin")
    env = {"PATH": bin_folder + ":/usr/bin:/bin", "TMPDIR": where, "HOME": where, "LANG": "C.UTF-8",
           "LTPROOT": folder, "LTP_COLORIZE_OUTPUT": "n", "LTP_RUNTIME_MUL": RUNTIME}
    p = subprocess.Popen([os.path.join(bin_folder, words[0])] + words[1:], cwd=where, env=env,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                         stdin=subprocess.DEVNULL, start_new_session=True, **ids)
    try:
        out, _ = p.communicate(timeout=SECONDS)
        return p.returncode, out
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        p.communicate()
        return -1, "no end in %d s" % SECONDS
    finally:
        subprocess.run(["chmod", "-R", "u+rwX", where], check=False)
        shutil.rmtree(where, ignore_errors=True)


def boxed(s, words, folder):
    words = [os.path.join(folder, "testcases", "bin", words[0])] + words[1:]
    try:
        code, out, err = s.call("ltp.run", "words:=" + json.dumps(words), timeout=SECONDS + 30)
    except subprocess.TimeoutExpired:
        return -1, "no end in %d s" % SECONDS
    return code, out + err


def run_mode(mode, tests, folder):
    """{name: (verdict, what it said)}"""
    s = None if mode == "plain" else service.Service(os.path.join(HERE, "ltp.sh"), *MODES[mode], folder)
    found = {}
    try:
        for i, (name, words) in enumerate(sorted(tests.items())):
            if sys.stderr.isatty():
                sys.stderr.write("\r\033[K%s %d of %d %s" % (mode, i, len(tests), name))
            code, text = plain(words, folder) if s is None else boxed(s, words, folder)
            if os.environ.get("LTP_TRACE"):
                print(mode, name, code, flush=True)
            found[name] = (CODES.get(code, "fail"), last_line(text))
    finally:
        if s is not None:
            s.close()
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K")
    return found


def reasons(mode):
    with open(os.path.join(HERE, "expected.yaml")) as f:
        doc = yaml.safe_load(f)
    chain = [mode]
    while doc["modes"].get(chain[-1], {}).get("as"):
        chain.append(doc["modes"][chain[-1]]["as"])
    found = {}
    for m in reversed(chain):
        found.update(doc["modes"].get(m, {}).get("fails") or {})
        for name in doc["modes"].get(m, {}).get("passes") or []:
            found.pop(name, None)
    return found


def judge(mode, found, by_plain):
    """Says what is new; returns how much of it there is."""
    wrong, known = 0, reasons(mode)
    good = [n for n, (v, _) in by_plain.items() if v == "pass"]
    count = {v: sum(found[n][0] == v for n in good) for v in ("pass", "fail", "skip")}
    print("%-11s of %d that pass plainly: %d pass, %d fail, %d skip"
          % (mode, len(good), count["pass"], count["fail"], count["skip"]))
    for n in good:
        if found[n][0] == "fail" and n not in known:
            print("  UNEXPECTED %s: %s" % (n, found[n][1]))
            wrong += 1
        if found[n][0] == "pass" and n in known:
            print("  passes now, take it from expected.yaml: %s" % n)
    return wrong


def main():
    a = argparse.ArgumentParser(prog="ltp.py", description=__doc__.split("\n", maxsplit=1)[0])
    a.add_argument("folder", nargs="?", default="/opt/ltp")
    a.add_argument("modes", nargs="*", metavar="MODE", help="of: " + " ".join(MODES))
    a.add_argument("--only", default="", help="tests whose name begins so")
    a.add_argument("--json", metavar="FILE", help="every verdict and its first complaint")
    args = a.parse_args()
    listing = os.path.join(args.folder, "runtest", "syscalls")
    if not os.path.exists(listing):
        print("SKIPPED: no installed LTP: %s is absent" % listing)
        return 0
    if os.geteuid() != 0:
        print("SKIPPED: needs root, to compare users and boxes")
        return 0
    args.folder = os.path.realpath(args.folder)
    tests = {n: w for n, w in commands(args.folder).items() if n.startswith(args.only)}
    results, wrong = {"plain": run_mode("plain", tests, args.folder)}, 0
    verdicts = [v for v, _ in results["plain"].values()]
    print("%d programs: plainly %d pass, %d fail, %d skip" % (
        len(tests), verdicts.count("pass"), verdicts.count("fail"), verdicts.count("skip")))
    for mode in args.modes or MODES:
        if host.gives_level(MODES[mode][0]):
            results[mode] = run_mode(mode, tests, args.folder)
            wrong += judge(mode, results[mode], results["plain"])
    if args.json:
        with open(args.json, "w") as f:
            json.dump(results, f, indent=1)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
