"""A web server for the tests: web_server.py ADDRESS PORT

/hello, /big?N (N bytes), /echo (POST), /drip (a byte every 50 ms, for ever),
/who (the address of the client).
"""
import http.server
import socketserver
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def say(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/hello":
            self.say(b"hello from the host\n")
        elif self.path == "/who":
            self.say(self.client_address[0].encode() + b"\n")
        elif self.path.startswith("/big?"):
            self.say(b"x" * int(self.path[5:]))
        elif self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b".")
                    time.sleep(0.05)
            except OSError:
                print("drip ended", flush=True)
            self.close_connection = True
        else:
            self.send_error(404)

    def do_POST(self):
        self.say(self.rfile.read(int(self.headers["Content-Length"])))


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 1024
    allow_reuse_address = True


Server((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
