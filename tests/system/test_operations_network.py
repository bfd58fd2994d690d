# SPDX-License-Identifier: GPL-3.0-or-later
"""How the server is found and trusted: mDNS through a private avahi-daemon, ACME through a private pebble."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

import pytest
from conftest import clean_environment, find_binary, free_port, run_command


@pytest.fixture
def running():
    """running(command, **popen) starts a helper process; all are ended by pid after the test."""
    processes = []

    def start(command, **options):
        process = subprocess.Popen([str(word) for word in command], **options)
        processes.append(process)
        return process

    yield start
    for process in reversed(processes):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for_port(port, process, timeout=60):
    end = time.monotonic() + timeout
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("it does not listen")


@pytest.mark.skipif(not shutil.which("pebble") or not shutil.which("certbot"), reason="needs pebble and certbot")
@pytest.mark.slow
def test_certbot_gets_a_certificate_by_the_webroot_and_the_server_takes_it_up(start_server, running, music, tmp_path):
    data, webroot, ca = tmp_path / "state", tmp_path / "webroot", tmp_path / "pebble"
    webroot.mkdir()
    (data / "keys").mkdir(parents=True)
    data.chmod(0o700)
    (data / "keys").chmod(0o700)
    server = start_server("--acme-webroot", webroot, "--tls", "off", folders=[music], data=data)

    run_command("tls", "init", "localhost", "--data", ca)  # pebble's own certificate
    acme_port, management_port = free_port(), free_port()
    config = {"pebble": {"listenAddress": f"127.0.0.1:{acme_port}", "managementListenAddress": f"127.0.0.1:{management_port}",
                         "certificate": str(ca / "keys/server.pem"), "privateKey": str(ca / "keys/server.pem"),
                         "httpPort": server.port, "tlsPort": free_port(), "ocspResponderURL": ""}}
    (tmp_path / "pebble.json").write_text(json.dumps(config))
    log = open(tmp_path / "pebble.log", "wb")
    pebble = running(["pebble", "-config", tmp_path / "pebble.json"], stdout=log, stderr=log,
                     env={**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"})
    wait_for_port(acme_port, pebble)

    hook = pathlib.Path(__file__).resolve().parents[2] / "deploy/certbot/deploy-hook"
    folders = [f"--{kind}-dir={tmp_path / kind}" for kind in ("config", "work", "logs")]
    done = subprocess.run(["certbot", "certonly", "--non-interactive", "--agree-tos", "--register-unsafely-without-email",
                           "--server", f"https://localhost:{acme_port}/dir", "--webroot", "-w", webroot, "-d", "localhost",
                           *folders, "--deploy-hook", hook],
                          env={**clean_environment(), "REQUESTS_CA_BUNDLE": str(ca / "keys/ca.crt"), "SOSTENUTO_DATA": str(data)},
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr + (tmp_path / "pebble.log").read_text()[-3000:]
    certificate = data / "keys/public.pem"
    assert "PRIVATE KEY" in certificate.read_text() and certificate.stat().st_mode & 0o777 == 0o600

    server.stop()
    secure = start_server("--tls-certificate", certificate, folders=[music], data=data)
    assert secure.url.startswith("https://") and secure.get("/livez").status == 200
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(socket.create_connection((secure.host, secure.port))) as client:
        shown = ssl.DER_cert_to_PEM_cert(client.getpeercert(binary_form=True))
    assert shown.strip() in certificate.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="certbot is root's")
def test_what_lies_in_the_servers_folder_leads_certbots_hook_nowhere():
    """Who broke into the server puts links there; the hook writes through none of them as root, and signals no process of others."""
    owner = 54321
    hook = pathlib.Path(__file__).resolve().parents[2] / "deploy/certbot/deploy-hook"
    with tempfile.TemporaryDirectory() as folder, subprocess.Popen(["sleep", "60"]) as other:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        victim, lineage, data = folder / "victim", folder / "lineage", folder / "data"
        victim.write_text("root's")
        victim.chmod(0o600)
        lineage.mkdir(0o700)
        for name in ("privkey", "fullchain"):
            (lineage / f"{name}.pem").write_text(name + "\n")
        (data / "keys").mkdir(parents=True)
        (data / "keys/public.pem.new").symlink_to(victim)
        (data / "lock").write_text(str(other.pid))
        for path in (data, data / "keys", data / "lock"):
            os.chown(path, owner, owner)
        environment = {**clean_environment(), "RENEWED_LINEAGE": str(lineage), "SOSTENUTO_DATA": str(data)}
        assert subprocess.run([hook], env=environment, capture_output=True).returncode != 0
        assert victim.read_text() == "root's" and victim.stat().st_uid == 0 and other.poll() is None
        (data / "keys/public.pem.new").unlink()
        done = subprocess.run([hook], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        made = data / "keys/public.pem"
        assert made.read_text() == "privkey\nfullchain\n" and made.stat().st_uid == owner and made.stat().st_mode & 0o777 == 0o600
        time.sleep(0.2)
        assert other.poll() is None, "it is not the server"
        other.kill()


def test_only_challenges_are_served_from_the_webroot(start_server, music, tmp_path):
    webroot = tmp_path / "webroot"
    challenges = webroot / ".well-known/acme-challenge"
    challenges.mkdir(parents=True)
    (challenges / "token_1-x").write_text("answer")
    (webroot / "secret").write_text("secret")
    (challenges / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_text("secret")
    server = start_server("--acme-webroot", webroot, folders=[music])
    assert server.get("/.well-known/acme-challenge/token_1-x").text == "answer"
    for path in ("link", "nothing", "", "a/b", "..%2f..%2fsecret", "token_1-x%00"):
        assert server.get(f"/.well-known/acme-challenge/{path}").status in (400, 404), path


MDNS_SCRIPT = r"""
set -eu
cd "$1"
ip link set lo up
ip link add test0 type veth peer name test1 2>/dev/null || ip link add test0 type dummy
ip link set test0 multicast on up
ip link set test1 up 2>/dev/null || true
ip addr add 10.9.9.1/24 dev test0
mount -t tmpfs none /run # no pid file of another run
mkdir -p /run/avahi-daemon
dbus-daemon --config-file=bus.conf --nofork --nopidfile 2>/dev/null & bus=$!
export DBUS_SYSTEM_BUS_ADDRESS="unix:path=$1/bus"
for i in $(seq 100); do [ -S bus ] && break; sleep 0.1; done
sleep 0.5 # the socket file is there before the bus listens
avahi-daemon --no-drop-root --no-chroot --no-rlimits -f avahi.conf 2>avahi.err & avahi=$!
"$2" serve --data state --listen 0.0.0.0:4747 --mdns --mdns-name "Test library" --allow-root >out 2>err & server=$!
for i in $(seq 100); do grep -q "^listening" out && break; sleep 0.1; done
for i in $(seq 40); do
    timeout 3 avahi-browse -rpt _http._tcp > found 2>/dev/null || true
    grep -q '^=' found && break
    sleep 0.25
