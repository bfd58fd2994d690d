# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes that two readers may understand differently: all are refused or made plain, whatever stands behind the edge, no
second request comes of one, and nothing comes into the cache under a name that is not its own."""
import concurrent.futures
import contextlib
import os
import re
import shutil
import subprocess
import time

import pytest

from asked import SOSTENUTO, clean_environment, edge_before
from lies import Recorder, cases, get, tell_h2, tell_raw
from nodes import free_port

REQUESTS, H2, ANSWERS = cases("requests.txt"), cases("h2.txt"), cases("answers.txt")
# what is wrong waits for nobody, and one that lies often is not taken for dead
FLAGS = ["--breaker-failures", "1000000", "--max-tries", "1", "--hedge-percent", "0", "--header-timeout-ms", "1000",
         "--body-timeout-ms", "1000"]


def at_once(work, items):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        return list(pool.map(work, items))


def tell_all(edge):
    """Every request of the corpus; [(case, status)]."""
    told = list(zip(REQUESTS, at_once(lambda case: tell_raw(edge.port, case), REQUESTS)))
    return told + list(zip(H2, at_once(lambda case: tell_h2(edge.port, case), H2)))


def wrong_statuses(told):
    for case, status in told:
        verdict, _, wanted = case.want.partition(" ")
        refused = status in (0, None) or status >= 400
        if refused != (verdict == "refuse") or (wanted and status != int(wanted)):
            yield f"{case.name}: {status} instead of {case.want} ({case.source})"


def test_the_corpus_is_what_it_says():
    assert len(REQUESTS) + len(H2) + len(ANSWERS) >= 200
    assert all(case.header if case in H2 else case.wire for case in REQUESTS + H2 + ANSWERS)
    assert b"{" not in b"".join(case.wire for case in REQUESTS + ANSWERS)


def test_requests_are_refused_or_made_plain(tmp_path):
    with Recorder() as origin, edge_before(tmp_path / "edge", origin.url, flags=FLAGS) as edge:
        told = tell_all(edge)
        assert not list(wrong_statuses(told))
        assert not origin.faults, "the origin was told something that is not the plainest HTTP"
        asked, wrong = list(origin.seen), []
        assert not [seen.target for seen in asked if seen.target.startswith("/smuggled/")]
        for case, _ in told:
            mine = [seen for seen in asked if re.search(re.escape(case.path("t")) + r"(?![\w.-])", seen.target)]
            if len(mine) != (not case.want.startswith("refuse")):
                wrong.append(f"{case.name}: {len(mine)} requests came of it")
            wrong += [f"{case.name}: not {claim}: {mine[0]}" for claim in case.claims if mine and not mine[0].says(claim, case)]
        assert not wrong
        # nothing lies in the cache under a name that is not its own
        paths = [case.path(kind) for case, _ in told for kind in ("t", "smuggled")]
        for path, (status, fields, body, _) in zip(paths, at_once(lambda path: get(edge.port, path), paths)):
            assert (status, body) == (200, f"GET o.example {path}".encode()), path
            assert "/t/" in path or "hit" not in fields["cache-status"].split(";")[1], path


def test_answers_are_refused_or_made_plain(tmp_path):
    with Recorder(ANSWERS) as origin, edge_before(tmp_path / "edge", origin.url, flags=FLAGS) as edge:
        def lied_to(case):
            first = get(edge.port, case.path("t"))
            after = get(edge.port, case.path("after"))  # perhaps on the same connection to the origin
            again = get(edge.port, case.path("t"), "X-Honest: 1")
            return first, after, again
        wrong = []
        for case, (first, after, again) in zip(ANSWERS, at_once(lied_to, ANSWERS)):
            verdict, _, words = case.want.partition(" ")
            status, _, body, is_whole = first
            fits = {"refuse": status == 502, "cut": status == 502 or (status == 200 and not is_whole)}.get(
                verdict, verdict == str(status) and body == words.encode() and is_whole)
            if not fits or any(b"POISON" in answer[2] and answer[3] for answer in (first, after, again)):
                wrong.append(f"{case.name}: {first}, wanted {case.want} ({case.source})")
            if (after[0], after[2]) != (200, f"GET o.example {case.path('after')}".encode()):
                wrong.append(f"{case.name}: the next answer was {after}")
            if (verdict in ("refuse", "cut") or case.claims == ["not kept"]) and again[2] != f"GET o.example {case.path('t')}".encode():
                wrong.append(f"{case.name}: it was kept: {again}")
        assert not wrong
        assert not origin.faults


# --- the same requests in front of origins that read for themselves: they count as many as the edge has sent ---

NGINX = """
{user}daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    log_format lines '$status "$request"';
    access_log {folder}/access.log lines;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; location / {{ return 200 "$request_method $request_uri"; }} }}
}}
"""


UNREAD = {"method-lower-case", "trace"}  # sostenuto serve answers 501 to these methods and reads no further; nginx 400 to the first


@contextlib.contextmanager
def nginx(folder):
    folder.mkdir()
    port = free_port()
    (folder / "nginx.conf").write_text(NGINX.format(user="user root; " if os.getuid() == 0 else "", folder=folder, port=port))
    process = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-p", folder, "-c", folder / "nginx.conf"],
                               stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}", folder / "access.log"
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def sostenuto(folder):
    (folder / "music").mkdir(parents=True)
    process = subprocess.Popen([SOSTENUTO, "serve", folder / "music", "--no-supervisor", "--listen", "127.0.0.1:0", "--data",
                                folder / "state", "--access-log", folder / "access.log"], stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.DEVNULL, env=clean_environment())
    try:
        os.set_blocking(process.stdout.fileno(), True)
        found = None
        while not found:
            line = process.stdout.readline()
            assert line, "sostenuto serve did not start"
            found = re.search(r"http://\S+:(\d+)", line)
        yield f"http://127.0.0.1:{found[1]}", folder / "access.log"
    finally:
        process.terminate()
        assert process.wait(30) == 0
        process.stdout.close()


def lines_of(log, count):
    """Those of an access log, once there are so many."""
    end = time.monotonic() + 5
    while time.monotonic() < end and (not log.exists() or len(log.read_text(errors="replace").splitlines()) < count):
        time.sleep(0.05)
    return log.read_text(errors="replace").splitlines()


@pytest.mark.parametrize("kind", [nginx, sostenuto])
def test_an_origin_that_reads_for_itself_sees_what_the_edge_sent(tmp_path, kind):
    with kind(tmp_path / "origin") as (url, log), edge_before(tmp_path / "edge", url, flags=FLAGS) as edge:
        told = tell_all(edge)
        wrong = [f"{case.name}: {status}" for case, status in told
                 if case.want.startswith("refuse") and status not in (0, None) and status < 400]
        assert not wrong
        sent = edge.counter("origin_requests_total")
        lines = lines_of(log, sent)
        assert len(lines) == sent, "what the edge takes for one request the origin takes for none, or for two"
        assert not [line for line in lines if "/smuggled/" in line.split("?")[0]]
        assert not [line for line in lines if re.search(r'(^|" )400 ', line) and "method-lower-case" not in line]
        for case, _ in told:
            mine = sum(re.search(re.escape(case.path("t")) + r"(?![\w.-])", line) is not None for line in lines)
            is_unread = kind is sostenuto and case.name in UNREAD
            assert mine == (not case.want.startswith("refuse") and not is_unread), case.name
