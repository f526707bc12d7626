"""Real programs through the proxy; see programs.sh."""
import hashlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import servers  # noqa: E402

STAND = os.path.abspath(sys.argv[1])
SECRET = "k3y-of-the-upstream-0123456789"
TOKEN = "eyJhbGciOi.minted-for-this-call.c2lnbmF0dXJl"
RULES = ["host=open.test ports=8080,8443", "host=api.test ports=8080 methods=GET,HEAD paths=/v1/**",
         "host=git.test ports=8080", "host=pypi.test ports=8080", "host=npm.test ports=8080",
         "host=safe.test ports=8443,8444,8445,8446,8447 tls", 
         "host=plain.test ports=8080",
         "secret=KEY header=Authorization prefix= hosts=safe.test value=" + SECRET,
         "secret=PLAIN header=X-Key hosts=plain.test value=" + SECRET,
         "token=" + TOKEN, "secret=TOK header=X-Obo hosts=safe.test"]


class Stand:
    def __init__(self, work, *rules):
        path = os.path.join(work, "stand.out")
        with open(path, "wb") as f:
            self.p = subprocess.Popen([STAND, "3128", *rules], stdout=f)
        self.out = open(path, encoding="ascii")
        try:
            self.until(lambda t: "READY" in t)
        except AssertionError:
            self.p.kill()
            raise

    def text(self):
        self.out.seek(0)
        return self.out.read()

    def until(self, ok):
        end = time.monotonic() + 5
        while not ok(self.text()):
            if time.monotonic() > end or self.p.poll() is not None:
                raise AssertionError("not in time, %s: %s" % (self.p.poll(), self.text()))
            time.sleep(0.01)  # polls a file, for a condition

    def stop(self):
        self.p.terminate()
        self.out.close()
        return self.p.wait(10)


