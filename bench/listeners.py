# SPDX-License-Identifier: GPL-3.0-or-later
"""
listeners: ten thousand listeners on one process, each of whom asks for a segment of 160 KiB each ten seconds.

    script/bench listeners [--node edge|origin] [--listeners N] [--rounds N] [--every MS] [--profile FILE]

`edge` (the default) is an edge that joined an origin on this machine, with its default settings but for placing ahead, which is off;
`origin` is that origin.  What is asked for is what our player asks for: segments of songs (FLAC, made so that they have 160 KiB), by grant, each
listener on a kept-alive connection of their own (bench/paced.c, another process).  Every segment was fetched once before.  Round 1 connects
and is not counted.  A time is from the moment at which the segment was due to its last byte.

Bars: p99 under 50 ms; under 16 KiB of private memory of the process for each listener; no segment refused, cut or not there after ten seconds.
A client that was itself late by more than a fifth of the bar (p99) proves nothing against the server: then a miss is UNSURE, and ends with 3.
"""
import argparse
import json
import os
import pathlib
import random
import re
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import wave

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / os.environ.get("BENCH_BUILD", "release")
os.environ["SOSTENUTO_BINARY"] = str(BUILD / "sostenuto")
sys.path.insert(0, str(ROOT / "tests" / "fleet"))
from fleet_nodes import Fleet, environment  # noqa: E402
from patience import until  # noqa: E402

SONGS, SONG_S, ACCOUNTS = 12, 64, 24
PASSWORD = "correct horse battery"
SIGMA = 2.45  # of the noise, in steps of 16 bits: FLAC makes 160 KiB of 4 s of it
BAR_MS, BAR_BYTES, LATE_MS = 50, 16 << 10, 10


