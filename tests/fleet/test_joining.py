# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge joins its origin, is let in by its certificate from then on, renews it, and can be revoked."""
import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import tempfile
import time

import pytest
from fleet_nodes import Fleet, environment, launcher, run
from patience import until

PASSED = "/nothing.js"  # what an edge leaves to its origin, which answers 404


@pytest.fixture
def fleet(tmp_path):
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.stop()


def parts_of(token):
    _, addresses, fingerprint, secret = token.split(".")
    return base64.urlsafe_b64decode(addresses + "===").decode().split(","), fingerprint, secret


def door_of(token):
    host, port = parts_of(token)[0][0].rsplit(":", 1)
    return host, int(port)


def listed(node):
    """The edges that /nodes names, by name."""
    body = node.ask("/nodes")[1].split(b"\n\n", 1)[1]
    return {each["name"]: each for each in json.loads(body)["nodes"] if each["role"] == "edge"}


def audit(fleet, origin="origin"):
    return [json.loads(line)["event"] for line in (fleet.folder / origin / "audit.log").read_text().splitlines()]


def test_an_edge_joins_with_a_token_and_serves_what_its_origin_has(fleet):
    origin = fleet.origin()
    token = fleet.invite("paris")
    edge = fleet.joined("paris", origin.url, token)
    status, keys = edge.ask("/keys")
    assert status == 200 and keys == origin.ask("/keys")[1]
    assert fleet.edges()["paris"]["revoked_s"] == 0
    assert audit(fleet)[-2:] == ["edge invited", "edge joined"]


def test_nodes_lists_edges_with_where_listeners_reach_them_until_they_are_revoked(fleet):
    origin = fleet.origin()
    assert listed(origin) == {}
    edge = fleet.joined("paris", origin.url, fleet.invite("paris"))
    named = fleet.joined("rome", origin.url, fleet.invite("rome"), flags=["--node-urls", "https://rome.example.org"])
    edges = listed(origin)
    assert edges["paris"]["urls"] == [edge.url] and edges["rome"]["urls"] == ["https://rome.example.org"]
    assert all(each["welcome"] and each["may"] == ["operations", "sessions"] for each in edges.values())
    named.stop()
    fleet.revoke("rome")
    assert listed(origin)["paris"]["welcome"]
    assert not listed(origin)["rome"]["welcome"] and listed(origin)["rome"]["urls"] == []


def test_the_second_time_no_token_is_needed_and_no_origin_either(fleet):
    origin = fleet.origin()
    edge = fleet.joined("paris", origin.url, fleet.invite("paris"))
    keys = edge.ask("/keys")[1]
    edge.stop()
    origin.kill()
    edge = fleet.joined("paris", origin.url)
    assert edge.ask("/keys") == (200, keys)


def test_an_edge_comes_back_to_an_origin_that_was_away(fleet):
    origin = fleet.origin()
    edge = fleet.joined("paris", None, fleet.invite("paris"))
    origin.kill()
    assert edge.ask(PASSED)[0] >= 500
    origin = fleet.origin()
    end = time.monotonic() + 20
    while edge.ask("/nodes")[0] != 200:
        assert time.monotonic() < end, "it does not find its origin again"
        time.sleep(0.2)
    until(lambda: "the origin is followed again" in edge.words, "its log says so")


def test_secrets_lie_in_files_that_only_the_owner_reads_and_in_no_log(fleet):
    origin = fleet.origin()
    token = fleet.invite("paris")
    edge = fleet.joined("paris", origin.url, token)
    edge.stop(), origin.stop()
    secret = parts_of(token)[2]
    for folder in "paris", "origin":
        for path in (fleet.folder / folder / "keys").iterdir():
            assert path.stat().st_mode & 0o077 == 0, path
    for path in fleet.folder.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


def command_lines(edge):
    """Of the supervisor and its server."""
    pids = [edge.process.pid, *pathlib.Path(f"/proc/{edge.process.pid}/task/{edge.process.pid}/children").read_text().split()]
    return [pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids]


def test_a_token_on_the_command_line_is_taken_off_it(fleet):
    origin = fleet.origin()
    token = fleet.invite("paris")
    edge = fleet.joined("paris", origin.url, token)
    lines = command_lines(edge)
    assert len(lines) == 2 and all(b"--token" in line and token.encode()[8:] not in line for line in lines)


