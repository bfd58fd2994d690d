#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
api: fifty apps on 100,000 tracks, beside Debian's supysonic in the same run.

    script/bench api [--idle] [--tracks N] [--apps N] [--seconds N] [--peer-seconds N]

Each app goes round: albums, an album, its artwork, a search, the whole of a song, a scrobble, a list of artists now and then; signed in with
token and salt (supysonic knows only the password, and is asked with that).  Both read the same files: ours scans them; supysonic, which takes
hours for as many, gets the same library written into its own database, and runs under gunicorn with a process for each processor.

Two phases of ours: all apps as fast as they can (throughput), then each with half a second between its requests, as eager as a person is not
(how long one waits).  Processor seconds per request say more than wall time on a shared machine, and are printed for both.
"""
import argparse
import hashlib
import json
import os
import pathlib
import random
import re
import selectors
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import scan_files  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent
BINARY = TOP / "build" / "release" / "sostenuto"
PASSWORD = "correct horse battery"
IDLE_S = 120
ROUND = ["getAlbumList2", "getAlbum", "getCoverArt", "search3", "stream", "scrobble"]


# --- processes ---

def family(pid):
    """A process and all its descendants."""
    found = [pid]
    for parent in found:
        for task in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:
                pass
    return found


def cpu_s(pid):
    total = 0
    for one in family(pid):
        try:
            fields = pathlib.Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        except OSError:
            pass
    return total / os.sysconf("SC_CLK_TCK")


def resident_one(pid, what="Rss"):
    try:
        return int(re.search(rf"^{what}:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M).group(1)) / 1024
    except (OSError, AttributeError):
        return 0


def resident_mib(pid, what="Rss"):
    return sum(resident_one(one, what) for one in family(pid))


# --- what an app asks ---

def kinds(supervisor):
    """The larger process's resident memory by what it is."""
    pid = max(family(supervisor), key=resident_one)
    sums, kind = {"catalogue": 0, "heap and stacks": 0, "program and libraries": 0, "other files": 0}, None
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            place = (line.split(None, 5) + [""])[5]
            kind = ("catalogue" if "/catalog/" in place else "program and libraries" if ".so" in place or place.endswith("/sostenuto")
                    else "other files" if place.startswith("/") else "heap and stacks")
        elif line.startswith("Rss:"):
            sums[kind] += int(line.split()[1])
    return ", ".join(f"{name} {kib / 1024:.0f} MiB" for name, kib in sums.items())


class Peer:
    """A server: where it is, how one signs in, what there is to ask for."""

    def __init__(self, name, process, port, sign_in):
        self.name, self.process, self.port, self.sign_in = name, process, port, sign_in

    def path(self, endpoint, app, **parameters):
        query = {**self.sign_in(app), "v": "1.16.1", "c": "bench", "f": "json", **parameters}
        return f"/rest/{endpoint}.view?{urllib.parse.urlencode(query)}"

    def ask(self, endpoint, **parameters):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{self.path(endpoint, 0, **parameters)}", timeout=120) as answer:
            done = json.loads(answer.read())["subsonic-response"]
        assert done["status"] == "ok", done
        return done

    def learn(self):
        """Some albums with their songs and words to look for."""
        self.albums, self.songs = [], []
        for offset in range(0, 5000, 500):
            albums = self.ask("getAlbumList2", type="alphabeticalByName", size=20, offset=offset)["albumList2"].get("album", [])
            self.albums += [album["id"] for album in albums]
        for album in self.albums[:40]:
            self.songs += self.ask("getAlbum", id=album)["album"]["song"]

    def request(self, chance, app, endpoint):
        song = chance.choice(self.songs)
        parameters = {
            "getAlbumList2": {"type": chance.choice(["newest", "random", "frequent", "alphabeticalByName"]), "size": 20},
            "getAlbum": {"id": chance.choice(self.albums)},
            "getCoverArt": {"id": song.get("coverArt") or song["id"], "size": 300},
            "search3": {"query": chance.choice(scan_files.WORDS), "artistCount": 5, "albumCount": 10, "songCount": 20},
            "stream": {"id": song["id"], "format": "raw"},
            "scrobble": {"id": song["id"], "time": int(time.time() * 1000) - chance.randrange(10**9)},
        }[endpoint]
        return f"GET {self.path(endpoint, app, **parameters)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


