"""The far side of proxy.sh: far_servers.py ADDRESS DIRECTORY

The servers of tests/scenario/proxy at an address of the world's other half, with
certificates in DIRECTORY (made here): 8080 plain, 8443 safe.test, 8444 another
name, 8445 self-signed, 8447 TLS 1.1, 8448 expired, 8449 a chain without end.
"""
import os
import ssl
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../proxy"))
import servers  # noqa: E402


def openssl(where, *args):
    subprocess.run(["openssl", *args], cwd=where, check=True, capture_output=True)


def expired(where):
    """Signed by the CA, for the right name, and over since the year 2001."""
    os.makedirs(os.path.join(where, "newcerts"), exist_ok=True)
    for name, text in (("index.txt", ""), ("serial", "1000\n"), ("ca.cnf", """[ca]
default_ca = d
[d]
dir = .
new_certs_dir = newcerts
database = index.txt
serial = serial
default_md = sha256
policy = p
x509_extensions = x
[p]
commonName = supplied
[x]
subjectAltName = DNS:safe.test
""")):
        with open(os.path.join(where, name), "w", encoding="ascii") as f:
            f.write(text)
    openssl(where, "ca", "-batch", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key",
            "-in", "safe.csr", "-out", "old.pem", "-startdate", "20000101000000Z",
            "-enddate", "20010101000000Z", "-notext")
    with open(os.path.join(where, "safe.key"), "rb") as a, \
            open(os.path.join(where, "old.key"), "wb") as b:
        b.write(a.read())


def bomb(where):
    """A chain of 60 certificates with 100 KB each: 6 MB before a byte is said."""
    alt = ",".join("DNS:%s.%d.test" % ("x" * 50, i) for i in range(1600))
    with open(os.path.join(where, "bomb.ext"), "w", encoding="ascii") as f:
        f.write("subjectAltName=DNS:safe.test,%s\n" % alt)
    openssl(where, "x509", "-req", "-in", "safe.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", "one.pem", "-days", "30", "-extfile", "bomb.ext")
    with open(os.path.join(where, "one.pem"), "rb") as a:
        one = a.read()
    with open(os.path.join(where, "bomb.pem"), "wb") as b:
        b.write(one * 60)
    with open(os.path.join(where, "safe.key"), "rb") as a, \
            open(os.path.join(where, "bomb.key"), "wb") as b:
        b.write(a.read())


def main():
    address, where = sys.argv[1:3]
    at = lambda name: os.path.join(where, name)
    servers.certificates(where)
    expired(where)
    bomb(where)
    servers.Web.top = at("repos")
    for port, cert, most in ((8080, None, None), (8443, "safe", None), (8444, "other", None),
                             (8445, "self", None), (8447, "safe", ssl.TLSVersion.TLSv1_1),
                             (8448, "old", None), (8449, "bomb", None)):
        servers.serve(port, cert and at(cert), most, address)
    with open(at("ready"), "w", encoding="ascii"):
        pass
    threading.Event().wait()


main()