def test_a_token_may_come_from_a_file_or_the_environment(fleet, monkeypatch):
    origin = fleet.origin()
    file = fleet.folder / "token"
    file.write_text(fleet.invite("paris") + "\n")
    fleet.joined("paris", origin.url, flags=["--token-file", file])
    assert set(fleet.edges()) == {"paris"}


# --- tokens that are none ---

def refused(fleet, name, url, token, **how):
    edge = fleet.edge(name, url, token, **how)
    assert not edge.wait(), "it was let in"
    assert edge.process.wait() == 1
    return edge.words


def test_a_token_is_good_once(fleet):
    origin = fleet.origin()
    token = fleet.invite("paris")
    fleet.joined("paris", origin.url, token)
    assert "used already, by another edge" in refused(fleet, "thief", origin.url, token)
    assert set(fleet.edges()) == {"paris"} and origin.counter("nodes_joins_refused_total") == 1
    assert audit(fleet)[-1] == "edge refused"


def test_without_the_guard_a_used_token_makes_a_thief_the_edge(fleet):
    origin = fleet.origin(guards_off="join-once")
    token = fleet.invite("paris")
    edge = fleet.joined("paris", origin.url, token)
    before = fleet.edges()["paris"]["id"]
    fleet.joined("thief", origin.url, token)
    assert fleet.edges()["paris"]["id"] != before and edge.ask(PASSED)[0] in (403, 502)


def test_the_edge_itself_may_ask_again_when_the_answer_was_lost(fleet):
    origin = fleet.origin()
    token = fleet.invite("paris")
    edge = fleet.joined("paris", origin.url, token)
    edge.stop()
    (fleet.folder / "paris/keys/joined").unlink()
    edge = fleet.joined("paris", origin.url, token)
    assert edge.ask("/keys")[0] == 200 and len(fleet.edges()) == 1


def test_who_waits_for_an_origin_to_join_is_told_so_and_an_unused_token_too(fleet):
    origin = fleet.origin()
    token = fleet.invite("paris")
    origin.kill()
    edge = fleet.edge("paris", origin.url, token)
    until(lambda: "has not joined yet, and goes on trying" in edge.words, "it says that it tries")
    fleet.origin()
    assert edge.wait(), "it joins when the origin is there"
    edge.stop()
    edge = fleet.joined("paris", origin.url, token)
    assert "the token is not used" in edge.words
    for written, words in (("", "it is empty"), ("\n", "that is no token"), (token[:-3], "cut off")):
        path = fleet.folder / "token"
        path.write_text(written)
        done = run("edge", "--token-file", path, "--data", fleet.folder / "rome", "--listen", "127.0.0.1:0", check=False)
        assert done.returncode == 1 and f"token_file {path}: " in done.stderr and words in done.stderr


def test_a_token_expires(fleet):
    origin = fleet.origin()
    token = fleet.invite("paris", "--expires", "1s")
    time.sleep(2.1)
    assert "expired" in refused(fleet, "paris", origin.url, token)


def test_a_forged_token_is_refused(fleet):
    origin = fleet.origin()
    head, _ = fleet.invite("paris").rsplit(".", 1)
    forged = head + "." + base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")
    assert "it is not known here" in refused(fleet, "paris", origin.url, forged)
    assert "cut off" in refused(fleet, "paris", origin.url, forged[:-3])


def test_an_invitation_can_be_taken_back(fleet):
    origin = fleet.origin()
    token = fleet.invite("paris")
    fleet.revoke("paris")
    assert "it is not known here" in refused(fleet, "paris", origin.url, token)


def test_a_second_invitation_of_a_name_takes_the_first_ones_place_and_says_so(fleet):
    origin = fleet.origin()
    first = fleet.invite("paris")
    done = run("invite", "paris", "--data", fleet.folder / "origin")
    assert "made before for this name is good no more" in done.stderr and "only this machine reaches" in done.stderr
    listed_now = run("edges", "list", "--data", fleet.folder / "origin").stdout
    assert re.search(r"^paris +invited, not here yet; the token is good until 20", listed_now, re.M)
    assert "a newer one for the same name" in refused(fleet, "paris", origin.url, first)
    fleet.joined("paris", origin.url, done.stdout.strip())


