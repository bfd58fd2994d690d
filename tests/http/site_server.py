# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the test server of this folder on a free port, and small clients for what varnishtest cannot say."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


class Site:
    """The server as a context: `with Site("--proxy-protocol") as site: site.port`."""
    build = "build/debug"

    @classmethod
    def program(cls, build=None):
        return ROOT / (build or cls.build) / "tests/http/http_test_server"

    def __init__(self, *options, guards_off=None, drills=False, **environment):
        """`guards_off` names protections to go without: in the drills build, as with `drills`, or the test is skipped."""
        self.options = ("--limit", "loops", 3, *options)  # so that requests and answers change threads
        self.environment = {**os.environ, **environment}
        if guards_off:
            self.environment["SOSTENUTO_GUARDS_OFF"] = guards_off
        if guards_off or drills:
            self.build = "build/drills"
            if not self.program(self.build).exists():
                pytest.skip("needs script/build drills")

    def __enter__(self):
        self.output = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([str(self.program(self.build)), *map(str, self.options)], stdout=subprocess.PIPE,
                                        stderr=self.output, text=True, env=self.environment)
        match = re.match(r"listening on (\d+)", self.process.stdout.readline())
        assert match, self.log()
        self.port = int(match.group(1))
        self.lines = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True)
        self.reader.start()  # a log that nobody reads would stop the server
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        self.process.stdout.close()
        self.output.close()

    def stop(self):
        """Drains the server; its exit code, which the sanitizers make non-zero for a leak."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "did not end"
        finally:
            self.reader.join()
        self.access_log = "".join(self.lines)
        return self.process.returncode

    def log(self):
        self.output.seek(0)
        return self.output.read()

    def connect(self, receive_buffer=None):
        client = socket.socket()
        client.settimeout(5)
        if receive_buffer:  # before connecting, or the kernel lets it grow
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.connect(("127.0.0.1", self.port))
        return client

    def counters(self):
        """Every counter of the server by its name."""
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)\n", self.ask(get("/stats")).decode())}

    def ask(self, request, prefix=b""):
        """Sends raw bytes on a new connection; all bytes until the server closes."""
        with self.connect() as client:
            client.sendall(prefix + request)
            return read_all(client)


def read_all(client):
    answer = b""
    while True:
        try:
            part = client.recv(65536)
        except ConnectionResetError:
            return answer
        if not part:
            return answer
        answer += part


def get(path, *fields, host="localhost"):
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close", *fields, "", ""]
    return "\r\n".join(lines).encode()
