"""What the programs' own --help says: their commands and options."""
import os
import re
import subprocess
import sys

TIPSTAFF = os.path.abspath(sys.argv[1])
BIN = os.path.dirname(TIPSTAFF)
TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))


def run(*argv):
    return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True).stdout


def options_of(text):
    found = set()
    for line in text.splitlines():
        m = re.match(r" {2,6}(-[A-Za-z?])?(?:, )? *(--[a-z][a-z-]*)?", line)
        for o in m.groups() if m else ():
            if o:
                found.add(o)
    return found - {"-?", "--help", "--usage", "-V", "--version"}


def commands(*prefix):
    """Every command below prefix that does something: its words, its --help."""
    text = run(TIPSTAFF, *prefix, "--help")
    if not re.match(r"usage: tipstaff.* COMMAND \[options\]", text):
        return [(prefix, text)]
    names = re.findall(r"^  ([a-z][a-z-]*) {2,}", text, flags=re.M)
    return [c for name in names for c in commands(*prefix, name)]


def takes(words, option):
    """Whether a command knows an option that its --help does not show."""
    argv = [os.path.join(BIN, words[0])] if words[0].startswith("tipstaff") else [TIPSTAFF, *words]
    p = subprocess.run([*argv, option, "--help", "--help"], capture_output=True, text=True, timeout=30,
                       stdin=subprocess.DEVNULL, check=False)
    return p.returncode == 0 and "--help" not in p.stderr
