"""What the recipes talk to: world.py ADDRESS FOLDER

Port 80 and 443: documents, the weather (which wants its key), a package registry.
Port 5432: a banner. FOLDER holds server.pem (key and certificate).
"""
import base64
import hashlib
import http.server
import io
import json
import socketserver
import ssl
import sys
import tarfile
import threading

address, folder = sys.argv[1:3]


def package():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as t:
        for name, body in (("package.json", b'{"name": "left", "version": "1.2.3"}'),
                           ("index.js", b'module.exports = "left";\n')):
            info = tarfile.TarInfo("package/" + name)
            info.size = len(body)
            t.addfile(info, io.BytesIO(body))
    return out.getvalue()


PACKAGE = package()
REGISTRY = "https://npm.example.com"
LEFT = {"name": "left", "dist-tags": {"latest": "1.2.3"}, "versions": {"1.2.3": {
    "name": "left", "version": "1.2.3", "dist": {
        "tarball": REGISTRY + "/left/-/left-1.2.3.tgz",
        "integrity": "sha512-" + base64.b64encode(hashlib.sha512(PACKAGE).digest()).decode()}}}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def say(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/v1/intro":
            self.say(b"an introduction\n")
        elif self.path.startswith("/v1/now"):
            key = self.headers.get("Authorization")
            good = key == "Bearer key-of-the-weather-service" and isinstance(self.connection, ssl.SSLSocket)
            self.say(b"rain, and your key is " + key.encode() + b"\n" if good else b"who?\n", 200 if good else 401)
        elif self.path == "/left":
            self.say(json.dumps(LEFT).encode())
        elif self.path == "/left/-/left-1.2.3.tgz":
            self.say(PACKAGE)
        else:
            self.say(b"nothing here\n", 404)


class Web(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


class Banner(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"a database\n")


secure = Web((address, 443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder + "/server.pem")
secure.socket = context.wrap_socket(secure.socket, server_side=True)
servers = [Web((address, 80), Handler), secure, socketserver.ThreadingTCPServer((address, 5432), Banner)]
for s in servers[1:]:
    threading.Thread(target=s.serve_forever, daemon=True).start()
print("ready", flush=True)
servers[0].serve_forever()
