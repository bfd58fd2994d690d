# SPDX-License-Identifier: GPL-3.0-or-later
"""An app that knows one URL and nothing of nodes: one name (DNS from the list of nodes) or one address (keepalived) over several."""
import collections
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest

from conftest import system
from fleet_nodes import Node, environment, default_binary
from patience import until

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
NAME, NEXT_TRACK_S = "music.test", 5


def need(program):
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        pytest.skip(f"needs Debian's {program}")
    return path


def free_port():
    """Of both kinds, on loopback."""
    while True:
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
            stream.bind(("127.0.0.1", 0))
            with contextlib.suppress(OSError):
                datagram.bind(stream.getsockname())
                return stream.getsockname()[1]


def ask_name(port):
    """The addresses of NAME, in the order of the answer (RFC 1035), by a resolver that keeps nothing."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in NAME.split(".")) + b"\0"
    number = random.getrandbits(16)
    with socket.socket(type=socket.SOCK_DGRAM) as asking:
        asking.settimeout(2)
        asking.sendto(struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!2H", 1, 1), ("127.0.0.1", port))
        answer = asking.recv(4096)
    assert struct.unpack("!H", answer[:2])[0] == number
    at, found = 12 + len(labels) + 4, []
    for _ in range(struct.unpack("!H", answer[6:8])[0]):
        kind, _, _, size = struct.unpack("!2HIH", answer[at + 2:at + 12])
        if kind == 1:
            found.append(socket.inet_ntoa(answer[at + 12:at + 12 + size]))
        at += 12 + size
    return found


@contextlib.contextmanager
def running(*command, log):
    with open(log, "ab") as out:
        process = subprocess.Popen([*map(str, command)], stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


class App:
    """Plays songs one after the other from one URL: resolves, connects, and when that fails tries again, as apps do."""

    def __init__(self, dns, port, secret, songs):
        self.dns, self.port, self.secret, self.songs, self.served = dns, port, secret, songs, collections.Counter()

    def once(self, song):
        address = ask_name(self.dns)[0]
        line = http.client.HTTPConnection(address, self.port, timeout=2)
        try:
            line.request("GET", f"/rest/stream?id={song}&apiKey={self.secret}&v=1.16.1&c=app&format=raw",
                         headers={"Host": f"{NAME}:{self.port}", "Connection": "close"})
            answer = line.getresponse()
            body = answer.read()
            assert answer.status == 200, (address, answer.status, body[:300])
            self.served[address] += 1
            return body
        finally:
            line.close()

    def play(self, song):
        """Seconds until the song was there whole."""
        begun = time.monotonic()
        while True:
            try:
                self.once(song)
                return time.monotonic() - begun
            except (OSError, http.client.HTTPException, IndexError):
                assert time.monotonic() - begun < 4 * NEXT_TRACK_S, "the music stopped"
                time.sleep(0.3)


@pytest.fixture
def three(start_server, music, tmp_path):
    """An origin and two edges, each at an address of its own and all at one port."""
    port, data, edges = free_port(), tmp_path / "state", []
    system.add_user(data)
    origin = start_server("--node-urls", f"http://127.0.0.1:{port}", folders=[music], data=data, listen=f"127.0.0.1:{port}")
    origin.wait_for_scan()
    for i, name in enumerate(("paris", "rome"), start=2):
        token = system.run_command("invite", name, "--data", data).stdout.strip()
        edge = Node("edge", origin.url, "--token", token, "--data", tmp_path / name, "--listen", f"127.0.0.{i}:{port}",
                    log=tmp_path / f"{name}.log")
        edges.append(edge)
        assert edge.wait(), edge.words[-3000:]
    yield port, origin, edges
    for edge in edges:
        edge.stop()


@pytest.fixture
def named(three, tmp_path):
    """NAME leads to those of the three that are ready: what deploy/dns says for dnsmasq."""
    port, origin, edges = three
    dnsmasq, dns, folder = need("dnsmasq"), free_port(), tmp_path / "dns"
    folder.mkdir()
    with running(sys.executable, DEPLOY / "dns" / "sostenuto-zone", "--node", edges[1].url, "--node", origin.url, "--name", NAME,
                 "--out", folder / "hosts", "--every", "0.5", "--timeout", "1", log=tmp_path / "zone.log"), \
         running(dnsmasq, "--keep-in-foreground", "--no-resolv", "--no-hosts", f"--hostsdir={folder}", f"--port={dns}", "--user=root",
                 "--listen-address=127.0.0.1", "--bind-interfaces", "--local-ttl=5", "--conf-file=/dev/null", "--pid-file",
                 log=tmp_path / "dnsmasq.log"):
        until(lambda: len(ask_name(dns)) == 3, "the name leads to all three", seconds=30)
        yield port, origin, edges, dns


def app_of(named):
    port, origin, _, dns = named
    secret = system.run_command("app", "add", "alice", "app", "--data", origin.data).stdout.strip()
    songs = [song["id"] for song in origin.rest("search3", secret, query="", songCount=100)["searchResult3"]["song"]]
    return App(dns, port, secret, songs)


def test_load_is_spread_within_a_fifth_of_fair(named):
    app = app_of(named)
    for i in range(120):
        app.play(app.songs[i % len(app.songs)])
    assert len(app.served) == 3 and all(0.8 * 40 <= count <= 1.2 * 40 for count in app.served.values()), app.served


@pytest.mark.slow
def test_the_next_track_plays_within_five_seconds_of_a_nodes_death(named):
    app, (_, _, edges, dns) = app_of(named), named
    for song in app.songs:
        assert app.play(song) < NEXT_TRACK_S
    edges[0].kill()
    waits = [app.play(song) for song in app.songs * 2]
    assert max(waits) < NEXT_TRACK_S, waits
    until(lambda: "127.0.0.2" not in ask_name(dns), "the dead node is not named any more", within=NEXT_TRACK_S)


@pytest.mark.slow
def test_who_drains_is_named_no_more_and_plays_on_for_those_who_are_there(named, tmp_path):
    app, (_, _, edges, dns) = app_of(named), named
    system.run_command("drain", "--data", tmp_path / "paris")
    until(lambda: "127.0.0.2" not in ask_name(dns), "it is not named any more", within=NEXT_TRACK_S)
    assert edges[0].ask("/readyz")[0] == 503 and edges[0].ask("/rest/ping")[0] == 200
    assert max(app.play(song) for song in app.songs) < 1
    system.run_command("drain", "--undo", "--data", tmp_path / "paris")
    until(lambda: "127.0.0.2" in ask_name(dns), "it is again", within=NEXT_TRACK_S)


class Liar(http.server.BaseHTTPRequestHandler):
    """A node that is ready, and has a list of its own."""

    def do_GET(self):
        self.server.asked.append(self.path)
        body = self.server.list if self.path == "/nodes" else b"ready"
        self.send_response(200 if body else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def a_liar(address, *named):
    """`named`: URLs in its list; none: it has no list."""
    server = http.server.ThreadingHTTPServer((address, 0), Liar)
    nodes = [{"role": "edge", "welcome": True, "urls": [url]} for url in named]
    server.asked, server.list = [], b"preamble\n\n" + json.dumps({"nodes": nodes}).encode() if nodes else b""
    server.url = f"http://{address}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_nobody_but_who_was_named_is_asked_for_the_list(tmp_path):
    """A stolen edge stands in it; while the node that is asked does not answer, it does not say where the name leads."""
    written = tmp_path / "hosts"
    with a_liar("127.0.0.66") as elsewhere, a_liar("127.0.0.3", elsewhere.url) as edge, a_liar("127.0.0.2", edge.url) as node, \
         running(sys.executable, DEPLOY / "dns" / "sostenuto-zone", "--node", node.url, "--name", NAME, "--out", written, "--every", "0.1",
                 log=tmp_path / "zone.log"):
        until(lambda: written.exists(), "the name leads somewhere", seconds=30)
        node.list = b""
        before = len(edge.asked)
        until(lambda: len(edge.asked) > before + 5, "it goes on to look at who was in the list", seconds=30)
        assert "/nodes" not in edge.asked and written.read_text() == f"127.0.0.3 {NAME}\n"


def test_a_zone_holds_who_is_ready_and_is_never_emptied(three, tmp_path):
    port, origin, edges = three
    check, zone = need("nsd-checkzone"), tmp_path / "music.zone"
    command = [sys.executable, DEPLOY / "dns" / "sostenuto-zone", "--node", origin.url, "--name", NAME, "--format", "zone",
               "--out", zone, "--once", "--timeout", "1"]
    edges[1].kill()
    assert subprocess.run(command, timeout=60).returncode == 0
    written = zone.read_text()
    assert "@ IN A 127.0.0.1\n@ IN A 127.0.0.2\n" in written and "127.0.0.3" not in written and "$TTL 5" in written
    assert subprocess.run([check, NAME, zone], capture_output=True, timeout=30).returncode == 0
    edges[0].kill(), origin.stop()
    assert subprocess.run(command, timeout=60).returncode == 1 and zone.read_text() == written


# --- one address, by keepalived, in networks of our own ---

def ip(*words, check=True):
    return subprocess.run(["ip", *map(str, words)], check=check, capture_output=True, text=True, timeout=10)


class Lan:
    """A bridge with two machines and a listener's, as network namespaces."""

    def __init__(self):
        self.tag, self.spaces = f"so{os.getpid() % 10000}", []
        self.bridge = self.space("sw")
        self.inside(self.bridge, "ip", "link", "add", "br0", "type", "bridge")
        self.inside(self.bridge, "ip", "link", "set", "br0", "up")

    def space(self, name):
        full = f"{self.tag}{name}"
        ip("netns", "add", full)
        self.spaces.append(full)
        ip("-n", full, "link", "set", "lo", "up")
        return full

    def machine(self, name, address):
        space = self.space(name)
        ip("-n", space, "link", "add", "eth0", "type", "veth", "peer", "name", f"p{name}", "netns", self.bridge)
        ip("-n", self.bridge, "link", "set", f"p{name}", "master", "br0", "up")
        ip("-n", space, "address", "add", f"{address}/24", "dev", "eth0")
        ip("-n", space, "link", "set", "eth0", "up")
        return space

    @staticmethod
    def command(space, *words):
        return ["ip", "netns", "exec", space, *map(str, words)]

    def inside(self, space, *words):
        return subprocess.run(self.command(space, *words), check=True, capture_output=True, text=True, timeout=10)

    def close(self):
        for space in self.spaces:
            ip("netns", "del", space, check=False)


