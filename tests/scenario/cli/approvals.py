"""tipstaff approvals against a gate that tells good, bad and hostile questions:
what is believed, what is asked, and what is signed, in each of the ways.

usage: approvals.py PROGRAM
"""
import base64
import json
import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from approvals_gate import (FAIL, NEWS, SIDECAR_PK, Gate, SigningKey, check_answer, frame, ticket,  # noqa: E402
                            waiting)

PROGRAM = os.path.abspath(sys.argv[1])
top = tempfile.mkdtemp()
os.chdir(top)
SOCK = os.path.join(top, "s")
failures = 0
ENV = {k: v for k, v in os.environ.items() if not k.startswith(("TIPSTAFF_", "SSH_"))}
ENV.update(LANG="C.UTF-8", LC_ALL="C.UTF-8", COLUMNS="80", TIPSTAFF_SIDECAR_KEY=SIDECAR_PK.hex(), HOME=top)


def check(ok, what):
    global failures
    if not ok:
        failures += 1
        print("FAIL", what)


def run(*args, code=0, says=(), env=None, stdin=""):
    p = subprocess.run([PROGRAM, "approvals", *args, "--socket", SOCK], capture_output=True, text=True,
                       timeout=60, env=env or ENV, input=stdin)
    text = p.stdout + p.stderr
    check(p.returncode == code and all(s in text for s in says), f"{args}: exit {p.returncode}, not {code}\n{text}")
    check("\x1b" not in text and "\u202e" not in text, f"{args}: a byte that a terminal obeys")
    return p.stdout


def gate(*frames, **more):
    global current
    if current:
        current.stop()
    current = Gate(SOCK, frames, **more)
    return current


current = None
seed = b"\x42" * 32
pk = bytes(SigningKey(seed).verify_key)
with open("bob.seed", "wb") as f:
    f.write(seed)
os.chmod("bob.seed", 0o600)
good, good_id = ticket({"to": "bob@evil.example", "text": "\x1b[2J\u202e"}, n=1)
other, other_id = ticket({"to": "carol"}, n=2, user="ann", agents=["coder"])
ID = good_id.hex()[:8]

# -- what is believed ----------------------------------------------------
gate(waiting(good, 1, [("carol", 1)]), waiting(other, 2, [("carol", 1), ("dave", 1)]))
out = run("ls", says=[good_id.hex()[:16], "four-eyes 1/2", "four-eyes 2/2, granted", "planner/mailer"])
check(len(out.splitlines()) == 3, "ls has a line for each")
objects = [json.loads(x) for x in run("ls", "--json").splitlines()]
check([o["ticket_id"] for o in objects] == [good_id.hex(), other_id.hex()], "ls --json")
check(objects[0]["args"] == {"to": "bob@evil.example", "text": "\x1b[2J\u202e"}, "arguments as JSON")
check(objects[0]["rules"][0]["yes"] == ["carol"] and objects[1]["state"] == "granted", "who and state as JSON")
run("ls", "--tenant", "acme")
check(current.asked[-1] == [1, False, "acme"], "the tenant is asked for")
run("show", ID, says=["\\x1b[2J\\u{202e}", "yes so far: carol", "user alice"])
run("show", good_id.hex()[:20].upper(), says=["user alice"])
run("show", " ".join([good_id.hex()[:8], good_id.hex()[8:16]]), says=["user alice"])
run("show", "d0" + "00" * 13 + "0002", says=["user ann"])
run("show", "d0000000", code=1, says=["several questions begin so"])
run("show", "ffffffff", code=1, says=["no such call waits"])
run("show", ID[:7], code=2, says=["at least the first 8"])
run("show", "../../etc", code=2, says=["which question?"])
noenv = {k: v for k, v in ENV.items() if k != "TIPSTAFF_SIDECAR_KEY"}
for args in (["ls"], ["show", ID], ["watch"], ["approve", ID, "--as", "bob", "--key", "bob.seed", "--yes"]):
    run(*args, code=2, says=["no question can be believed"], env=noenv)
