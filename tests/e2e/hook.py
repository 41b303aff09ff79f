"""A web service that gets news by webhook: keeps every request, and misbehaves as it is told."""
import http.server
import json
import threading
import time


class Hook:
    def __init__(self, port=0, status=200):
        self.status, self.requests, self.lock, self.hold = status, [], threading.Lock(), 0
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with hook.lock:
                    status = hook.status
                    hook.requests.append({"body": body, "headers": dict(self.headers), "at": time.monotonic(), "status": status})
                time.sleep(hook.hold)
                if status == "close":
                    self.close_connection = True
                    return
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", f"http://127.0.0.1:{hook.port}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):  # a client that was killed
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://localhost:{self.port}/neck"

    def news(self, study=None, taken=True):
        """What it took (2xx), in order."""
        with self.lock:
            said = [json.loads(r["body"]) for r in self.requests if not taken or r["status"] == 200]
        return [n for n in said if study in (None, n["study"])]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
