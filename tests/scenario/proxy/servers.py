"""Servers of the tests' own: a web, the same with TLS, git, a package index."""
import base64
import hashlib
import http.server
import io
import json
import os
import ssl
import subprocess
import tarfile
import threading
import warnings
import zipfile

warnings.simplefilter("ignore")  # that TLS 1.1 is old is what is tested


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    top = None  # directory of git repositories

    def log_message(self, *args):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            out = b""
            while True:
                n = int(self.rfile.readline().split(b";")[0], 16)
                out += self.rfile.read(n)
                self.rfile.readline()
                if n == 0:
                    return out
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def say(self, body, status=200, kind="text/plain", more=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for k, v in more:
            self.send_header(k, v)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def chunks(self, parts):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for p in parts:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(p), p))
        self.wfile.write(b"0\r\n\r\n")

    def git(self):
        path, _, query = self.path.partition("?")
        env = dict(os.environ, GIT_PROJECT_ROOT=self.top, GIT_HTTP_EXPORT_ALL="1",
                   PATH_INFO=path[len("/git"):], QUERY_STRING=query,
                   REQUEST_METHOD=self.command, REMOTE_USER="t", REMOTE_ADDR="127.0.0.1",
                   CONTENT_TYPE=self.headers.get("Content-Type", ""),
                   HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""),
                   GIT_PROTOCOL=self.headers.get("Git-Protocol", ""))
        data = self.body()
        env["CONTENT_LENGTH"] = str(len(data))
        out = subprocess.run(["/usr/lib/git-core/git-http-backend"], input=data, env=env,
                             stdout=subprocess.PIPE, check=False).stdout
        head, _, rest = out.partition(b"\r\n\r\n")
        status, more = 200, []
        for line in head.decode().split("\r\n"):
            k, _, v = line.partition(": ")
            if k == "Status":
                status = int(v.split()[0])
            elif k:
                more.append((k, v))
        self.send_response(status)
        for k, v in more:
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest)

    def do_GET(self):
        if self.path.startswith("/git/"):
            return self.git()
        if self.path == "/echo":
            return self.say(str(self.headers).encode() + self.body())
        if self.path == "/chunks":
            return self.chunks([b"%d\n" % i * 50 for i in range(200)])
        if self.path == "/chunked-echo":
            return self.chunks([c.encode() for c in str(self.headers)])
        if self.path == "/sum":
            return self.say(hashlib.sha256(self.body()).hexdigest().encode())
        if self.path.startswith("/big"):
            return self.say(b"0123456789abcdef" * 65536 * 40)
        if self.path == "/go":
            return self.say(b"", 302, more=[("Location", "http://nope.test:8080/")])
        if self.path.startswith("/simple/demo"):
            return self.say(b'<a href="/files/demo-1.0-py3-none-any.whl">demo-1.0-py3-none-any.whl</a>',
                            kind="text/html")
        if self.path.startswith("/files/demo"):
            return self.say(wheel(), kind="application/zip")
        if self.path == "/demo":
            return self.say(json.dumps(npm_package()).encode(), kind="application/json")
        if self.path == "/demo/-/demo-1.0.0.tgz":
            return self.say(npm_tarball(), kind="application/octet-stream")
        return self.say(b"page %s\n" % self.path.encode())

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET


def wheel():
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w") as z:
        z.writestr("demo.py", "x = 1\n")
        z.writestr("demo-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
        z.writestr("demo-1.0.dist-info/WHEEL",
                   "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        z.writestr("demo-1.0.dist-info/RECORD", "")
    return b.getvalue()


def npm_tarball():
    b = io.BytesIO()
    with tarfile.open(fileobj=b, mode="w:gz") as t:
        data = json.dumps({"name": "demo", "version": "1.0.0"}).encode()
        i = tarfile.TarInfo("package/package.json")
        i.size = len(data)
        t.addfile(i, io.BytesIO(data))
    return b.getvalue()


TARBALL = npm_tarball()


def npm_package():
    dist = {"tarball": "http://npm.test:8080/demo/-/demo-1.0.0.tgz",
            "integrity": "sha512-" + base64.b64encode(hashlib.sha512(TARBALL).digest()).decode()}
    return {"name": "demo", "dist-tags": {"latest": "1.0.0"},
            "versions": {"1.0.0": {"name": "demo", "version": "1.0.0", "dist": dist}}}


def npm_tarball():  # noqa: F811  the same bytes each time: gzip holds the hour
    return TARBALL


def certificates(where):
    """A CA, a certificate of safe.test, one of another name, one that expired."""
    def run(*args):
        subprocess.run(["openssl", *args], cwd=where, check=True, capture_output=True)

    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
        "-subj", "/CN=ca of the test", "-days", "30")
    for name, san, days in (("safe", "safe.test", "30"), ("other", "other.test", "30"),
                            ("cn", None, "30")):
        ext = os.path.join(where, name + ".ext")
        with open(ext, "w", encoding="ascii") as f:
            f.write("subjectAltName=DNS:%s\n" % san if san else "keyUsage=digitalSignature\n")
        run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".csr",
            "-subj", "/CN=safe.test")
        run("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", name + ".pem", "-days", days, "-extfile", ext)
    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "self.key", "-out", "self.pem",
        "-subj", "/CN=safe.test", "-addext", "subjectAltName=DNS:safe.test", "-days", "30")


def serve(port, cert=None, most=None, address="127.0.0.1"):
    s = http.server.ThreadingHTTPServer((address, port), Web)
    if cert is not None:
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(cert + ".pem", cert + ".key")
        if most is not None:
            c.set_ciphers("DEFAULT:@SECLEVEL=0")
            c.minimum_version = ssl.TLSVersion.TLSv1
            c.maximum_version = most
        s.socket = c.wrap_socket(s.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s
