"""A `lectern serve` to measure, and its client. Standard library only."""

import http.client
import json
import os
import queue
import secrets
import subprocess
import threading
import time
from datetime import datetime
from pathlib import Path

import measure

PIECE_BYTES = 1 << 20
START_S = 30
POLL_S = 0.2


class Server:
    """`lectern serve` on a free port; `prefix` comes before the command, `arguments` behind it."""

    def __init__(self, lectern, data, log, prefix=(), arguments=()):
        self.token = secrets.token_hex(24)
        self.log = open(log, "wb")
        command = [*prefix, str(lectern), "--json", "serve", "--data", str(data), "--listen", "127.0.0.1:0", *arguments]
        env = {**os.environ, "LECTERN_ADMIN_TOKEN": self.token}
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, env=env)
        lines = queue.Queue()
        threading.Thread(target=self.read, args=(lines,), daemon=True).start()
        try:
            host, _, port = json.loads(lines.get(timeout=START_S))["listening"].rpartition(":")
        except (queue.Empty, ValueError, KeyError) as error:
            self.stop()
            raise measure.Trouble(f"the server did not start: {Path(log).read_text(errors='replace')[-2000:]}") from error
        self.address = (host, int(port))
        self.tree = measure.Tree(self.process.pid)
        self.tree.start()

    def read(self, lines):
        for line in self.process.stdout:
            lines.put(line)
        lines.put(b"")

    def connect(self):
        return http.client.HTTPConnection(*self.address, timeout=600)

    def call(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            body, headers["Content-Type"] = json.dumps(body), "application/json"
        connection = self.connect()
        try:
            connection.request(method, path, body, headers)
            return self.answer(connection, method, path)
        finally:
            connection.close()

    @staticmethod
    def answer(connection, method, path):
        response = connection.getresponse()
        text = response.read()
        if response.status >= 300:
            raise measure.Trouble(f"{method} {path}: {response.status} {text.decode(errors='replace')}")
        return json.loads(text) if text else None

    def upload(self, file, ladder):
        """Sends a file; gives its asset and when its last byte was handed over, in seconds since 1970."""
        size = file.stat().st_size
        upload = self.call("POST", "/api/v1/uploads", {"filename": file.name, "size": size, "ladder": ladder})
        path = f"/api/v1/uploads/{upload['id']}/content"
        connection = self.connect()
        try:
            connection.putrequest("PUT", path)
            connection.putheader("Authorization", f"Bearer {self.token}")
            connection.putheader("Content-Length", str(size))
            connection.endheaders()
            with open(file, "rb") as source:
                while piece := source.read(PIECE_BYTES):
                    connection.send(piece)
            sent = time.time()
            self.answer(connection, "PUT", path)
        finally:
            connection.close()
        return upload["asset_id"], sent

    def text(self, path):
        connection = self.connect()
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read().decode()
            if response.status != 200:
                raise measure.Trouble(f"GET {path}: {response.status} {body}")
            return body
        finally:
            connection.close()

    def awaited_s(self, path, patience_s):
        """Seconds until a file of a recording is there that may still have to be made; asks again as players do."""
        began = time.monotonic()
        while time.monotonic() - began < patience_s:
            connection = self.connect()
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                response.read()
                if response.status == 200:
                    return time.monotonic() - began
                if response.status != 503:
                    raise measure.Trouble(f"GET {path}: {response.status}")
                time.sleep(float(response.headers["Retry-After"]))
            finally:
                connection.close()
        raise measure.Trouble(f"{path} did not come within {patience_s:.0f} s")

    def jobs(self, asset):
        """Every job of an asset, over all pages."""
        jobs, after = [], ""
        while True:
            page = self.call("GET", f"/api/v1/jobs?limit=200&asset_id={asset}{after}")
            jobs += page["items"]
            if page["next"] is None:
                return jobs
            after = f"&after={page['next']}"

    def cpu_s(self):
        """Processor time of the server and of the engines that ended, which it waits for."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15]) / measure.TICKS_PER_S

    def settled_cpu_s(self):
        """The same once no engine is left."""
        deadline = time.monotonic() + 60
        while len(self.tree.members()) > 1:
            if time.monotonic() > deadline:
                raise measure.Trouble("an engine still runs a minute after its asset was complete")
            time.sleep(POLL_S)
        return self.cpu_s()

    def stop(self):
        if hasattr(self, "tree"):
            self.tree.ended.set()
            self.tree.join()
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def seconds(text):
    return datetime.fromisoformat(text).timestamp()


def followed(server, asset_id, patience_s, reached):
    """The asset once it is as wanted."""
    deadline = time.monotonic() + patience_s
    while True:
        asset = server.call("GET", f"/api/v1/assets/{asset_id}")
        if reached(asset):
            return asset
        if asset["state"] == "errored":
            raise measure.Trouble(f"{asset_id}: {asset['error']}")
        if time.monotonic() > deadline:
            raise measure.Trouble(f"{asset_id} was not there after {patience_s:.0f} s: {asset['progress']}")
        time.sleep(POLL_S)
