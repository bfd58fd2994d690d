# SPDX-License-Identifier: GPL-3.0-or-later
"""What varnishtest cannot say: TLS on the same port, PROXY v2, trusted proxies, drain, the access log."""
import random
import re
import signal
import socket
import ssl
import struct
import subprocess
import time

import pytest

from site_server import Site, get, read_all

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def proxy_v4(source, port=12345, command=1):
    body = socket.inet_aton(source) + socket.inet_aton("10.0.0.1") + struct.pack(">HH", port, 443)
    return SIGNATURE + bytes([0x20 | command, 0x11]) + struct.pack(">H", len(body)) + body


def status(answer):
    match = re.match(rb"HTTP/1\.1 (\d+)", answer)
    return int(match.group(1)) if match else None


# --- TLS ---

def make_certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def certificate(tmp_path):
    return make_certificate(tmp_path, "first.example")


def tls_client(site, maximum=ssl.TLSVersion.TLSv1_3, name="first.example", prefix=b"", session=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = maximum
    context.set_alpn_protocols(["http/1.1"])
    plain = site.connect()
    plain.sendall(prefix)
    return context.wrap_socket(plain, server_hostname=name, session=session)


def common_name(client):
    return ssl.DER_cert_to_PEM_cert(client.getpeercert(True))


def test_tls_13_with_http_1_1_by_alpn(certificate):
    with Site("--tls", *certificate) as site, tls_client(site) as client:
        assert client.version() == "TLSv1.3" and client.selected_alpn_protocol() == "http/1.1"
        client.sendall(get("/echo/"))
        answer = read_all(client)
        assert status(answer) == 200 and b"secure=1" in answer


def test_a_large_answer_and_ranges_through_tls(certificate):
    with Site("--tls", *certificate) as site:
        with tls_client(site) as client:
            client.sendall(get("/file"))
            assert read_all(client).endswith(b"\r\n\r\n" + b"0123456789" * 10000)
        with tls_client(site) as client:
            client.sendall(get("/file", "Range: bytes=5-14,-2"))
            answer = read_all(client)
            assert status(answer) == 206 and b"\r\n5678901234\r\n" in answer
        with tls_client(site) as client:
            client.sendall(get("/output?size=20000000"))
            time.sleep(0.2)  # the socket fills: writes must be taken up again
            assert len(read_all(client)) > 20000000
        with tls_client(site) as client:
            client.sendall(get("/pipe?size=1000000"))
            assert read_all(client).count(b"x") >= 1000000


def test_records_are_small_at_first(certificate):
    with Site("--tls", *certificate) as site, site.connect() as plain:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(incoming, outgoing, server_hostname="first.example")
        wire, got = b"", 0
        while got < 400000:
            try:
                if client.version():
                    got += len(client.read(65536))
                else:
                    client.do_handshake()
                    client.write(get("/output?size=400000"))
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                part = plain.recv(65536)
                wire += part
                incoming.write(part)
        sizes = []
        while len(wire) >= 5:
            size = int.from_bytes(wire[3:5], "big")
            sizes += [size] if wire[0] == 23 else []
            wire = wire[5 + size:]
        answer = sizes[sizes.index(1300 + 17):]  # after the encrypted part of the handshake
        assert answer[1:8] == [4096 + 17] * 7 and 16384 + 17 in answer[8:10]


def test_a_large_body_through_tls(certificate):
    with Site("--tls", *certificate) as site, tls_client(site) as client:
        client.sendall(b"PUT /echo/large HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 3000000\r\n\r\n")
        client.sendall(b"y" * 3000000)
        assert b"body=3000000 yyy" in read_all(client)


def test_tls_12_is_refused_unless_allowed(certificate):
    with Site("--tls", *certificate) as site, pytest.raises(ssl.SSLError):
        tls_client(site, ssl.TLSVersion.TLSv1_2)
    with Site("--tls", *certificate, "--tls12") as site, tls_client(site, ssl.TLSVersion.TLSv1_2) as client:
        assert client.version() == "TLSv1.2"


def test_plain_http_on_the_same_port_is_for_private_addresses(certificate):
    with Site("--tls", *certificate) as site:
        assert status(site.ask(get("/hello"))) == 200
    with Site("--tls", *certificate, "--proxy-protocol", "--trusted", "127.0.0.0/8") as site:
        answer = site.ask(get("/hello?a=b", host="music.example"), prefix=proxy_v4("198.51.100.7"))
        assert status(answer) == 308 and b"Location: https://music.example/hello?a=b\r\n" in answer
        assert status(site.ask(get("/hello"), prefix=proxy_v4("192.168.1.2"))) == 200
        with tls_client(site, prefix=proxy_v4("198.51.100.7")) as client:
            client.sendall(get("/echo/"))
            answer = read_all(client)
            assert b"peer=198.51.100.7\n" in answer and b"secure=1\nprivate=0" in answer


def test_a_reload_changes_the_certificate_and_drops_nobody(certificate, tmp_path):
    with Site("--tls", *certificate) as site:
        with tls_client(site) as old:
            before = common_name(old)
            make_certificate(tmp_path, "second.example")
            site.process.send_signal(signal.SIGHUP)
            time.sleep(0.2)
            with tls_client(site) as new:
                assert common_name(new) != before
            old.sendall(get("/hello"))
            assert status(read_all(old)) == 200
        (tmp_path / "cert.pem").write_text("nonsense")
        site.process.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        assert "certificate" in site.log()
        with tls_client(site) as client:
            client.sendall(get("/hello"))
            assert status(read_all(client)) == 200


def resumes(site, session=None, maximum=ssl.TLSVersion.TLSv1_3):
    """Asks once: whether the session was taken up, and the session for next time."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = maximum
    if session:  # it belongs to its context
        context = session[0]
    with context.wrap_socket(site.connect(), server_hostname="first.example",
                             session=session and session[1]) as client:
        client.sendall(get("/hello"))
        assert status(read_all(client)) == 200
        return client.session_reused, (context, client.session)


def test_tickets_outlive_a_reload(certificate):
    with Site("--tls", *certificate) as site:
        _, session = resumes(site)
        site.process.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        assert resumes(site, session)[0]


def test_tickets_outlive_a_restart_where_the_secret_does(certificate):
    kept = ("--tls", *certificate, "--ticket-secret", "k" * 32)
    with Site(*kept) as site:
        assert not resumes(site)[0]
        _, session = resumes(site)
    with Site(*kept) as site:
        assert resumes(site, session)[0]
    with Site("--tls", *certificate) as site:
        assert not resumes(site, session)[0]


def test_openssl_resumes_across_a_restart(certificate, tmp_path):
    def ask(site, *options):
        return subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{site.port}", "-tls1_3", "-ign_eof",
                               *options], input=get("/hello"), capture_output=True, timeout=10).stdout
    kept = ("--tls", *certificate, "--ticket-secret", "k" * 32)
    with Site(*kept) as site:
        assert b"\nNew, TLSv1.3" in ask(site, "-sess_out", tmp_path / "session")
    with Site(*kept) as site:
        answer = ask(site, "-sess_in", tmp_path / "session")
        assert b"\nReused, TLSv1.3" in answer and b"hello" in answer


def test_tls_12_gets_no_ticket(certificate):
    with Site("--tls", *certificate, "--tls12") as site:
        context, session = resumes(site, maximum=ssl.TLSVersion.TLSv1_2)[1]
        assert not session.has_ticket and not resumes(site, (context, session))[0]


def test_a_bad_certificate_is_named_at_the_start(tmp_path):
    (tmp_path / "cert.pem").write_text("nonsense")
    done = subprocess.run([Site.program(), "--tls", tmp_path / "cert.pem", tmp_path / "key.pem"], capture_output=True,
                          text=True, timeout=10)
    assert done.returncode == 1 and str(tmp_path / "cert.pem") in done.stderr


def test_garbage_after_a_tls_first_byte_ends_the_connection(certificate):
    with Site("--tls", *certificate, "--limit", "handshake_timeout_ms", 300) as site:
        for _ in range(20):
            answer = site.ask(b"\x16\x03\x01" + random.randbytes(200))
            assert not answer.startswith(b"HTTP")
        assert status(site.ask(get("/hello"))) == 200


# --- PROXY v2 ---

def test_proxy_protocol_gives_the_address():
    with Site("--proxy-protocol", "--trusted", "127.0.0.1") as site:
        answer = site.ask(get("/echo/"), prefix=proxy_v4("203.0.113.9", 4711))
        assert b"peer=203.0.113.9\nport=4711\nsecure=0\nprivate=0" in answer
        assert b"peer=127.0.0.1\n" in site.ask(get("/echo/"), prefix=SIGNATURE + b"\x20\0\0\0")
        v6 = SIGNATURE + b"\x21\x21\0\x24" + socket.inet_pton(socket.AF_INET6, "2001:db8::7") + bytes(20)
        assert b"peer=2001:db8::7\n" in site.ask(get("/echo/"), prefix=v6)


def test_proxy_protocol_in_single_bytes():
    with Site("--proxy-protocol", "--trusted", "127.0.0.1") as site, site.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in proxy_v4("203.0.113.9") + get("/echo/"):
            client.sendall(bytes([byte]))
        assert b"peer=203.0.113.9" in read_all(client)


def test_without_the_proxy_header_there_is_no_answer():
    with Site("--proxy-protocol", "--trusted", "127.0.0.1") as site:
        assert site.ask(get("/hello")) == b""
        assert site.ask(get("/hello"), prefix=b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n") == b""
        assert site.ask(get("/hello"), prefix=SIGNATURE + b"\x21\x11\xff\xff") == b""
    with Site("--proxy-protocol", "--trusted", "10.0.0.0/8") as site:  # we are not a trusted proxy
        assert site.ask(get("/hello"), prefix=proxy_v4("203.0.113.9")) == b""


def test_the_door_refuses_by_the_address_behind_the_proxy():
    with Site("--proxy-protocol", "--trusted", "127.0.0.1") as site:
        assert site.ask(get("/hello"), prefix=proxy_v4("192.0.2.66")) == b""


# --- trusted proxies, host names ---

def test_forwarded_addresses_count_only_from_trusted_proxies():
    with Site() as site:
        assert b"peer=127.0.0.1\n" in site.ask(get("/echo/", "X-Forwarded-For: 203.0.113.9"))
    with Site("--trusted", "127.0.0.0/8", "--trusted", "10.0.0.0/8") as site:
        answer = site.ask(get("/echo/", "X-Forwarded-For: 1.2.3.4, 203.0.113.9, 10.1.1.1", "X-Forwarded-Proto: https"))
        assert b"peer=203.0.113.9\nport=0\nsecure=1\nprivate=0" in answer
        answer = site.ask(get("/echo/", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: [2001:db8::1]:443"))
        assert b"peer=2001:db8::1\n" in answer and b"secure=0" in answer
        assert b"peer=127.0.0.1\n" in site.ask(get("/echo/", "X-Forwarded-For: 1.2.3.4, unknown"))


def test_other_host_names_are_misdirected():
    with Site("--host", "music.example", "--host", "localhost") as site:
        assert status(site.ask(get("/hello", host="Music.Example:8443"))) == 200
        assert status(site.ask(get("/hello", host="evil.example"))) == 421


# --- limits of the whole server ---

def test_more_connections_than_allowed_are_closed_at_accept():
    with Site("--limit", "max_connections", 3) as site:
        held = [site.connect() for _ in range(3)]
        time.sleep(0.1)
        with site.connect() as fourth:
            assert read_all(fourth) == b""
        for client in held:
            client.sendall(get("/hello"))
            assert status(read_all(client)) == 200
            client.close()
        time.sleep(0.1)
        assert status(site.ask(get("/hello"))) == 200


def test_a_client_that_takes_nothing_is_cut_off_and_one_that_takes_little_is_not():
    with Site("--limit", "pause_timeout_ms", 4000) as site:
        with site.connect(200000) as stuck, site.connect(200000) as slow:
            for client in (stuck, slow):
                client.sendall(get("/output?size=30000000"))
            start, taken = time.monotonic(), 0
            while time.monotonic() - start < 10:  # far slower than the line: no write fits for whole time-outs
                taken += len(slow.recv(8000))
                time.sleep(0.05)
            assert len(read_all(stuck)) < 30000000
            assert taken + len(read_all(slow)) > 30000000
        assert b"connections_timed_out_total=1\n" in site.ask(get("/stats"))


def test_an_abandoned_request_is_finished_without_a_crash():
    with Site() as site:
        for path in ("/slow", "/slow", "/pipe?size=9000000", "/events"):
            client = site.connect()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(get(path))
            time.sleep(0.02)
            client.close()  # with a reset
        time.sleep(0.4)
        answer = site.ask(get("/stats"))
        assert b"ended_pipes=1 closed_events=1\n" in answer and b"connections_open=1\n" in answer
        assert site.stop() == 0


def test_random_pieces_read_as_the_whole():
    seed = random.randrange(1 << 32)
    print("seed", seed)
    generator = random.Random(seed)
    request = (b"POST /echo/a?x=1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10\r\n"
               b"0123456789abcdef\r\n0\r\n\r\n" b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n")
    with Site() as site, site.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = request * 50 + get("/hello")
        while stream:
            size = generator.choice((1, 2, 3, 7, 50, 500))
            client.sendall(stream[:size])
            stream = stream[size:]
            if generator.random() < 0.2:
                time.sleep(0.001)
        answer = read_all(client)
        assert answer.count(b"HTTP/1.1 200 OK\r\n") == 101 and answer.count(b"body=19 abc0123456789abcdef") == 50


# --- drain ---

def test_drain_finishes_what_runs_and_ends_the_rest():
    with Site() as site:
        idle, events, running, pouring = (site.connect() for _ in range(4))
        events.sendall(b"GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
        running.sendall(b"GET /slower HTTP/1.1\r\nHost: h\r\n\r\n")
        pouring.sendall(b"GET /pipe?size=3000000 HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(0.1)
        start = time.monotonic()
        site.process.send_signal(signal.SIGTERM)
        assert read_all(idle) == b""
        answer = read_all(running)
        assert status(answer) == 200 and b"Connection: close" in answer
        assert read_all(events).endswith(b"\r\n0\r\n\r\n")
        assert read_all(pouring).endswith(b"\r\n0\r\n\r\n")
        assert site.process.wait(10) == 0 and time.monotonic() - start < 2.5
        with pytest.raises(ConnectionRefusedError):
            site.connect()


def test_drain_does_not_wait_for_ever():
    with Site() as site, site.connect() as client:
        client.sendall(b"GET /output?size=30000000 HTTP/1.1\r\nHost: h\r\n\r\n")  # and never reads
        time.sleep(0.1)
        start = time.monotonic()
        assert site.stop() == 0 and 2 < time.monotonic() - start < 6


# --- several loops ---

def ask_slowly(site, count):
    """`count` requests at once that take 0.2 s each and need the home loop; the statuses."""
    clients = [site.connect() for _ in range(count)]
    for client in clients:
        client.sendall(get("/slow"))
    return [status(read_all(client)) for client in clients]


def test_requests_beyond_max_away_are_refused_and_the_next_is_served():
    with Site("--limit", "max_away", 2) as site:
        statuses = ask_slowly(site, 30)
        assert set(statuses) == {200, 503} and statuses.count(200) >= 4
        assert ask_slowly(site, 1) == [200]


def test_without_the_guard_all_wait_for_the_home_loop():
    with Site("--limit", "max_away", 2, guards_off="away") as site:
        assert set(ask_slowly(site, 30)) == {200}


# --- the access log ---

def test_the_log_has_every_request_and_no_secret():
    with Site() as site:
        site.ask(get("/echo/?u=joe&p=sesame&t=tok&s=salty&apiKey=key1&%70=again&token=abc&x=1",
                     "Referer: http://h/?password=sesame", 'User-Agent: a"b\\c', "Authorization: Bearer sesame",
                     "Cookie: session=sesame"))
        site.ask(b"GET /hello HTTP/1.1\r\n\r\n")
        site.ask(get("/nowhere%0d%0aforged"))
        assert site.stop() == 0
        lines = site.access_log.splitlines()
    assert len(lines) == 3
    assert not re.search("sesame|salty|=tok&|key1|again|abc", site.access_log)
    assert re.fullmatch(r'127\.0\.0\.1 - joe \[\d\d/[A-Z][a-z]{2}/20\d\d:\d\d:\d\d:\d\d \+0000\] "GET /echo/\?u=joe'
                        r'&p=\[redacted\]&t=\[redacted\]&s=\[redacted\]&apiKey=\[redacted\]&%70=\[redacted\]'
                        r'&token=\[redacted\]&x=1 HTTP/1\.1" 200 \d+ "http://h/\?password=\[redacted\]" '
                        r'"a\\x22b\\x5cc"', next(line for line in lines if "/echo/" in line))
    assert any('"-" 400 ' in line for line in lines)  # loops write their own lines together, in no order between them


def test_a_target_full_of_quotes_hides_nothing_from_the_log():
    with Site() as site:
        site.ask(get("/echo/?x=" + '"' * 8000, "Referer: " + "\\" * 7000, "User-Agent: the end"))
        assert site.stop() == 0
        line = site.access_log.splitlines()[0]
    assert line.endswith('"the end"') and re.search(r'HTTP/1\.1" 200 \d+ "', line)
    assert line.count("\\x22") == 8000 and line.count("\\x5c") == 7000
