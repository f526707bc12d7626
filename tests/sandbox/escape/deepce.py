#!/usr/bin/python3
"""deepce.py SCRIPT [LEVEL...] : deepce (a shell script that looks for ways out of a
container) as a tool, with all that a shell script may be given; it must find none.
SCRIPT is deepce.sh of github.com/stealthcopter/deepce; without it: SKIPPED.
"""
import os
import re
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import host  # noqa: E402
import service  # noqa: E402

# What it may say of each of its questions; a question that it never comes to is fine.
FINE = {
    "Sudo": "sudo not found|No", "Docker Sock": "Not Found|No", "Docker sock mounted": "No",
    "User in Docker group": "(?s:.*)No", "SSHD Service": "No", "Privileged Mode": "Unknown|No",
    "Hashes in shadow file": "Not readable|No", "Passwords in common files": "No",
    "Interesting files in root": "No", "Interesting environment variables": "No",
    "Docker Containers": "0",
}


def wrong_in(level, text):
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    for name, fine in FINE.items():
        for got in re.findall(r"\[\+\] %s\s*\.+\s*(.*(?:\n(?!\[\+\]|=).*)?)" % re.escape(name), text):
            if not re.match(r"(?:%s)\b" % fine, got.strip()):
                yield "%s: %s: %s" % (level, name, got.strip()[:80])
    for line in re.findall(r"Cap(?:Prm|Eff|Inh|Amb):\s*(\w+)", text):
        if int(line, 16) != 0:
            yield "%s: capabilities %s" % (level, line)
    if "Enumerating Platform" not in text:
        yield "%s: it did not run: %s" % (level, text[-200:])
    if level == "full" and not re.search(r"Inside Container \.+ No", text):
        yield "full: it believes to be in a container"


def run(script, level):
    s = service.Service("ordinary.sh", level)
    try:
        to = os.path.join(s.at["dir"], "ordinary", "deepce.sh")
        shutil.copy(script, to)
        os.chmod(to, 0o644)
        _, out, err = s.call("ordinary.run", "script=cd %s; sh ./deepce.sh --no-network --no-colors 2>&1"
                             % os.path.dirname(to))
        return list(wrong_in(level, out + err))
    finally:
        s.close()


def main():
    script = sys.argv[1] if len(sys.argv) > 1 else "/opt/deepce/deepce.sh"
    if not os.path.exists(script):
        print("SKIPPED: %s is absent" % script)
        return 0
    wrong = []
    for level in sys.argv[2:] or ["bare", "uid", "full"]:
        if host.gives_level(level):
            found = run(script, level)
            print("%-5s %s" % (level, "it found nothing" if not found else "FAILED"))
            wrong += found
    for w in wrong:
        print("FOUND " + w)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
