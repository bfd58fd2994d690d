#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A million operations on a real origin and two real edges under faults: none lost, none doubled.

    tests/fleet/writes_campaign.py --operations 1000000 --seed 7            needs script/build drills

Listeners write at all three nodes at once (writes_listeners.py) while nodes are killed and stand still, lines between them break, swallow,
lose answers or reset, clocks are an hour off, disks are full or fail (writes_nodes.py); faults are drawn by the seed, their moments
are not.  In the end all is healed, every edge must have brought everything, all nodes are stopped, and what each holds is
exported and compared with what was acknowledged: plays by song, ids, stars, ratings, settings, entries of playlists.

--guards-off NAME runs all nodes without a guard (seen, durable-first): that must end with 1.  Ends with 0: all is there, once; 1: something is not;
2: it could not be tried here.  The last line of standard output is JSON."""
import argparse
import collections
import datetime
import errno
import fcntl
import json
import os
import pathlib
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from fleet_nodes import ROOT, environment  # noqa: E402
from patience import slowness  # noqa: E402
from writes_listeners import App, Export, Ledger, Player, judge  # noqa: E402
from writes_nodes import CampaignNode, Line, free_port  # noqa: E402

BINARY = ROOT / "build" / "drills" / "sostenuto"
PASSWORD = "correct horse battery"
ALBUMS, TRACKS = 2, 20
PLAYERS, APPS = 8, 2
SETTLE_S, LEVEL_S, SAY_S = 300, 1, 5
IN_SPACE = "SOSTENUTO_CAMPAIGN_SPACE"
QUIET = ["--edge-place-kib-s", "0"]
SPOILT = ["black-hole 0 0 both", "black-hole 0 0 down", "black-hole 0 0 up", "refuse 0 0", "reset 30 0 both", "truncate 0 400 down", "delay 400 0 both"]


def enter_space():
    """Mounts, network and processes of our own, so that nothing is left behind, whatever ends us."""
    if os.environ.get(IN_SPACE):
        with socket.socket() as any_socket:  # SIOCSIFFLAGS: UP | RUNNING
            fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh22x", b"lo", 0x41))
        return
    space = ["unshare", "--user", "--map-root-user", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if subprocess.run([*space, "true"], capture_output=True).returncode != 0:
        print("this machine gives us no namespaces: not tried", file=sys.stderr)
        sys.exit(2)
    os.environ[IN_SPACE] = "1"
    os.execvp(space[0], [*space, sys.executable, *sys.argv])


def command(*arguments, given=None):
    done = subprocess.run([BINARY, *map(str, arguments)], input=given, capture_output=True, text=True, env=environment(), timeout=120)
    assert done.returncode == 0, f"sostenuto {arguments} ended with {done.returncode}: {done.stderr}"
    return done.stdout.strip()


def make_music(folder):
    """Short tones, made once for the machine."""
    cache = ROOT / "build" / "test-music" / f"writes-{ALBUMS}x{TRACKS}"
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        fresh = pathlib.Path(tempfile.mkdtemp(prefix=cache.name, dir=cache.parent))  # in its own space each campaign is process 1
        for album in range(ALBUMS):
            (fresh / f"Album {album}").mkdir(parents=True)
            for track in range(TRACKS):
                subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"sine=frequency={200 + 300 * album + 20 * track}:duration=1",
                                "-metadata", "artist=Nobody", "-metadata", f"album=Album {album}", "-metadata", f"title=Tone {album}.{track}",
                                "-metadata", f"track={track + 1}", fresh / f"Album {album}" / f"{track}.flac"], check=True)
        try:
            fresh.rename(cache)
        except OSError:  # another campaign was faster
            shutil.rmtree(fresh)
    shutil.copytree(cache, folder)


def until(holds, what, seconds=60):
    began = time.monotonic()
    while True:
        try:
            if result := holds():
                return result
        except (OSError, ValueError, KeyError):
            pass
        if time.monotonic() - began > seconds * slowness():
            raise TimeoutError(what)
        time.sleep(0.1)


class Campaign:
    def __init__(self, folder, options):
        self.folder, self.options = pathlib.Path(folder), options
        self.random = random.Random(options.seed)
        self.ledger = Ledger(self.folder / "acknowledged", options.operations)
        self.faults, self.showed, self.ended = collections.Counter(), collections.Counter(), []
        self.origin, self.edges, self.lines, self.listeners = None, [], {}, []
        self.is_over = threading.Event()

    @property
    def nodes(self):
        return [self.origin, *self.edges]

    # --- the fleet ---
    def _node(self, name, *words):
        return CampaignNode(self.folder, name, words, BINARY, self.options.guards_off)

    def raise_fleet(self):
        make_music(self.folder / "music")
        self.origin = self._node("origin", "serve", self.folder / "music")
        nodes_port = free_port()
        (self.origin.data / "sostenuto.conf").write_text(f'nodes = "127.0.0.1:{nodes_port}"\n')
        for i in range(PLAYERS + APPS):
            command("user", "add", f"listener{i}", "--password-file", "-", "--data", self.origin.data, given=PASSWORD + "\n")
        assert self.origin.start(), self.origin.words[-3000:]
        for name in ("paris", "oslo"):
            edge = self._node(name, "edge", self.origin.url, *QUIET)
            line = Line(edge.port, BINARY.parent)
            edge.command += ("--node-urls", f"http://127.0.0.1:{line.port}", "--token", command("invite", name, "--data", self.origin.data))
            assert edge.start(), edge.words[-3000:]
            edge.command = edge.command[:-2]
            self.edges.append(edge)
            self.lines[f"to-{name}"] = line
            self.lines[f"{name}-origin"] = Line(nodes_port, BINARY.parent)
        for edge in self.edges:
            self._lead_through_line(edge)

    def _lead_through_line(self, edge):
        assert edge.stop() == 0, edge.words[-3000:]
        joined = edge.data / "keys" / "joined"
        answer = json.loads(joined.read_text())
        answer["addresses"] = f"127.0.0.1:{self.lines[f'{edge.name}-origin'].port}"
        joined.write_text(json.dumps(answer))
        assert edge.start(), edge.words[-3000:]
        until(lambda: self.is_level(edge), f"{edge.name} holds all")

    def is_level(self, edge):
        status = edge.status()
        return (status["link"] == "linked" and status["waiting"] == 0 and status["forward"]["waiting"] == 0
                and status["accounts"] >= PLAYERS + APPS)

    def invite_listeners(self):
        secrets = [command("app", "add", f"listener{i}", "campaign", "--data", self.origin.data) for i in range(PLAYERS, PLAYERS + APPS)]
        tracks = self._tracks(secrets[0])
        pace_s = (PLAYERS + APPS) / self.options.rate if self.options.rate else 0
        for i in range(PLAYERS + APPS):
            how = (f"listener{i}", PASSWORD, self.nodes, self.ledger, tracks, self.options.seed, pace_s)
            self.listeners.append(Player(*how) if i < PLAYERS else App(*how, secret=secrets[i - PLAYERS]))
        for edge in self.edges:
            until(lambda: self.is_level(edge), f"{edge.name} knows the apps")

    def _tracks(self, secret):
        path = f"/rest/search3?apiKey={secret}&v=1.16.1&c=campaign&f=json&query=&songCount=500"

        def found():
            result = json.loads(self.origin.ask(path)[1])["subsonic-response"]["searchResult3"]
            songs = [song["id"] for song in result.get("song", [])]
            return songs if len(songs) == ALBUMS * TRACKS else None
        return until(found, "the music is read")

    # --- faults: each is begun, shows itself, lasts, and ends ---
    def fault_kill(self, node, _):
        node.kill()
        yield True
        self.restart(node)

    def fault_pause(self, node, _):
        node.send(19)
        time.sleep(0.05)
        yield node.is_stopped()
        node.send(18)

    def fault_partition(self, _, draw):
        names = draw.sample(sorted(self.lines), 1 + draw.randrange(len(self.lines)))
        for name in names:
            self.lines[name].say(draw.choice(SPOILT))
        yield True
        for name in names:
            self.lines[name].say("none")

    def fault_clock(self, node, draw):
        before = node.board.clock_obeyed
        node.shift_clock(draw.choice((-1, 1)))
        yield lambda: node.board.clock_obeyed > before
        node.shift_clock(0)

    def fault_disk_full(self, node, _):
        node.fill_disk()
        yield node.is_full
        node.mend_disk()

    def fault_disk_error(self, node, draw):
        before = node.board.disk_failed
        node.fail_disk(errno.EIO, draw.choice((0, 2, 5)))
        yield lambda: node.board.disk_failed > before
        node.fail_disk(0)

    def restart(self, node):
        """A node whose disk is full may not come up; then it is tried again by mend()."""
        if not node.start() and not self.may_end(node):
            self.ended.append(f"{node.name} did not start: {node.words[-1500:]}")

    def may_end(self, node):
        return node.is_full() or node.board.disk_errno

    def one_turn(self, deck):
        """One fault, or two at once on different nodes."""
        running = []
        for node in self.random.sample(self.nodes, 2 if self.random.random() < 0.3 else 1):
            if not deck:
                deck += self.random.sample(self.options.faults, len(self.options.faults))
            kind = deck.pop()
            fault = getattr(self, f"fault_{kind}")(node, self.random)
            running.append((f"{kind} {node.name}", fault, next(fault)))
            self.faults[kind] += 1
            self.tell(f"{kind} {node.name} begins")
        self.is_over.wait(self.random.uniform(*self.options.lasts))
        for name, fault, sign in running:
            self.showed[name.split()[0]] += bool(sign() if callable(sign) else sign)
            next(fault, None)
            self.tell(f"{name} ends")
        for node in self.nodes:
            if not node.is_running:
                self.ended.append(f"{node.name} ended by itself with {node.process.returncode}: {node.words[-1500:]}")
                self.restart(node)
        self.is_over.wait(self.random.uniform(*self.options.calm))

    def tell(self, what):
        """For who looks at logs afterwards."""
        with open(self.folder / "faults", "a", encoding="utf-8") as file:
            file.write(f"{datetime.datetime.now(datetime.timezone.utc):%H:%M:%S.%f} {what}\n")

    def harm(self):
        deck = []
        try:
            while not self.is_over.is_set():
                self.one_turn(deck)
        except BaseException as failure:  # noqa: B902 (told at the end)
            self.ended.append(f"the faults ended: {failure!r}")

    # --- the run ---
    def say(self, begun):
        age = time.monotonic() - begun
        print(f"{age:4.0f} s  {self.ledger.acknowledged:8} acknowledged  {self.ledger.acknowledged / age:6.0f}/s  "
              f"{sum(self.faults.values())} faults: {', '.join(f'{kind} {count}' for kind, count in sorted(self.faults.items()))}", flush=True)

    def write(self):
        harm = threading.Thread(target=self.harm, daemon=True)
        begun = said = time.monotonic()
        for thread in (*self.listeners, harm):
            thread.start()
        while any(listener.is_alive() for listener in self.listeners) and not self.ended:
            time.sleep(0.1)
            if time.monotonic() - said > SAY_S:
                said = time.monotonic()
                self.say(begun)
            if any(listener.failure for listener in self.listeners):
                break
        self.is_over.set()
        harm.join(120)
        self.say(begun)
        return time.monotonic() - begun

    def settle(self):
        """All is well again: every edge brings what it has, and learns what the others did."""
        begun, level_since = time.monotonic(), None
        said = begun
        while not level_since or time.monotonic() - level_since < LEVEL_S:
            waits = {edge.name: edge.status() for edge in self.edges if not self.is_level(edge)}
            level_since = None if waits else level_since or time.monotonic()
            if time.monotonic() - begun > SETTLE_S:
                raise TimeoutError(f"not level after {SETTLE_S} s: {waits}")
            if waits and time.monotonic() - said > SAY_S:
                said = time.monotonic()
                print(f"healed {said - begun:.0f} s ago, still waiting: " + ", ".join(
                    f"{name} {status['link']}, {status['forward']} to bring, {status['waiting']} to learn, {status.get('trouble', 'no trouble')}"
                    for name, status in waits.items()), flush=True)
            time.sleep(0.1)
        return time.monotonic() - begun

    def compare(self):
        exports = {}
        for node in self.nodes:
            cpu = node.cpu()
            if node.stop() != 0:
                self.ended.append(f"{node.name} ended with {node.process.returncode}")
            node.cpu_s = cpu
            path = self.folder / f"{node.name}.export"
            command("state", "export", path, "--data", node.data)
            exports[node.name] = Export(path)
        origin = exports.pop("origin")
        accounts = {cells.get((12, b"")): account for account, cells in origin.cells.items()}
        wrong, words = collections.Counter(lost=0, doubled=0, ids=0, cells=0, otherwise=0), []
        for listener in self.listeners:
            its_wrong, its_words = judge(listener, accounts[listener.name.encode()], origin, exports)
            wrong.update(its_wrong)
            words += its_words
        return wrong, words

    def run(self):
        self.raise_fleet()
        self.invite_listeners()
        seconds = self.write()
        failures = [f"{one.name}: {one.failure!r}" for one in self.listeners if one.failure] + self.ended
        if failures:
            return self.report(seconds, 0, {}, failures)
        try:
            settled_s = self.settle()
        except TimeoutError as failure:
            return self.report(seconds, SETTLE_S, {}, [str(failure)])
        wrong, words = self.compare()
        return self.report(seconds, settled_s, wrong, words[:20] + self.ended)

    def report(self, seconds, settled_s, wrong, words):
        unseen = [kind for kind, count in self.faults.items() if not self.showed[kind]]
        is_good = not words and not any(wrong.values()) and self.ledger.acknowledged == self.options.operations
        return {"good": is_good, "seed": self.options.seed, "operations": self.options.operations, "acknowledged": self.ledger.acknowledged,
                **wrong, "seconds": round(seconds, 1), "settled_s": round(settled_s, 1), "per_second": round(self.ledger.acknowledged / seconds),
                "faults": dict(self.faults), "showed": dict(self.showed), "never_showed": unseen,
                "kills": sum(node.kills for node in self.nodes), "figures": dict(self.ledger.figures),
                "cpu_s": {node.name: round(node.cpu(), 1) for node in self.nodes}, "load": round(os.getloadavg()[0], 1), "wrong": words}


KINDS = [name[len("fault_"):] for name in dir(Campaign) if name.startswith("fault_")]


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=1000000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0, help="operations a second of all listeners; 0: as fast as they are acknowledged")
    parser.add_argument("--lasts", type=float, nargs=2, default=(1, 8), metavar="S", help="a fault lasts between so many seconds")
    parser.add_argument("--calm", type=float, nargs=2, default=(0.2, 2), metavar="S", help="and between two there are so many")
    parser.add_argument("--faults", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--guards-off")
    parser.add_argument("--keep", action="store_true", help="leave logs and ledger, and say where")
    return parser.parse_args()


def main():
    options = read_options()
    if not BINARY.exists():
        print("needs script/build drills", file=sys.stderr)
        return 2
    enter_space()
    folder = tempfile.mkdtemp(prefix="writes-campaign.")
    campaign = Campaign(folder, options)
    try:
        report = campaign.run()
    finally:
        for node in filter(None, campaign.nodes):
            if node.is_running:
                node.kill()
            subprocess.run(["umount", node.data], capture_output=True)
        for line in campaign.lines.values():
            line.stop()
        if not options.keep:
            shutil.rmtree(folder)
    for words in report["wrong"]:
        print(re.sub(r"(?m)^", "  ", words))
    if options.keep:
        print(f"left for you to look at: {folder}")
    print(json.dumps(report))
    return 0 if report["good"] else 1


if __name__ == "__main__":
    sys.exit(main())
