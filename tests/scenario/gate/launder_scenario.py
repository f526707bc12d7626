#!/usr/bin/python3
"""Laundering: a stranger's words through the tools of the task, and a yes for other than what
runs, by an agent that holds real authority. The real tipstaff-gate between played neighbours.
"""
import json

from approval_context_scenario import ARGS, PAY, SOURCE, SOURCES, begun, fresh, shop
from approval_scenario import *
from harness import *
from runner import main

HAS_STDIN, KEEP = 1, 4
EVIL = "mallory@evil.example"
MAILS = json.dumps([{"id": "7", "from": "bob@example.com", "pin": "hunter22", "body": EVIL, "note": "plain words of bob",
                     "who": {"a": EVIL, "from": "bob@example.com"}}]).encode()
# What is asked for is printed again, as the tool's own word.
SAY = """tool: t.say
description: repeats
exec: /usr/bin/true
argv: ["true"]
args:
  text: {type: string, required: false, max: 65536, description: "any"}
  extra: {type: json, required: false, max: 65536, description: "any"}
stdin: false
limits: {wall_ms: 60000, output_bytes: 1048576}
output: {format: json, integrity: trusted, confidentiality: public}
"""


def launder(g, fn, mail=None):
    """t.mail has a stranger's words in it, t.say is trusted and repeats."""
    f = shop()
    f["tools/t.mail.yaml"] = (mail or f["tools/t.mail.yaml"]).replace('["/*/body"]', '["/*/body", "/*/who/a"]')
    f["tools/t.say.yaml"] = SAY
    whole = f["tenants/acme/schema.cedarschema"]
    call = whole.split("type Call = ", 1)[1].split("};\n", 1)[0] + "}"
    said = call.replace(ARGS, "args: { text?: String, extra?: String }")
    said = said.replace(SOURCES, f"args: {{ text?: {SOURCE}, extra?: {SOURCE} }}")
    f["tenants/acme/schema.cedarschema"] = whole + \
        f'action "t.say" appliesTo {{ principal: [User, Agent], resource: Tool, context: {said} }};\n'

    def mails(launcher, oid, fds):
        os.write(fds[1], MAILS)
        launcher.end(oid, 0, 0)

    def one(h):
        seen, order = [], h.launcher.order

        def keep(o):
            seen.append(o)
            order(o)

        def says(launcher, oid, fds):
            args = next(o for o in seen if o[1] == oid)[4]
            args = msgpack.unpackb(args) if isinstance(args, bytes) else args
            os.write(fds[1], json.dumps(args).encode())
            launcher.end(oid, 0, 0)
        h.launcher.order = keep
        h.launcher.scripts.update({"t.mail": mails, "t.say": says,
                                   "t.pay": lambda launcher, oid, fds: launcher.end(oid, 0, 0)})
        fn(h)
    with_gate(g, one, files=f)


def begin(h):
    ch, grant = fresh()
    c = Client(h).login(ch)
    c.chain = ch
    begun(c, grant, "say it")
    return c


def output(c, tool, args=None, keep=False):
    """A call to its end: what the agent was given, and its handle."""
    c.call(tool, args, flags=KEEP if keep else 0)
    out = b""
    while True:
        kind, b = c.get()
        if kind == OUTPUT:
            out += b[3]
        elif kind == DECISION:
            assert b[2] == PERMIT, b
        elif kind == RESULT:
            return out, next(x for x in reversed(b) if isinstance(x, str) and x.startswith("call-"))


def ref(name, path):
    return {"$ref": name, "path": path}


def question(h, c, **args):
    d = c.run("t.pay", args)[0]
    assert d[3] == "approval_required", d
    t = next(x for x, _, _ in Office(h).tickets() if x["decision_id"] == d[4])
    return msgpack.unpackb(t["context"])


def source_of(h, c, **args):
    return {(a[0], a[1]): a[2] for a in question(h, c, **args)["args"]}


# --- what was kept back, and comes by another tool --------------------------------

def a_kept_value_that_a_tool_repeats_is_as_if_it_had_been_shown(g):
    def one(h):
        c = begin(h)
        out, mails = output(c, "t.mail", keep=True)
        assert out == b""
        out, _ = output(c, "t.say", {"text": ref(mails, "/0/body")})
        assert EVIL.encode() in out
        x = question(h, c, to=[EVIL])
        assert x["tainted"] is True, x
        assert x["args"][0][:3] == ["/to/0", "", "untrusted"], x["args"]
        assert x["level"] == 2, x
    launder(g, one)