def test_no_folder_is_taken_for_another_kind(fleet, tmp_path):
    origin = fleet.origin()
    edge = fleet.joined("paris", origin.url, fleet.invite("paris"))
    edge.stop()
    token, data = fleet.invite("rome"), fleet.folder / "origin"
    for flags in (["--token", token], ["--plain", "http://127.0.0.1:1"]):
        done = run("edge", *flags, "--data", data, "--listen", "127.0.0.1:0", check=False)
        assert done.returncode == 1 and "is the folder of an origin" in done.stderr, done.stderr
    folder = fleet.folder / "paris"
    kept = sorted(path.name for path in (folder / "keys").iterdir())
    for command in (["serve"], ["user", "list"], ["invite", "nice"]):
        done = run(*command, "--data", folder, check=False)
        assert done.returncode == 1 and "is the folder of an edge" in done.stderr, done.stderr
    assert sorted(path.name for path in (folder / "keys").iterdir()) == kept
    fleet.joined("paris", origin.url)


def test_an_origins_address_is_looked_at_before_anything_begins(fleet, tmp_path):
    for arguments, words in ((["purg"], "is no ORIGIN_URL"), (["http://127.0.0.1:1", "--plain", "http://127.0.0.1:1"], "with --plain leave it out")):
        done = run("edge", *arguments, "--data", tmp_path / "none", "--listen", "127.0.0.1:0", check=False)
        assert done.returncode == 1 and words in done.stderr and not (tmp_path / "none").exists()
    done = run("edge", "--token", "garbage", "--data", tmp_path / "none", "--listen", "127.0.0.1:0", check=False)
    assert done.returncode == 1 and "(in --token)" in done.stderr


def test_what_is_asked_of_an_origin_is_not_passed_over_in_silence_at_an_edge(fleet):
    origin = fleet.origin()
    fleet.joined("paris", origin.url, fleet.invite("paris"))
    for command in (["user", "list"], ["invite", "rome"], ["upgrade"]):
        done = run(*command, "--data", fleet.folder / "paris", check=False)
        assert done.returncode == 1 and "this is an edge" in done.stderr and "its origin" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to stop being root")
def test_an_edge_that_root_starts_becomes_the_owner_of_its_folder_and_comes_back_as_that(common):
    binary, data = pathlib.Path(launcher()[-1]), common / "edge"
    if not all(folder.stat().st_mode & stat.S_IXOTH for folder in binary.parents):
        pytest.skip("this checkout is under a folder that nobody else may enter")
    data.mkdir(mode=0o700)
    shutil.chown(data, "nobody", "nogroup")
    kept = {**environment(), "SOSTENUTO_ALLOW_ROOT": "no"}
    command = [binary, "edge", "--plain", "http://127.0.0.1:1", "--listen", "127.0.0.1:0", "--data", data]
    with subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=kept, text=True) as edge:
        try:
            assert edge.stdout.readline().startswith("listening on"), edge.stderr.read()
            children = pathlib.Path(f"/proc/{edge.pid}/task/{edge.pid}/children")
            until(lambda: children.read_text().split(), "the server is there")
            first = children.read_text().split()[0]
            until(lambda: uid_of(edge.pid) == uid_of(first) == "65534", "supervisor and server are nobody")
            os.kill(int(first), signal.SIGKILL)
            until(lambda: children.read_text().split() not in ([], [first]), "it is started again")
            until(lambda: uid_of(children.read_text().split()[0]) == "65534", "as nobody")
            assert {path.owner() for path in data.rglob("*")} == {"nobody"}
        finally:
            edge.terminate()
            edge.wait(30)
    assert edge.returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be somebody else")
def test_a_folder_that_an_edge_may_not_write_is_said(common):
    for data, words in ((common / "none" / "edge", "cannot make the state folder"), (common, "may write")):
        done = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", *launcher(), "edge", "--plain", "http://127.0.0.1:1",
                               "--listen", "127.0.0.1:0", "--data", data], capture_output=True, text=True, env=environment(), timeout=60)
        assert done.returncode == 1 and words in done.stderr and "--data" in done.stderr, done.stderr


def test_status_says_to_the_owner_what_an_edge_holds_and_what_waits(fleet):
    origin = fleet.origin()
    fleet.joined("paris", origin.url, fleet.invite("paris"))

    def says(words):
        return words in run("status", "--data", fleet.folder / "paris").stdout

    until(lambda: says("link         linked; heard of the origin "), "it is linked")
    assert says("an edge, paris\n") and says("0 writes wait for the origin")
    run("drain", "--data", fleet.folder / "paris")
    assert says("an edge, paris, draining\n")
    origin.kill()
    until(lambda: says("link         ISLAND: "), "it is an island")