@pytest.fixture
def lan():
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("needs root and iproute2, to make network namespaces")
    lan = Lan.__new__(Lan)
    try:
        lan.__init__()
    except subprocess.CalledProcessError as error:
        lan.close()
        pytest.skip(f"this kernel forbids network namespaces: {error.stderr}")
    yield lan
    lan.close()


FLOATING = "192.0.2.47"


def keepalived(lan, space, priority, folder):
    conf = (DEPLOY / "keepalived" / "keepalived.conf").read_text()
    conf = conf.replace("/usr/libexec/sostenuto/check-sostenuto", str(DEPLOY / "keepalived" / "check-sostenuto"))
    conf = conf.replace("script_user nobody", "script_user root").replace("priority 100", f"priority {priority}")
    (folder / f"{space}.conf").write_text(conf)
    return running(*lan.command(space, need("keepalived"), "--dont-fork", "--log-console", "--vrrp", "--use-file", folder / f"{space}.conf",
                                "--pid", folder / f"{space}.pid", "--vrrp_pid", folder / f"{space}.vrrp"), log=folder / f"{space}.log")


@pytest.mark.slow
def test_an_address_floats_to_a_node_that_is_ready_within_five_seconds(lan, tmp_path):
    need("keepalived"), need("curl")
    listener = lan.machine("l", "192.0.2.9")
    machines = [lan.machine("a", "192.0.2.1"), lan.machine("b", "192.0.2.2")]

    def start(i):
        command = lan.command(machines[i], default_binary(), "serve", "--no-supervisor", "--data", tmp_path / f"node{i}", "--listen", "0.0.0.0:4747")
        with open(tmp_path / f"node{i}.log", "ab") as log:
            return subprocess.Popen([*map(str, command)], stdout=log, stderr=log, env=environment())

    def answers():
        return subprocess.run(lan.command(listener, "curl", "-s", "-o", "/dev/null", "--max-time", "1", f"http://{FLOATING}:4747/livez")).returncode == 0

    def holder():
        return [i for i, space in enumerate(machines) if FLOATING in ip("-n", space, "-4", "address").stdout]

    servers = [start(0), start(1)]
    try:
        with keepalived(lan, machines[0], 100, tmp_path), keepalived(lan, machines[1], 90, tmp_path):
            until(lambda: holder() == [0] and answers(), "the address is at the node of the greater priority", seconds=30)
            servers[0].send_signal(signal.SIGKILL)
            servers[0].wait()
            begun = time.monotonic()
            until(answers, "the other node answers in its place", within=NEXT_TRACK_S)
            assert time.monotonic() - begun < NEXT_TRACK_S and holder() == [1]
            servers[0] = start(0)
            until(lambda: holder() == [0] and answers(), "it comes back", seconds=30)
            system.run_command("drain", "--data", tmp_path / "node0")
            until(lambda: holder() == [1] and answers(), "who drains gives it away", within=NEXT_TRACK_S)
    finally:
        for server in servers:
            server.terminate()
            server.wait(20)
