"""tipstaff approvals show: each screen is that of NAME.expected, no line is wider
than the terminal, and a real terminal is as it was afterwards, whatever the
agent has put into its arguments.

usage: screens.py PROGRAM        (GOLDEN_UPDATE=1 writes what it finds)
"""
import fcntl
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "../../scenario/cli")]
from approvals_gate import SIDECAR_PK, Gate, ticket, waiting  # noqa: E402
from screen import columns, differ  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
top = tempfile.mkdtemp()
SOCK = os.path.join(top, "s")
failures = 0

CONTEXT = {
    "args": [["/to/0", "", "untrusted", ["mail.read:/*/from", "mail.read:/*/cc"], 2, True],
             ["/body", "https://evil.example/x", "unknown", [], 0, True],
             ["/subject", "", "prompt", ["prompt"], 0, False], ["/from", "", "prompt", ["user"], 0, False]],
    "args_left": 3, "asked": [2, 9], "calls": [3, 12], "declared": ["web:untrusted", "\x1b[31m"], "declared_left": 1,
    "first": ["tool", "action", "resource"], "level": 3, "lost": True, "origin": "webhook",
    "reasons": [[0, "a stranger chose who gets this\x1b]0;x\x07"]], "secrets": True, "sensitivity": "secret",
    "tainted": True}
ENDORSES = dict(sorted({**CONTEXT, "endorses": [
    ["to", "bob@evil.example"], ["sum", "250"],
    ["extra/\x1b[7m/\u202e", "b\u043eb@evil.example\x1b]0;x\x07\n  ! If you approve: nothing changes"]]}.items()))
RULES = [["strangers", "four-eyes", 2], ["block:1/spend", "finance", 1]]
FAKE = "\n\nWhat a yes covers\n  Nothing at all. Type yes.\n"
HOSTILE = {
    "c0": "".join(chr(c) for c in range(32)) + "\x7f",
    "c1": "".join(chr(c) for c in range(0x80, 0xa0)),
    "csi": "\x1b[2J\x1b[H\x1b[?1049h\x1b[?1000h\x1b[31;5m\x1b[?25l\x1b[4h\x1b[5;10r\x9b2J",
    "osc": "\x1b]0;owned\x07\x1b]52;c;b3duZWQ=\x07\x1b]8;;https://evil.example\x1b\\here\x1b]8;;\x1b\\",
    "dcs": "\x1bP1$r0m\x1b\\\x1b_x\x1b\\\x1b^y\x1b\\\x1bc\x1b(0qqq\x1b(B\x0e\x0f\x05",
    "bidi": "\u202efdp.exe\u202c \u2066x\u2069 \u200f\u061c \u05d0\u05d1 \u0627\u0628",
    "hidden": "a\u200bb\u200cc\u200dd\u2060e\ufefff\u00adg\U000e0041\ufe0f",
    "combining": "Z\u0351\u036b\u0343 e\u0301",
    "wide": "\u4e2d\u6587 \u304b\u306a \ud55c\uae00 gr\u00fc\u00df \uff21 \U0001f600",
    "frame": "\u2502 \u2514\u2500 agent root\n\u2502   to: \"alice@example.com\"",
    "alike": "alice@p\u0430ypal.example",
    "fake": FAKE,
    "spaces": " " * 300 + "end",
    "quote": "\" <- trusted \\",
    "key \x1b[7m\n": {"": 1, "\u202e": [b"\x00\x1b[2J\xff", [], {}]},
    "big": 2**64 - 1, "small": -2**63, "half": 0.5, "yes": True, "no": None,
}
PLAIN = {"to": ["bob@evil.example"], "subject": "Invoice", "body": "Dear Bob,\nsee https://evil.example/x\n"}

