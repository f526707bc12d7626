#!/usr/bin/python3
"""Compiles docs/examples/call.c as a stranger would, statically and against
the shared library, and runs it against the fake gate.
usage: embedding_test.py CC SOURCE_DIR BUILD_DIR SANITIZERS"""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "oracle"))
from fake_gate import *  # noqa: E402,F403

cc, source, build, sanitize = sys.argv[1:5]
lib = os.path.join(build, "lib")


def permit(c):
    c.handshake()
    call = c.expect(CALL)
    assert call[3:5] == ["fs.read", {"path": "a.txt"}], call
    c.decide(1)
    c.output(1, STDOUT, b"contents\n")
    c.result(1, exit_code=5)


def deny(c):
    c.handshake(), c.expect(CALL)
    c.decide(1, DENY, "denied", "not yours")


with tempfile.TemporaryDirectory() as d:
    os.symlink(os.path.join(source, "shim", "tipstaff.h"),
               os.path.join(d, "tipstaff.h"))
    extra = [f"-fsanitize={sanitize}"] if sanitize else []
    for name, link in (("static", [os.path.join(lib, "libtipstaff.a"),
                                   "-lsodium"]),
                       ("shared", [f"-L{lib}", f"-Wl,-rpath,{lib}",
                                   "-ltipstaff"])):
        program = os.path.join(d, name)
        subprocess.run([cc, "-std=c17", "-Wall", "-Wextra", "-Werror", *extra,
                        f"-I{d}", os.path.join(source, "docs/examples/call.c"),
                        *link, "-o", program], check=True, timeout=60)
        gate = FakeGate(d)
        for script, out, err, code in ((permit, b"contents\n", b"", 5),
                                       (deny, b"", b"not yours\n", 104)):
            gate.start(script)
            r = subprocess.run([program, "a.txt"], capture_output=True,
                               timeout=60, env={**gate.environment(),
                                                "ASAN_OPTIONS":
                                                "detect_leaks=0"})
            gate.join()
            assert (r.stdout, r.stderr, r.returncode) == (out, err, code), r
        r = subprocess.run([program, "a.txt"], capture_output=True, timeout=60,
                           env={})
        assert r.returncode == 107 and b"TIPSTAFF_DELEGATION" in r.stderr, r
        print(f"docs/examples/call.c, {name}: ok")
    # The header is good for C++ as well, and the .pc file is well formed.
    with open(os.path.join(d, "x.cc"), "w") as f:
        f.write('#include "tipstaff.h"\nint main() { return 0; }\n')
    subprocess.run(["c++", "-fsyntax-only", "-Wall", "-Werror", f"-I{d}",
                    os.path.join(d, "x.cc")], check=True, timeout=60)
    pc = subprocess.run(["pkg-config", "--static", "--libs", "tipstaff"],
                        env={"PATH": os.environ["PATH"], "PKG_CONFIG_PATH":
                             os.path.join(lib, "pkgconfig")},
                        capture_output=True, check=True, timeout=60)
    assert b"-ltipstaff" in pc.stdout and b"-lsodium" in pc.stdout, pc
