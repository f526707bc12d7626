"""A DNS server that says what a file tells it: dns_server.py ADDRESS ZONE LOG

ZONE is JSON: {"name": [ANSWER, ...]}: the first question gets the first answer,
the last one stays. An ANSWER is {"a": [..], "aaaa": [..], "cname": "..",
"rcode": N, "delay": SECONDS, "silent": true}; what is missing is empty.
"""
import ipaddress
import json
import socket
import struct
import sys
import threading

address, zone_file, log_file = sys.argv[1:4]
zone = json.load(open(zone_file))
asked = {}
log = open(log_file, "a", buffering=1)
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((address, 53))


def labels(name):
    out = b""
    for part in name.rstrip(".").split("."):
        out += bytes([len(part)]) + part.encode()
    return out + b"\0"


def read_question(message):
    at, parts = 12, []
    while message[at]:
        parts.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    kind = struct.unpack(">H", message[at + 1:at + 3])[0]
    return ".".join(parts).lower(), kind, message[12:at + 5]


def record(name, kind, data):
    return labels(name) + struct.pack(">HHIH", kind, 1, 0, len(data)) + data


def answer(message, peer):
    name, kind, question = read_question(message)
    log.write(f"{name} {kind}\n")
    answers = zone.get(name)
    if answers is None:
        said, rcode = {}, 3
    else:
        turn = asked.get((name, kind), 0)
        asked[(name, kind)] = turn + 1
        said = answers[min(turn, len(answers) - 1)]
        rcode = said.get("rcode", 0)
    if said.get("silent"):
        return
    owner, records = name, b""
    count = 0
    for target in said.get("cname", []):
        records += record(owner, 5, labels(target))
        owner, count = target, count + 1
    for text in said.get("a" if kind == 1 else "aaaa" if kind == 28 else "", []):
        records += record(owner, kind, ipaddress.ip_address(text).packed)
        count += 1
    reply = message[:2] + struct.pack(">HHHHH", 0x8580 | rcode, 1, count, 0, 0)
    if "delay" in said:
        threading.Timer(said["delay"], sock.sendto,
                        (reply + question + records, peer)).start()
    else:
        sock.sendto(reply + question + records, peer)


while True:
    data, sender = sock.recvfrom(4096)
    try:
        answer(data, sender)
    except (IndexError, ValueError, UnicodeDecodeError):
        pass
