"""Runs a program as on a kernel that has no SO_PEERPIDFD (before Linux 6.5): a
filter of system calls answers ENOPROTOOPT for that option alone.

usage: without_peerpidfd.py PROGRAM ARGUMENT...; exit 77: not this architecture
"""
import ctypes
import errno
import os
import platform
import struct
import sys

GETSOCKOPT = {"x86_64": 55, "aarch64": 209}
SOL_SOCKET, SO_PEERPIDFD = 1, 77
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
LD_ABS, JEQ, RET = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
NR, ARG1, ARG2 = 0, 24, 32  # offsets in struct seccomp_data, little endian


class Prog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def main():
    number = GETSOCKOPT.get(platform.machine())
    if number is None:
        sys.exit(77)
    code = [(LD_ABS, 0, 0, NR), (JEQ, 0, 5, number), (LD_ABS, 0, 0, ARG1),
            (JEQ, 0, 3, SOL_SOCKET), (LD_ABS, 0, 0, ARG2), (JEQ, 0, 1, SO_PEERPIDFD),
            (RET, 0, 0, ERRNO | errno.ENOPROTOOPT), (RET, 0, 0, ALLOW)]
    raw = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *c) for c in code))
    prog = Prog(len(code), ctypes.addressof(raw))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(prog), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    os.execv(sys.argv[1], sys.argv[1:])


main()