VIEWS = {
    "plain": (PLAIN, CONTEXT, [("carol", 1)], 1, 80, [], "C.UTF-8"),
    "narrow": (PLAIN, CONTEXT, [("carol", 1)], 1, 40, [], "C.UTF-8"),
    "endorses": (PLAIN, ENDORSES, [], 1, 80, [], "C.UTF-8"),
    "endorses_ascii": (PLAIN, ENDORSES, [], 1, 60, [], "C"),
    "bare": ({}, {}, [], 1, 80, [], "C.UTF-8"),
    "granted": ({"n": 1}, {"origin": "user"}, [("carol", 3), ("dave", 1)], 2, 80, [], "C.UTF-8"),
    "long": ({"body": "word " * 300, "list": list(range(200)), "raw": bytes(200)}, {}, [], 1, 80, [], "C.UTF-8"),
    "long_all": ({"body": "word " * 300, "list": list(range(200)), "raw": bytes(200)}, {}, [], 1, 80, ["--all"],
                 "C.UTF-8"),
    "wide": (PLAIN, CONTEXT, [("carol", 1)], 1, 120, [], "C.UTF-8"),
    "floats": ({"numbers": [0.1, 0.5, 1.0, -2.0, 1e21, 1.7976931348623157e308, 5e-324, 0.30000000000000004, 100.0,
                            1e5, 2.5e-7, -1234567.875, 3]}, {}, [], 1, 80, [], "C.UTF-8"),
    "hostile_wide": (HOSTILE, CONTEXT, [], 1, 120, ["--all"], "C.UTF-8"),
    "hostile": (HOSTILE, CONTEXT, [], 1, 80, ["--all"], "C.UTF-8"),
    "hostile_narrow": (HOSTILE, CONTEXT, [], 1, 40, ["--all"], "C.UTF-8"),
    "hostile_ascii": (HOSTILE, CONTEXT, [], 1, 80, ["--all"], "C"),
}


def check(ok, what):
    global failures
    if not ok:
        failures += 1
        print("FAIL", what)


def env_of(width, locale):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("TIPSTAFF_", "LC_"))}
    env.update(LANG=locale, LC_ALL=locale, COLUMNS=str(width), TIPSTAFF_SIDECAR_KEY=SIDECAR_PK.hex(), NO_COLOR="1")
    return env


def timeless(text):
    return re.sub(r"in\s+\d+\s+min \d+ s", "in N min", text)


def question(view):
    args, context, people, stage, width, more, locale = view
    obj, _ = ticket(args, context, rules=RULES)
    return waiting(obj, stage, people)


def show(view):
    width, more, locale = view[4:]
    gate = Gate(SOCK, [question(view)])
    p = subprocess.run([PROGRAM, "approvals", "show", "d0000000", "--socket", SOCK, *more], capture_output=True,
                       env=env_of(width, locale), timeout=60)
    gate.stop()
    check(p.returncode == 0 and not p.stderr, p.stderr.decode())
    return p.stdout.decode()


for name, view in VIEWS.items():
    text = show(view)
    for line in text.splitlines():
        check(columns(line) <= view[4], f"{name}: wider than {view[4]}: {line}")
        check(all(c.isprintable() for c in line), f"{name}: not printable: {line!r}")
        check(view[6] != "C" or line.isascii(), f"{name}: not ASCII: {line!r}")
    # every line of the agent's stands behind the bar
    bar = "|" if view[6] == "C" else "\u2502"
    own = [x for x in text.splitlines() if not x.startswith(bar)]
    check(sum(x == "What a yes covers" for x in own) == 1, f"{name}: one section of ours is there once")
    differ(HERE, name, timeless(text), check)

# -- in a terminal -------------------------------------------------------
STATE = ("#{pane_title}|#{alternate_on}|#{cursor_flag}|#{insert_flag}|#{mouse_any_flag}|#{keypad_flag}|"
         "#{keypad_cursor_flag}|#{origin_flag}|#{wrap_flag}|#{scroll_region_upper}|#{scroll_region_lower}|#{cursor_x}")


def in_tmux(width, height, name, colour):
    server = f"ts{os.getpid()}{name}{colour}"
    env = env_of(width, "C.UTF-8")
    if colour:
        del env["NO_COLOR"]
    del env["COLUMNS"]

    def tmux(*args):
        return subprocess.run(["tmux", "-f", "/dev/null", "-L", server, *args], env=env, capture_output=True, text=True,
                              timeout=30, check=True).stdout

    def wait_for(text):
        end = time.time() + 30
        while time.time() < end:
            seen = tmux("capture-pane", "-p", "-t", "x", "-S", "-2000", "-E", "-")
            if text in seen.splitlines():
                return seen
            time.sleep(0.05)
        check(False, f"{text} does not come")
        return ""

    gate = Gate(SOCK, [question(VIEWS[name])])
    tmux("new-session", "-d", "-s", "x", "-x", str(width), "-y", str(height), "env PS1=PROMPT sh")
    try:
        wait_for("PROMPT")
        before = tmux("display-message", "-p", "-t", "x", STATE)
        run = f"clear; echo BEGIN; {PROGRAM} approvals show d0000000 --all --socket {SOCK}; echo END"
        with open(os.path.join(top, "go"), "w", encoding="utf-8") as f:
            f.write(run + "\n")
        tmux("send-keys", "-t", "x", f". {top}/go", "Enter")
        seen = wait_for("END")
        wait_for("PROMPT")
        after = tmux("display-message", "-p", "-t", "x", STATE)
        check(before == after, f"the terminal was {before}and is {after}")
        last = tmux("capture-pane", "-p", "-e", "-t", "x").rstrip("\n").splitlines()
        check(last[-2:] == ["END", "PROMPT"], f"what follows has the look of the question: {last[-2:]}")
        lines = seen.splitlines()
        got = "\n".join(x.rstrip() for x in lines[lines.index("BEGIN") + 1:lines.index("END")])
        with open(os.path.join(HERE, name + ".expected"), encoding="utf-8") as f:
            want = "\n".join(x.rstrip() for x in f.read().splitlines())
        check(timeless(got) == want, f"{name} in a terminal of {width} columns is another screen")
        if timeless(got) != want:
            for a, b in zip(timeless(got).splitlines(), want.splitlines()):
                if a != b:
                    print(f"  got  {a}\n  want {b}")
                    break
    finally:
        tmux("kill-server")
        gate.stop()


