#!/usr/bin/python3
"""Runs the program of probes in every box and judges it; script/escape calls it.

A verdict is the program's own, corrected from outside (victims.py): what was
seen there counts as ALLOWED whatever the program said, and what can only be
seen there counts as STOPPED when it was not.
"""
import argparse
import json
import os
import subprocess
import sys
import time

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import host  # noqa: E402
import kubernetes  # noqa: E402
import peers  # noqa: E402
import service  # noqa: E402
import table  # noqa: E402
import victims  # noqa: E402

# our own modes: name, level, profile
OURS = {
    "bare": ("bare", "files"), "uid": ("uid", "files"), "full": ("full", "files"),
    "strict": ("strict", "files"),
    "bare-pure": ("bare", "pure"), "bare-build": ("bare", "build"),
    "bare-jit": ("bare", "jit"), "full-pure": ("full", "pure"), "full-build": ("full", "build"),
    "full-net": ("full", "net"), "full-jit": ("full", "jit"),
}
MODES = list(OURS) + ["bare-kubernetes"] + list(peers.PEERS)
# what of root's is made of a mount namespace
NEED_MOUNTS = {name: "%s boxes are" % level for name, (level, _) in OURS.items()
               if level in ("full", "strict")}
NEED_MOUNTS |= {"bare-kubernetes": "containers are", "plain-root": "a mount namespace for plain-root is"}
EXPECTED = os.path.join(HERE, "expected.yaml")


def progress(text):
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + text)
        sys.stderr.flush()


