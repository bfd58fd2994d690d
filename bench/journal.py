#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durable operations a second through POST /ops of a real server: loopback, keep-alive connections, 100 operations a batch.

usage: bench/journal.py [FOLDER] [--operations N] [--connections N] [--rate N] [--seconds S]

FOLDER lies on the disk that is measured (default: build/).  Two rounds, every connection a device of its own:

  unpaced  8 connections, each sends its next batch when the last was answered: how many a second there can be
  paced    32 connections that together send --rate operations a second by the clock; a batch counts from when it should have been
           sent, so whoever is kept waiting counts that, too: how long a durable answer takes at that load

Every result must be "accepted"; afterwards the server is killed, and started again it must have counted every play.  Control: a batch's
bytes written to the same disk with write and fdatasync, alone, before and after: no answer can be quicker.
"""
import argparse
import base64
import http.client
import json
import os
import pathlib
import re
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = pathlib.Path(os.environ.get("SOSTENUTO_BINARY", ROOT / "build" / "release" / "sostenuto"))
PER_BATCH, TRACKS = 100, 20000
BAR_PER_SECOND, BAR_P99_MS, PACED_CONNECTIONS = 50000, 20, 32
NOW_MS = int(time.time() * 1000)


def text_id(number):
    return base64.urlsafe_b64encode(number.to_bytes(16, "little")).decode().rstrip("=")


def body(device, batch):
    """What a player's outbox sends: plays, and a star now and then."""
    operations = []
    for i in range(PER_BATCH):
        seq = batch * PER_BATCH + i + 1
        track = "tr-" + text_id((device * 7919 + seq * 104729) % TRACKS + 1)
        if seq % 10 == 0:
            kind, payload = "star", {"id": track, "on": True}
        else:
            kind, payload = "play", {"track": track, "album": "al-" + text_id(seq % 2000 + 1), "at": NOW_MS - 1000000 + seq}
        operations.append({"seq": seq, "hlc": str((NOW_MS << 16) + seq), "kind": kind, "payload": payload})
    return json.dumps({"device": text_id(1000 + device), "operations": operations}, separators=(",", ":")).encode()


