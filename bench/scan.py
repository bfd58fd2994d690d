# SPDX-License-Identifier: GPL-3.0-or-later
"""
scan: how fast a library is read, beside Debian's mpd, minidlna and supysonic (a tenth of the files) in the same run.

    script/bench scan [--files N] [--rounds N] [--only ours,mpd,minidlna,supysonic] [--no-big] [--build DIR]

20,000 small files (24 KB; mp3, flac, ogg, opus, m4a), warm page cache.  Cold: an empty database.  Rescan: nothing
changed.  Rounds alternate between ours and mpd, the fastest peer; medians count.  Then 200 files of 30 MB: how much of
each is read.  Wall time decides; CPU time of all processes is printed because a shared machine blurs the wall.
"""
import argparse
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import scan_files  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def children_cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def process_cpu(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


class Figure:
    """Seconds of wall and CPU, and how many files were taken in."""

    def __init__(self, wall, cpu, files):
        self.wall, self.cpu, self.files = wall, cpu, files


# --- ours ---

def ours_scan(build, state, music, *options):
    before = children_cpu()
    done = subprocess.run([f"{build}/bench/scan_driver", f"{build}/sostenuto-media", state, *options, music],
                          check=True, stdout=subprocess.PIPE, timeout=300)
    answer = json.loads(done.stdout)
    return Figure(answer["seconds"], children_cpu() - before, answer["tracks"])


def ours(build, music, temp):
    state = tempfile.mkdtemp(dir=temp)
    cold = ours_scan(build, state, music)
    again = ours_scan(build, state, music)
    shutil.rmtree(state)
    return cold, again


# --- mpd: update told through its socket, waited for by "idle" ---

class Mpd:
    def __init__(self, temp):
        self.folder = tempfile.mkdtemp(dir=temp)
        os.mkdir(f"{self.folder}/music")
        self.path = f"{self.folder}/socket"
        with open(f"{self.folder}/mpd.conf", "w", encoding="utf-8") as conf:
            conf.write(f'music_directory "{self.folder}/music"\nbind_to_address "{self.path}"\n'
                       f'pid_file "{self.folder}/pid"\nfollow_outside_symlinks "yes"\nauto_update "no"\n'
                       f'log_file "{self.folder}/log"\ndatabase {{\n plugin "simple"\n path "{self.folder}/db"\n}}\n'
                       'audio_output {\n type "null"\n name "none"\n}\n')
        self.process = subprocess.Popen(["mpd", "--no-daemon", f"{self.folder}/mpd.conf"], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.socket = None
        for _ in range(200):
            try:
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.connect(self.path)
                break
            except OSError:
                time.sleep(0.05)
        self.socket.settimeout(300)
        self.stream = self.socket.makefile("rwb")
        self.stream.readline()
        while "updating_db" in self.ask("status"):
            time.sleep(0.02)

    def ask(self, command):
        self.stream.write(command.encode() + b"\n")
        self.stream.flush()
        answer = {}
        for line in self.stream:
            line = line.decode().rstrip("\n")
            if line == "OK":
                return answer
            if line.startswith("ACK"):
                raise RuntimeError(line)
            name, _, value = line.partition(": ")
            answer[name] = value
        raise RuntimeError("mpd is gone")

    def update(self):
        cpu, begun = process_cpu(self.process.pid), time.monotonic()
        self.ask("update")
        while True:
            if "updating_db" not in self.ask("status"):
                break
            self.ask("idle update")
        wall = time.monotonic() - begun
        return Figure(wall, process_cpu(self.process.pid) - cpu, int(self.ask("stats").get("songs", 0)))

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)
        shutil.rmtree(self.folder)


def mpd(music, temp):
    server = Mpd(temp)
    try:
        os.symlink(music, f"{server.folder}/music/library")
        return server.update(), server.update()
    finally:
        server.close()


# --- minidlna: one run; its log says when it is done ---

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def minidlna(music, temp):
    folder = tempfile.mkdtemp(dir=temp)
    with open(f"{folder}/conf", "w", encoding="utf-8") as conf:
        conf.write(f"media_dir=A,{music}\ndb_dir={folder}/db\nlog_dir={folder}\ninotify=no\nport={free_port()}\n"
                   f"network_interface=lo\nlog_level=general,artwork,database,inotify,scanner,metadata,http,ssdp,"
                   "tivo=info\n")
    begun = time.monotonic()
    process = subprocess.Popen(["minidlnad", "-f", f"{folder}/conf", "-P", f"{folder}/pid", "-R", "-S"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    files, cpu = 0, 0.0
    try:
        while time.monotonic() - begun < 240:
            time.sleep(0.02)
            log = ""
            if os.path.exists(f"{folder}/minidlna.log"):
                with open(f"{folder}/minidlna.log", encoding="utf-8", errors="replace") as file:
                    log = file.read()
            done = [line for line in log.splitlines() if "finished (" in line]
            if done:
                files = int(done[-1].split("finished (")[1].split()[0])
                break
        wall = time.monotonic() - begun
        before = children_cpu()
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    cpu = children_cpu() - before
    shutil.rmtree(folder)
    return Figure(wall, cpu, files)


# --- supysonic: its command line, a configuration of its own ---

def supysonic(music, temp):
    """A tenth of the files: it is more than ten times as slow as the others, and its time grows with their number."""
    folder = tempfile.mkdtemp(dir=temp)
    os.mkdir(f"{folder}/music")
    artists = sorted(os.listdir(music))
    for artist in artists[:max(1, len(artists) // 10)]:
        shutil.copytree(f"{music}/{artist}", f"{folder}/music/{artist}")
    music = f"{folder}/music"
    os.mkdir(f"{folder}/cache")
    with open(f"{folder}/supysonic.conf", "w", encoding="utf-8") as conf:
        conf.write(f"[base]\ndatabase_uri = sqlite:///{folder}/db\n[webapp]\ncache_dir = {folder}/cache\n"
                   f"[daemon]\nsocket = {folder}/socket\n")
    environment = dict(os.environ, HOME=folder, SUPYSONIC_CONFIG=f"{folder}/supysonic.conf")

    def run(*arguments):
        before, begun = children_cpu(), time.monotonic()
        subprocess.run(["supysonic-cli", *arguments], check=True, cwd=folder, env=environment, timeout=300,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.monotonic() - begun, children_cpu() - before

    run("folder", "add", "bench", music)
    cold = run("folder", "scan", "--foreground", "bench")
    again = run("folder", "scan", "--foreground", "bench")
    import sqlite3
    with sqlite3.connect(f"{folder}/db") as database:
        files = database.execute("SELECT count(*) FROM track").fetchone()[0]
    shutil.rmtree(folder)
    return Figure(*cold, files), Figure(*again, files)


# --- how much of a big file is read ---

def big_reads(build, music, temp, count):
    """Bytes read by all our processes, as the kernel counts them for the process that waits for them."""
    state = tempfile.mkdtemp(dir=temp)
    script = ("import json,subprocess,sys\n"
              "done=subprocess.run(sys.argv[1:],stdout=subprocess.PIPE)\n"
              "io=dict(l.split(': ') for l in open('/proc/self/io').read().splitlines())\n"
              "print(io['rchar'], json.loads(done.stdout)['tracks'])\n")

    def rchar(folder):
        answer = subprocess.run([sys.executable, "-c", script, f"{build}/bench/scan_driver",
                                 f"{build}/sostenuto-media", state, folder], check=True, stdout=subprocess.PIPE)
        return [int(word) for word in answer.stdout.split()]

    os.mkdir(f"{temp}/nothing")
    floor, _ = rchar(f"{temp}/nothing")  # libraries, locale, the database: what a start reads
    shutil.rmtree(state)
    state = tempfile.mkdtemp(dir=temp)
    total, tracks = rchar(music)
    shutil.rmtree(state)
    assert tracks == count, (tracks, count)
    return (total - floor) / count


# --- the table ---

def line(name, figure):
    rate = figure.files / figure.wall if figure.wall else 0
    print(f"  {name:<22}{figure.wall:8.2f} s {figure.cpu:8.2f} s CPU {figure.files:8d} files {rate:10.0f} files/s",
          flush=True)


def median(figures):
    return Figure(statistics.median(f.wall for f in figures), statistics.median(f.cpu for f in figures),
                  figures[-1].files)


def verdict(claim, value, bar, holds):
    print(f"{'PASS' if holds else 'FAIL'}  {claim}: {value} (bar {bar})")
    return holds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="ours,mpd,minidlna,supysonic")
    parser.add_argument("--no-big", action="store_true")
    parser.add_argument("--build", default=f"{TOP}/build/release")
    arguments = parser.parse_args()
    wanted = arguments.only.split(",")
    cache = f"{TOP}/build/bench"
    os.makedirs(cache, exist_ok=True)
    music = f"{cache}/scan-{arguments.files}"
    total = scan_files.make_small(music, arguments.files)
    print(f"{arguments.files} files of {total // arguments.files} bytes; {os.cpu_count()} cores, "
          f"load {os.getloadavg()[0]:.1f}")
    for parent, _, names in os.walk(music):
        for name in names:
            with open(f"{parent}/{name}", "rb") as file:
                file.read()
    temp = tempfile.mkdtemp(prefix="sostenuto-bench-")
    good = True
    try:
        cold, again = {}, {}
        for _ in range(arguments.rounds):
            for name, run in (("ours", lambda: ours(arguments.build, music, temp)), ("mpd", lambda: mpd(music, temp))):
                if name in wanted:
                    first, second = run()
                    cold.setdefault(name, []).append(first)
                    again.setdefault(name, []).append(second)
        if "minidlna" in wanted:
            cold["minidlna"] = [minidlna(music, temp)]
        if "supysonic" in wanted:
            first, second = supysonic(music, temp)
            cold["supysonic"], again["supysonic"] = [first], [second]
        print("cold, median")
        cold = {name: median(figures) for name, figures in cold.items()}
        again = {name: median(figures) for name, figures in again.items()}
        for name, figure in cold.items():
            line(name, figure)
        print("rescan, nothing changed, median")
        for name, figure in again.items():
            line(name, figure)
        peers = {name: figure for name, figure in cold.items() if name != "ours" and figure.files >= arguments.files * 0.9}
        if "ours" in cold and peers:
            fastest = min(peers, key=lambda name: peers[name].wall)
            ratio = peers[fastest].wall / cold["ours"].wall
            good &= verdict(f"cold, times as fast as {fastest}", f"{ratio:.2f}", "2", ratio >= 2)
            rescans = {name: figure for name, figure in again.items() if name in peers}
            fastest = min(rescans, key=lambda name: rescans[name].wall)
            ratio = rescans[fastest].wall / again["ours"].wall
            good &= verdict(f"rescan, times as fast as {fastest}", f"{ratio:.2f}", "1", ratio >= 1)
        if not arguments.no_big:
            count = 200
            scan_files.make_big(f"{cache}/scan-big", count, 30 << 20)
            each = big_reads(arguments.build, f"{cache}/scan-big", temp, count)
            good &= verdict("read of each 30 MB file", f"{each / 1024:.0f} KiB", "256 KiB", each <= 256 * 1024)
    finally:
        shutil.rmtree(temp, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
