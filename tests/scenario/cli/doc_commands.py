"""Each command that a document prints is one of the programs', with options that
it takes: README, docs, man pages, and what the starter writes."""
import glob
import os
import re
import sys

from helps import BIN, TOP, commands, options_of, run, takes

errors = []
known = {tuple(words): options_of(text) for words, text in commands()}
for program in ("tipstaff-shim", "tipstaffd"):
    known[(program,)] = options_of(run(os.path.join(BIN, program), "--help"))
SECOND = {"approval": "approvals"}  # names that --help leaves out


def printed(text):
    """Whole command lines in blocks and between backticks or asterisks."""
    text = re.sub(r"\\\n\s*", " ", text)
    for line in text.splitlines():
        for piece in [line] if re.match(r"\s{4}|\t|[$#!]? ?(sudo )?tipstaff|.*\| tipstaff", line) else \
                re.findall(r"`([^`]*)`", line):
            for m in re.finditer(r"(?<![\w/.*-])(tipstaff(?:-shim|d)?)((?: [^|;&<>#`]+)?)", piece):
                yield m.group(1), m.group(2).split()


def check(name, program, words):
    if program == "tipstaff":
        words = [SECOND.get(w, w) for w in words[:1]] + words[1:]
        n = next((k for k in (3, 2, 1) if tuple(words[:k]) in known), 0)
        if n == 0:
            # prose, a placeholder, or --version; with an option it is meant as a command
            names = [w for w in words if re.fullmatch(r"[a-z][a-z-]*", w)][:2]
            if names and names == words[:len(names)] and any(w.startswith("--") for w in words[len(names):]):
                errors.append("%s: there is no tipstaff %s" % (name, " ".join(names)))
            return 0
        command, rest = tuple(words[:n]), words[n:]
    else:
        command, rest = (program,), words
    for w in rest:
        m = re.match(r"\[?(--[a-z][a-z-]*)(?=[=\])'\",.:]|$)", w)
        if m and m.group(1) not in known[command] | {"--help", "--version"} and not takes(command, m.group(1)):
            errors.append("%s: %s takes no %s" % (name, " ".join(command), m.group(1)))
    return 1


count = 0
pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "tests/scenario/e2e/README.md"]
pages += [os.path.relpath(p, TOP) for p in sorted(glob.glob(os.path.join(TOP, "docs/*.md")) +
                                                  glob.glob(os.path.join(TOP, "docs/man/*.scd")) +
                                                  glob.glob(os.path.join(TOP, "cli/starter/**/*"), recursive=True) +
                                                  glob.glob(os.path.join(TOP, "kubernetes/**/*"), recursive=True) +
                                                  glob.glob(os.path.join(TOP, "systemd/*")))]
for page in pages:
    if os.path.isfile(os.path.join(TOP, page)):
        with open(os.path.join(TOP, page), encoding="utf-8") as f:
            body = f.read()
        if page.endswith(".scd"):  # bold and italics
            body = re.sub(r"(?<!\w)[*_]|[*_](?!\w)", "", body)
        for program, words in printed(body):
            count += check(page, program, words)
if count < 250:
    errors.append("only %d commands were found" % count)
for e in errors:
    print(e)
print("%d commands of %d pages, %d errors" % (count, len(pages), len(errors)))
sys.exit(1 if errors else 0)
