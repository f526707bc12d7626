"""Runs a program as root of a user namespace where uid and gid 20000 are not
mapped.  usage: in_userns.py PROGRAM ARGUMENT...

The parent, which is root outside, writes the map and then becomes the program's
waiting shell: it passes SIGTERM on and ends with the program's status.
"""
import os
import signal
import sys

from lib import CLONE_NEWUSER, unshare

RANGES = "0 0 20000\n20001 20001 45000\n"


def main():
    ready_r, ready_w = os.pipe()
    mapped_r, mapped_w = os.pipe()
    pid = os.fork()
    if pid == 0:
        unshare(CLONE_NEWUSER)
        os.write(ready_w, b"x")
        os.read(mapped_r, 1)
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        os.execv(sys.argv[1], sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
    os.read(ready_r, 1)
    for name in ("uid_map", "gid_map"):
        with open(f"/proc/{pid}/{name}", "w") as f:
            f.write(RANGES)
    os.write(mapped_w, b"x")
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


main()