@pytest.fixture
def common():
    """A folder that everybody may look into; pytest's own may be closed at any time by another run of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        yield folder


def uid_of(pid):
    return re.search(r"^Uid:\t(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M).group(1)


def test_invitations_and_edges_are_bounded(fleet):
    origin = fleet.origin("--max-invites", "2", "--max-edges", "1")
    tokens = [fleet.invite(name) for name in ("a", "b")]
    done = run("invite", "c", "--data", fleet.folder / "origin", check=False)
    assert done.returncode == 1 and "max_invites" in done.stderr
    fleet.joined("a", origin.url, tokens[0])
    assert "max_edges" in refused(fleet, "b", origin.url, tokens[1])


# --- another root key ---

def impostor_token(fleet):
    """The good secret and fingerprint, at the address of an origin with another root key."""
    fleet.origin()
    fleet.origin(name="impostor")
    good, other = fleet.invite("paris"), fleet.invite("paris", origin="impostor")
    form, _, fingerprint, secret = good.split(".")
    return ".".join([form, other.split(".")[1], fingerprint, secret]), parts_of(other)[1]


def test_an_origin_of_another_root_key_is_refused_and_gets_nothing(fleet):
    token, shown = impostor_token(fleet)
    words = refused(fleet, "paris", None, token)
    assert "another root key" in words and shown in words and "sostenuto keys list" in words
    assert "edge refused" not in audit(fleet, "impostor"), "the secret was sent to it"


def test_without_the_guard_the_secret_goes_to_an_impostor(fleet):
    token, _ = impostor_token(fleet)
    refused(fleet, "paris", None, token, guards_off="node-root")
    assert "edge refused" in audit(fleet, "impostor")


def test_an_origin_that_changed_its_root_key_is_not_asked_any_more(fleet):
    origin = fleet.origin()
    edge = fleet.joined("paris", origin.url, fleet.invite("paris"))
    edge.stop(), origin.stop()
    for name in "root.key", "root.pub", "keys.signed", "nodes.authority":
        (fleet.folder / "origin/keys" / name).unlink()
    fleet.origin()
    edge = fleet.joined("paris", None)
    assert edge.ask(PASSED)[0] >= 500


# --- the door ---

def test_strangers_at_the_address_for_nodes_reach_nothing_but_joining(fleet):
    origin = fleet.origin()
    door = door_of(fleet.invite("paris"))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for path, expected in (b"GET /keys", b"403"), (b"GET /livez", b"403"), (b"POST /nodes/join", b"400"):
        with socket.create_connection(door, timeout=10) as plain, context.wrap_socket(plain) as tls:
            assert tls.version() == "TLSv1.3"
            tls.sendall(path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            assert tls.recv(4096).split()[1] == expected, path
    with socket.create_connection(door, timeout=10) as plain:
        plain.sendall(b"GET /keys HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert plain.recv(4096) == b"", "it speaks without TLS"
    assert origin.counter("nodes_strangers_total") == 2
    status, _ = origin.ask("/nodes/join", "POST", b"")
    assert status == 404, "nodes join elsewhere"


def test_the_door_is_closed_until_somebody_is_invited_and_stays_where_it_was(fleet):
    origin = fleet.origin()
    assert json.loads(run("edges", "list", "--json", "--data", fleet.folder / "origin").stdout)["door"] == ""
    door = door_of(fleet.invite("paris"))
    origin.stop()
    fleet.origin()
    socket.create_connection(door, timeout=10).close()


@pytest.mark.slow
def test_an_upgrade_of_the_origin_is_not_noticed_by_its_edges(fleet):
    origin = fleet.origin()
    edge = fleet.joined("paris", origin.url, fleet.invite("paris"))
    run("upgrade", "--data", fleet.folder / "origin")
    assert edge.ask("/nodes")[0] == 200
    origin.send(signal.SIGHUP)
    assert edge.ask("/api/v1/me")[0] == 404, "it is the origin that answers"


def test_an_origin_may_take_no_edges(fleet):
    fleet.origin("--nodes", "off")
    done = run("invite", "paris", "--data", fleet.folder / "origin", check=False)
    assert done.returncode == 1 and "takes no edges" in done.stderr


def test_who_is_invited_while_the_origin_is_off_joins_when_it_runs(fleet):
    fleet.origin().stop()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (fleet.folder / "origin/sostenuto.conf").write_text(f'nodes = "127.0.0.1:{port}"\n')
    token = fleet.invite("paris")
    assert door_of(token) == ("127.0.0.1", port)
    origin = fleet.origin()
    fleet.joined("paris", origin.url, token)


# --- revoked ---

def steal(fleet, name, copy):
    """Another folder with the same key and certificate: what a thief of the disk has."""
    shutil.copytree(fleet.folder / name / "keys", fleet.folder / copy / "keys")


def test_a_stolen_certificate_is_worth_nothing_after_revocation(fleet):
    origin = fleet.origin()
    edge = fleet.joined("paris", origin.url, fleet.invite("paris"))
    assert edge.ask(PASSED)[0] == 404
    steal(fleet, "paris", "thief")
    fleet.revoke("paris")
    assert edge.ask(PASSED)[0] == 403, "an open connection goes on"
    thief = fleet.joined("thief", None)
    assert thief.ask(PASSED)[0] >= 500
    revoked = json.loads(origin.ask("/revoked")[1].decode().split("\n\n", 1)[1])
    assert [one["id"] for one in revoked["nodes"]] == [fleet.edges()["paris"]["id"]]
    assert audit(fleet)[-1] == "edge revoked"


def test_without_the_guard_it_goes_on(fleet):
    origin = fleet.origin(guards_off="node-revoked")
    edge = fleet.joined("paris", origin.url, fleet.invite("paris"))
    fleet.revoke("paris")
    assert edge.ask(PASSED)[0] == 404


def test_revoking_one_edge_leaves_the_others_alone(fleet):
    origin = fleet.origin()
    lost, kept = (fleet.joined(name, origin.url, fleet.invite(name)) for name in ("lost", "kept"))
    fleet.revoke("lost")
    assert lost.ask(PASSED)[0] in (403, 502) and kept.ask(PASSED)[0] == 404
    again = fleet.invite("lost")
    assert "was revoked here" in (lost.stop(), (fleet.folder / "lost/keys/joined").unlink(),
                                  refused(fleet, "lost", origin.url, again))[2]
    fleet.joined("new-disk", origin.url, again)
    assert fleet.edges()["lost"]["revoked_s"] == 0


def test_edges_and_revocations_survive_a_crash_of_the_origin(fleet):
    origin = fleet.origin()
    lost, kept = (fleet.joined(name, origin.url, fleet.invite(name)) for name in ("lost", "kept"))
    fleet.revoke("lost")
    origin.kill()
    fleet.origin()
    end = time.monotonic() + 20
    while kept.ask(PASSED)[0] != 404:
        assert time.monotonic() < end
        time.sleep(0.2)
    assert lost.ask(PASSED)[0] != 404


# --- clocks ---

@pytest.mark.parametrize("clock", ["-1h", "+1h"])
def test_an_hour_between_the_clocks_is_no_fault(fleet, clock):
    origin = fleet.origin(clock=clock)
    edge = fleet.joined("paris", origin.url, fleet.invite("paris", "--expires", "1d", clock=clock))
    assert edge.ask(PASSED)[0] == 404


@pytest.mark.parametrize("days", [25, 45])
def test_a_certificate_is_renewed_when_due_and_also_when_it_has_ended(fleet, days):
    past = f"-{days}d"
    origin = fleet.origin(clock=past)
    edge = fleet.joined("paris", origin.url, fleet.invite("paris", "--expires", "1d", clock=past), clock=past)
    before = (fleet.folder / "paris/keys/joined").read_bytes()
    edge.stop(), origin.stop()
    origin = fleet.origin()
    edge = fleet.joined("paris", origin.url)
    end = time.monotonic() + 20
    while edge.counter("nodes_renewed_total", "/.sostenuto/metrics") == 0 or edge.ask(PASSED)[0] != 404:
        assert time.monotonic() < end, edge.words[-2000:]
        time.sleep(0.2)
    assert (fleet.folder / "paris/keys/joined").read_bytes() != before


def test_a_door_that_was_taken_when_the_origin_started_is_opened_when_it_is_free(fleet):
    fleet.origin().stop()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (fleet.folder / "origin/sostenuto.conf").write_text(f'nodes = "127.0.0.1:{port}"\n')
        token = fleet.invite("paris")
        origin = fleet.origin()
        assert "edges cannot reach this origin" in origin.words
    until(lambda: "edges may join and ask" in origin.words, "the door is open")
    fleet.joined("paris", origin.url, token)
