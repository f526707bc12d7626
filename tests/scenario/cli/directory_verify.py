"""A second reader of signed directories: msgpack and nacl alone.

usage: directory_verify.py FILE KEY_HEX TENANT SEQ [HEARTBEAT]
"""
import hashlib
import struct
import sys
import time

import msgpack
from nacl.signing import VerifyKey


def pae(context, *parts):
    out = struct.pack("<I", len(parts) + 1)
    for p in (b"tipstaff/1/" + context.encode(), *parts):
        out += struct.pack("<I", len(p)) + p
    return out


def blake(data, size=32):
    return hashlib.blake2b(data, digest_size=size).digest()


def opened(path, context, key):
    raw = open(path, "rb").read()
    body, kid, signature = msgpack.unpackb(raw, strict_map_key=True)
    assert kid == blake(pae("kid", key), 16), "kid"
    VerifyKey(key).verify(pae(context, body), signature)
    # the canonical form of the same values is the same bytes
    assert msgpack.packb(msgpack.unpackb(raw)) == raw, "frame is not canonical"
    assert msgpack.packb(msgpack.unpackb(body)) == body, "body is not canonical"
    return body


def ascends(values):
    values = list(values)
    assert values == sorted(set(values)), "not in order"


path, key, tenant, seq = sys.argv[1], bytes.fromhex(sys.argv[2]), sys.argv[3], int(sys.argv[4])
body = opened(path, "snapshot", key)
version, name, number, issued, not_after, users, agents, approvers, revocations = msgpack.unpackb(body)
assert (version, name, number) == (1, tenant, seq), (version, name, number)
assert issued <= time.time() + 5 and issued < not_after
for u in users:
    uid, status, groups, attrs = u
    assert status in (0, 1) and len(set(groups)) == len(groups)
    ascends(a[0] for a in attrs)
for a in agents:
    aid, status, owner, keys, uids, depth, attrs = a
    assert status in (0, 1) and depth <= 7 and all(len(k) == 32 for k in keys)
    assert owner == "" or owner in {u[0] for u in users}
    ascends(x[0] for x in attrs)
for p in approvers:
    person, status, kid, pk, classes, roles = p
    assert kid == blake(pae("kid", pk), 16) and person in {u[0] for u in users}
ascends(u[0].encode() for u in users)
ascends(a[0].encode() for a in agents)
ascends(p[2] for p in approvers)
if len(sys.argv) > 5:
    beat = msgpack.unpackb(opened(sys.argv[5], "heartbeat", key))
    assert beat[:4] == [1, tenant, seq, blake(pae("snapshot-hash", body))], beat
    assert beat[4] <= time.time() < beat[5]
print("ok", len(users), len(agents), len(approvers), len(revocations))