def inherited(folder):
    """A folder's descriptor at 33, as in CVE-2024-21626."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.dup2(fd, 33, inheritable=True)
    os.close(fd)
    return 33


def parse(text):
    found = {}
    for line in text.splitlines():
        parts = line.split("\t")
        if len(parts) == 4 and parts[1] in ("STOPPED", "ALLOWED", "UNSURE"):
            found[parts[0]] = dict(verdict=parts[1], errno=parts[2], note=parts[3])
    return found


def judge(found, effects):
    for name, what in effects.items():
        before = found.get(name, {}).get("verdict", "nothing")
        if before != "ALLOWED":
            found[name] = dict(verdict="ALLOWED", errno="-", note="seen outside: " + what)
    for name in victims.OUTSIDE_ONLY & set(found):
        if found[name]["verdict"] == "ALLOWED" and name not in effects:
            found[name] = dict(found[name], verdict="STOPPED", note="not seen outside")
    return found


def ask_pure(s, facts, names):
    """A tool that may not fork runs one probe at a time."""
    found = {}
    for i, name in enumerate(names):
        progress("%d of %d %s" % (i, len(names), name))
        code, out, err = s.call("escape.probe", "facts=" + facts, "only=" + name)
        got = parse(out)
        if name not in got:  # the filter ends who uses another door
            got[name] = dict(verdict="STOPPED" if code != 0 else "UNSURE", errno="-",
                             note=err.strip().split("\n")[-1][-60:])
        found.update(got)
    return found


def run_ours(name, probe, names):
    level, profile = OURS[name]
    ids = service_ids()
    v = victims.Victims(*ids, probe)
    s = None
    try:
        s = service.Service("service.sh", level, profile, probe, fds=[inherited(v.dir)])
        facts = v.facts(**s.facts())
        if profile == "pure":
            found = ask_pure(s, facts, names)
        else:
            code, out, err = s.call("escape.probe", "facts=" + facts)
            found = parse(out)
            if len(found) < len(names):
                raise RuntimeError("%d of %d answers, exit %d: %s"
                                   % (len(found), len(names), code, err.strip()[-400:]))
        effects = v.effects()
        return dict(probes=judge(found, effects), effects=effects, record=s.layers())
    finally:
        if s is not None:
            s.close()
        v.close()


def service_ids():
    """Whom `tipstaff init` lets the launcher run as."""
    if os.geteuid() != 0:
        return os.getuid(), os.getgid()
    text = subprocess.run(
        ["bash", "-c", ". %s/script/lib.sh; . %s/script/service.sh; service_setup ids >&2; "
         "service_uid launcher" % (TOP, TOP)], capture_output=True, text=True, check=True).stdout
    return int(text), int(text)


def run_peer(name, probe, names):
    if not peers.available(name):
        return dict(skipped="not installed here")
    v = victims.Victims(peers.ids_of(name), peers.ids_of(name), probe)
    try:
        code, out, err = peers.run(name, v, v.path("program"), inherited(v.dir))
        found = parse(out)
        if len(found) < len(names) // 2:
            return dict(skipped="does not run here: exit %d: %s" % (code, err.strip()[-200:]))
        for n in set(names) - set(found):
            found[n] = dict(verdict="UNSURE", errno="-", note="the program ended")
        effects = v.effects()
        return dict(probes=judge(found, effects), effects=effects)
    finally:
        v.close()


def run_mode(name, probe, names):
    if os.geteuid() == 0 and name in NEED_MOUNTS and not host.gives(NEED_MOUNTS[name]):
        return dict(skipped="not given here: " + host.mounts_refused())
    if name in OURS:
        return run_ours(name, probe, names)
    if name == "bare-kubernetes":
        return kubernetes.run(TOP, probe, names)
    return run_peer(name, probe, names)


def expectations():
    with open(EXPECTED) as f:
        doc = yaml.safe_load(f)
    out = {}
    for mode, entry in doc["modes"].items():
        allowed = {}
        chain, m = [], entry
        while m is not None:
            chain.append(m)
            m = doc["modes"].get(m.get("as"))
        for m in reversed(chain):
            allowed.update(m.get("allowed") or {})
            for name in m.get("stopped") or []:
                allowed.pop(name, None)
        out[mode] = allowed
    return out, doc


def differences(name, result, names):
    """What is not as the file says; [] is as it should be."""
    allowed = expectations()[0].get(name)
    if allowed is None or "probes" not in result:
        return []
    wrong = []
    for n in names:
        r = result["probes"].get(n, dict(verdict="UNSURE", errno="-", note="no answer"))
        if r["verdict"] == "ALLOWED" and n not in allowed:
            wrong.append("%s: %s is ALLOWED (%s, %s)" % (name, n, r["errno"], r["note"]))
        if r["verdict"] == "STOPPED" and n in allowed:
            wrong.append("%s: %s is STOPPED now (%s); take it from expected.yaml"
                         % (name, n, r["errno"]))
        if r["verdict"] == "UNSURE":
            wrong.append("%s: %s is UNSURE (%s, %s)" % (name, n, r["errno"], r["note"]))
    for n in set(result["effects"]) - set(names):
        wrong.append("%s: something outside changed: %s" % (name, result["effects"][n]))
    return wrong


def cannot_fail(results, names):
    """Probes that no unboxed run shows, and that no reason excuses."""
    excused = expectations()[1]["cannot_be_shown"]
    shown = set()
    for mode in ("plain", "plain-root"):
        shown |= {n for n, r in results.get(mode, {}).get("probes", {}).items()
                  if r["verdict"] == "ALLOWED"}
    wrong = ["%s is STOPPED without any box: give a reason in cannot_be_shown" % n
             for n in names if n not in shown and n not in excused]
    wrong += ["%s is shown to work here; take it from cannot_be_shown" % n
              for n in excused if n in shown and not excused[n].startswith("depends")]
    return wrong


def arguments():
    a = argparse.ArgumentParser(prog="script/escape", description=__doc__.split("\n")[0])
    a.add_argument("modes", nargs="*", metavar="MODE", help="of: " + " ".join(MODES))
    a.add_argument("--docs", action="store_true", help="run all and write docs/ESCAPE.md")
    a.add_argument("--json", action="store_true", help="results as JSON")
    a.add_argument("--list", action="store_true", help="the probes")
    a.add_argument("--ours", action="store_true", help="our own modes")
    a.add_argument("--build", default=os.path.join(TOP, "build"), help="folder of the build")
    a.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)  # of the container
    a.add_argument("--available", action="store_true",
                   help="pass over modes that this build's service does not know")
    args = a.parse_args()
    for m in args.modes:
        if m not in MODES:
            a.error("no mode %r; one of: %s" % (m, " ".join(MODES)))
    return args


def main():
    args = arguments()
    probe = os.path.join(args.build, "tests", "escape_probe")
    os.environ.setdefault("TIPSTAFF_BIN", os.path.join(args.build, "bin"))
    listing = subprocess.run([probe, "--list"], capture_output=True, text=True, check=True).stdout
    what = dict(line.split("\t") for line in listing.splitlines())
    names = list(what)
    if args.list:
        print(listing, end="")
        return 0
    modes = args.modes or (list(OURS) + ["bare-kubernetes"] if args.ours else MODES)
    results, wrong = {}, []
    for i, mode in enumerate(modes):
        progress("%d of %d %s" % (i + 1, len(modes), mode))
        start = time.time()
        try:
            results[mode] = run_mode(mode, probe, names)
        except RuntimeError as e:
            results[mode] = dict(skipped=str(e))
            if not args.available:
                wrong.append("%s: %s" % (mode, e))
        results[mode]["seconds"] = round(time.time() - start, 1)
        if not args.inside:
            wrong += differences(mode, results[mode], names)
    progress("")
    both = {"plain", "plain-root"}
    if both <= set(results) and os.geteuid() == 0 and host.mounts_refused() is None:
        wrong += cannot_fail(results, names)
    if args.json:
        json.dump(dict(probes=what, modes=results, wrong=wrong), sys.stdout, indent=1)
        print()
    else:
        print(table.short(what, results))
    if args.docs:
        with open(os.path.join(TOP, "docs", "ESCAPE.md"), "w") as f:
            f.write(table.document(what, results, *expectations()))
    for w in wrong:
        print("UNEXPECTED " + w, file=sys.stderr)
    return 1 if wrong else 0


TOP = os.path.abspath(os.path.join(HERE, "..", "..", ".."))
if __name__ == "__main__":
    sys.exit(main())