class Programs(unittest.TestCase):
    work = None

    def setUp(self):
        self.stand = Stand(self.work, *RULES, "trust=" + os.path.join(self.work, "ca.pem"))

    def tearDown(self):
        self.assertEqual(self.stand.stop(), 0)

    def env(self, **more):
        e = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        for k in ("http_proxy", "https_proxy", "all_proxy"):
            e[k] = e[k.upper()] = "http://127.0.0.1:3128"
        e["no_proxy"] = e["NO_PROXY"] = ""
        return dict(e, HOME=self.work, LC_ALL="C", **more)

    def run_(self, *args, ok=True, **kw):
        r = subprocess.run(args, env=self.env(), capture_output=True, timeout=60, **kw)
        if ok and r.returncode != 0:
            self.fail("%s: %s%s" % (args, r.stdout, r.stderr))
        return r.stdout

    def curl(self, *args, ok=True, **kw):
        return self.run_("curl", "-sS", "-m", "30", *args, ok=ok, **kw)

    def raw(self, data):
        with socket.create_connection(("127.0.0.1", 3128)) as s:
            s.settimeout(20)
            s.sendall(data)
            out = b""
            while True:
                b = s.recv(65536)
                if not b:
                    return out
                out += b

    # curl

    def test_curl_forward_and_rules(self):
        self.assertEqual(self.curl("http://open.test:8080/x"), b"page /x\n")
        self.assertEqual(self.curl("http://api.test:8080/v1/a/b"), b"page /v1/a/b\n")
        out = self.curl("http://api.test:8080/v2")
        self.assertIn(b"path_denied", out)
        self.assertIn(b"network.allow", out)
        self.assertIn(b"method_denied", self.curl("-X", "DELETE", "http://api.test:8080/v1/a"))
        self.assertIn(b"host_denied", self.curl("http://nope.test/"))
        self.assertIn(b"port_denied", self.curl("http://open.test:81/"))
        self.stand.until(lambda t: "DENIED port_denied http open.test:81 GET /" in t)

    def test_curl_many_on_one_connection(self):
        out = self.curl(*["http://open.test:8080/%d" % i for i in range(20)])
        self.assertEqual(out, b"".join(b"page /%d\n" % i for i in range(20)))
        self.assertEqual(self.stand.text().count("OPENED"), 1)

    def test_curl_head_chunked_and_uploads(self):
        self.assertIn(b"200 OK", self.curl("-I", "http://open.test:8080/big"))
        self.assertEqual(len(self.curl("http://open.test:8080/chunks").split()), 200 * 50)
        data = os.urandom(3000000)
        want = hashlib.sha256(data).hexdigest().encode()
        post = lambda *a: self.curl("--data-binary", "@-", "http://open.test:8080/sum", *a, input=data)
        self.assertEqual(post(), want)
        self.assertEqual(post("-H", "Transfer-Encoding: chunked"), want)
        self.assertEqual(post("-H", "Expect: 100-continue"), want)
        self.assertEqual(post("--http1.0"), want)
        self.assertEqual(post("--http2"), want)

    def test_curl_tunnels(self):
        ca = ("--cacert", os.path.join(self.work, "ca.pem"))
        self.assertEqual(self.curl("-p", "http://open.test:8080/t"), b"page /t\n")
        socks = ("--socks5-hostname", "127.0.0.1:3128")
        self.assertEqual(self.curl(*socks, "http://open.test:8080/s"), b"page /s\n")
        self.assertEqual(self.curl(*ca, "--connect-to", "safe.test:8443:open.test:8443",
                                   "https://safe.test:8443/z"), b"page /z\n")
        self.curl("https://safe.test:8443/", ok=False)
        self.stand.until(lambda t: "DENIED method_denied connect safe.test:8443" in t)
        self.stand.until(lambda t: "OPENED socks5 open.test:8080" in t)

    def test_a_refused_upload_is_told_why(self):
        out = self.curl("--data-binary", "@-", "http://nope.test/", input=b"x" * 5000000, ok=False)
        self.assertIn(b"host_denied", out)

    def test_a_big_answer_takes_little_memory(self):
        out = self.curl("http://open.test:8080/big")
        self.assertEqual(hashlib.sha256(out).digest(),
                         hashlib.sha256(b"0123456789abcdef" * 65536 * 40).digest())
        with open("/proc/%d/status" % self.stand.p.pid, encoding="ascii") as f:
            peak = [int(l.split()[1]) for l in f if l.startswith("VmHWM")][0]
        self.assertLess(peak, 32768)

    def test_redirects_are_the_tool_s(self):
        self.assertIn(b"host_denied", self.curl("-L", "http://open.test:8080/go"))

    # secrets and TLS

    def test_a_secret_is_added_and_not_read(self):
        for path in ("/echo", "/chunked-echo"):
            out = self.curl("-H", "Authorization: mine", "http://safe.test:8443" + path)
            self.assertIn(b"Authorization: [redacted]", out)
            self.assertNotIn(SECRET.encode(), out)
            self.assertNotIn(b"mine", out)
            self.assertIn(b"X-Obo: [redacted]", out)
            self.assertNotIn(TOKEN.encode(), out)
        out = self.curl("http://plain.test:8080/echo")
        self.assertIn(b"tls: true", out)

    def test_certificates_are_checked(self):
        self.assertIn(b"page /ok", self.curl("http://safe.test:8443/ok"))
        for port, why in ((8444, b"hostname mismatch"), (8445, b"self-signed certificate"),
                          (8446, b"hostname mismatch"), (8447, b"TLS with the host failed")):
            out = self.curl("http://safe.test:%d/ok" % port)
            self.assertIn(b"tls_failed", out)
            self.assertIn(why, out)
        self.stand.until(lambda t: t.count("DENIED tls_failed") == 4)

    # others

    def test_git_clone_and_push(self):
        top = servers.Web.top
        self.run_("git", "init", "-q", "--bare", "-b", "main", os.path.join(top, "r.git"))
        self.run_("git", "-C", os.path.join(top, "r.git"), "config", "http.receivepack", "true")
        one, two = os.path.join(self.work, "one"), os.path.join(self.work, "two")
        git = lambda *a: self.run_("git", "-c", "user.name=t", "-c", "user.email=t@t",
                                   "-c", "init.defaultBranch=main", *a)
        git("init", "-q", one)
        with open(os.path.join(one, "f"), "wb") as f:
            f.write(os.urandom(2000000))  # over http.postBuffer: chunked
        git("-C", one, "add", "f")
        git("-C", one, "commit", "-qm", "x")
        git("-C", one, "push", "-q", "http://git.test:8080/git/r.git", "main")
        git("clone", "-q", "http://git.test:8080/git/r.git", two)
        with open(os.path.join(one, "f"), "rb") as a, open(os.path.join(two, "f"), "rb") as b:
            self.assertEqual(a.read(), b.read())
        self.assertIn("OPENED http git.test:8080 GET /git/r.git/info/refs", self.stand.text())

    def test_pip_downloads(self):
        to = os.path.join(self.work, "wheels")
        self.run_("/usr/bin/python3", "-m", "pip", "download", "-q", "--no-deps", "--no-cache-dir", "-d", to,
                  "--index-url", "http://pypi.test:8080/simple/", "--trusted-host", "pypi.test", "demo")
        self.assertEqual(os.listdir(to), ["demo-1.0-py3-none-any.whl"])

    @unittest.skipUnless(shutil.which("npm"), "SKIPPED: npm is not installed")
    def test_npm_installs(self):
        to = os.path.join(self.work, "npm")
        os.mkdir(to)
        with open(os.path.join(to, "package.json"), "w", encoding="ascii") as f:
            f.write("{}")
        self.run_("npm", "install", "--no-audit", "--no-fund", "--no-update-notifier",
                  "--registry", "http://npm.test:8080/", "demo", cwd=to)
        self.assertTrue(os.path.exists(os.path.join(to, "node_modules/demo/package.json")))

    def test_python_urllib(self):
        code = "import urllib.request as u; print(u.urlopen('http://open.test:8080/p').read())"
        self.assertIn(b"page /p", self.run_("/usr/bin/python3", "-c", code))

    # raw

    def test_each_request_of_a_connection_is_checked(self):
        get = b"GET http://%s/v1/x HTTP/1.1\r\nHost: %s\r\n\r\n"
        out = self.raw(get % (b"api.test:8080", b"api.test:8080") * 2 + get % (b"nope.test", b"nope.test"))
        self.assertEqual(out.count(b"200 OK"), 2)
        self.assertIn(b"host_denied", out)

    def test_nonsense_is_closed(self):
        for data in (b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00", b"\x16\x03\x01\x00\x05hello", b"\x00"):
            self.assertEqual(self.raw(data), b"")
        self.stand.until(lambda t: t.count("DENIED malformed") == 3)

    def test_a_dead_tool_frees_its_connection(self):
        with socket.create_connection(("127.0.0.1", 3128)) as s:
            s.sendall(b"GET http://open.test:8080/big HTTP/1.1\r\nHost: open.test:8080\r\n\r\n")
            s.recv(10)
        self.stand.until(lambda t: "CLOSED tool" in t)


class Limits(unittest.TestCase):
    def test_bytes(self):
        stand = Stand(Programs.work, "host=open.test ports=8080", "max_bytes=100000")
        self.addCleanup(stand.stop)
        r = subprocess.run(["curl", "-sS", "-m", "20", "-x", "http://127.0.0.1:3128",
                            "http://open.test:8080/big"], capture_output=True, check=False)
        self.assertNotEqual(r.returncode, 0)
        self.assertLessEqual(len(r.stdout), 100000)
        stand.until(lambda t: "CLOSED bytes" in t)


def main():
    with tempfile.TemporaryDirectory(prefix="proxy-test-") as work:
        at = lambda n: os.path.join(work, n)
        Programs.work = work
        servers.certificates(work)
        servers.Web.top = at("repos")
        servers.serve(8080)
        servers.serve(8443, at("safe"))
        servers.serve(8444, at("other"))
        servers.serve(8445, at("self"))
        servers.serve(8446, at("cn"))
        servers.serve(8447, at("safe"), ssl.TLSVersion.TLSv1_1)
        return unittest.main(argv=sys.argv[:1] + sys.argv[2:], exit=False).result.wasSuccessful()


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
