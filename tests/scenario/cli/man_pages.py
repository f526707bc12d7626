"""Each command, option and default of --help is on its man page, and each option
of a page is one of --help. Each page is named by the overview, tipstaff(1)."""
import os
import re
import sys

from helps import BIN, TOP, commands, options_of, run, takes

MAN = os.path.join(TOP, "docs/man")
SHARED = {"attenuate": "delegate", "delegation": "delegate"}  # on one page
errors = []


def read(page):
    with open(os.path.join(MAN, page + ".scd"), encoding="utf-8") as f:
        return f.read()


def said_by(text, own):
    """Options that a page names, but for examples of whole commands, and other pages' commands."""
    text = re.sub(r"\*tipstaff (?!(?:%s)\b)[a-z][^*]*\*" % "|".join(own), "", text)
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    text = re.sub(r"^# EXAMPLES.*?(?=^# |\Z)", "", text, flags=re.S | re.M)
    return set(re.findall(r"(?<![\w-])(--[a-z][a-z-]*|-[a-zA-Z](?![\w-]))", text))


pages = {}
for words, text in commands():
    page = "tipstaff-%s.1" % SHARED.get(words[0], words[0])
    pages.setdefault(page, []).append((words, text))
    if not text.startswith("usage: tipstaff %s" % " ".join(words)):
        errors.append("%s --help begins with: %s" % (" ".join(words), text.splitlines()[0]))
    if "\nexamples:\n" not in text:
        errors.append("%s --help has no example" % " ".join(words))
for program, page in (("tipstaff-shim", "tipstaff-shim.1"), ("tipstaffd", "tipstaffd.8")):
    pages[page] = [((program,), run(os.path.join(BIN, program), "--help"))]

for page, helps in sorted(pages.items()):
    if not os.path.exists(os.path.join(MAN, page + ".scd")):
        errors.append("there is no docs/man/%s.scd" % page)
        continue
    body = read(page)
    said = said_by(body, {words[0] for words, _ in helps})
    known = set()
    for words, text in helps:
        options = options_of(text)
        known |= options
        for option in sorted(options - said):
            errors.append("%s: %s %s is not on the page" % (page, " ".join(words), option))
        name = " ".join(words) if words[0].startswith("tipstaff") else "tipstaff " + " ".join(words)
        if not re.search(r"\*%s\b" % re.escape(name), body):
            errors.append("%s: the synopsis does not have %s" % (page, name))
    for option in sorted(said - known - {"--help", "--version"}):
        if any(takes(words, option) for words, _ in helps):
            continue  # a second name, which --help leaves out
        errors.append("%s: %s is no option of %s" % (page, option, helps[0][0][0]))

overview = read("tipstaff.1")
for name in sorted(os.listdir(MAN)):
    stem, section, _ = name.rsplit(".", 2)
    if stem != "tipstaff" and "*%s*(%s)" % (stem, section) not in overview:
        errors.append("tipstaff.1 does not name %s(%s)" % (stem, section))
    seen = re.findall(r"\*([a-z.-]+)\*\(([1-8])\)", read(name[:-4]))
    for other, number in seen:
        if other.startswith("tipstaff") and not os.path.exists(os.path.join(MAN, "%s.%s.scd" % (other, number))):
            errors.append("%s names %s(%s), which is not there" % (name, other, number))

count = sum(len(h) for h in pages.values())
if count < 35:
    errors.append("only %d commands were found" % count)
for e in errors:
    print(e)
print("%d commands, %d pages, %d errors" % (count, len(pages), len(errors)))
sys.exit(1 if errors else 0)
