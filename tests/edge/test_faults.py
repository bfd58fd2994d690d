# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever an origin does, what was ever cached is served, whole and right; again after kill -9 with the origin still dead."""
import errno
import fcntl
import os
import shutil
import subprocess
import threading
import time

import pytest

from asked import SOSTENUTO, edge_before
from campaign import Orders
from moods import Origin, body_of, make_certificates
from nodes import free_port

OBJECTS = [f"/m/song{i}/aac-128/1.m4s" for i in range(40)]
MOODS = ["503", "slow", "hole", "refused", "truncated", "corrupt", "error-page"]
PATIENCE = ["--edge-patience-ms", "200"]  # so that nobody here waits a second for an origin that is slow


def fill(edge):
    """All are held, and stale from the start (max-age=0)."""
    for answer, path in zip(edge.get_all(OBJECTS), OBJECTS):
        assert answer[0] == 200 and answer[2] == body_of(path)


def assert_all_served(edge, allowed_s=10):
    """All of them, and again; nobody waits for long."""
    for turn in range(2):
        answers = edge.get_all(OBJECTS, timeout=allowed_s)
        failed = [(path, answer if isinstance(answer, Exception) else answer[0])
                  for path, answer in zip(OBJECTS, answers) if isinstance(answer, Exception) or answer[0] != 200]
        assert not failed, f"turn {turn}: {len(failed)} of {len(OBJECTS)}: {failed[:3]}"
        wrong = [path for path, answer in zip(OBJECTS, answers) if answer[2] != body_of(path)]
        assert not wrong, f"turn {turn}: wrong bytes: {wrong[:3]}"


def settle(edge):
    """What was cached is on the disk a moment later."""
    end = time.monotonic() + 10
    while edge.counter("cache_disk_written_bytes_total") < sum(len(body_of(path)) for path in OBJECTS) and time.monotonic() < end:
        time.sleep(0.05)
    return edge


