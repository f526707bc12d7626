"""The figures of script/bench --box, each beside its bar. table.py DIR [JSON]"""
import json
import os
import statistics
import sys

here = sys.argv[1]
rows = json.load(open(os.path.join(here, "box.json")))


def of(round_, name, key="us"):
    for r in rows:
        if r["round"] == round_ and r["name"] == name:
            return r.get(key)
    return None


def seconds(name):
    path = os.path.join(here, name)
    if not os.path.exists(path):
        return None
    return statistics.median(int(x) for x in open(path)) / 1e6


bars = []  # (what, value, unit, bar, met, what it compares)


def bar(what, value, limit, compares, at_least=False, unit="x"):
    if value is None:
        bars.append((what, None, unit, limit, None, at_least, compares))
        return
    met = value >= limit if at_least else value <= limit
    bars.append((what, value, unit, limit, met, at_least, compares))


def over(a, b):
    return a / b if a is not None and b else None


LIKE = "like for like"
bar("bare box / floor, in place", of("place", "bare", "ratio"), 1.5,
    LIKE + ": one process makes both in turn; clone .. exec .. end")
bar("  stretch", of("place", "bare", "ratio"), 1.3, "the same")
bar("full box / floor, in place", of("place", "full", "ratio"), 3.5,
    LIKE + ": as above; private /tmp, own /proc, pid, net, ipc, uts; the root is a prepared one")
bar("bare, whole order / floor", of("hot", "bare work", "ratio"), 1.5,
    "not like for like: checks, pipes and rules are in it, and none in the floor")
bar("full, whole order / floor", of("hot", "full work", "ratio"), 3.5, "the same")
b = of("cold", "bwrap --unshare-all")
bar("bwrap cold / full box", over(b, of("cold", "full")), 6,
    "NOT like for like: bwrap makes its root and network, ours are prepared", True)
bar("bwrap cold / full, order .. EXITED", over(b, of("cold", "full asked")), 6,
    "the same, with both of our sockets and the whole order in ours", True)
bar("bwrap on the host's network / full box", over(of("cold", "bwrap, host's network"), of("cold", "full")), 6,
    "nearer: neither makes a network", True)


def rate(name, at_once, key):
    for r in rows:
        if r["round"] == "rate" and r["name"] == name and r["at_once"] == at_once:
            return r.get(key)
    return None


for n in (1, 4):
    bar(f"launches/s, {n} at a time: full / bwrap", rate("full", n, "over_peer"), 12,
        "NOT like for like (prepared root and network); ours with its sockets; slices in turn", True)
bar("bare, 1 GiB in the launcher / without", of("memory", "bare_1g work", "ratio"), 1.3, LIKE)
bar("full, 1 GiB in the launcher / without", of("memory", "full_1g work", "ratio"), 1.3, LIKE)
for k in ("bare", "uid", "full", "strict", "userns"):
    bar(f"kill of 100 daemons, {k}", of("kill", k, "ms"), 15, "order .. EXITED: all are gone and reaped", unit="ms")
for k in ("bare", "full"):
    for how, says in (("written", "in the ring .. record written .. sent .. decoded .. begun / the last two; same launches"),
                      ("synced", "the same with the disk in it: the record is synced before the order is sent")):
        bar(f"order in the ring .. tool began, {k}, {how}", of("order", f"{k}, {how}", "ratio"), 2, says)
bar("CALL .. tool began / order .. tool began, full", over(of("ring", "CALL"), of("ring", "full begun")), 2,
    "not what the bar asks: decision, record, sync and both ways of the agent's socket are in it")
bar("the set, from its start to ready", seconds("starts"), 250,
    "all processes and the canary in every box of five launchers", unit="ms")
bar("tipstaff doctor", seconds("doctors"), 250, "every layer tried", unit="ms")

say = print
say("one launch, us (median, and median of the rounds' ratios to the floor)")
for r in rows:
    if r["round"] in ("place", "hot", "memory", "cold", "ring", "order"):
        say(f"  {r['round']:7}{r['name']:38}{r['us']:10.1f} {r['ratio']:8.2f}x   p10 {r['p10_us']:.1f}  p90 {r['p90_us']:.1f}")
say("launches per second (median of slices in turn), times bwrap --unshare-all, and processor time of one")
for r in rows:
    if r["round"] == "rate":
        say(f"  {r['at_once']} at a time  {r['name']:38}{r['per_s']:8} {r.get('over_peer', 0):8.2f}x {r['cpu_us']:8} us")
say("what a release is held to")
for what, value, unit, limit, met, at_least, compares in bars:
    shown = "-" if value is None else f"{value:.2f}"
    word = "absent" if met is None else "met" if met else "MISSED"
    say(f"  {what:46}{shown:>8} {unit:3}{'>=' if at_least else '<='} {limit:<5}{word:8}{compares}")
if os.path.exists(os.path.join(here, "srt.json")):
    s = json.load(open(os.path.join(here, "srt.json")))
    say(f"sandbox-runtime besides: initialize {s['srt_initialize_ms']:.0f} ms once, wrap {s['srt_wrap_ms']:.1f} ms a command")
if os.path.exists("/sys/fs/cgroup/unified"):
    kind = [x for x in open("/proc/mounts") if " cgroup2 " in x and "favordynmods" in x]
    if kind:
        say("cgroup2 is mounted with favordynmods here: joining a group is cheaper than on most hosts")
if len(sys.argv) > 2:
    json.dump({"rows": rows, "bars": [dict(zip(("what", "value", "unit", "bar", "met", "at_least", "compares"), x)) for x in bars]},
              open(sys.argv[2], "w"), indent=1)