done
pgrep -P $server -x avahi-publish >publisher || true
kill -KILL $server
wait $server || true
sleep 0.3
if [ -s publisher ] && kill -0 "$(cat publisher)" 2>/dev/null; then echo "the publisher outlived the server"; fi
kill $avahi $bus
cat found avahi.err
"""


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("avahi-daemon"), reason="needs root and avahi-daemon")
@pytest.mark.slow
def test_the_local_network_sees_it_by_mdns(tmp_path):
    (tmp_path / "bus.conf").write_text(
        '<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" '
        '"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">'
        f'<busconfig><type>system</type><listen>unix:path={tmp_path}/bus</listen><auth>EXTERNAL</auth>'
        '<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>'
        '<allow own="*"/><allow user="*"/></policy></busconfig>')
    (tmp_path / "avahi.conf").write_text("[server]\nhost-name=testhost\nuse-ipv6=no\nallow-interfaces=test0\n")
    # a network of its own: nothing of this is seen outside
    isolated = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*isolated, "true"], capture_output=True).returncode != 0:
        pytest.skip("no network namespaces here")
    environment = {name: value for name, value in clean_environment().items() if name != "SOSTENUTO_MDNS"}
    done = subprocess.run([*isolated, "bash", "-c", MDNS_SCRIPT, "mdns", tmp_path, find_binary()], capture_output=True,
                          text=True, env=environment, timeout=60)
    assert ";Test\\032library;Web Site;local;testhost.local;10.9.9.1;4747;" in done.stdout, done.stdout + done.stderr
    assert "outlived" not in done.stdout
    assert '"app=sostenuto"' in done.stdout


def test_the_player_lives_at_one_origin(start_server, music):
    server = start_server("--public-url", "http://music.example.org", folders=[music])
    elsewhere = server.get("/album/x?y=1")
    assert elsewhere.status == 307 and elsewhere.headers["Location"] == "http://music.example.org/album/x?y=1"
    assert server.get("/", {"Host": "Music.example.org"}).status == 200
    assert server.get("/", {"X-Forwarded-For": "192.0.2.7"}).status == 200, "a proxy may put a Host of its own: no circle"
    assert server.get("/livez").status == 200 and server.get("/rest/getOpenSubsonicExtensions").status == 200


PUBLIC_SCRIPT = r"""
set -eu
ip link set lo up
ip tuntap add dev test0 mode tap 2>/dev/null || ip link add test0 type dummy
ip addr add 198.51.100.7/24 dev test0
ip link set test0 up
say() { # [OPTION...]: what it prints, and what who opens it is answered
    "$2" serve --data "$1/state" --scan-on-start no --no-supervisor "${@:3}" >"$1/out" 2>"$1/err" & server=$!
    for i in $(seq 600); do grep -q "^set-up code" "$1/out" && break; sleep 0.1; done
    grep -v "^set-up code" "$1/out"
    for url in $(sed -n 's/^open //p' "$1/out"); do curl -so /dev/null -w "%{http_code}\n" "$url"; done
    curl -so /dev/null -w "there %{http_code}\n" http://198.51.100.7:4747
    kill $server
    wait $server
}
echo any; say "$1" "$2" --listen 0.0.0.0:4747
echo one; say "$1" "$2" --listen 198.51.100.7:4747
echo anywhere; say "$1" "$2" --listen 0.0.0.0:4747 --plain-http anywhere
ip addr add 10.9.9.1/24 dev test0
echo home; say "$1" "$2" --listen 0.0.0.0:4747
"""


def test_what_it_says_to_open_is_answered_where_it_is_opened(tmp_path):
    isolated = ["unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if subprocess.run([*isolated, "sh", "-c", "ip tuntap add dev test0 mode tap || ip link add test0 type dummy"],
                      capture_output=True).returncode != 0:
        pytest.skip("no network namespaces here")
    done = subprocess.run([*isolated, "bash", "-c", PUBLIC_SCRIPT, "public", tmp_path, find_binary()], capture_output=True,
                          text=True, env={**clean_environment(), "SOSTENUTO_ALLOW_ROOT": "yes"}, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr + (tmp_path / "err").read_text()[-3000:]
    any_, one, anywhere, home = re.split(r"^(?:any|one|anywhere|home)\n", done.stdout, flags=re.M)[1:]
    assert "open http://localhost:4747\n" in any_ and "\n200\nthere 403\n" in any_
    assert "open " not in one and "there 403\n" in one
    for said in any_, one:
        assert re.search(r"^http://198.51.100.7:4747 is refused:.*plain_http.*tls init", said, re.M), said
    assert "open http://198.51.100.7:4747\n" in anywhere and "\n200\nthere 200\n" in anywhere
    assert "open http://10.9.9.1:4747\n" in home and "\n200\n" in home and "refused" not in home + anywhere