class App:
    def __init__(self, peer, number):
        self.peer, self.number, self.chance = peer, number, random.Random(number)
        self.step, self.socket, self.due = number % len(ROUND), None, 0.0
        self.requests = [[peer.request(self.chance, number, endpoint) for _ in range(24)] for endpoint in ROUND]

    def send(self):
        """The descriptor may be another one: some servers close after each answer."""
        if not self.socket:
            self.socket = socket.create_connection(("127.0.0.1", self.peer.port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.step = (self.step + 1) % len(ROUND)
        self.head, self.parts, self.left = b"", 0, None
        self.sent = time.perf_counter()
        self.socket.sendall(self.chance.choice(self.requests[self.step]))

    def receive(self):
        """None while the answer is not whole, else its status; the connection is gone when it had to be."""
        data = self.socket.recv(1 << 20)
        if self.left is None:
            self.head += data
            head, found, rest = self.head.partition(b"\r\n\r\n")
            if not found:
                assert data, f"{self.peer.name} closed the connection"
                return None
            lower = head.lower()
            size = re.search(rb"\r\ncontent-length: *(\d+)", lower)
            self.status, self.closes = int(head[9:12]), b"connection: close" in lower
            self.left = int(size.group(1)) - len(rest) if size else 1 << 60  # to its end
        else:
            self.left -= len(data)
        if self.left > 0 and data:
            return None
        if self.closes or not data:
            self.socket.close()
            self.socket = None
        return self.status


def drive(peer, count, seconds, pause):
    """All apps for so long; how long each kind of request took, and how many were answered badly."""
    apps, took, bad = [App(peer, i) for i in range(count)], {name: [] for name in ROUND}, 0
    selector, end = selectors.DefaultSelector(), time.perf_counter() + seconds
    for app in apps:
        app.due = time.perf_counter() + app.chance.random() * pause
    waiting, busy = set(apps), 0
    begun, cpu = time.perf_counter(), cpu_s(peer.process.pid)
    while busy or time.perf_counter() < end:
        now = time.perf_counter()
        if now < end:
            for app in [app for app in waiting if app.due <= now]:
                waiting.discard(app)
                app.send()
                selector.register(app.socket, selectors.EVENT_READ, app)
                busy += 1
        soonest = min((app.due for app in waiting), default=now + 1) - now
        for key, _ in selector.select(max(0.0, min(soonest, 0.05)) if pause or not busy else 0.05):
            app, fd = key.data, key.fileobj
            status = app.receive()
            if status is None:
                continue
            selector.unregister(fd)
            busy -= 1
            took[ROUND[app.step]].append(time.perf_counter() - app.sent)
            bad += status not in (200, 206) and not (status == 404 and ROUND[app.step] == "getCoverArt")
            app.due = time.perf_counter() + pause
            if pause or time.perf_counter() >= end:
                waiting.add(app)
            else:
                app.send()
                selector.register(app.socket, selectors.EVENT_READ, app)
                busy += 1
    wall, cpu = time.perf_counter() - begun, cpu_s(peer.process.pid) - cpu
    requests = sum(map(len, took.values()))
    return {"rate": requests / wall, "cpu": cpu / requests * 1e6, "took": took, "bad": bad, "requests": requests}


# --- ours ---

def start_ours(music, temp):
    data = f"{temp}/state"
    subprocess.run([BINARY, "user", "add", "anna", "--password-file", "-", "--data", data], input=PASSWORD + "\n", text=True, check=True,
                   capture_output=True)
    secret = subprocess.run([BINARY, "app", "add", "anna", "bench", "--data", data], text=True, check=True, capture_output=True).stdout.strip()
    process = subprocess.Popen([BINARY, "serve", music, "--data", data, "--listen", "127.0.0.1:0", "--mdns", "no"], stdout=subprocess.PIPE,
                               stderr=open(f"{temp}/log", "ab"), text=True)
    port = next(int(m.group(1)) for m in (re.match(r"listening on http://[\d.]+:(\d+)", line) for line in process.stdout) if m)

    def sign_in(app):
        salt = f"salt{app:06}"
        return {"u": "anna", "s": salt, "t": hashlib.md5((secret + salt).encode()).hexdigest()}
    begun = time.monotonic()
    while True:
        scan = json.loads(subprocess.run([BINARY, "status", "--json", "--data", data], text=True, check=True, capture_output=True).stdout)["scan"]
        if scan["idle"] and scan["finished_ms"]:
            break
        time.sleep(0.5)
    print(f"  ours scanned {scan['tracks']} tracks in {time.monotonic() - begun:.0f} s", flush=True)
    return Peer("sostenuto", process, port, sign_in)


# --- supysonic ---

def fill_supysonic(path, music):
    """Its own tables, as its scan would leave them: artist and album folders, one user."""
    database = sqlite3.connect(path)
    now, rows = "2026-01-01 00:00:00.000000", {"folder": [], "artist": [], "album": [], "track": []}

    def folder(number, place, parent):
        rows["folder"].append((number, parent is None, os.path.basename(place), place, hashlib.sha1(place.encode()).digest(), now, None,
                               1767225600, parent))
    folder(1, music, None)
    number = 1
    for artist in sorted(os.listdir(music)):
        artist_id, artist_folder = uuid.uuid4().bytes, number + 1
        number += 1
        folder(artist_folder, f"{music}/{artist}", 1)
        rows["artist"].append((artist_id, artist))
        for album in sorted(os.listdir(f"{music}/{artist}")):
            album_id, place = uuid.uuid4().bytes, f"{music}/{artist}/{album}"
            number += 1
            folder(number, place, artist_folder)
            rows["album"].append((album_id, album, artist_id))
            for i, name in enumerate(sorted(os.listdir(place))):
                file = f"{place}/{name}"
                rows["track"].append((uuid.uuid4().bytes, 1, i + 1, name[3:].rsplit(".", 1)[0], 1990, "Test", 1, False, album_id, artist_id, 128,
                                      file, hashlib.sha1(file.encode()).digest(), now, 1767225600, 0, None, 1, number))
    for table, values in rows.items():
        database.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(values[0]))})", values)
    salt = "abcdef"
    database.execute("INSERT INTO user VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                     (uuid.uuid4().bytes, "anna", None, hashlib.sha1((salt + PASSWORD).encode()).hexdigest(), salt, True, False, None, True, None, None))
    database.commit()
    database.close()
    return len(rows["track"])


def start_supysonic(music, temp):
    # its command line makes the tables
    subprocess.run(["supysonic-cli", "user", "list"], cwd=temp, env=supysonic_environment(temp), capture_output=True, check=True)
    tracks = fill_supysonic(f"{temp}/db", music)
    print(f"  supysonic was given {tracks} tracks", flush=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(["supysonic-server", "-S", "gunicorn", "-h", "127.0.0.1", "-p", str(port), "--processes", str(os.cpu_count())],
                               cwd=temp, env=supysonic_environment(temp), stdout=subprocess.DEVNULL, stderr=open(f"{temp}/supysonic.log", "ab"))
    peer = Peer("supysonic", process, port, lambda app: {"u": "anna", "p": PASSWORD})
    for _ in range(100):
        try:
            peer.ask("ping")
            return peer
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(pathlib.Path(f"{temp}/supysonic.log").read_text()[-2000:])


def supysonic_environment(temp):
    os.makedirs(f"{temp}/cache", exist_ok=True)
    conf = f"{temp}/supysonic.conf"
    if not os.path.exists(conf):
        pathlib.Path(conf).write_text(f"[base]\ndatabase_uri = sqlite:///{temp}/db\n[webapp]\ncache_dir = {temp}/cache\n"
                                      f"[daemon]\nsocket = {temp}/socket\n", encoding="utf-8")
    return dict(os.environ, HOME=temp, SUPYSONIC_CONFIG=conf)


# --- the table ---

def show(name, figure):
    print(f"  {name:<34}{figure['rate']:9.0f} requests/s {figure['cpu']:9.0f} µs of processor each, {figure['bad']} bad")
    for endpoint, took in figure["took"].items():
        if took:
            took.sort()
            print(f"    {endpoint:<16}{len(took):7d}  p50 {statistics.median(took) * 1e3:8.2f} ms  p99 {took[len(took) * 99 // 100] * 1e3:8.2f} ms")


def p99_ms(figure):
    every = sorted(t for took in figure["took"].values() for t in took)
    return every[len(every) * 99 // 100] * 1e3


def verdict(claim, value, bar, holds):
    print(f"{'PASS' if holds else 'FAIL'}  {claim}: {value} (bar {bar})")
    return holds


def stop(peer):
    peer.process.send_signal(signal.SIGTERM)
    try:
        peer.process.wait(30)
    except subprocess.TimeoutExpired:
        peer.process.kill()
        peer.process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tracks", type=int, default=100000)
    parser.add_argument("--idle", action="store_true", help="memory alone")
    parser.add_argument("--apps", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--peer-seconds", type=int, default=30)
    asked = parser.parse_args()
    os.makedirs(TOP / "build" / "bench", exist_ok=True)
    music = str(TOP / "build" / "bench" / f"scan-{asked.tracks}")
    scan_files.make_small(music, asked.tracks)
    print(f"{asked.tracks} files; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    temp = tempfile.mkdtemp(prefix="bench-api-", dir=TOP / "build")
    started = []
    try:
        ours = start_ours(music, temp)
        started.append(ours)
        for _ in range(IDLE_S):  # until the processes that read files have left, too
            time.sleep(1)
            if len(family(ours.process.pid)) <= 2:
                break
        time.sleep(3)
        rss, pss = resident_mib(ours.process.pid), resident_mib(ours.process.pid, "Pss")
        each = sorted((round(resident_one(pid)) for pid in family(ours.process.pid)), reverse=True)
        print(f"  of each process: {each} MiB")
        print(f"  ours idle: RSS {rss:.0f} MiB of {len(family(ours.process.pid))} processes ({pss:.0f} MiB with what they share counted once)")
        print(f"  of the server: {kinds(ours.process.pid)}")
        is_small = rss < 100
        if asked.idle:
            return 0 if verdict("idle memory, RSS of all processes", f"{rss:.0f} MiB", "100 MiB", is_small) else 1
        ours.learn()
        fast = drive(ours, asked.apps, asked.seconds, 0)
        show("sostenuto, as fast as they can", fast)
        calm = drive(ours, asked.apps, asked.seconds, 0.5)
        show("sostenuto, two a second each", calm)
        theirs_peer = start_supysonic(music, temp)
        started.append(theirs_peer)
        theirs_peer.learn()
        theirs = drive(theirs_peer, asked.apps, asked.peer_seconds, 0)
        show("supysonic, as fast as they can", theirs)
        good = verdict("throughput, times supysonic's", f"{fast['rate'] / theirs['rate']:.1f}", "20", fast["rate"] >= 20 * theirs["rate"])
        print(f"      processor per request, times less: {theirs['cpu'] / fast['cpu']:.1f}")
        good &= verdict("p99 of ours, two requests a second each", f"{p99_ms(calm):.1f} ms", "20 ms", p99_ms(calm) < 20)
        print(f"      p99 with all apps waiting in line at once: {p99_ms(fast):.1f} ms")
        good &= verdict("idle memory, RSS of all processes", f"{rss:.0f} MiB", "100 MiB", is_small)
        return 0 if good and not fast["bad"] + calm["bad"] else 1
    finally:
        for peer in started:
            stop(peer)
        shutil.rmtree(temp, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