def make_songs(folder):
    """Faint noise: it does not compress, so segments are all of one size."""
    chance = random.Random(7)
    noise = [round(chance.gauss(0, SIGMA)) for _ in range(44100 * 8)]
    folder.mkdir()
    for song in range(SONGS):
        at = chance.randrange(len(noise))
        samples = noise[at:] + noise[:at]
        with wave.open(str(folder / "noise.wav"), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(44100)
            for _ in range(SONG_S * 2 // 8):
                file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
        subprocess.run(["ffmpeg", "-v", "error", "-i", folder / "noise.wav", "-metadata", f"title=Noise {song}", "-metadata", "album=Noises",
                        "-metadata", "artist=Nobody", "-metadata", f"track={song + 1}", folder / f"{song}.flac"], check=True)
    (folder / "noise.wav").unlink()


def operate(*words, data, given=None):
    return subprocess.run([BUILD / "sostenuto", *words, "--data", data], input=given, capture_output=True, text=True, check=True, env=environment())


def sign_in(node, name):
    status, said = node.ask("/api/v1/session", "POST", json.dumps({"name": name, "password": PASSWORD}), {"Content-Type": "application/json"})
    assert status == 200, said
    return json.loads(said)


def find_songs(node, session):
    query = urllib.parse.urlencode({"f": "json", "v": "1.16.1", "c": "bench", "query": "", "songCount": 100})
    answer = node.ask(f"/rest/search3?{query}", headers={"Authorization": "Bearer " + session["accessToken"]})[1]
    songs = json.loads(answer)["subsonic-response"]["searchResult3"].get("song", [])
    return [song["id"] for song in songs] if len(songs) == SONGS else None


def flac_of(node, song, grant):
    """From the body of the signed manifest."""
    status, said = node.ask(f"/m/{song}/manifest", headers={"Sostenuto-Grant": grant})
    assert status == 200, (status, said[:200])
    body = json.loads(said[said.index(b'{"format"'):said.rindex(b"}") + 1])
    return next(one for one in body["renditions"] if one["name"] == "flac")


def whole_flac(node, song, grant):
    """Has it encoded, and returns the names of its segments but for the last, which is shorter."""
    generation = flac_of(node, song, grant)["generation"]
    node.ask(f"/m/{song}/flac.{generation}/init.mp4", headers={"Sostenuto-Grant": grant})

    def whole():
        flac = flac_of(node, song, grant)
        return flac if flac["state"] == "complete" else None
    flac = until(whole, f"{song} is encoded", 60)
    return [f"/m/{song}/flac.{flac['generation']}/{i}.m4s" for i in range(len(flac["segments"]) - 1)]


class Process:
    """What a node's one process takes."""

    def __init__(self, node):
        children = pathlib.Path(f"/proc/{node.process.pid}/task/{node.process.pid}/children").read_text().split()
        self.pid = next((int(child) for child in children
                         if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == "sostenuto"), node.process.pid)

    def private_bytes(self):
        words = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return sum(int(size) << 10 for size in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+)", words, re.M))

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def busy_s():
    """Of all processors, since the start of the machine."""
    fields = [int(word) for word in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


class Fine(Fleet):
    """An origin with songs and accounts, an edge that holds all of it, and what to ask for."""

    def __init__(self, folder, options):
        super().__init__(folder)
        (self.folder / "music").rmdir()
        make_songs(self.folder / "music")
        for i in range(ACCOUNTS):
            operate("user", "add", f"listener{i}", "--password-file", "-", data=self.folder / "origin", given=PASSWORD + "\n")
        origin = self.origin()
        session = sign_in(origin, "listener0")
        songs = until(lambda: find_songs(origin, session), "the songs are read", 60)
        self.node = origin
        if options.node == "edge":
            self.node = self.joined("edge", origin.url, self.invite("edge"), flags=["--edge-place-kib-s", "0"])
            until(lambda: json.loads(self.node.ask("/status")[1]).get("accounts", 0) >= ACCOUNTS, "the edge holds all", 60)
            until(lambda: find_songs(self.node, session), "the edge holds the catalogue", 60)
        self.grants = [sign_in(self.node, f"listener{i}")["grant"] for i in range(ACCOUNTS)]
        self.objects = [name for song in songs for name in whole_flac(self.node, song, self.grants[0])]
        for name in self.objects:
            assert self.node.ask(name, headers={"Sostenuto-Grant": self.grants[0]})[0] == 200, name


def measure(fleet, options):
    process, folder = Process(fleet.node), fleet.folder
    (folder / "objects").write_text("\n".join(fleet.objects) + "\n")
    (folder / "grants").write_text("\n".join(fleet.grants) + "\n")
    time.sleep(2)
    before, most = process.private_bytes(), 0
    command = [BUILD / "bench" / "paced", "--port", urllib.parse.urlsplit(fleet.node.url).port, "--listeners", options.listeners, "--objects",
               folder / "objects", "--grants", folder / "grants", "--every", options.every, "--rounds", options.rounds]
    cpu, busy = process.cpu_s(), busy_s()
    perf = options.profile and subprocess.Popen(["perf", "record", "-q", "-g", "-F", "299", "-p", str(process.pid), "-o", options.profile])
    client = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, text=True)
    said = []
    reader = threading.Thread(target=lambda: said.append(client.stdout.read()))
    reader.start()
    while reader.is_alive():
        most = max(most, process.private_bytes())
        reader.join(1)
    client.wait()
    if perf:
        perf.send_signal(signal.SIGINT)
        perf.wait()
    assert client.returncode == 0 and said[0], "bench/paced did not run"
    figures = json.loads(said[0])
    figures.update(server_cpu_s=process.cpu_s() - cpu, memory=most - before, base=before)
    figures["others"] = max(0, (busy_s() - busy - figures["server_cpu_s"] - figures["cpu_s"]) / figures["seconds"])
    return figures


def show(figures, options):
    took, asked, late = figures["took_ms"], figures["asked_ms"], figures["late_ms"]
    each, lost = figures["memory"] / options.listeners, figures["due"] - figures["heard"]
    total = options.listeners * options.rounds
    least, most = figures["segment_bytes"]
    print(f"{options.listeners} listeners at the {options.node}, {least / 1024:.0f} to {most / 1024:.0f} KiB each {options.every / 1000:g} s, {options.rounds} rounds; "
          f"load {os.getloadavg()[0]:.1f}, others took {figures['others']:.2f} of a processor")
    print(f"  {'':34} {'p50':>9} {'p99':>9} {'p99.9':>9} {'most':>9}   ms")
    for name, times in (("due to last byte", took), ("asked to last byte", asked), ("the client was late", late)):
        print(f"  {name:34} " + " ".join(f"{one:9.2f}" for one in times))
    print(f"  heard {figures['heard']} of {figures['due']}; refused {figures['refused']}, cut {figures['cut']}, not there in time {figures['overrun']}")
    print(f"  private memory {figures['memory'] / 2 ** 20:.1f} MiB more than {figures['base'] / 2 ** 20:.1f}: {each / 1024:.2f} KiB a listener")
    print(f"  processor: server {figures['server_cpu_s']:.2f} s, {figures['server_cpu_s'] / total * 1e6:.0f} us a segment, "
          f"{figures['server_cpu_s'] / figures['seconds'] * 100:.0f} % of one; client {figures['cpu_s']:.2f} s")
    is_client_late = late[1] > LATE_MS
    results = [(took[1] < BAR_MS, f"p99 {took[1]:.1f} ms, bar {BAR_MS}", is_client_late),
               (each < BAR_BYTES, f"{each / 1024:.2f} KiB a listener, bar {BAR_BYTES >> 10}", False),
               (lost == 0 and figures["refused"] == 0, f"{lost} segments not heard", is_client_late)]
    for is_good, words, is_unsure in results:
        print(f"{'PASS' if is_good else 'UNSURE: not proven, this client was late itself' if is_unsure else 'FAIL'}: {words}")
    return 0 if all(good for good, _, _ in results) else 3 if all(good or unsure for good, _, unsure in results) else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--node", choices=("edge", "origin"), default="edge")
    parser.add_argument("--listeners", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--every", type=int, default=10000, metavar="MS")
    parser.add_argument("--profile", metavar="FILE", help="perf record of the node meanwhile, which costs it something")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < options.listeners + 500:
        print(f"so many listeners need {options.listeners + 500} files; `ulimit -Hn` says {hard}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="listeners.") as folder:
        fleet = Fine(folder, options)
        try:
            return show(measure(fleet, options), options)
        finally:
            fleet.stop()


if __name__ == "__main__":
    sys.exit(main())
