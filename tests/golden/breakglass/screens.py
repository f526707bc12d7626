"""tipstaff break-glass show, sign and ls: each screen is that of NAME.expected, no
line is wider than the terminal, and a real terminal is as it was afterwards,
whatever stands in the file or comes from the service.

usage: screens.py PROGRAM        (GOLDEN_UPDATE=1 writes what it finds)
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "../../scenario/cli")]
import msgpack  # noqa: E402
from approvals_gate import Gate, frame, kid, pae, read_frame  # noqa: E402
from nacl.signing import SigningKey  # noqa: E402
from screen import columns, differ  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
ESCALATE, ESCALATED, ESCALATIONS, ESCALATION, ESCALATIONS_END = 19, 20, 21, 22, 23
BOB, CAROL = SigningKey(b"\x61" * 32), SigningKey(b"\x62" * 32)
top = tempfile.mkdtemp()
SOCK = os.path.join(top, "s")
failures = 0

HOSTILE = ("\x1b[2J\x1b[H\x1b[?1049h\x1b[?1000h\x1b[31;5m\x1b[?25l\x1b[4h\x1b[5;10r\x9b2J\x1b]0;owned\x07"
           "\x1b]52;c;b3duZWQ=\x07\x1bP1$r0m\x1b\\\x1bc\x1b(0qqq\x0e\x05\x00\x7f"
           "\u202efdp.exe\u202c \u2066x\u2069 a\u200bb\ufeffc\u00ad Z\u0351\u036b \u4e2d\u6587 \u05d0\u05d1 "
           "\n  signed by  nobody\n\nSign all of this? Type yes or no: yes\n")
FAKE = ("permit (principal, action, resource);\n\n  key        00000000000000000000000000000000\n\u2502 not ours\n"
        "\tforbid\r\rpermit" + HOSTILE)
PERMIT = 'permit (\n  principal,\n  action == Action::"db.restart",\n  resource\n) when { context.hour < 6 };\n'
BASE = dict(id=bytes([0xe5]) * 16, tenant="acme", user="alice", agent="coder", task="inc-17", policies=PERMIT,
            lifts=["freeze"], nbf=1800000000, exp=1800001800, uses=5, reason="production is down, the restart hangs",
            incident="INC-17")
VIEWS = {  # what is changed, who has signed, columns, locale
    "request": ({}, [], 80, "C.UTF-8"),
    "signed": ({}, [BOB, CAROL], 80, "C.UTF-8"),
    "lifts": (dict(policies="", lifts=["a", "freeze", "no-push"], incident=""), [BOB], 80, "C.UTF-8"),
    "narrow": (dict(reason="word " * 40), [BOB, CAROL], 40, "C.UTF-8"),
    "hostile": (dict(policies=FAKE, reason=HOSTILE, incident=HOSTILE[:60], lifts=[HOSTILE[:90]]), [BOB], 80, "C.UTF-8"),
    "hostile_narrow": (dict(policies=FAKE, reason=HOSTILE, incident=HOSTILE[:60], lifts=[HOSTILE[:90]]), [BOB], 40,
                       "C.UTF-8"),
    "hostile_ascii": (dict(policies=FAKE, reason=HOSTILE, incident=HOSTILE[:60], lifts=[HOSTILE[:90]]), [BOB], 80, "C"),
}


def check(ok, what):
    global failures
    if not ok:
        failures += 1
        print("FAIL", what)


def env_of(width, locale):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("TIPSTAFF_", "LC_"))}
    env.update(LANG=locale, LC_ALL=locale, COLUMNS=str(width), NO_COLOR="1")
    return env


def write(name, changes, signers):
    raw = msgpack.packb([1, *{**BASE, **changes}.values()])
    sigs = sorted([kid(bytes(k.verify_key)), k.sign(pae("escalation", raw)).signature] for k in signers)
    path = os.path.join(top, name)
    with open(path, "wb") as f:
        f.write(msgpack.packb([raw, sigs]))
    return path


def call(*args, width=80, locale="C.UTF-8", want=0):
    p = subprocess.run([PROGRAM, "break-glass", *args], capture_output=True, env=env_of(width, locale), timeout=60)
    check(p.returncode == want, f"{args}: {p.returncode} {p.stderr!r}")
    return p.stdout.decode(), p.stderr.decode()


def tidy(name, text, width, locale):
    for line in text.splitlines():
        check(columns(line) <= width, f"{name}: wider than {width}: {line}")
        check(all(c.isprintable() for c in line), f"{name}: not printable: {line!r}")
        check(locale != "C" or line.isascii(), f"{name}: not ASCII: {line!r}")


# -- what people read before they sign --------------------------------------
for name, (changes, signers, width, locale) in VIEWS.items():
    path = write(name, changes, signers)
    text, _ = call("show", path, width=width, locale=locale)
    tidy(name, text, width, locale)
    own = [x for x in text.splitlines() if re.match("  key(  |$)", x)]
    check(len(own) == len(signers), f"{name}: as many keys as have signed, not what a text claims: {own}")
    check(sum(x.startswith("  signed by") for x in text.splitlines()) == (not signers), f"{name}: who has signed")
    differ(HERE, name, text, check)

# -- for programs: the same values, in ASCII ---------------------------------
for name in ("signed", "hostile"):
    raw, _ = call("show", os.path.join(top, name), "--json")
    told = json.loads(raw)
    v = {**BASE, **VIEWS[name][0]}
    check(raw.endswith("\n") and all(" " <= c < "\x7f" for c in raw[:-1]), f"{name}: --json is one line of ASCII")
    for key in ("tenant", "user", "agent", "task", "policies", "reason", "incident", "lifts"):
        check(told[key] == v[key], f"{name}: --json: {key}")
    check((told["id"], told["from"], told["until"], told["max_uses"]) == (v["id"].hex(), v["nbf"], v["exp"], v["uses"]),
          f"{name}: --json: numbers")
    check(told["keys"] == sorted(kid(bytes(k.verify_key)).hex() for k in VIEWS[name][1]), f"{name}: --json: keys")


# -- what the service tells ---------------------------------------------------
class Service(Gate):
    def __init__(self, code="ok", text="it is in force"):
        self.code, self.text = code, text
        super().__init__(SOCK, [])

    def serve(self, s):
        kind, body = read_frame(s)
        if kind == ESCALATIONS:
            for state, used, reason in (("active", 0, BASE["reason"]), ("interrupted", 3, HOSTILE)):
                s.sendall(frame(ESCALATION, [1, BASE["id"], "acme", "alice", "coder", "inc-17", state, 1800001800, used, 5,
                                             ["bob", "carol"], reason, "INC-17"]))
            s.sendall(frame(ESCALATIONS_END, [1]))
        elif kind == ESCALATE:
            s.sendall(frame(ESCALATED, [1, self.code, self.text, BASE["id"]]))


service = Service()
text, _ = call("ls", "--socket", SOCK)
for line in text.splitlines():
    check(all(c.isprintable() for c in line), f"ls: not printable: {line!r}")
check(len([x for x in text.splitlines() if x.startswith("e5e5")]) == 2, "ls: two, not what a reason claims")
differ(HERE, "ls", text, check)
told = [json.loads(x) for x in call("ls", "--json", "--socket", SOCK)[0].splitlines()]
check([(t["state"], t["used"], t["people"]) for t in told] ==
      [("active", 0, ["bob", "carol"]), ("interrupted", 3, ["bob", "carol"])], "ls --json")
check(told[1]["reason"] == HOSTILE, "ls --json: the reason, to the letter")
path = os.path.join(top, "signed")
check(call("activate", path, "--socket", SOCK)[0] == "e5" * 16 + ": it is in force\n", "activate")
check(json.loads(call("activate", path, "--json", "--socket", SOCK)[0]) ==
      {"id": "e5" * 16, "in_force": True, "code": "ok", "text": "it is in force"}, "activate --json")
service.stop()
service = Service("quorum", "too few\x1b[31m people")
err = call("activate", path, "--socket", SOCK, want=1)[1]
check(err == "tipstaff: it is not in force (quorum): too few\\x1b[31m people\n", f"a refusal: {err!r}")
told = json.loads(call("activate", path, "--json", "--socket", SOCK, want=1)[0])
check((told["in_force"], told["code"], told["text"]) == (False, "quorum", "too few\x1b[31m people"), "a refusal as JSON")
service.stop()

# -- --help: each command has examples that its own options understand ----------
for command in ("request", "show", "sign", "activate", "ls", "end"):
    text, _ = call(command, "--help")
    options = set(re.findall(r"^ +(--?[a-z-]+)", text.split("\nExample")[0], re.M))
    examples = re.findall(r"^  tipstaff break-glass .*$", text, re.M)
    check(examples, f"{command} --help has no examples")
    check(all(columns(x) <= 100 for x in text.splitlines()), f"{command} --help is too wide")
    for e in examples:
        check(e.split()[2] == command, f"{command}: {e}")
        for option in re.findall(r" (--?[a-z][a-z-]*)", e.split(" | ")[0]):
            check(option in options, f"{command}: {e}: {option} is not among {sorted(options)}")

# -- in a terminal ----------------------------------------------------------------
PANE = ("capture-pane", "-p", "-t", "x")
STATE = ("#{pane_title}|#{alternate_on}|#{cursor_flag}|#{insert_flag}|#{mouse_any_flag}|#{keypad_flag}|"
         "#{keypad_cursor_flag}|#{origin_flag}|#{wrap_flag}|#{scroll_region_upper}|#{scroll_region_lower}|#{cursor_x}")


def in_tmux(width, height, name, colour, answer):
    """Signs it there: all of it is shown, "yes" alone signs, the terminal stays as it was."""
    server = f"bg{os.getpid()}{name}{colour}{answer}"
    env = env_of(width, "C.UTF-8")
    if colour:
        del env["NO_COLOR"]
    del env["COLUMNS"]
    seed, out = os.path.join(top, "carol.seed"), os.path.join(top, f"{name}.{width}.{colour}.{len(answer)}")
    with open(os.open(seed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as f:
        f.write(bytes(CAROL))

    def tmux(*args):
        return subprocess.run(["tmux", "-f", "/dev/null", "-L", server, *args], env=env, capture_output=True, text=True,
                              timeout=30, check=True).stdout

    def wait_for(text):
        end = time.time() + 60
        while time.time() < end:
            seen = tmux("capture-pane", "-p", "-t", "x", "-S", "-2000", "-E", "-")
            if text in seen.splitlines()[-height:] or any(x.startswith(text) for x in seen.splitlines()[-height:]):
                return seen
            time.sleep(0.05)
        check(False, f"{text} does not come")
        return ""

    tmux("new-session", "-d", "-s", "x", "-x", str(width), "-y", str(height), "env PS1=PROMPT sh")
    try:
        wait_for("PROMPT")
        before = tmux("display-message", "-p", "-t", "x", STATE)
        with open(os.path.join(top, "go"), "w", encoding="utf-8") as f:
            f.write(f"clear; echo BEGIN; {PROGRAM} break-glass sign {top}/{name} --key {seed} -o {out}; echo END\n")
        tmux("send-keys", "-t", "x", f". {top}/go", "Enter")
        seen = wait_for("Sign all of this? Type yes or no:")
        tmux("send-keys", "-t", "x", answer, "Enter")
        wait_for("END")
        wait_for("PROMPT")
        check(os.path.exists(out) == (answer == "yes"), f"{name}: {answer!r} signs: {tmux(*PANE)[-300:]}")
        after = tmux("display-message", "-p", "-t", "x", STATE)
        check(before == after, f"the terminal was {before}and is {after}")
        last = tmux("capture-pane", "-p", "-e", "-t", "x").rstrip("\n").splitlines()
        check(last[-2:] == ["END", "PROMPT"], f"what follows has the look of the file: {last[-2:]}")
        lines = [x.rstrip() for x in seen.splitlines()]
        asked = max(i for i, x in enumerate(lines) if x.startswith("Sign all of this?"))
        got = "\n".join(lines[lines.index("BEGIN") + 1:asked - 1])
        with open(os.path.join(HERE, name + ".expected"), encoding="utf-8") as f:
            want = "\n".join(x.rstrip() for x in f.read().splitlines())
        check(got == want, f"{name} in a terminal of {width} columns is another screen")
        if got != want:
            for a, b in zip(got.splitlines(), want.splitlines()):
                if a != b:
                    print(f"  got  {a}\n  want {b}")
                    break
    finally:
        tmux("kill-server")
    if answer == "yes":
        keys = json.loads(call("show", out, "--json")[0])["keys"]
        check(kid(bytes(CAROL.verify_key)).hex() in keys, f"{name}: signed")


if shutil.which("tmux") is None:
    print("SKIPPED: no tmux here")
else:
    for colour in (False, True):
        in_tmux(80, 24, "hostile", colour, "yes")
        in_tmux(40, 60, "hostile_narrow", colour, "no")
    for answer in ("y", "Yes", "yes please", ""):
        in_tmux(80, 40, "request", False, answer)
shutil.rmtree(top)
if failures:
    sys.exit(1)
print("ok")
