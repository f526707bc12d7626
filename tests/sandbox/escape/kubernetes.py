"""The whole service in a container as Kubernetes' profile "restricted" makes one:
uid 1000, no capabilities, no new privileges, the runtime's default list of
system calls (written down here as data), masked and read-only parts of /proc.

Everything runs inside: service, victims of the same uid, judge. The container is
runc's; the tools' box is ours, at its level "bare".
"""
import json
import os
import shutil
import subprocess
import tempfile

UID = 1000
HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc")
MASKED = ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
          "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
CLONE_NEW = 0x7e020000


def seccomp():
    """The list of container runtimes for a process without any capability: what it
    does not name is EPERM, clone3 is ENOSYS, clone makes no namespaces."""
    with open(os.path.join(HERE, "kubernetes-calls.txt")) as f:
        names = [w for line in f if not line.startswith("#") for w in line.split()]
    rules = [dict(names=names, action="SCMP_ACT_ALLOW")]
    for value in (0x0, 0x8, 0x20000, 0x20008, 0xffffffff):
        rules.append(dict(names=["personality"], action="SCMP_ACT_ALLOW",
                          args=[dict(index=0, value=value, op="SCMP_CMP_EQ")]))
    rules.append(dict(names=["socket"], action="SCMP_ACT_ALLOW",
                      args=[dict(index=0, value=40, op="SCMP_CMP_NE")]))
    rules.append(dict(names=["clone"], action="SCMP_ACT_ALLOW",
                      args=[dict(index=0, value=CLONE_NEW, valueTwo=0, op="SCMP_CMP_MASKED_EQ")]))
    rules.append(dict(names=["clone3"], action="SCMP_ACT_ERRNO", errnoRet=38))
    return dict(defaultAction="SCMP_ACT_ERRNO", defaultErrnoRet=1,
                architectures=["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
                if os.uname().machine == "x86_64" else ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
                syscalls=rules)


def mount(target, kind, source, *options):
    return dict(destination=target, type=kind, source=source, options=list(options))


def config(root, binds, command, env):
    system = [p for p in SYSTEM if os.path.isdir(p) and not os.path.islink(p)]
    mounts = [mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev"),
              mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
              mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance",
                    "ptmxmode=0666", "mode=0620"),
              mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777",
                    "size=65536k"),
              mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
              mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
              mount("/tmp", "tmpfs", "tmp", "nosuid", "nodev", "mode=1777", "size=512m"),
              mount("/var/tmp", "tmpfs", "tmp", "nosuid", "nodev", "mode=1777", "size=64m")]
    mounts += [mount(p, "bind", p, "rbind", "ro") for p in system + binds]
    none = {k: [] for k in ("bounding", "effective", "inheritable", "permitted", "ambient")}
    return dict(
        ociVersion="1.0.2", hostname="pod",
        process=dict(terminal=False, user=dict(uid=UID, gid=UID), args=command, env=env, cwd="/",
                     capabilities=none, noNewPrivileges=True),
        root=dict(path=root, readonly=False), mounts=mounts,
        linux=dict(namespaces=[dict(type=t) for t in ("pid", "network", "ipc", "uts", "mount")],
                   maskedPaths=MASKED, readonlyPaths=READ_ONLY, seccomp=seccomp()))


def run(top, probe, names):
    """The same as any other mode's result, or {"skipped": why}."""
    if os.geteuid() != 0 or shutil.which("runc") is None:
        return dict(skipped="needs root and runc")
    build = os.path.dirname(os.path.dirname(probe))
    folder = tempfile.mkdtemp(prefix="escape-pod-")
    try:
        root = os.path.join(folder, "root")
        os.mkdir(root)
        for path in SYSTEM:
            if os.path.islink(path):
                os.symlink(os.readlink(path), root + path)
        env = ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/tmp", "LANG=C.UTF-8",
               "TIPSTAFF_BIN=" + os.environ["TIPSTAFF_BIN"]]
        env += ["%s=%s" % kv for kv in os.environ.items() if kv[0] == "ESCAPE_SANDBOX"]
        command = ["/usr/bin/python3", os.path.join(HERE, "escape.py"), "bare", "--json",
                   "--build", build, "--inside"]
        binds = sorted({top, build, os.environ["TIPSTAFF_BIN"]})
        with open(os.path.join(folder, "config.json"), "w") as f:
            json.dump(config(root, binds, command, env), f)
        name = "tipstaff-" + os.path.basename(folder)
        p = subprocess.run(["runc", "--root", os.path.join(folder, "state"), "run", "--bundle",
                            folder, name], capture_output=True, text=True, timeout=240,
                           stdin=subprocess.DEVNULL, check=False)
        try:
            result = json.loads(p.stdout)["modes"]["bare"]
            if "probes" in result:
                return result
            raise KeyError("probes")
        except (ValueError, KeyError):
            raise RuntimeError("the container ended with %d: %s %s"
                               % (p.returncode, p.stderr[-600:], p.stdout[-200:])) from None
    finally:
        subprocess.run(["umount", "-R", "-l", os.path.join(folder, "root")],
                       stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(folder, ignore_errors=True)
