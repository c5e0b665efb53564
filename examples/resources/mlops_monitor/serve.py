"""A model server of one's own: anything that answers HTTP on $PORT will do."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

with open(os.environ["MODEL_PATH"], encoding="utf-8") as f:
    LIMIT = json.load(f)["churns_below_months"]


class Handler(BaseHTTPRequestHandler):
    """Answers {"instances": [[months], ...]} with {"predictions": [...]}."""

    def do_GET(self):
        self.answer({"ready": True})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        rows = json.loads(body)["instances"]
        self.answer({"predictions": [int(row[0] < LIMIT) for row in rows]})

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
