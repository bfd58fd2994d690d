# SPDX-License-Identifier: GPL-3.0-or-later
"""
scan_listener: what a listener notices of a cold scan.

    script/bench scan_listener [--files N] [--build DIR]

A server with one known track starts a cold scan of 20,000 files.  While it scans, a listener takes 160 KiB of that
track each second, and an app asks for lists twenty times a second.  The same is measured before, when nothing happens.
"""
import argparse
import http.client
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import scan_files  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
QUESTIONS = ["getArtists", "search3?query=a", "getAlbumList2?type=newest&size=50", "getRandomSongs?size=50", "ping"]


class Server:
    def __init__(self, build, state, folders):
        self.process = subprocess.Popen([f"{build}/sostenuto", "serve", *folders, "--data", state, "--listen",
                                         "127.0.0.1:0", "--no-supervisor"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        env=dict(os.environ, SOSTENUTO_MDNS="no"))
        os.set_blocking(self.process.stdout.fileno(), False)
        seen, end = b"", time.monotonic() + 30
        while b"listening on" not in seen and time.monotonic() < end:
            select.select([self.process.stdout], [], [], 0.2)
            seen += self.process.stdout.read() or b""
        self.port = int(re.search(rb"listening on http://127\.0\.0\.1:(\d+)", seen).group(1))

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=30)


class Client:
    def __init__(self, port, secret):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.secret = secret

    def get(self, question, headers=None):
        joint = "&" if "?" in question else "?"
        begun = time.monotonic()
        self.connection.request("GET", f"/rest/{question}{joint}apiKey={self.secret}&f=json&v=1.16.1&c=bench",
                                headers=headers or {})
        body = self.connection.getresponse().read()
        return (time.monotonic() - begun) * 1000, body

    def json(self, question):
        return json.loads(self.get(question)[1])["subsonic-response"]


def listen(port, secret, track, stop, gaps):
    client, offset = Client(port, secret), 0
    while not stop.is_set():
        begun = time.monotonic()
        took, _ = client.get(f"stream?id={track}", {"Range": f"bytes={offset}-{offset + 163839}"})
        gaps.append(took)
        offset = (offset + 163840) % (24 << 20)
        stop.wait(max(0, 1 - (time.monotonic() - begun)))


def ask(port, secret, stop, times):
    client, number = Client(port, secret), 0
    while not stop.is_set():
        times.append(client.get(QUESTIONS[number % len(QUESTIONS)])[0])
        number += 1
        stop.wait(0.05)


def measure(port, secret, track, until):
    stop, gaps, times = threading.Event(), [], []
    threads = [threading.Thread(target=listen, args=(port, secret, track, stop, gaps)),
               threading.Thread(target=ask, args=(port, secret, stop, times))]
    for thread in threads:
        thread.start()
    begun = time.monotonic()
    until()
    took = time.monotonic() - begun
    stop.set()
    for thread in threads:
        thread.join()
    times.sort()
    return took, max(gaps), times[int(len(times) * 0.99)], len(times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=20000)
    parser.add_argument("--build", default=f"{TOP}/build/release")
    arguments = parser.parse_args()
    build, cache = arguments.build, f"{TOP}/build/bench"
    os.makedirs(cache, exist_ok=True)
    music = f"{cache}/scan-{arguments.files}"
    scan_files.make_small(music, arguments.files)
    scan_files.make_big(f"{cache}/scan-big", 200, 30 << 20)
    temp = tempfile.mkdtemp(prefix="sostenuto-bench-")
    known, state, new = f"{temp}/known", f"{temp}/state", f"{temp}/new"
    os.mkdir(known)
    os.mkdir(new)
    shutil.copy(f"{cache}/scan-big/000.mp3", known)
    command = f"{build}/sostenuto"
    server = None
    try:
        subprocess.run([command, "user", "add", "bench", "--admin", "--password-file", "-", "--data", state],
                       input=b"correct horse battery\n", check=True, stdout=subprocess.DEVNULL)
        secret = subprocess.run([command, "app", "add", "bench", "bench", "--data", state], check=True,
                                stdout=subprocess.PIPE).stdout.decode().strip()
        server = Server(build, state, [known, new])
        client = Client(server.port, secret)

        def count():
            return client.json("getScanStatus")["scanStatus"]

        def wait_scan(files):
            end = time.monotonic() + 240
            while time.monotonic() < end:
                status = count()
                if not status["scanning"] and status.get("count", 0) >= files:
                    return
                time.sleep(0.1)
            raise RuntimeError("the scan did not end")

        wait_scan(1)
        track = client.json("search3?query=")["searchResult3"]["song"][0]["id"]
        _, gap, p99, asked = measure(server.port, secret, track, lambda: time.sleep(5))
        print(f"idle:      longest wait for 160 KiB {gap:6.1f} ms, API p99 {p99:6.1f} ms of {asked} answers, "
              f"load {os.getloadavg()[0]:.1f}")

        def scan():
            os.rmdir(new)
            os.symlink(music, new)
            subprocess.run([command, "scan", "--data", state], check=True, stdout=subprocess.DEVNULL)
            wait_scan(arguments.files)

        took, gap, p99, asked = measure(server.port, secret, track, scan)
        print(f"cold scan: longest wait for 160 KiB {gap:6.1f} ms, API p99 {p99:6.1f} ms of {asked} answers, "
              f"{arguments.files} files in {took:.1f} s")
        good = gap <= 50 and p99 < 25
        print(f"{'PASS' if gap <= 50 else 'FAIL'}  gap of a paced listener: {gap:.1f} ms (bar 50 ms)")
        print(f"{'PASS' if p99 < 25 else 'FAIL'}  API p99: {p99:.1f} ms (bar 25 ms)")
        return 0 if good else 1
    finally:
        if server:
            server.close()
        shutil.rmtree(temp, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
