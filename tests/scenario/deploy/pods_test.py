"""pods_test.py BIN: which boxes a container gives, by its security context.

The contexts are those of the table in kubernetes/README.md. The containers are
runc's, with the runtime's default list of system calls; which boxes there are is
asked of the real launchers, by `tipstaffd --check` of a manifest for each level.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

BIN = os.path.abspath(sys.argv[1])
TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
sys.path.insert(0, os.path.join(TOP, "tests/sandbox/escape"))
import host  # noqa: E402
import kubernetes  # noqa: E402

SERVICE = ["SETUID", "SETGID", "CHOWN", "FOWNER", "DAC_OVERRIDE", "KILL"]
# What runtimes add to their list for CAP_SYS_ADMIN and CAP_SYS_CHROOT.
WITH_ADMIN = ["mount", "umount2", "setns", "unshare", "sethostname", "setdomainname", "fsopen", "fsconfig",
              "fsmount", "fspick", "open_tree", "move_mount", "mount_setattr", "chroot"]
MASKED = "namespaces allowed, /proc masked"
# name, uid, capabilities, no new privileges, more calls, masked /proc, boxes that are served
PODS = [
    ("restricted", 1000, [], True, [], True, ["bare"]),
    # a full box in a user namespace is more than "uid", though it has no uid of its own
    ("the same, namespaces allowed, /proc not masked", 1000, [], True, WITH_ADMIN + ["pivot_root"], False,
     ["bare", "uid", "full", "strict"]),
    # nobody may mount a /proc there, and the one that is there shows the launcher: boxes have an empty one
    (MASKED, 1000, [], True, WITH_ADMIN + ["pivot_root"], True, ["bare", "uid", "full", "strict"]),
    ("root with users", 0, SERVICE, True, [], True, ["bare", "uid"]),
    ("the same with SYS_ADMIN, the runtime's profile", 0, SERVICE + ["SYS_ADMIN", "SYS_CHROOT"], False, WITH_ADMIN, True,
     ["bare", "uid"]),
    ("the same, and pivot_root", 0, SERVICE + ["SYS_ADMIN", "SYS_CHROOT"], False, WITH_ADMIN + ["pivot_root"], True,
     ["bare", "uid", "full", "strict"]),
]
LEVELS = ["bare", "uid", "full", "strict"]
INSIDE = r'''
set -e
export PATH=%(bin)s:$PATH
mkdir /tmp/w
tipstaff init /tmp/c --agent-uid 4242 --workspace /tmp/w --base /tmp/b >/dev/null
for l in bare uid full strict; do
    printf 'tool: need.%%s\nexec: /usr/bin/true\nargv: ["true"]\nsandbox: %%s\n' $l $l >/tmp/c/tools/need.$l.yaml
done
tipstaffd --config /tmp/c --check || true
tipstaff sandbox explain need.full --config /tmp/c --json | tr -d '\n ' | sed 's/^/explained:/;s/$/\n/' || true
echo checked
'''


def boxes(pod):
    _, uid, caps, locked, calls, masked, _ = pod
    folder = tempfile.mkdtemp(prefix="pods-")
    try:
        root = os.path.join(folder, "root")
        os.mkdir(root)
        for path in kubernetes.SYSTEM:
            if os.path.islink(path):
                os.symlink(os.readlink(path), root + path)
        c = kubernetes.config(root, [BIN], ["/bin/bash", "-c", INSIDE % dict(bin=BIN)],
                              ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/tmp"])
        c["process"]["user"] = dict(uid=uid, gid=uid)
        c["process"]["noNewPrivileges"] = locked
        names = ["CAP_" + n for n in caps]
        for kind in ("bounding", "effective", "permitted"):
            c["process"]["capabilities"][kind] = names
        if calls:
            rules = c["linux"]["seccomp"]["syscalls"]
            rules[:] = [r for r in rules if r["names"] != ["clone"]]
            rules.append(dict(names=calls + ["clone"], action="SCMP_ACT_ALLOW"))
        if not masked:
            c["linux"]["maskedPaths"] = c["linux"]["readonlyPaths"] = []
        with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as f:
            json.dump(c, f)
        p = subprocess.run(["runc", "--root", os.path.join(folder, "state"), "run", "--bundle", folder,
                            "tipstaff-" + os.path.basename(folder)], capture_output=True, text=True, timeout=100,
                           stdin=subprocess.DEVNULL, check=False)
        if "checked" not in p.stdout:
            raise RuntimeError("exit %d: %s%s" % (p.returncode, p.stdout[-600:], p.stderr[-1200:]))
        said = p.stdout + p.stderr
        return [x for x in LEVELS if "tools/need.%s.yaml:" % x not in said], said
    finally:
        subprocess.run(["umount", "-R", "-l", os.path.join(folder, "root")], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(folder, ignore_errors=True)


if os.geteuid() != 0 or shutil.which("runc") is None:
    print("SKIPPED: needs root and runc")
    sys.exit(0)
if not host.gives("containers are"):
    sys.exit(0)
wrong = 0
for one in PODS:
    got, text = boxes(one)
    print("%-4s %s: %s" % ("ok" if got == one[-1] else "FAIL", one[0], " ".join(got)))
    if got != one[-1]:
        wrong += 1
        print(text[-6000:])
    if "full" in got:
        absent = json.loads(text.split("explained:")[1].splitlines()[0])["box"]["absent"]
        right = ("own_proc" in absent) == (one[0] == MASKED)
        wrong += 0 if right else 1
        print("%-4s %s: absent: %s" % ("ok" if right else "FAIL", one[0], " ".join(absent)))
sys.exit(1 if wrong else 0)