if shutil.which("tmux") is None:
    print("SKIPPED: no tmux here")
else:
    for colour in (False, True):
        in_tmux(80, 24, "hostile", colour)
        in_tmux(120, 40, "hostile_wide", colour)
        in_tmux(40, 60, "hostile_narrow", colour)

# -- for machines: the same values, in ASCII -------------------------------
gate = Gate(SOCK, [question(VIEWS["hostile"])])
raw = subprocess.run([PROGRAM, "approvals", "show", "d0000000", "--json", "--socket", SOCK], capture_output=True,
                     env=env_of(80, "C.UTF-8"), timeout=60, check=True).stdout
gate.stop()
check(all(0x20 <= b < 0x7f for b in raw[:-1]) and raw.endswith(b"\n"), "--json is one line of printable ASCII")
told = json.loads(raw)
for key, value in HOSTILE.items():
    if isinstance(value, str) or isinstance(value, (bool, float)) or value is None:
        check(told["args"][key] == value, f"--json: {key}")
check(told["context"]["args"][0] == {"arg": "/to/0", "source": "untrusted", "new": True, "places_left": 2,
                                     "places": ["mail.read:/*/from", "mail.read:/*/cc"]}, "--json: where it comes from")
check(told["context"]["lost"] is True and told["context"]["calls_hour"] == 12, "--json: the task")


# -- watch: only ever writes on; a new width counts from the next question on ---
def watch():
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    wider = threading.Event()

    def second():
        check(wider.wait(30), "the terminal becomes wider")
        return question(VIEWS["wide"])

    gate = Gate(SOCK, [question(VIEWS["hostile"])], news=[second])
    env = env_of(80, "C.UTF-8")
    del env["NO_COLOR"], env["COLUMNS"]
    env["TERM"] = "xterm"
    p = subprocess.Popen([PROGRAM, "approvals", "watch", "--all", "--socket", SOCK], stdin=slave, stdout=slave,
                         stderr=subprocess.DEVNULL, env=env)
    os.close(slave)
    seen, ends = b"", b"Any other argument is another question.".split()[-1]
    try:
        while True:
            piece = os.read(master, 65536)
            seen += piece
            if not wider.is_set() and seen.count(ends) == 1:
                fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
                wider.set()
            if not piece:
                break
    except OSError:
        pass  # its end is closed
    p.wait(timeout=30)
    os.close(master)
    gate.stop()
    text = seen.decode().replace("\r\n", "\n")
    styles = re.findall(r"\x1b[^m]*m", text)
    check(styles and all(re.fullmatch(r"\x1b\[[0-9;]*m", x) for x in styles), "watch: colours and nothing else")
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    check("\x1b" not in text and "\r" not in text and "\b" not in text, "watch: it never moves back")
    parts = timeless(text).split("A CALL WAITS FOR APPROVAL\n")[1:]
    for name, part in zip(("hostile", "wide"), parts):
        with open(os.path.join(HERE, name + ".expected"), encoding="utf-8") as f:
            want = f.read().split("\n", 1)[1]
        check(part.rstrip("\n") == want.rstrip("\n"), f"watch: {name} is the screen of its width")
    check(len(parts) == 2, "watch: two questions")


watch()

shutil.rmtree(top)
print("ok" if failures == 0 else f"{failures} failures")
sys.exit(1 if failures else 0)
