"""Writes a model that is a server, its metrics, and the questions it was made for."""

import json
import os
import random

SERVER = '''
import json, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        request = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        body = json.dumps({"predictions": [42 for _ in request.get("instances", [])]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
'''

with open(os.environ["MLOPS_OUTPUT_MODEL"], "w", encoding="utf-8") as f:
    f.write(SERVER)
with open(os.environ["MLOPS_OUTPUT_METRICS"], "w", encoding="utf-8") as f:
    json.dump({"accuracy": 1.0}, f)
random.seed(42)
with open(os.environ["MLOPS_OUTPUT_QUESTIONS"], "w", encoding="utf-8") as f:
    f.write("left,right\n")
    for _ in range(500):
        f.write(f"{random.gauss(6, 2):.3f},{random.gauss(9, 3):.3f}\n")