def a_handle_to_what_repeats_a_handle_is_no_better(g):
    def one(h):
        c = begin(h)
        _, mails = output(c, "t.mail", keep=True)
        _, said = output(c, "t.say", {"text": ref(mails, "/0/body")}, keep=True)
        _, again = output(c, "t.say", {"text": ref(said, "/text")}, keep=True)
        for name in (said, again):
            x = question(h, c, to=[ref(name, "/text")])
            assert x["args"][0][:3] == ["/to/0", "", "untrusted"], x["args"]
            assert "tainted" not in x and x["level"] == 2, x
    launder(g, one)


def what_the_model_made_up_hides_no_stranger_beside_it(g):
    def one(h):
        c = begin(h)
        _, mails = output(c, "t.mail")
        _, said = output(c, "t.say", {"extra": {"a": "zzz", "b": ref(mails, "/0/body")}}, keep=True)
        out, said = output(c, "t.say", {"text": ref(mails, "/0/body"), "extra": ["made-up-here"]})
        x = source_of(h, c, to=["alice"], extra=ref(said, ""))
        assert x["/extra", ""] == "untrusted", x
    launder(g, one)


def a_secret_that_was_only_passed_on_is_known_once_a_tool_prints_it(g):
    def one(h):
        c = begin(h)
        _, mails = output(c, "t.mail", keep=True)
        assert "secrets" not in question(h, c, to=["alice"], memo="it is hunter22")
        out, _ = output(c, "t.say", {"text": ref(mails, "/0/pin")})
        assert b"hunter22" in out  # no rule keeps it back
        x = question(h, c, to=["alice"], memo="it was hunter22")
        assert x["secrets"] is True and x["level"] == 3, x
    launder(g, one)


def what_a_tool_repeats_is_as_confidential_as_it_was(g):
    def one(h):
        c = begin(h)
        output(c, "t.mail")
        _, said = output(c, "t.say", {"text": "plain words of bob"})
        assert question(h, c, to=["alice"], memo=ref(said, "/text"))["level"] == 2
    launder(g, one)


def who_pushes_a_kept_output_out_hides_nothing(g):
    """Its handle went into a call that is still to print it; 64 others take its place."""
    def one(h):
        go = threading.Event()

        def late(launcher, oid, fds):
            go.wait(30)
            os.write(fds[1], json.dumps({"text": EVIL}).encode())
            launcher.end(oid, 0, 0)
        c = begin(h)
        _, mails = output(c, "t.mail", keep=True)
        d = Client(h).login(c.chain)
        h.launcher.scripts["t.say"] = late
        d.call("t.say", {"text": ref(mails, "/0/body")})
        d.want(DECISION)
        h.launcher.scripts["t.mail"] = lambda launcher, oid, fds: (os.write(fds[1], b"[1]"), launcher.end(oid, 0, 0))
        for _ in range(64):
            output(c, "t.mail")
        assert c.run("t.pay", {"to": [ref(mails, "/0/body")]})[0][3] == "handle_gone"
        go.set()
        while d.get()[0] != RESULT:
            pass
        x = question(h, c, to=[EVIL])
        assert x["tainted"] is True and x["args"][0][:3] == ["/to/0", "", "untrusted"], x
    launder(g, one)


def what_is_still_being_shown_hides_nothing(g):
    """An agent has read the first part of an output, and keeps it from ending."""
    def one(h):
        go = threading.Event()

        def slow(launcher, oid, fds):
            os.write(fds[1], MAILS[:-1])
            go.wait(30)
            os.write(fds[1], MAILS[-1:])
            launcher.end(oid, 0, 0)
        c = begin(h)
        assert source_of(h, c, to=[EVIL])["/to/0", ""] == "unknown"
        assert "secrets" not in question(h, c, to=["alice"], memo="and hunter22")
        d = Client(h).login(c.chain)
        h.launcher.scripts["t.mail"] = slow
        d.call("t.mail")
        read = b""
        while EVIL.encode() not in read:
            kind, b = d.get()
            read += b[3] if kind == OUTPUT else b""
        x = question(h, c, to=["mallory2@evil.example"], memo="plain words of bob, once more")
        assert x["args"][0][:3] == ["/to/0", "", "untrusted"], x["args"]
        assert x["tainted"] is True and x["secrets"] is True and x["level"] == 3, x
        go.set()
        while d.get()[0] != RESULT:
            pass
        x = question(h, c, to=["mallory3@evil.example"], memo="plain words of bob, no more")
        assert x["args"][0][:3] == ["/to/0", "", "unknown"] and "secrets" not in x, x
    launder(g, one)