class Server:
    def __init__(self, data):
        self.data = data
        self.process = subprocess.Popen([BINARY, "serve", "--data", data, "--listen", "127.0.0.1:0", "--mdns", "no", "--loops", "1"],
                                        stdout=subprocess.PIPE, stderr=open(data.parent / "log", "ab"), text=True)
        for line in self.process.stdout:
            match = re.match(r"listening on http://([\d.]+):(\d+)", line)
            if match:
                self.address = match.group(1), int(match.group(2))
                break
        self.pid = json.loads(self.run("status", "--json"))["pid"]

    def run(self, *arguments, given=None):
        return subprocess.run([BINARY, *arguments, "--data", self.data], input=given, capture_output=True, text=True, check=True).stdout

    def ask(self, method, path, data=None, token=None):
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        connection.request(method, path, json.dumps(data) if data is not None else None, headers)
        return json.loads(connection.getresponse().read())

    def cpu_s(self):
        """Processor seconds by thread name."""
        seconds = {}
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            fields = (task / "stat").read_text().rsplit(")", 1)
            name, numbers = fields[0].split("(", 1)[1], fields[1].split()
            seconds[name] = seconds.get(name, 0) + (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")
        return seconds

    def kill(self):
        self.process.kill()
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


class Connection:
    def __init__(self, address, token, device, batches):
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = (f"POST /ops HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
                "Content-Length: ").encode()
        self.requests = [head + str(len(b)).encode() + b"\r\n\r\n" + b for b in (body(device, i) for i in range(batches))]
        self.next, self.received, self.took, self.is_waiting = 0, b"", [], False

    def send(self, due=None):
        """`due` is when it should have been sent."""
        self.sent, self.is_waiting = due or time.perf_counter(), True
        self.socket.sendall(self.requests[self.next])
        self.next += 1

    def receive(self):
        """True once the answer is whole."""
        came = self.socket.recv(1 << 20)
        if not came:
            sys.exit("the server ended a connection")
        self.received += came
        head, found, rest = self.received.partition(b"\r\n\r\n")
        size = re.search(rb"(?i)content-length: (\d+)", head)
        if not found or not size or len(rest) < int(size.group(1)):
            return False
        self.took.append(time.perf_counter() - self.sent)
        if not head.startswith(b"HTTP/1.1 200") or rest.count(b'"accepted"') != PER_BATCH:
            sys.exit(f"not accepted: {self.received[:600]}")
        self.received, self.is_waiting = b"", False
        return True


def drive_paced(connections, rate):
    """Batch b of connection c is due at (b + c / connections) of the time in which each sends one."""
    selector = selectors.DefaultSelector()
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    start, every = time.perf_counter() + 0.01, PER_BATCH * len(connections) / rate
    for i, connection in enumerate(connections):
        connection.due = start + every * i / len(connections)
    left = len(connections)
    while left:
        now = time.perf_counter()
        ready = [c for c in connections if not c.is_waiting and c.next < len(c.requests)]
        for connection in ready:
            if connection.due <= now:
                connection.send(connection.due)
                connection.due += every
        soonest = min((c.due for c in ready if not c.is_waiting), default=now + 1)
        for key, _ in selector.select(max(0, soonest - now)):
            if key.data.receive() and key.data.next == len(key.data.requests):
                left -= 1
    return time.perf_counter() - start


def drive(connections):
    selector = selectors.DefaultSelector()
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    start = time.perf_counter()
    for connection in connections:
        connection.send()
    left = len(connections)
    while left:
        for key, _ in selector.select():
            if not key.data.receive():
                continue
            if key.data.next < len(key.data.requests):
                key.data.send()
            else:
                left -= 1
    return time.perf_counter() - start


def control(folder, size, rounds=300):
    """How many such pieces a second the disk makes durable, and the middle and the 99th of 100."""
    block, took = os.urandom(size), []
    fd = os.open(folder / "control", os.O_WRONLY | os.O_CREAT)
    for _ in range(rounds):
        start = time.perf_counter()
        os.write(fd, block)
        os.fdatasync(fd)
        took.append(time.perf_counter() - start)
    os.close(fd)
    took.sort()
    return rounds / sum(took), statistics.median(took), took[rounds * 99 // 100]


def control_line(folder, when):
    rate, middle, late = control(folder, PER_BATCH * 200)
    print(f"control      {rate:6.0f} write+fdatasync/s of {PER_BATCH * 200} bytes {when}, p50 {middle * 1e3:.2f} ms, p99 {late * 1e3:.2f} ms;"
          f" load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


def measure(server, name, connections, drive_them):
    """(operations, a second, p99 in ms)"""
    before, own = server.cpu_s(), time.process_time()
    seconds = drive_them(connections)
    own, after = time.process_time() - own, server.cpu_s()
    count = sum(len(c.requests) for c in connections) * PER_BATCH
    took = sorted(t for c in connections for t in c.took)
    used = {thread: (after[thread] - before.get(thread, 0)) / count * 1e6 for thread in after}
    late = took[len(took) * 99 // 100] * 1e3
    print(f"{name:9} {count / seconds:8.0f} durable operations/s in {seconds:.1f} s, acknowledged p50 {statistics.median(took) * 1e3:.1f} ms,"
          f" p99 {late:.1f} ms, worst {took[-1] * 1e3:.1f} ms")
    print("          processor µs per operation: " + ", ".join(f"{thread} {value:.2f}" for thread, value in sorted(used.items(), key=lambda x: -x[1])
                                                              if value >= 0.05) + f"; the bench itself {own / count * 1e6:.2f}")
    return count, count / seconds, late


def bar(holds, words):
    print(("PASS  " if holds else "FAIL  ") + words)
    return holds


def plays_after_restart(data, folder):
    """Started again, stopped in order, exported and read by a stranger's reader."""
    server = Server(data)
    server.process.terminate()
    server.process.wait()
    subprocess.run([BINARY, "state", "export", folder / "all", "--data", data], check=True, capture_output=True)
    sys.path.insert(0, str(ROOT / "tests" / "formats"))
    from read_export import read
    return sum(row["row"] == "play" for row in read((folder / "all").read_bytes())[0])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", default=ROOT / "build")
    parser.add_argument("--operations", type=int, default=400000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rate", type=int, default=BAR_PER_SECOND)
    parser.add_argument("--seconds", type=float, default=8)
    asked = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-journal-", dir=asked.folder))
    server = None
    try:
        batches = asked.operations // PER_BATCH // asked.connections
        paced_batches = int(asked.rate * asked.seconds / PER_BATCH / PACED_CONNECTIONS)
        control_line(folder, "before")
        data = folder / "state"
        subprocess.run([BINARY, "user", "add", "anna", "--password-file", "-", "--data", data], input="correct horse battery\n", text=True,
                       check=True, capture_output=True)
        server = Server(data)
        token = server.ask("POST", "/api/v1/session", {"name": "anna", "password": "correct horse battery"})["accessToken"]
        connections = [Connection(server.address, token, device, batches) for device in range(asked.connections)]
        unpaced_count, rate, _ = measure(server, "unpaced", connections, drive)
        while json.loads(server.run("status", "--json"))["unapplied"]:
            time.sleep(0.1)
        paced = [Connection(server.address, token, 500 + device, paced_batches) for device in range(PACED_CONNECTIONS)]
        paced_count, _, late = measure(server, "paced", paced, lambda them: drive_paced(them, asked.rate))
        behind = json.loads(server.run("status", "--json"))["unapplied"]
        server.kill()
        server = None
        control_line(folder, "after")
        plays, wanted = plays_after_restart(data, folder), (unpaced_count + paced_count) // 10 * 9
        bars = [bar(rate >= BAR_PER_SECOND, f"{rate:.0f} durable operations a second, bar {BAR_PER_SECOND}"),
                bar(late <= BAR_P99_MS, f"p99 {late:.1f} ms at {asked.rate} a second, bar {BAR_P99_MS}"),
                bar(plays == wanted, f"killed with {behind} operations not yet in the database; after the restart {plays} of {wanted} plays")]
        return not all(bars)
    finally:
        if server:
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
