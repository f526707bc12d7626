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
    "decimal_whole": {"p": "a", "d": 12},
    "decimal_float": {"p": "a", "d": 12.75},
    "decimal_text": {"p": "a", "d": "922337203685477.5807"},
    "decimal_many": {"p": "a", "d": "0.12345"},
    "decimal_third": {"p": "a", "d": 1 / 3},
    "decimal_below": {"p": "a", "d": -7.5001},
    "json_map": {"p": "a", "j": {"b": [1, -1, None, True, 1e300, 5e-324], "a": {"": "\0\"\\\u2028"}}},
    "json_floats": {"p": "a", "j": [0.1, 1e21, 1e-7, -0.0, 333333333.33333329, 123456.0]},
    "json_text": {"p": "a", "j": "-x"},
    "json_bytes": {"p": "a", "j": b"\x00\x01"},
    "json_deep": {"p": "a", "j": [[[[[[[[[[[[[[[]]]]]]]]]]]]]]]},
    "json_long": {"p": "a", "j": ["x" * 30] * 140},
}
# What the starter's manifests do not have.
MANIFESTS = {
    "output": """tool: t
exec: /x
argv: [x, '{d}', '{j}']
args:
  d: {type: decimal, min: -0.5, max: 5000}
  j: {type: json, role: content, max: 4096}
  i: {type: strings, match: id}
output:
  format: json
  integrity: trusted
  untrusted: ["/*/body", "/a~1b/~0"]
  ids: ["/*/id", ""]
  secret: [/0/key]
  confidentiality: private
""",
    "output_untrusted": """tool: t
exec: /x
argv: [x]
output: {format: json, trusted: [/0], confidentiality: resource}
""",
    "output_contradicts": """tool: t
exec: /x
argv: [x]
output: {format: text, ids: [/0], integrity: trusted}
""",
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
for name, text in MANIFESTS.items():
    (corpus / "manifest_yaml" / name).write_bytes(text.encode())
for name, text in CANONICAL.items():
    (corpus / "canonical" / name).write_bytes(text.encode())
for tool in sorted((here / "../../../cli/starter/tools").glob("*.yaml")):
    shutil.copy(tool, corpus / "manifest_yaml" / tool.stem)
