"""Section 1: bytes, hashes, ids and strict msgpack."""
import hashlib

import msgpack
import nacl.bindings as sodium
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

PREFIX = "tipstaff/1/"
ID_MAX = 128
SKEW = 5
ID_CHARS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@:+=-")


class Refused(Exception):
    """Carries the code of the first check that failed."""


def need(cond, code):
    if not cond:
        raise Refused(code)


def le32(n):
    return n.to_bytes(4, "little")


def pae(ctx, *parts):
    out = [le32(len(parts) + 1)]
    for p in (PREFIX.encode() + ctx.encode(),) + parts:
        out += [le32(len(p)), p]
    return b"".join(out)


def blake(data, size=32):
    return hashlib.blake2b(data, digest_size=size).digest()


def kid_of(pk):
    return blake(pae("kid", pk), 16)


def signature_ok(pk, message, sig):
    try:
        VerifyKey(pk).verify(message, sig)
        return True
    except (BadSignatureError, ValueError):
        return False


def point_ok(pk):
    return sodium.crypto_core_ed25519_is_valid_point(pk)


def id_ok(s):
    return (0 < len(s.encode()) <= ID_MAX and
            all(seg and seg not in (".", "..") and set(seg) <= ID_CHARS for seg in s.split("/")))


def below(s, parent):
    return s.startswith(parent + "/")


def pack(value):
    return msgpack.packb(value, use_bin_type=True)


class Smp:
    """Strict msgpack: arrays, str, bin, unsigned; shortest forms; no wide."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(self.at + n <= len(self.data), "E_FORMAT")
        self.at += n
        return self.data[self.at - n:self.at]

    def peek(self):
        need(self.at < len(self.data), "E_FORMAT")
        return self.data[self.at]

    def number(self, width, least):
        n = int.from_bytes(self.take(width), "big")
        need(n >= least, "E_FORMAT")
        return n

    def uint(self):
        t = self.take(1)[0]
        if t < 0x80:
            return t
        need(0xCC <= t <= 0xCF, "E_FORMAT")
        return self.number(1 << (t - 0xCC), (0x80, 0x100, 1 << 16, 1 << 32)[t - 0xCC])

    def array(self):
        t = self.take(1)[0]
        n = t - 0x90 if 0x90 <= t < 0xA0 else None
        if n is None:
            need(t == 0xDC, "E_FORMAT")
            n = self.number(2, 16)
        need(n <= len(self.data) - self.at, "E_FORMAT")
        return n

    def text(self, limit):
        t = self.take(1)[0]
        if 0xA0 <= t < 0xC0:
            n = t - 0xA0
        else:
            need(t in (0xD9, 0xDA), "E_FORMAT")
            n = self.number(t - 0xD8, 32 if t == 0xD9 else 256)
        need(n <= limit, "E_LIMIT")
        raw = self.take(n)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("E_FORMAT")

    def bin(self, limit=None, exact=None, wide=False):
        t = self.take(1)[0]
        if wide and t == 0xC6:
            n = self.number(4, 65536)
        else:
            need(t in (0xC4, 0xC5), "E_FORMAT")
            n = self.number(t - 0xC3, 0 if t == 0xC4 else 256)
        need(limit is None or n <= limit, "E_LIMIT")
        need(exact is None or n == exact, "E_FORMAT")
        return self.take(n)

    def tuple(self, n):
        need(self.array() == n, "E_FORMAT")

    def version(self, n):
        """Array head of a versioned value: the version is judged first."""
        count = self.array()
        need(self.uint() == 1, "E_VERSION")
        need(count == n, "E_FORMAT")

    def list(self, most):
        n = self.array()
        need(n <= most, "E_LIMIT")
        return range(n)

    def end(self):
        need(self.at == len(self.data), "E_FORMAT")
