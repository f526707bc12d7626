#!/usr/bin/python3
"""Where a value comes from, decided twice: by the product (lookups.c), and here
by the rules of docs/PROVENANCE.md, written down in another language, without an
index and without bounds. Asked are all arguments of recorded calls, what stands
in their outputs, and values made to be hard. usage: lookups.py DRIVER"""
import collections
import functools
import glob
import json
import lzma
import os
import random
import re
import subprocess
import sys
import tempfile
from fractions import Fraction

HERE = os.path.dirname(os.path.abspath(__file__))
DRIVER = os.path.abspath(sys.argv[1])
TEXT, NUMBER, ID = 1, 2, 3
PROMPT, TRUSTED, UNTRUSTED, UNKNOWN = "prompt", "trusted", "untrusted", "unknown"
OUTPUT_MAX = 512 << 10  # one output; what is beyond it is lost

# ---- the rules ---------------------------------------------------------------

LOWER = {c: c + 32 for c in range(ord("A"), ord("Z") + 1)}
SPACE = ("[\0\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
TOKEN = re.compile(f"(?P<scheme>(?i:h(?:tt|xx)ps?://))|(?P<space>{SPACE})|(?P<dot>(?i:\\[\\.\\]|\\(\\.\\)|\\[dot\\]|\\(dot\\))"
                   "|[\u3002\uff61])|(?P<nothing>[\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f"
                   "\ufeff\U000e0000-\U000e0fff])|(?P<full>[\uff01-\uff5e])", re.A)
OF_NAME = "[a-z0-9\x80-\U0010ffff]"
ADDRESS = re.compile(f"(?:{OF_NAME}|[.+_'%~&-])+@")
HOST = re.compile(f"(?:{OF_NAME}|[.-])*")
ENDS_IN_HOST = re.compile(f"@(?:{OF_NAME}|[.-])+\\Z")
DOT = re.compile(f"(?<!\\A)\\.(?![0-9]){OF_NAME}", re.S)
DECIMAL = re.compile(r"([+-]?)([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,3}))?")


@functools.lru_cache(maxsize=1 << 18)
def canon(text):
    """As a reader takes it: what cannot be seen is not there, and a dot is a dot."""
    def one(m):
        if m["space"]:
            return " "
        return "." if m["dot"] else chr(ord(m["full"]) - 0xFF01 + 0x21) if m["full"] else ""

    return re.sub(" +", " ", TOKEN.sub(one, text)).translate(LOWER).strip(" ").rstrip("/ ")


@functools.lru_cache(maxsize=1 << 16)
def forms(v):
    """An account number in one piece and in groups of four, if its check digits are right."""
    whole = v.replace(" ", "")
    printed = " ".join(whole[i:i + 4] for i in range(0, len(whole), 4))
    if v not in (whole, printed) or not re.fullmatch("[a-z]{2}[0-9]{2}[a-z0-9]{11,30}", whole, re.A) or \
            int("".join(str(int(c, 36)) for c in whole[4:] + whole[:4])) % 97 != 1:
        return frozenset((v,))
    return frozenset((whole, printed))


def is_alnum(c):
    return c.isascii() and c.isalnum() and c == c.lower()


def is_letter(c):
    """Of a name. Chinese and Japanese text needs no space before an address."""
    return is_alnum(c) or 0xC0 <= ord(c) <= 0x7FF


@functools.lru_cache(maxsize=1 << 16)
def number(text):
    """(sign, digits, exponent): sign 0.digits x 10^exponent; None: no number."""
    m = DECIMAL.fullmatch(text)
    if not m or abs(int(m[4] or 0)) > 400:
        return None
    whole, part = m[2].replace(",", ""), m[3] or ""
    exponent = len(whole) + int(m[4] or 0) - (len(whole + part) - len((whole + part).lstrip("0")))
    digits = (whole + part).strip("0")
    if not digits:
        return "", "", 0
    return ("-" if m[1] == "-" else "", digits, exponent) if len(digits) <= 40 else None


def value_of(n):
    sign, digits, exponent = n
    v = Fraction(int(digits or 0)) * Fraction(10) ** (exponent - len(digits))
    return -v if sign else v


@functools.lru_cache(maxsize=1 << 16)
def spellings(n):
    """1200, 1,200, 1200.0, 1200.00, ... as texts have it."""
    sign, digits, exponent = n
    if exponent > 40 or len(digits) - exponent > 40:
        return frozenset()
    whole = digits[:exponent].ljust(exponent, "0") if exponent > 0 else "0"
    part = digits[exponent:] if exponent >= 0 else "0" * -exponent + digits
    return frozenset(sign + w + ("." + p if p else "") for w in (whole, f"{int(whole):,}")
                     for p in (part.ljust(least, "0") for least in range(3)))


@functools.lru_cache(maxsize=1 << 16)
def edges(needle):
    """Is its begin one of an address, one of a host, its end one of a host?"""
    address = ADDRESS.match(needle) is not None
    host = HOST.match(needle)[0]
    is_host = (not address and (host == needle or needle[len(host)] in "/:?#") and DOT.search(host) is not None)
    return address, is_host, (is_host and host == needle) or ENDS_IN_HOST.search(needle) is not None


def is_part_of_longer(needle, hay, i):
    address, host, ends = edges(needle)
    k, end = i, i + len(needle)
    while k > 0 and hay[k - 1] in (".+_-'%~&" if address else "-_"):
        k -= 1
    if (address or host) and k > 0 and is_letter(hay[k - 1]):
        return True
    if not ends or end == len(hay):
        return False
    return (not is_alnum(hay[end]) and is_letter(hay[end])) or (
        hay[end] in ".-" and end + 1 < len(hay) and is_letter(hay[end + 1]))


def places_in(needle, hay, is_number=False, is_loose=False):
    """Where it stands as whole words."""
    i = hay.find(needle)
    while i >= 0:
        end = i + len(needle)
        if ((i == 0 or not is_alnum(hay[i - 1])) and (end == len(hay) or not is_alnum(hay[end]))
                and not (is_number and (re.search("[0-9][.,]\\Z", hay[max(0, i - 2):i]) or
                                        re.match("[.,][0-9]", hay[end:end + 2])))
                and (is_loose or not is_part_of_longer(needle, hay, i))):
            yield i
        i = hay.find(needle, i + 1)


def stands_in(*a):
    return next(places_in(*a), None) is not None


def follows_id(value, hay):
    """In the user's words: "id: 5", "ID is 5" is another word between."""
    for i in places_in(value, hay, False, True):
        m = re.search("(?<![a-z0-9])id([^a-z0-9]+)\\Z", hay[:i])
        if m and len(m[1].encode()) <= 4:
            return True
    return False


def has_word(text):
    return any(is_alnum(c) or not c.isascii() for c in text)


def covers(pattern, pointer):
    p, q = pattern.split("/")[1:], pointer.split("/")[1:]
    return pattern == "" or (len(p) <= len(q) and all(a in ("*", b) for a, b in zip(p, q)))


class Links:
    """What in a text is known by its shape is the product's own word here: it has tests of its own."""
    process = None

    @classmethod
    @functools.lru_cache(maxsize=1 << 18)
    def of(cls, text):
        if cls.process is None:
            cls.process = subprocess.Popen([DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        cls.process.stdin.write(json.dumps({"links": text}) + "\n")
        return json.loads(cls.process.stdout.readline())

    @classmethod
    def end(cls):
        if cls.process is not None:
            cls.process.stdin.close()
            assert cls.process.wait(60) == 0


def is_data(key):
    return "@" in key or any(shape != "host" for shape, _ in Links.of(key))


def place_of(tool, pointer):
    return tool + ":" + "".join("/" + ("*" if s.isdigit() or (s and is_data(s)) else s) for s in pointer.split("/")[1:])


def leaves(v, pointer=""):
    """(kind, text, pointer) of each value, and of keys that are values."""
    if isinstance(v, dict):
        for k, x in v.items():
            p = pointer + "/" + k.replace("~", "~0").replace("/", "~1")
            if is_data(k):
                yield TEXT, k, p
            yield from leaves(x, p)
    elif isinstance(v, list):
        for i, x in enumerate(v):
            yield from leaves(x, f"{pointer}/{i}")
    elif isinstance(v, Number):
        yield NUMBER, str(v), pointer
    elif isinstance(v, str):
        yield TEXT, v, pointer


class Number(str):
    """A number as JSON writes it."""


def exact(v):
    return json.loads(json.dumps(v), parse_int=Number, parse_float=Number)


# What begins like a link is one, and no address.
FORMS = {"name": lambda t: re.fullmatch("(?=.*[A-Za-z0-9])[A-Za-z0-9_.-]{1,32}", t, re.A),
         "email": lambda t: re.fullmatch(r"(?i:(?!www\.))[A-Za-z0-9._+-]+@[A-Za-z0-9][A-Za-z0-9-]*(\.[A-Za-z0-9-]+)+", t)}
Leaf = collections.namedtuple("Leaf", "kind text canon number source is_id said place")


class Task:
    """Is the value where? `rules`: which of the two rules that came later count."""

    def __init__(self, prompt, identities):
        self.gaps, self.leaves, self.own = False, [], {}
        for text, place in [(prompt, "prompt")] + [(i, "user") for i in identities]:
            if self.find(TEXT, text)[0] != PROMPT:  # who the user is may stand in the prompt
                self.leaf(TEXT, text, PROMPT, False, None, place)

    def leaf(self, kind, text, source, is_id, said, place):
        if text.strip(" \t\r\n") and canon(text):
            self.leaves.append(Leaf(kind, text, canon(text), number(text) if kind == NUMBER else None, source, is_id,
                                    said, place))

    def output(self, c):
        if len(c["output"].encode()) > OUTPUT_MAX:
            self.gaps = True
            return
        said = tuple(c["said"])

        def of(pointer, text):
            trusted = c["is_trusted"] or any(covers(p, pointer) for p in c.get("trusted", ()))
            trusted = trusted and not any(covers(p, pointer) for p in c.get("untrusted", ()))
            trusted = trusted or any(FORMS[f](text) and any(covers(p, pointer) for p in ps)
                                     for f, ps in c.get("selectors", {}).items())
            trusted = trusted and not c.get("failed")
            own = any(covers(p, pointer) for p in c.get("vouches", ()))
            return TRUSTED if trusted else UNTRUSTED, any(covers(p, pointer) for p in c.get("ids", ())), (
                None if own or not trusted else said)

        if not c["json"]:
            wholly = c["is_trusted"] and not c.get("untrusted") and not c.get("failed")
            self.leaf(TEXT, c["output"], TRUSTED if wholly else UNTRUSTED, False,
                      said if wholly and not c.get("vouches") else None, c["call"] + ":")
            return
        for kind, text, pointer in leaves(json.loads(c["output"], parse_int=Number, parse_float=Number)):
            source, is_id, by = of(pointer, text)
            self.leaf(kind, text, source, is_id, by, place_of(c["call"], pointer))

    @staticmethod
    def hit(leaf, kind, value, v, n, is_loose):
        if kind == ID:
            return (leaf.is_id and leaf.text == value) or (
                leaf.source == PROMPT and leaf.number is None and has_word(v) and follows_id(v, leaf.canon))
        if leaf.number is not None:
            return n is not None and value_of(n) == value_of(leaf.number)
        if n is not None:
            return any(stands_in(s, leaf.canon, True, is_loose) for s in {v} | spellings(n) if s in leaf.canon)
        if not has_word(v):
            return v == leaf.canon
        return any(s in leaf.canon and stands_in(s, leaf.canon, False, is_loose) for s in forms(v))

    @staticmethod
    def repeats(said, kind, value):
        """Does a call with these arguments say the value itself?"""
        for v in [value] + ([t for _, t in Links.of(value)] if kind == TEXT else []):
            c, n = canon(v), number(v)
            for a in said:
                b = canon(a)
                if n is not None and number(a) is not None and value_of(n) == value_of(number(a)):
                    return True
                needles = ({c} | spellings(n)) if n is not None else forms(c)
                if kind == ID and v == value:
                    if b in needles:
                        return True
                elif (b == c if not has_word(c) else any(stands_in(s, b, n is not None, True) for s in needles)):
                    return True
        return False

    def find(self, kind, value, addresses=True, repeated=True):
        v, n = canon(value), number(value)
        said = {}
        for source in (PROMPT, TRUSTED, UNTRUSTED) if v else ():
            found = set()
            for l in self.leaves:
                if l.source != source or not self.hit(l, kind, value, v, n, not addresses):
                    continue
                if repeated and l.said is not None:
                    if l.said not in said:
                        said[l.said] = self.repeats(l.said, kind, value)
                    if said[l.said]:
                        continue
                found.add(l.place)
            if found:
                return source, found
        return UNTRUSTED if self.gaps else UNKNOWN, set()


# ---- the comparison ----------------------------------------------------------


class Both:
    """Says the same to both, and keeps what this one answers."""

    def __init__(self, name):
        self.name, self.task, self.count, self.wrong = name, None, 0, []
        self.classes, self.sources = collections.Counter(), collections.Counter()
        self.lines = tempfile.TemporaryFile("w+")
        self.asked, self.where = [], None

    def put(self, o):
        self.lines.write(json.dumps(o) + "\n")

    def begin(self, prompt, identities, where):
        self.task, self.where = Task(prompt, identities), where
        self.put({"prompt": prompt})
        for i in identities:
            self.put({"user": i})

    def call(self, tool, said, output, **rules):
        c = {"call": tool, "said": list(said), "output": output, **rules}
        self.put(c)
        self.task.output(c)

    def find(self, kind, value):
        if not value or "\0" in value:
            return
        self.put({"find": value, "kind": kind})
        mine = self.task.find(kind, value)
        self.asked.append((self.where, kind, value, mine))
        # What each of the two later rules is for.
        if mine[0] != self.task.find(kind, value, addresses=False)[0]:
            self.classes["a part of a longer address or host"] += 1
        if mine[0] != self.task.find(kind, value, repeated=False)[0]:
            self.classes["repeated by the call itself"] += 1

    def end(self, at_least, **classes):
        self.lines.seek(0)
        p = subprocess.run([DRIVER], stdin=self.lines, capture_output=True, text=True, timeout=500)
        assert p.returncode == 0, (p.returncode, p.stderr[-2000:])
        answers = [json.loads(l) for l in p.stdout.splitlines()]
        assert len(answers) == len(self.asked), (len(answers), len(self.asked))
        for a, (where, kind, value, (source, places)) in zip(answers, self.asked):
            self.sources[source] += 1
            got = set(a["places"])
            if a["more"] and a["source"] == UNTRUSTED != source:
                self.classes["not searched to the end: untrusted"] += 1
            elif a["source"] != source or (got != places if not a["more"] else not got <= places):
                self.wrong.append((where, kind, value, a, source, places))
        for w in self.wrong[:10]:
            print("DIFFERENT:", *w)
        print(f"{self.name}: {len(answers)} look-ups, {len(self.wrong)} differences; {dict(self.sources)}; "
              f"{dict(self.classes)}")
        assert not self.wrong
        assert len(answers) >= at_least, (len(answers), at_least)
        for name, least in classes.items():
            had = sum(n for k, n in self.classes.items() if k.startswith(name.replace("_", " ")))
            assert had >= least, (name, had)
        assert not self.classes["not searched to the end: untrusted"] or self.name == "hard ones"


def read(folder, end):
    found = []
    for path in sorted(glob.glob(f"{folder}/*_{end}.jsonl*")):
        with (lzma.open if path.endswith(".xz") else open)(path, "rt", encoding="utf-8") as f:
            found += [json.loads(l) for l in f if l.strip()]
    return found


def is_id(name):
    return name in ("id", "id_") or name.endswith("_id")


def ids_of(v):
    return sorted({p for _, _, p in leaves(v) if is_id(p.rsplit("/", 1)[-1])})


def ask_arguments(both, args):
    for name, v in exact(args).items():
        for kind, text, _ in leaves(v):
            both.find(ID if is_id(name) else kind, text)
            for _, link in Links.of(text) if kind == TEXT else ():
                both.find(TEXT, link)


def ask_outputs(both, rng, most):
    """What an agent could pass on: leaves as they are, and their words."""
    pool = {}
    for l in both.task.leaves:
        if len(l.text) <= 80:
            pool[l.kind, l.text] = pool[ID, l.text] = True
        for word in l.text.split():
            pool[TEXT, word] = True
    for kind, text in rng.sample(sorted(pool), min(most, len(pool))):
        both.find(kind, text)


def traces(name, folder, at_least, **classes):
    both, rng = Both(name), random.Random(7)
    tools = {(t["suite"], t["tool"]): t for t in read(folder, "tools")}
    identities = []
    for path in glob.glob(f"{folder}/*_labels.json"):
        with open(path, encoding="utf-8") as f:
            identities += json.load(f).get("user_identities", [])
    for label in "FC":
        for end in ("user_tasks", "attack_pairs"):
            for r in read(folder, end):
                both.begin(r["user_task"], identities, (label, r["suite"], r["task_id"]))
                for c in r["calls"]:
                    ask_arguments(both, c["args"])
                    output = c["output"]
                    both.call(c["tool"], [t for v in c["args"].values() for _, t, _ in leaves(exact(v))],
                              json.dumps(output), json=True, is_trusted=True, untrusted=c.get(f"untrusted_{label}", [""]),
                              ids=ids_of(output), failed=bool(c.get("error")))
                if end == "user_tasks":
                    ask_outputs(both, rng, 100)
    prompts = {(t["suite"], t["task_id"]): t["user_task"] for t in read(folder, "user_tasks")}
    for r in read(folder, "recorded_runs"):
        both.begin(r["user_task"] or prompts[r["suite"], r["user_task_id"]], identities, ("run", r["suite"], r["task_id"]))
        for c in r["calls"]:
            if not c["tool"]:
                continue
            args = c["args"] or {}
            ask_arguments(both, args)
            known = tools.get((r["suite"], c["tool"]))
            output = c["output"] if isinstance(c["output"], str) else json.dumps(c["output"])
            both.call(c["tool"], [t for v in args.values() for _, t, _ in leaves(exact(v))], output, json=False,
                      is_trusted=bool(known) and not known["untrusted_F_patterns"], failed=bool(c.get("error")))
    both.end(at_least, **classes)


PARTS = ["ann", "Bob", "x", "5", "12", "1,200", "200.50", "0", "id", "ID", "@", ".", "-", "_", "/", ":", "#", "?", "+", "'",
         "%", ",", " ", "\t", "\u00a0", "\u3000", "example", "acme", "co", "uk", "com", "http://", "HTTPS://", "www.",
         "\u00e9", "\u0416", "\u65e5\u672c", "\U0001f389", "(", ")", "<", ">", "e3", "E", "~", "a@b.example",
         "\u200b", "\u00ad", "\uff41", "\uff0e", "\uff0f", "\u3002", "[.]", "(dot)", "[DOT]", "[", "hxxps://", "ftp://", "evil.example",
         "DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "0x" + "a7" * 20,
         "smith@x.example", "anna.smith@x.example", "acme.co.uk", "https://acme.co/x", "DE89370400440532013000"]


def hard_text(rng, most):
    return "".join(rng.choice(PARTS) for _ in range(rng.randint(1, most)))


def hard_number(rng):
    return rng.choice(["0", "-1", "1200", "1200.0", "12e2", "1.2e3", "0.5", "-0.0", "200.50", "1e400", "5", "12",
                       "123456789012345678901234567890123456789012", "1000000"])


def hard_output(both, rng, said):
    values = [rng.choice(said) if said and rng.random() < 0.3 else
              Number(hard_number(rng)) if rng.random() < 0.3 else hard_text(rng, 8) for _ in range(4)]
    text = "[" + ",".join(v if isinstance(v, Number) else json.dumps(v) for v in values[:3]) + \
        ',{"k":' + json.dumps(str(values[3])) + "," + json.dumps(hard_text(rng, 3)) + ":[1,2]}]"
    pick = lambda *of: sorted({p for p in of if rng.random() < 0.3})
    some = pick("/0", "/*", "/3/k", "")
    both.call("t", said, text, json=True, is_trusted=rng.random() < 0.5, untrusted=some, trusted=pick("/1", "/3"),
              ids=pick("/0", "/2"), vouches=pick("/1", "/3/*"), selectors={"name": pick("/0", "/*"), "email": pick("/2")},
              failed=rng.random() < 0.1)


def hard_ones():
    both, rng = Both("hard ones"), random.Random(11)
    for i in range(700):
        both.begin(hard_text(rng, 10), ["me@x.example"], i)
        spoken = []
        for _ in range(rng.randint(1, 4)):
            said = [hard_number(rng) if rng.random() < 0.2 else hard_text(rng, 4) for _ in range(rng.randint(0, 2))]
            spoken += said
            if rng.random() < 0.3:
                both.call("u", said, hard_text(rng, 12), json=False, is_trusted=rng.random() < 0.7)
            else:
                hard_output(both, rng, said)
        some = [l.text for l in both.task.leaves] + spoken
        for _ in range(12):
            v = rng.choice(some)
            cut = sorted((rng.randint(0, len(v)), rng.randint(0, len(v))))
            for value in (v, v[cut[0]:cut[1]], v.upper(), hard_text(rng, 3), hard_number(rng)):
                both.find(rng.choice((TEXT, TEXT, TEXT, ID)), value)
                if number(value) is not None:
                    both.find(NUMBER, value)
    both.end(50000, a_part=25, repeated=400)


def main():
    with tempfile.TemporaryDirectory() as d:
        subprocess.run([sys.executable, os.path.join(HERE, "make_traces.py"), d], check=True)
        traces("our own traces", d, 50)
    hard_ones()
    Links.of.cache_clear()
    top = os.environ.get("TIPSTAFF_SHARED") or os.path.join(HERE, "..", "..", "..", "..", "shared")
    if os.path.isdir(os.path.join(top, "traces")):
        traces("shared traces", os.path.join(top, "traces"), 14828)
    else:
        print("SKIPPED: ../shared is absent")
    Links.end()


main()
