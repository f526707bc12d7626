"""Small wrongs, from a seeded generator: in the values of an object before it
is signed, in the bytes that are signed, and in the bytes that arrive."""
from . import pae as p

BAD_POINTS = [bytes.fromhex(h) for h in (
    "01" + "00" * 31, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "f0" + "ff" * 30 + "7f", "95" + "99" * 31)]
TEXTS = ["", "a", "alice", "bob", "coder", "coder/x", "coder//x", "coder/../x", "coder2/x", "builder",
         "acme", "other", "t" * 128, "t" * 129, "p" * 4096, "p" * 4097, 'a"b', "a b", "\u0430", "a\0b",
         "x" * 31, "x" * 32, "x" * 255, "x" * 256, "x" * 257, "k1", "K1", "1k"]
EDGES = [0, 1, 7, 8, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63, 2**64 - 1]


class Mutator:
    def __init__(self, rnd, now, blobs):
        self.rnd, self.now, self.blobs = rnd, now, blobs

    def number(self, v):
        near = [v + d for d in (-1, 1)] + [self.now + d for d in (-60, -1, 0, 1, 5, 6, 60)]
        return max(0, min(2**64 - 1, self.rnd.choice(near + EDGES)))

    def blob(self, v):
        r = self.rnd
        how = r.randrange(6)
        if how == 0 and v:
            at = r.randrange(len(v))
            return v[:at] + bytes([v[at] ^ (1 << r.randrange(8))]) + v[at + 1:]
        if how == 1:
            return v[:-1]
        if how == 2:
            return v + b"\0"
        if how == 3:
            return r.choice(BAD_POINTS)
        return r.choice([b"", r.choice(self.blobs), r.choice(self.blobs)])

    def items(self, v):
        r, v = self.rnd, list(v)
        how = r.randrange(6)
        if how == 0 and v:
            del v[r.randrange(len(v))]
        elif how == 1 and v:
            v.insert(r.randrange(len(v) + 1), r.choice(v))
        elif how == 2 and len(v) > 1:
            i, j = r.sample(range(len(v)), 2)
            v[i], v[j] = v[j], v[i]
        elif how == 3:
            v.append(0)
        elif how == 4 and v:
            v = v * r.randrange(2, 20)
        else:
            v = []
        return v

    def other_type(self, v):
        return self.rnd.choice([None, True, 1.5, -1, {}, [], 0, "", b"", "text", b"bytes", {1: 2},
                                v.encode() if isinstance(v, str) else str(v)])

    def value(self, v):
        if self.rnd.randrange(12) == 0:
            return self.other_type(v)
        if isinstance(v, int):
            return self.number(v)
        if isinstance(v, bytes):
            return self.blob(v)
        if isinstance(v, list):
            return self.items(v)
        return self.rnd.choice(TEXTS)

    def deep(self, v):
        """Changes one value somewhere inside v."""
        if not isinstance(v, list) or not v or self.rnd.randrange(8) == 0:
            return self.value(v)
        at = self.rnd.randrange(len(v))
        return v[:at] + [self.deep(v[at])] + v[at + 1:]

    def bytes(self, raw):
        """One flip, cut, insertion or longer form of a number somewhere."""
        r = self.rnd
        at = r.randrange(len(raw)) if raw else 0
        how = r.randrange(5)
        if how == 0 and raw:
            return raw[:at] + bytes([raw[at] ^ (1 << r.randrange(8))]) + raw[at + 1:]
        if how == 1:
            return raw[:at]
        if how == 2:
            return raw[:at] + bytes([r.choice([0, 0x90, 0xA0, 0xC0, 0xC4, 0xCC, 0xD9, 0xDC, 0xDD, 0xFF])]) + raw[at:]
        if how == 3 and raw:
            return raw[:at] + bytes([0xCC, raw[at]]) + raw[at + 1:]
        return raw + bytes(r.randrange(256) for _ in range(r.randrange(1, 4)))

    def body(self, v):
        """The bytes to sign of a body or payload, usually with one wrong."""
        how = self.rnd.randrange(10)
        if how == 0:
            return p.pack(v)
        if how < 7:
            v = self.deep(v)
        if how == 6:
            v = self.deep(v) if isinstance(v, list) else v
        raw = p.pack(v)
        return self.bytes(raw) if how >= 7 else raw
