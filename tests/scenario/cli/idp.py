"""A toy identity provider for the scenarios beside it.

idp.py ALG KEY NONCE [NAME=JSON ...] prints an ID token. ALG is how it is
really signed: EdDSA (KEY: a 32-byte seed), HS256 (KEY: any file, used as the
secret), RS256, ES256 (KEY: PEM), none. NAME=JSON changes a claim, .NAME=JSON a
header parameter; an empty JSON removes it. iat, exp, nbf and auth_time may be
given as +N or -N seconds from now.
"""
import base64
import hashlib
import hmac
import json
import subprocess
import sys
import time

import nacl.signing


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jose_of_der(der):
    """ECDSA-Sig-Value to r || s of 32 bytes each."""
    assert der[0] == 0x30
    out, at = b"", 2
    for _ in range(2):
        assert der[at] == 2
        n = der[at + 1]
        out += int.from_bytes(der[at + 2:at + 2 + n], "big").to_bytes(32, "big")
        at += 2 + n
    return out


def sign(alg, key, text):
    if alg == "none":
        return b""
    if alg == "EdDSA":
        return nacl.signing.SigningKey(open(key, "rb").read()).sign(text).signature
    if alg == "HS256":
        return hmac.new(open(key, "rb").read(), text, hashlib.sha256).digest()
    der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text,
                         capture_output=True, check=True).stdout
    return der if alg == "RS256" else jose_of_der(der)


def main():
    alg, key, nonce = sys.argv[1:4]
    now = int(time.time())
    header = {"alg": alg, "kid": "k1", "typ": "JWT"}
    claims = {"iss": "https://idp.example", "aud": "tipstaff", "sub": "sub-alice",
              "nonce": nonce, "iat": now, "exp": now + 300, "auth_time": now - 30,
              "acr": "phr", "amr": ["hwk", "mfa"], "sid": "session-7",
              "email": "alice@example.com"}
    for change in sys.argv[4:]:
        name, value = change.split("=", 1)
        where = header if name.startswith(".") else claims
        name = name.lstrip(".")
        if value == "":
            where.pop(name, None)
        elif value[0] in "+-" and name in ("iat", "exp", "nbf", "auth_time"):
            where[name] = now + int(value)
        else:
            where[name] = json.loads(value)
    text = (b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())).encode()
    print(text.decode() + "." + b64(sign(alg, key, text)))


main()
