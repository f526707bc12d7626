"""What the host gives, tried apart from the service and by the same means."""
import functools
import subprocess
import sys


@functools.cache
def mounts_refused():
    """None, or why root gets no mount namespace whose mounts are nobody else's: then
    neither our full boxes nor containers are to be had. A plain chroot is an example."""
    p = subprocess.run(["unshare", "--mount", "--propagation", "private", "true"],
                       capture_output=True, text=True, check=False)
    return None if p.returncode == 0 else p.stderr.strip()


def gives(what):
    """Whether it is to be had; else says SKIPPED, and why, once for each `what`."""
    why = mounts_refused()
    if why is not None:
        print("SKIPPED: %s not given here: %s" % (what, why), file=sys.stderr)
    return why is None


def gives_level(level):
    return level not in ("full", "strict") or gives("%s boxes are" % level)
