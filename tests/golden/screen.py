"""What tests of screens share: how wide a line is, and what a screen should be."""
import os
import unicodedata


def columns(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def differ(folder, name, got, check):
    """check(False, ...) unless got is NAME.expected; GOLDEN_UPDATE=1 writes it instead."""
    path = os.path.join(folder, name + ".expected")
    if os.environ.get("GOLDEN_UPDATE"):
        with open(path, "w", encoding="utf-8") as f:
            f.write(got)
        return
    with open(path, encoding="utf-8") as f:
        want = f.read()
    if got == want:
        return
    check(False, f"{name} is not {name}.expected")
    for a, b in zip(got.splitlines(), want.splitlines()):
        if a != b:
            print(f"  got  {a}\n  want {b}")
            break
