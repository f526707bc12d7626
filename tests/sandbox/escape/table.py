"""Tables of the results, for the terminal and for docs/ESCAPE.md."""

OURS = ("bare", "uid", "full", "strict")
AREA_TEXT = {
    "fs": "read, list or learn of what lies outside", "write": "change something outside",
    "process": "other processes, the launcher, the gate", "tty": "terminals", "keys": "key rings",
    "kernel": "calls whose code a tool has no business with",
    "guess": "the launcher's own calls, with guessed keys", "privilege": "more rights",
    "namespace": "new or foreign namespaces, mounts", "network": "the network by numbers",
    "unix": "sockets by name", "leaks": "what came along without being given",
    "exec": "run what was not authorised", "memory": "memory that is written, then run",
    "ipc": "shared memory and queues", "limits": "more of the machine than was given"}


def areas(what):
    return list(dict.fromkeys(name.split(".")[0] for name in what))


def counts(what, result):
    """Per area how many are ALLOWED."""
    row = {a: 0 for a in areas(what)}
    for name, r in result["probes"].items():
        if r["verdict"] == "ALLOWED" and name in what:
            row[name.split(".")[0]] += 1
    return row


def unsure(result):
    return sum(r["verdict"] == "UNSURE" for r in result["probes"].values())


def short(what, results):
    head = areas(what)
    lines = ["of %d probes, how many were ALLOWED" % len(what),
             "%-16s %5s %6s %5s %s" % ("", "total", "unsure", "seen",
                                       " ".join("%6.6s" % a for a in head))]
    for mode, r in results.items():
        if "probes" not in r:
            lines.append("%-16s %s" % (mode, r["skipped"].splitlines()[0][:100]))
            continue
        row = counts(what, r)
        lines.append("%-16s %5d %6d %5d %s" % (mode, sum(row.values()), unsure(r), len(r["effects"]),
                                               " ".join("%6d" % row[a] for a in head)))
    return "\n".join(lines)


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def _summary(what, results):
    head = areas(what)
    yield "| box | total | " + " | ".join(head) + " | seen outside |"
    yield "|---|" + "---|" * (len(head) + 2)
    for mode, r in results.items():
        if "probes" not in r:
            yield "| %s | not run: %s |" % (mode, cell(r["skipped"].splitlines()[0][:80])) \
                + " |" * (len(head) + 1)
            continue
        row = counts(what, r)
        yield "| %s | **%d** | " % (mode, sum(row.values())) \
            + " | ".join(str(row[a]) for a in head) + " | %d |" % len(r["effects"])


def _reasons(results, expected):
    """What our own boxes let through, each with its reason."""
    modes = [m for m in results if m in expected and "probes" in results[m]]
    yield "| probe | " + " | ".join(modes) + " | why |"
    yield "|---|" + "---|" * (len(modes) + 1)
    seen = {}
    for m in modes:
        for name, why in expected[m].items():
            seen.setdefault(name, why)
    for name, why in sorted(seen.items()):
        marks = ["x" if results[m]["probes"].get(name, {}).get("verdict") == "ALLOWED" else ""
                 for m in modes]
        yield "| `%s` | %s | %s |" % (name, " | ".join(marks), cell(why))


def _every(what, results):
    modes = [m for m in results if "probes" in results[m]]
    yield "| probe | what it tries | " + " | ".join(modes) + " |"
    yield "|---|---|" + "---|" * len(modes)
    sign = {"STOPPED": "", "ALLOWED": "**x**", "UNSURE": "?"}
    for name, text in what.items():
        marks = [sign[results[m]["probes"].get(name, {"verdict": "UNSURE"})["verdict"]]
                 for m in modes]
        yield "| `%s` | %s | %s |" % (name, cell(text), " | ".join(marks))


def document(what, results, expected, doc):
    out = ["# Ways out", "",
           "Written by `script/escape --docs`; do not edit. %d probes, each in a process of its own, each"
           % len(what),
           "harmless, judged from outside where they have outside effects (`tests/sandbox/escape`). An **x** is a",
           "probe that was *not* stopped. The columns bare to strict are our levels with the profile `files`;",
           "`bare-kubernetes` is level bare, with the whole service in a pod of profile `restricted`; `plain` is",
           "no box at all (a uid of its own), `plain-root` the same as root: they show that a probe can fail.", "",
           "## How many were not stopped", "", *_summary(what, results), "",
           "Peers run with the flags that their documents show for untrusted programs, under a terminal, with",
           "a folder at descriptor 33 and a secret in the environment, as a careless caller leaves them. A count is",
           "no severity: a terminal, a call that is merely reached, and a secret that is read count one each.",
           "What a peer's own network or process namespace holds is inside its box, and yet counts where the call",
           "is possible at all.", "",
           "| area | |", "|---|---|",
           *("| %s | %s |" % (a, AREA_TEXT[a]) for a in areas(what)), "",
           "## What our boxes let through, and why", "", *_reasons(results, expected), "",
           "## What this host cannot show", "",
           "Probes that are stopped here even without a box: of them a run says less.", "",
           "| probe | why |", "|---|---|",
           *("| `%s` | %s |" % (n, cell(w)) for n, w in sorted(doc["cannot_be_shown"].items())), "",
           "## Every probe", "", *_every(what, results), ""]
    return "\n".join(out)