asked = len(current.asked)
forged, forged_id = ticket({"to": "x"}, key=SigningKey(b"\x66" * 32))
flipped = bytearray(good)
flipped[len(good) // 2] ^= 1
array_args, _ = ticket(b"\x91\x01")
open_args, _ = ticket(b"\x81\xa1a")
twice, _ = ticket(b"\x82\xa1a\x01\xa1a\x02")
odd_context, _ = ticket({"a": 1}, {"new": True})
for bad in (forged, bytes(flipped), array_args, open_args, twice, odd_context):
    gate(waiting(bad), waiting(good))
    out = run("ls", code=1, says=["a question is not shown"])
    check(len(out.splitlines()) == 2, "the good one is listed beside a bad one")
gate(waiting(forged))
run("approve", forged_id.hex(), "--as", "bob", "--key", "bob.seed", "--yes", code=1, says=["not signed by the sidecar"])
check(not current.answers, "nothing is signed that is not the sidecar's")
gate(frame(FAIL, [1, "forbidden", "not \x1b[1myou"]))
run("ls", code=1, says=["refused (forbidden): not \\x1b[1myou"])
gate(frame(99, [1]))
run("ls", code=1, says=["cannot read"])
gate()
run("ls", says=["no call waits"])

# -- what is signed ------------------------------------------------------
verdicts = {"approve": 1, "deny": 2}


def signed(what, *args, key=pk, person="bob"):
    g = gate(waiting(good), waiting(other))
    before = int(time.time())
    run(what, ID, *args)
    check(len(g.answers) == 1, f"{what} {args}: one answer is sent")
    if g.answers:
        a = check_answer(g.answers[0], key)
        check(a["ticket_id"] == good_id and a["verdict"] == verdicts[what] and a["person"] == person and
              a["tenant"] == "acme" and before - 60 <= a["iat"] <= time.time(), f"{what} {args}: says {a}")
        return a
    return {}


for what in verdicts:
    a = signed(what, "--as", "bob", "--key", "bob.seed", "--yes", "--note", "n\u00f6", "--valid", "2m")
    check(a.get("note") == "n\u00f6" and a["exp"] - a["iat"] == 120, "note and validity")
    a = signed(what, "--as", "bob", "--key", "bob.seed", "--yes")
    check(a and a["exp"] - a["iat"] == 600, "ten minutes unless said")
g = gate(waiting(good))
run("approve", ID, "--as", "bob", "--key", "bob.seed", code=1, says=["asked on a terminal"])
run("approve", ID, "--as", "bob", code=2, says=["exactly one of"])
run("approve", ID, "--as", "bob", "--key", "bob.seed", "--ssh-agent", code=2, says=["exactly one of"])
run("approve", ID, "--as", "bob", "--key", "bob.seed", "--ssh-key", "x", code=2, says=["--ssh-agent"])
run("approve", ID, "--key", "bob.seed", code=2, says=["--as"])
run("approve", ID, "--as", "bob", "--key", "bob.seed", "--json", code=2, says=["--yes"])
run("approve", ID, "--as", "b\x1bb", "--key", "bob.seed", "--yes", code=1, says=["--as is an id"])
run("approve", ID, "--as", "bob", "--key", "bob.seed", "--yes", "--note", "x" * 257, code=1, says=["--note"])
for valid in ("0s", "61m"):
    run("approve", ID, "--as", "bob", "--key", "bob.seed", "--valid", valid, code=2, says=["--valid"])
os.chmod("bob.seed", 0o640)
run("approve", ID, "--as", "bob", "--key", "bob.seed", "--yes", code=1, says=["bob.seed"])
os.chmod("bob.seed", 0o600)
check(not g.answers, "nothing was signed so far")
for code, text, state, exit_code, says in (("ok", "it counts", "granted", 0, "approved:"),
                                           ("ok", "it counts", "denied", 0, "denied:"),
                                           ("own", "no \x1b[1msecond\n person", "waiting", 1,
                                            "does not count (own): no \\x1b[1msecond\\n person")):
    gate(waiting(good), answered=lambda a: (code, text, state))
    run("approve", ID, "--as", "bob", "--key", "bob.seed", "--yes", code=exit_code, says=[says])
    out = run("approve", ID, "--as", "bob", "--key", "bob.seed", "--yes", "--json", code=exit_code)
    check(json.loads(out) == {"code": code, "text": text, "state": state, "counts": code == "ok"}, out)

# -- ssh-keygen and ssh-agent --------------------------------------------
if shutil.which("ssh-keygen") is None or shutil.which("ssh-agent") is None:
    print("SKIPPED: no ssh-keygen or ssh-agent here")
else:
    def keygen(*args):
        subprocess.run(["ssh-keygen", "-q", *args], check=True, stdin=subprocess.DEVNULL, capture_output=True)

    def public(name):
        return base64.b64decode(open(name + ".pub").read().split()[1])[-32:]

    keygen("-t", "ed25519", "-N", "", "-C", "\x1b[2Jx", "-f", "one")
    keygen("-t", "ed25519", "-N", "", "-f", "two")
    keygen("-t", "rsa", "-b", "2048", "-N", "", "-f", "rsa")
    g = gate(waiting(good))
    run("approve", ID, "--as", "bob", "--body-out", "body", "--yes", says=["ssh-keygen -Y sign -n approval@tipstaff"])
    check(not g.answers, "--body-out sends nothing")
    keygen("-Y", "sign", "-n", "approval@tipstaff", "-f", "one", "body")
    a = signed("approve", "--sshsig", "body.sig", key=public("one"))
    run("deny", ID, "--sshsig", "body.sig", code=1, says=["body says yes; use approve"])
    run("approve", other_id.hex(), "--sshsig", "body.sig", code=1, says=["another question"])
    run("approve", ID, "--sshsig", "body", code=1, says=["the name of the signature"])
    shutil.copy("body", "wrong")
    keygen("-Y", "sign", "-n", "file", "-f", "one", "wrong")
    run("approve", ID, "--sshsig", "wrong.sig", code=1, says=["does not sign wrong for the namespace"])
    shutil.copy("body", "rsabody")
    keygen("-Y", "sign", "-n", "approval@tipstaff", "-f", "rsa", "rsabody")
    run("approve", ID, "--sshsig", "rsabody.sig", code=1, says=["ssh-ed25519 or sk-ssh-ed25519"])
    with open("body", "ab") as f:
        f.write(b"x")
    run("approve", ID, "--sshsig", "body.sig", code=1, says=["not the body of an answer"])
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", os.path.join(top, "agent")], stdout=subprocess.DEVNULL)
    try:
        while not os.path.exists("agent"):
            time.sleep(0.02)
            check(agent.poll() is None, "ssh-agent runs")
        plain, ENV = ENV, dict(ENV, SSH_AUTH_SOCK=os.path.join(top, "agent"))

        def add(name):
            subprocess.run(["ssh-add", "-q", name], check=True, env=ENV, capture_output=True)

        sign = ("--as", "bob", "--ssh-agent", "--yes")
        gate(waiting(good))
        run("approve", ID, *sign, code=1, says=["has no key of kind"])
        add("rsa")
        run("approve", ID, *sign, code=1, says=["has no key of kind"])
        add("one")
        signed("approve", *sign, key=public("one"))
        signed("deny", *sign, "--ssh-key", "one.pub", key=public("one"))
        run("approve", ID, *sign, "--ssh-key", "two.pub", code=1, says=["does not have the key"])
        run("approve", ID, *sign, "--ssh-key", "rsa.pub", code=1, says=["not the public half"])
        add("two")
        run("approve", ID, *sign, code=1, says=["several keys"])
        signed("approve", *sign, "--ssh-key", "two.pub", key=public("two"))
        ENV = plain
        run("approve", ID, *sign, code=1, says=["SSH_AUTH_SOCK"])
    finally:
        agent.terminate()
        agent.wait()

# -- asked on a terminal -------------------------------------------------
long_one, long_id = ticket({"body": "x" * 2000}, n=3)


def at_terminal(id_, *replies, code):
    """Types each reply when the question mark of the prompt is there."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(PROGRAM, [PROGRAM, "approval", "approve", id_, "--as", "bob", "--key", "bob.seed", "--socket", SOCK],
                  dict(ENV, TERM="dumb"))
    text, replies, seen = b"", list(replies), 0
    end = time.time() + 30
    while time.time() < end:
        if not select.select([fd], [], [], 1)[0]:
            continue
        try:
            got = os.read(fd, 65536)
        except OSError:
            break
        if not got:
            break
        text += got
        if replies and text.count(b"Type yes or no") > seen and text.rstrip().endswith(b":"):
            seen = text.count(b"Type yes or no")
            os.write(fd, replies.pop(0) + b"\n")
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(fd)
    check(status == code and not replies, f"{replies} left, exit {status}:\n{text.decode()}")
    return text.decode()


g = gate(waiting(good), waiting(long_one))
at_terminal(ID, b"yes", code=0)
check(len(g.answers) == 1, "yes signs")
at_terminal(ID, b"no", code=1)
at_terminal(ID, b"", b"y", b"YES", b"yes please, do that now", b"no", code=1)
check(len(g.answers) == 1, "nothing else signs")
text = at_terminal(long_id.hex(), b"yes", b"no", code=1)
check("type all first" in text and len(g.answers) == 1, "nobody says yes to what was not shown")
text = at_terminal(long_id.hex(), b"all", b"yes", code=0)
check(len(g.answers) == 2 and text.replace("\r\n\u2502       ", "").count("x" * 2000) == 1, "all, then yes")

# -- watch ---------------------------------------------------------------
news = frame(NEWS, [1, bytes([0xd0]) + bytes(15), "acme", "granted", 2])
gate(waiting(good), news=[waiting(other), news])
out = run("watch", code=1, says=["user alice", "user ann", ": granted, 2 yes", "closed the connection"])
gate(waiting(good), news=[waiting(other), waiting(forged), news])
lines = [json.loads(x) for x in run("watch", "--json", code=1, says=["not shown"]).splitlines()]
check([x.get("news") for x in lines] == [None, None, "granted"], "watch --json")
check(current.asked[-1] == [1, True, ""], "watch is asked for")

shutil.rmtree(top)
print("ok" if failures == 0 else f"{failures} failures")
sys.exit(1 if failures else 0)
