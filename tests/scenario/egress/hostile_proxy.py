# Run by a tool of proxy.sh: what a hostile one says to its proxy. web.test:80 is
# allowed with any path; nothing here may reach anything else, or hang.
import errno, socket, time
bad = []
def conn():
    s = socket.create_connection(("127.0.0.1", 3128), timeout=5)
    return s
def ask(data, half=False):
    s = conn()
    try:
        s.sendall(data)
        if half: s.shutdown(socket.SHUT_WR)
        out = b""
        while True:
            b = s.recv(65536)
            if not b: return out
            out += b
    except ConnectionResetError:
        return out
    except TimeoutError:
        return b"kept waiting " + out
    finally:
        s.close()
def expect(name, want, out):
    got = out.split(b" ")[1].decode() if out[:5] == b"HTTP/" else repr(out[:12])
    if out.count(b"HTTP/1.1 200") or got not in want.split("|"):
        bad.append("%s: %s, not %s" % (name, got, want))
def get(target, more=b"", verb=b"GET", host=b"web.test"):
    return verb + b" " + target + b" HTTP/1.1\r\nHost: " + host + b"\r\n" + more + b"\r\n"
u = b"http://web.test/hello"
for name, want, data in (
    ("NUL in a name", "400|403", get(b"http://web.test\0.evil.test/")),
    ("UTF-8", "400|403", get("http://wéb.test/".encode(), host="wéb.test".encode())),
    ("homograph", "403", get(b"http://xn--wb-bja.test/", host=b"xn--wb-bja.test")),
    ("full width dot", "400|403", get("http://web。test/".encode(), host="web。test".encode())),
    ("percent", "400|403", get(b"http://web%2etest/", host=b"web%2etest")),
    ("user name", "400|403", get(b"http://web.test@evil.test/")),
    ("backslash", "400|403", get(b"http://evil.test\\@web.test/")),
    ("another Host", "400", get(u, host=b"evil.test")),
    ("two Hosts", "400", get(u, b"Host: web.test\r\n")),
    ("no Host", "400", b"GET http://web.test/hello HTTP/1.1\r\n\r\n"),
    ("origin form", "400|403", get(b"/hello")),
    ("two lengths", "400", get(u, b"Content-Length: 1\r\nContent-Length: 2\r\n") + b"xx"),
    ("length and chunked", "400", get(u, b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + b"0\r\n\r\n"),
    ("chunked twice", "400", get(u, b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") + b"0\r\n\r\n"),
    ("gzip, chunked", "400|501", get(u, b"Transfer-Encoding: gzip, chunked\r\n") + b"0\r\n\r\n"),
    ("space before colon", "400", get(u, b"Content-Length : 5\r\n")),
    ("folded", "400", get(u, b"A: b\r\n c\r\n")),
    ("bare LF", "400", b"GET http://web.test/hello HTTP/1.1\nHost: web.test\n\n\r\n\r\n"),
    ("CR in a field", "400", get(u, b"A: b\rC: d\r\n")),
    ("NUL in a field", "400", get(u, b"A: b\0\r\n")),
    ("negative length", "400", get(u, b"Content-Length: -1\r\n")),
    ("length with plus", "400", get(u, b"Content-Length: +5\r\n")),
    ("chunk beyond 64 bits", "400|502", get(u, b"Transfer-Encoding: chunked\r\n", b"POST") + b"fffffffffffffffff\r\n"),
    ("head of 64 KiB", "400|431", get(u, b"A: " + b"b" * 65536 + b"\r\n")),
    ("300 fields", "400|431", get(u, b"".join(b"A%d: b\r\n" % i for i in range(300)))),
    ("HTTP/2 preface", "400|505", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("HTTP/0.9", "400", b"GET http://web.test/hello\r\n\r\n"),
    ("WebSocket", "400|403|501", get(u, b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\n")),
    ("TRACE", "403|405|501", get(u, verb=b"TRACE")),
    ("https to a plain rule", "400|403|501", get(b"https://web.test/hello")),
    ("ftp", "400|501", get(b"ftp://web.test/hello")),
    ("port 0", "400|403", get(b"http://web.test:0/", host=b"web.test:0")),
    ("port 65616", "400|403", get(b"http://web.test:65616/hello", host=b"web.test:65616")),
    ("the proxy itself", "403", get(b"http://127.0.0.1:3128/", host=b"127.0.0.1:3128")),
    ("decimal address", "400|403", get(b"http://2130706433/", host=b"2130706433")),
    ("zone id", "400|403", get(b"http://[fe80::1%25lo]/", host=b"[fe80::1%25lo]")),
    ("mapped", "400|403", get(b"http://[::ffff:127.0.0.1]/", host=b"[::ffff:127.0.0.1]")),
    ("CONNECT an address", "403", get(b"127.0.0.1:80", verb=b"CONNECT", host=b"127.0.0.1:80")),
    ("CONNECT IPv6", "400|403", get(b"[::1]:80", verb=b"CONNECT", host=b"[::1]:80")),
    ("CONNECT port 0", "400|403", get(b"web.test:0", verb=b"CONNECT", host=b"web.test:0")),
    ("CONNECT without port", "400|403", get(b"web.test", verb=b"CONNECT")),
    ("CONNECT metadata", "403", get(b"169.254.169.254:80", verb=b"CONNECT", host=b"169.254.169.254:80")),
):
    expect(name, want, ask(data))
def socks(request, want, name):
    out = ask(b"\x05\x01\x00" + request)
    if out[:2] != b"\x05\x00" or out[2:3] not in (b"", b"\x05") or out[3:4] not in want:
        bad.append("%s: %r" % (name, out))
name = lambda n, port=80: b"\x05\x01\x00\x03" + bytes([len(n)]) + n + port.to_bytes(2, "big")
no = (b"", b"\x01", b"\x02", b"\x04", b"\x07", b"\x08")
socks(name(b"web.test\0.evil.test"), no, "SOCKS NUL")
socks(name(b"evil.test\0web.test"), no, "SOCKS NUL 2")
socks(name(b""), no, "SOCKS empty")
socks(name("wéb.test".encode()), no, "SOCKS UTF-8")
socks(name(b"web.test", 0), no, "SOCKS port 0")
socks(b"\x05\x01\x00\x01\x7f\0\0\x01\0\x50", no, "SOCKS loopback")
socks(b"\x05\x01\x00\x04" + b"\0" * 15 + b"\x01\0\x50", no, "SOCKS ::1")
socks(b"\x05\x02\x00\x01\0\0\0\0\0\x50", no, "SOCKS BIND")
socks(b"\x05\x03\x00\x01\0\0\0\0\0\x50", no, "SOCKS UDP")
if ask(b"\x05\x01\x02")[:2] not in (b"\x05\xff", b""): bad.append("SOCKS only with a password")
if ask(b"\x04\x01\x00\x50\x7f\0\0\x01\0"): bad.append("SOCKS4")
if ask(b"\x16\x03\x01\0\x05hello"): bad.append("TLS")
# smuggling: what is behind a body is the next request, and checked like one
out = ask(get(u, b"Content-Length: 39\r\n", b"POST", b"web.test") + b"GET http://evil.test/ HTTP/1.1\r\nA: b\r\n\r\n")
if b"evil" in out.split(b"\r\n\r\n")[0]: bad.append("smuggled")
out = ask(get(u) + get(b"http://evil.test/", host=b"evil.test"))
if out.count(b"HTTP/1.1 200") != 1 or b"host_denied" not in out: bad.append("pipelined: %r" % out[:200])
# what works in odd ways
for n, data in (("upper case", get(b"http://WEB.test/hello", host=b"WEB.test")), ("last dot", get(b"http://web.test./hello", host=b"web.test."))):
    if b"hello from the host" not in ask(data.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")): bad.append(n)
if b"hello from the host" not in ask(get(u), half=True): bad.append("half-closed")
# an upgrade to HTTP/2 is not passed on: the answer is one of HTTP/1.1
out = ask(get(u, b"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"))
if not out.startswith(b"HTTP/1.1 200"): bad.append("h2c: %r" % out[:40])
# line breaks that are encoded stay so: no field is made of them
if b"X-Made" in ask(get(b"http://web.test/%0d%0aX-Made:%20y", b"Connection: close\r\n")).split(b"\r\n\r\n")[0]: bad.append("split")
# there is nothing else in the namespace
def refused(what, f, codes):
    try: f(); bad.append(what + ": it worked")
    except OSError as e:
        if e.errno not in codes: bad.append("%s: %s" % (what, e))
tcp = lambda: socket.socket()
NONE = (errno.EACCES, errno.ENETUNREACH, errno.ECONNREFUSED, errno.EPERM, errno.EPROTONOSUPPORT, errno.EHOSTUNREACH)
for port in (22, 80, 3129): refused("port %d" % port, lambda: tcp().connect(("127.0.0.1", port)), NONE)
refused("web", lambda: tcp().connect(("45.33.32.10", 80)), NONE)
refused("listen", lambda: tcp().bind(("127.0.0.1", 8080)), NONE)
refused("fast open", lambda: tcp().sendto(b"x", socket.MSG_FASTOPEN, ("45.33.32.10", 80)), NONE)
refused("MPTCP", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262).connect(("45.33.32.10", 80)), NONE)
refused("UDP", lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("45.33.32.53", 53)), NONE)
refused("vsock", lambda: socket.socket(40, 1), NONE + (errno.EAFNOSUPPORT,))
refused("netlink", lambda: socket.socket(16, 3), NONE + (errno.EAFNOSUPPORT,))
# a disconnected socket is not connected to somewhere else either
s = conn()
refused("elsewhere", lambda: s.connect(("45.33.32.10", 80)), NONE + (errno.EISCONN,))
# many half requests: the tool's own places are used up, and free again after
held = []
for i in range(120):
    s = socket.socket(); s.settimeout(5)
    try: s.connect(("127.0.0.1", 3128)); s.send(b"GET http://web")
    except OSError: break
    held.append(s)
for s in held: s.close()
t = time.monotonic()
if b"hello from the host" not in ask(get(u, b"Connection: close\r\n")): bad.append("after a slow crowd")
if time.monotonic() - t > 5: bad.append("slow after a crowd")
print("\n".join(bad) if bad else "all as expected")
