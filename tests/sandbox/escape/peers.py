"""Other boxes around the same program. Their callers choose the flags: these are
what their documents show for a program that is not trusted."""
import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import tempfile

UID = GID = 61000
SYSTEM = [p for p in ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc") if os.path.exists(p)]


def bwrap(victims, probe):
    binds = []
    for path in SYSTEM:
        binds += ["--ro-bind", path, path]
    return ["bwrap", "--unshare-all", "--die-with-parent", *binds, "--proc", "/proc", "--dev", "/dev",
            "--tmpfs", "/tmp", "--ro-bind", probe, "/run/probe",
            "--bind", victims.path("scratch"), "/run/scratch", "--chdir", "/", "/run/probe"]


def firejail(victims, probe):
    """It wants a user with a name and a home: given in a mount namespace."""
    passwd = victims.path("passwd")
    with open(passwd, "w") as f:
        f.write(open("/etc/passwd").read())
        f.write("escape:x:%d:%d::%s:/bin/sh\n" % (UID, GID, victims.path("scratch")))
    os.chmod(passwd, 0o644)
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c",
            'mount --bind "$0" /etc/passwd && mount -t tmpfs tmpfs /opt && '
            'install -m 0755 "$1" /opt/probe && shift && exec setpriv --reuid %d --regid %d --clear-groups '
            '"$@"' % (UID, GID), passwd, probe,
            "firejail", "--quiet", "--noprofile", "--private", "--private-tmp", "--private-dev",
            "--net=none", "--caps.drop=all", "--nonewprivs", "--noroot", "--seccomp",
            "--nogroups", "--ipc-namespace", "--disable-mnt", "/opt/probe"]


def sandbox_runtime(victims, probe):
    """srt of npm, with its own defaults: nothing to write but the scratch folder."""
    srt = find_srt()
    if srt is None:
        return None
    settings = victims.path("srt.json")
    with open(settings, "w") as f:
        json.dump({"network": {"allowedDomains": [], "deniedDomains": []},
                   "filesystem": {"denyRead": [], "allowWrite": [victims.path("scratch")],
                                  "denyWrite": []}}, f)
    os.chmod(settings, 0o644)
    return [*srt, "--settings", settings, probe]


def ids_of(name):
    return 0 if PEERS[name][1] and name != "firejail" else UID


def find_srt():
    for base in (os.environ.get("ESCAPE_NPM", ""), os.getcwd()):
        cli = os.path.join(base, "node_modules/@anthropic-ai/sandbox-runtime/dist/cli.js")
        if base and os.path.exists(cli):
            return ["node", cli]
    path = shutil.which("srt")
    return [path] if path else None


# name: (command before the facts, as root?, scratch as the program sees it)
PEERS = {
    "plain": (lambda v, p: [p], False, None),
    "plain-root": (lambda v, p: ["unshare", "--mount", "--propagation", "private", p], True, None),
    "bwrap-root": (bwrap, True, "/run/scratch"),
    "bwrap": (bwrap, False, "/run/scratch"),
    "firejail": (firejail, True, None),
    "sandbox-runtime": (sandbox_runtime, False, None),
}


def available(name):
    need = {"bwrap-root": "bwrap", "bwrap": "bwrap", "firejail": "firejail"}.get(name)
    if name == "sandbox-runtime":
        return find_srt() is not None and shutil.which("bwrap") and shutil.which("socat") \
            and shutil.which("rg")
    return need is None or shutil.which(need) is not None


def run(name, victims, probe, fd):
    """The program's lines; under a terminal, with a folder at descriptor 33 and a
    secret in the environment, as a careless orchestrator would have it."""
    make, as_root, scratch = PEERS[name]
    facts = victims.facts(S=scratch or victims.path("scratch"))
    command = make(victims, probe)
    if name == "sandbox-runtime":
        command = command + ["'" + facts + "'"]
    else:
        command = command + [facts]
    ids, stdin = {}, subprocess.DEVNULL
    home = victims.path("scratch")
    env = {"PATH": os.environ["PATH"], "HOME": home, "SBX_SECRET": "secret in the environment"}
    main, spare = None, []
    if name == "plain-root":  # standard input is a socket, for once
        stdin, other = socket.socketpair()
        spare = [stdin, other]
    if not as_root:
        if os.geteuid() == 0:
            ids = dict(user=ids_of(name), group=ids_of(name), extra_groups=[])
        main, stdin = pty.openpty()

    def prepare():
        import fcntl
        import termios
        os.setsid()
        if name == "plain":  # nobody put these in order
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        if main is not None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    with tempfile.TemporaryFile("w+") as errors:
        p = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=errors, text=True,
                             env=env, cwd="/", pass_fds=[fd], preexec_fn=prepare, **ids)
        if main is not None:
            os.close(stdin)
        try:
            out, _ = p.communicate(timeout=180)
        finally:
            if p.poll() is None:
                p.kill()
        if main is not None:
            os.close(main)
        for s in spare:
            s.close()
        errors.seek(0)
        return p.returncode, out, errors.read()
