#!/usr/bin/python3
"""Writes the seeds of the manifest fuzz targets beside this file.

Arguments are encoded by python3-msgpack, manifests are those of the starter
configuration. The bodies of orders come from their own encoders:
    TIPSTAFF_SEED_DIR=tests/fuzz/manifest/corpus/order build/tests/unit_launcher_order_body
"""
import pathlib
import shutil

import msgpack

here = pathlib.Path(__file__).resolve().parent
corpus = here / "corpus"

ARGS = {
    "missing": {},
    "extra": {"p": "a", "q": "b"},
    "not_text": {"p": 7},
    "climbs": {"p": "../../etc/passwd"},
    "absolute": {"p": "/r/x/./y//z"},
    "root": {"p": "."},
    "zero_byte": {"p": "a\0b"},
    "long": {"p": "d/" * 2000 + "f"},
    "unicode": {"p": "\u00e9/\u202e\U0001f600"},
    "dash": {"p": "--help"},
}
CANONICAL = {
    "dots": "./a/.//b/..",
    "absolute": "/srv/w/x",
    "outside": "/srv/wx",
    "root": "/srv/w",
    "zero_byte": "a\0b",
    "url_user": "http://u:p@h/",
    "url_ipv6": "http://[::1]:80/a%2fb",
    "url_port": "https://h:65536/",
    "url_dots": "http://h./a/%2e%2e/b",
}

for name, args in ARGS.items():
    (corpus / "manifest_args" / name).write_bytes(msgpack.packb(args))
for name, text in CANONICAL.items():
    (corpus / "canonical" / name).write_bytes(text.encode())
for tool in sorted((here / "../../../cli/starter/tools").glob("*.yaml")):
    shutil.copy(tool, corpus / "manifest_yaml" / tool.stem)