@pytest.mark.slow
def test_a_folder_that_a_killed_edge_lets_go_of_a_little_later_is_waited_for(tmp_path):
    held = tmp_path / "edge" / "cache" / "lock"
    held.parent.mkdir(parents=True)
    with Origin() as origin, open(held, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = [SOSTENUTO, "edge", "--data", tmp_path / "edge", "--listen", "127.0.0.1:0", "--plain", origin.url, "--no-supervisor"]
        refused = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        assert refused.returncode != 0 and "is in use by another process" in refused.stderr
        threading.Timer(1, fcntl.flock, (lock, fcntl.LOCK_UN)).start()
        with edge_before(tmp_path / "edge", origin.url) as edge:
            assert edge.get("/a")[0] == 200


@pytest.mark.parametrize("mood", MOODS)
def test_what_was_cached_is_served_whatever_the_origin_does(tmp_path, mood):
    """With no configuration; only pages with status 200 need to be told apart from music."""
    flags = ["--edge-expect", "/m/ type=audio/"] if mood == "error-page" else []
    with Origin(cache_control="max-age=0") as origin:
        with edge_before(tmp_path / "edge", origin.url, flags=flags) as edge:
            fill(edge)
            origin.become(mood)
            assert_all_served(edge)
            settle(edge).kill()
        with edge_before(tmp_path / "edge", origin.url, flags=flags) as edge:
            assert_all_served(edge)


def test_an_origin_whose_name_is_gone(tmp_path):
    with Origin(cache_control="max-age=0") as origin:
        with edge_before(tmp_path / "edge", origin.url) as edge:
            fill(edge)
            settle(edge).kill()
        with edge_before(tmp_path / "edge", "http://no-such-name.invalid", flags=PATIENCE) as edge:
            assert_all_served(edge)


def test_an_origin_whose_certificate_expired(tmp_path):
    made = make_certificates(tmp_path / "certificates")
    flags = ["--origin-ca", made["ca"], *PATIENCE]
    with Origin(certificate=made["good"], cache_control="max-age=0") as origin:
        with edge_before(tmp_path / "edge", origin.url, flags=flags) as edge:
            fill(edge)
            origin.certificate = made["expired"]
            origin.cut()
            before = origin.count()
            assert_all_served(edge)
            never = edge.get("/never-asked")
            assert never[0] in (502, 503, 504), "an answer behind a bad certificate is none"
            assert origin.count() == before
            settle(edge).kill()
        with edge_before(tmp_path / "edge", origin.url, flags=flags) as edge:
            assert_all_served(edge)
            assert origin.count() == before


@pytest.mark.slow
def test_a_dead_origin_is_asked_once_in_the_time_of_a_probe(tmp_path):
    with Origin(cache_control="max-age=0") as origin:
        with edge_before(tmp_path / "edge", origin.url, flags=["--breaker-probe-ms", "500"]) as edge:
            fill(edge)
            origin.become("503")
            assert_all_served(edge)
            time.sleep(0.2)
            first, start = origin.count(), time.monotonic()
            while time.monotonic() - start < 2:
                edge.get_all(OBJECTS)
            asked = origin.count() - first
            seconds = time.monotonic() - start
            assert asked <= seconds / 0.5 + 1, f"{asked} requests in {seconds:.1f} s"
            assert edge.counter("origin_deaths_total") >= 1
            origin.become("good")
            end = time.monotonic() + 5
            while origin.count() - first - asked < 3 and time.monotonic() < end:
                edge.get_all(OBJECTS)
                time.sleep(0.1)
            assert origin.count() - first - asked >= 3, "it is used again when it is back"


def test_one_request_for_one_object_however_many_ask(tmp_path):
    with Origin(delay=0.5, size=80000, cache_control="max-age=600") as origin:
        with edge_before(tmp_path / "edge", origin.url, flags=["--loops", "4"]) as edge:
            answers = edge.get_all(["/cold"] * 1000, timeout=60, at_once=1000)
            assert all(not isinstance(answer, Exception) and answer[0] == 200 for answer in answers)
            assert all(answer[2] == body_of("/cold", 80000) for answer in answers)
            assert origin.count("/cold") == 1


def test_followers_do_not_notice_that_the_leader_left(tmp_path):
    import socket
    with Origin(delay=0.5, size=320000, cache_control="max-age=600") as origin:
        with edge_before(tmp_path / "edge", origin.url) as edge:
            leader = socket.create_connection(("127.0.0.1", edge.port))
            leader.sendall(b"GET /cold HTTP/1.1\r\nHost: music.example\r\n\r\n")
            time.sleep(0.1)
            leader.close()
            answers = edge.get_all(["/cold"] * 50)
            assert all(answer[0] == 200 and answer[2] == body_of("/cold", 320000) for answer in answers)
            assert origin.count("/cold") == 1


def test_what_is_not_cacheable_is_not_waited_for_in_a_row(tmp_path):
    with Origin(delay=0.3, cache_control="no-store") as origin:
        with edge_before(tmp_path / "edge", origin.url) as edge:
            start = time.monotonic()
            answers = edge.get_all(["/own"] * 20)
            assert all(answer[0] == 200 for answer in answers)
            assert origin.count("/own") == 20
            assert time.monotonic() - start < 3, "twenty in a row would take six seconds"
            start = time.monotonic()
            edge.get_all(["/own"] * 20)
            assert time.monotonic() - start < 2, "and nobody waits for a first one by now"


def test_a_body_that_breaks_off_is_taken_up(tmp_path):
    with Origin(size=320000, cache_control="max-age=600") as origin:
        origin.mood = "reset-once"
        with edge_before(tmp_path / "edge", origin.url) as edge:
            paths = [f"/broken{i}" for i in range(4)]
            for answer, path in zip(edge.get_all(paths), paths):
                assert not isinstance(answer, Exception), answer
                assert answer[0] == 200 and answer[2] == body_of(path, 320000)
                assert origin.count(path) == 2
                assert origin.fields[path][1]["if-range"].startswith('"')
            assert edge.counter("origin_resumes_total") == 4


def test_a_wrong_digest_is_not_stored(tmp_path):
    with Origin(cache_control="max-age=600") as origin:
        origin.mood = "corrupt"
        with edge_before(tmp_path / "edge", origin.url) as edge:
            edge.get_all(["/a"])  # what was streamed before its end is cut
            origin.mood = "good"
            answer = edge.get("/a")
            assert answer[0] == 200 and answer[2] == body_of("/a") and origin.count("/a") == 2
            assert edge.counter("origin_wrong_digests_total") == 1


def test_the_second_origin_serves_when_the_first_is_dead(tmp_path):
    with Origin() as first, Origin() as second:
        with edge_before(tmp_path / "edge", first.url, second.url) as edge:
            assert edge.get("/a")[0] == 200 and second.count() == 0
            first.become("refused")
            for answer, path in zip(edge.get_all(OBJECTS), OBJECTS):
                assert answer[0] == 200 and answer[2] == body_of(path)
            assert second.count() >= len(OBJECTS)


# --- Debian's nginx, over TLS and HTTP/2, behind a line that the drills' proxy spoils ---

NGINX = """
{user}daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{
        listen 127.0.0.1:{port} ssl http2; ssl_certificate {certificate}; ssl_certificate_key {key};
        root {folder}/site; add_header Cache-Control "max-age=0";
    }}
}}
"""


class SpoiltLine:
    """nginx and the proxy in front of it; both end with the with statement."""

    def __init__(self, folder, certificate):
        port = free_port()
        for path in OBJECTS:
            file = folder / "site" / path[1:]
            file.parent.mkdir(parents=True)
            file.write_bytes(body_of(path))
        user = "user root; " if os.getuid() == 0 else ""
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, user=user, certificate=certificate[0], key=certificate[1]))
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        self.nginx = subprocess.Popen([nginx, "-p", folder, "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL)
        self.proxy = subprocess.Popen([SOSTENUTO.parent / "tests/edge/fault_proxy", str(port)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        self.url = f"https://localhost:{self.proxy.stdout.readline().strip()}"

    def become(self, fault, delay_ms=0, how_many=0):
        self.proxy.stdin.write(f"{fault} {delay_ms} {how_many}\n" if fault != "none" else "none\n")
        self.proxy.stdin.flush()
        assert self.proxy.stdout.readline() == "ok\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proxy.stdin.close()
        self.nginx.terminate()
        assert self.proxy.wait(10) == 0 and self.nginx.wait(10) == 0
        self.proxy.stdout.close()


LINE_FAULTS = [("black-hole",), ("refuse",), ("reset", 20), ("truncate", 0, 3000), ("corrupt", 0, 2000), ("delay", 3000), ("rate",),
               ("slice", 50, 100)]


def test_nginx_behind_a_spoilt_line(tmp_path):
    made = make_certificates(tmp_path / "certificates")
    flags = [*PATIENCE, "--origin-ca", made["ca"], "--breaker-failures", "1000000"]
    with SpoiltLine(tmp_path / "nginx", made["good"]) as line:
        with edge_before(tmp_path / "edge", line.url, flags=flags) as edge:
            fill(edge)
            for fault in LINE_FAULTS:
                line.become(*fault)
                assert_all_served(edge)
            assert edge.counter("origin_failures_total") > 0, "none of these lines was spoilt"
            settle(edge).kill()
        with edge_before(tmp_path / "edge", line.url, flags=flags) as edge:
            assert_all_served(edge)
            line.become("none")
            end = time.monotonic() + 10
            while "fwd-status=304" not in (told := edge.get(OBJECTS[0])[1]["cache-status"]):
                assert time.monotonic() < end, told
                time.sleep(0.1)


# --- what was answered, when the power goes ---
def purge(edge, path):
    return subprocess.run([SOSTENUTO, "edge", "purge", "--url", f"http://music.example{path}", "--data", edge.data],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def test_a_purge_that_was_answered_holds_after_a_power_cut(tmp_path):
    """What the edge wrote of purges and did not sync is lost with it."""
    orders, paths = Orders(tmp_path), OBJECTS[:4]
    orders.give(holds_back=1)
    with Origin(cache_control="max-age=3600") as origin:
        with edge_before(tmp_path / "edge", origin.url, environment=orders.environment) as edge:
            for answer in edge.get_all(paths):
                assert answer[0] == 200
            end = time.monotonic() + 20
            while edge.counter("cache_disk_written_bytes_total") < sum(len(body_of(path)) for path in paths) and time.monotonic() < end:
                time.sleep(0.05)
            done = purge(edge, paths[0])
            assert done.returncode == 0, done.stderr
            edge.kill()
        before = origin.count()
        with edge_before(tmp_path / "edge", origin.url) as edge:
            assert "hit" in edge.get(paths[1])[1]["cache-status"], "what was cached is there"
            assert origin.count() == before
            assert "fwd=stale" in edge.get(paths[0])[1]["cache-status"], "and what was purged is asked for anew"


def test_a_disk_that_does_not_take_a_purge_is_an_answer(tmp_path):
    orders, path = Orders(tmp_path), OBJECTS[0]
    with Origin(cache_control="max-age=3600") as origin:
        with edge_before(tmp_path / "edge", origin.url, environment=orders.environment) as edge:
            edge.get(path)
            assert "hit" in edge.get(path)[1]["cache-status"]
            orders.give(write_errno=errno.ENOSPC)
            done = purge(edge, path)
            assert done.returncode == 1 and "it is purged, but the disk does not take that (No space left" in done.stderr, done
            assert "fwd=stale" in edge.get(path)[1]["cache-status"], "it holds"
            orders.give()
            assert purge(edge, path).returncode == 0