# --- a yes for other than what runs -----------------------------------------------

def standard_input_is_another_question(g):
    def one(h):
        c = Client(h).login(fresh()[0])
        d = c.run("t.cat", {"text": "x"})[0]
        t, = [t for t, _, _ in Office(h).tickets()]
        assert Office(h).approve(t, BOB) == ("ok", "granted")
        d = c.run("t.cat", {"text": "x"}, flags=HAS_STDIN)[0]
        assert d[3] == "approval_required", d
    with_gate(g, one, files=files())


def put_raw(c, tool, args):
    """A CALL whose arguments are these very bytes."""
    c.seq += 1
    body = c.call_body(tool, seq=c.seq)
    at = 4
    c.put(CALL, bytes([0x90 | len(body)]) + b"".join(msgpack.packb(x) for x in body[:at]) + args +
          b"".join(msgpack.packb(x) for x in body[at + 1:]))


def members(*pairs):
    return bytes([0x80 | len(pairs)]) + b"".join(msgpack.packb(k) + v for k, v in pairs)


def no_arguments_have_two_readings(g):
    """What could be read in another way than it is shown closes the connection."""
    p, to = msgpack.packb, ("to", msgpack.packb(["a"]))
    odd = [members(to, ("to", p(["b"]))), members(("to", b"\x91\xd9\x01a")), members(to, ("sum", b"\xcd\x00\x05")),
           b"\xde\x00\x01" + p("to") + p(["a"]), b"\xdf\x00\x00\x00\x01" + p("to") + p(["a"]),
           members(to, ("extra", p(float("nan")))), members(to, ("extra", p(float("-inf")))),
           members(to, ("extra", b"\xca\x3f\xc0\x00\x00")), members(to, ("extra", b"\x91" * 100 + p(1))),
           members(to, ("extra", members(("k", p(1)), ("k", p(2))))), members(to, ("extra", b"\x81\x01\x02")),
           members(("to", b"\x91\xa2\xff\xfe")), members(("to", b"\x91\xd4\x01\x00")), p([1]),
           members(("to", b"\xdd\x7f\xff\xff\xff"))]
    wrong = [members(to, ("sum", p(2**64 - 1))), members(to, ("sum", p(-1))), members(to, ("memo", p(b"x"))),
             members(("to", p(["a\0b"]))), members(("to", p(None)))]

    def one(h):
        ch, _ = fresh()
        for args in odd + wrong:
            c = Client(h).login(ch)
            put_raw(c, "t.pay", args)
            kind, b = c.get()
            assert (kind, b[1] if kind == ERROR else b[3]) == \
                ((ERROR, "bad_frame") if args in odd else (DECISION, "bad_arguments")), (args[:40], kind, b)
            c.close()
        assert not Office(h).tickets() and not h.launcher.started
    launder(g, one)


def what_a_handle_puts_in_is_what_people_see(g):
    """JSON that no msgpack has, or that stands there twice."""
    doc = b'{"inf": 1e999, "dup": {"k": 1, "k": 2}, "long": 0.1%s1, "deep": [[[[[[[[[1]]]]]]]]], "neg": -0, "exp": 1E2, ' \
          b'"esc": "\\u001b[2J", "ref": {"$ref": "call-1", "path": "/esc"}}' % (b"0" * 70)

    def one(h):
        c = begin(h)
        h.launcher.scripts["t.mail"] = lambda launcher, oid, fds: (os.write(fds[1], doc), launcher.end(oid, 0, 0))
        _, name = output(c, "t.mail", keep=True)
        for key, code in (("inf", "handle_too_large"), ("dup", "bad_arguments"), ("long", "handle_too_large"),
                          ("deep", "handle_too_large")):
            assert c.run("t.pay", {"to": ["a"], "extra": ref(name, "/" + key)})[0][3] == code, key
        for key, value in (("neg", 0), ("exp", 100.0), ("esc", "\x1b[2J"), ("ref", {"$ref": "call-1", "path": "/esc"})):
            d = c.run("t.pay", {"to": ["a"], "extra": ref(name, "/" + key)})[0]
            t = next(x for x, _, _ in Office(h).tickets() if x["decision_id"] == d[4])
            assert msgpack.unpackb(t["args"])["extra"] == value, t["args"]
    launder(g, one)


TESTS = [v for k, v in list(globals().items()) if callable(v) and getattr(v, "__code__", None)
         and v.__code__.co_varnames[:1] == ("g",) and v.__module__ == __name__ and k not in ("launder",)]

if __name__ == "__main__":
    sys.exit(main(sys.argv, TESTS))
