# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd unit, and the Debian package when script/package has built one (build/package/*.deb)."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from conftest import find_binary

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNIT = ROOT / "deploy/systemd/sostenuto.service"
EDGE_UNIT = ROOT / "deploy/systemd/sostenuto-edge.service"
PACKAGES = sorted((ROOT / "build/package").glob("sostenuto_*.deb"))
needs_package = pytest.mark.skipif(not PACKAGES, reason="no package built: script/package")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
@pytest.mark.parametrize("unit", [UNIT, EDGE_UNIT], ids=["server", "edge"])
def test_the_unit_is_understood_and_well_locked_in(unit, tmp_path):
    text = unit.read_text().replace("/usr/bin/sostenuto", "/bin/true")
    (tmp_path / unit.name).write_text(re.sub(r"^Documentation=.*\n", "", text, flags=re.M))
    done = subprocess.run(["systemd-analyze", "verify", tmp_path / unit.name], capture_output=True, text=True)
    assert "sostenuto" not in done.stderr, done.stderr
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", tmp_path / unit.name], capture_output=True, text=True)
    exposure = float(re.search(rf"exposure level for {re.escape(unit.name)}: ([\d.]+)", done.stdout).group(1))
    assert exposure <= 2.0, done.stdout


def test_an_edges_settings_are_good_each_of_the_three_ways():
    text = (ROOT / "deploy/edge.conf").read_text()
    assert "/etc/sostenuto/edge.conf" in EDGE_UNIT.read_text() and "sostenuto edge " in EDGE_UNIT.read_text()
    for chosen in (text, re.sub(r"^# (?=\w+ = )", "", text, flags=re.M)):
        done = subprocess.run([find_binary(), "check-config", "/dev/stdin"], input=chosen, capture_output=True, text=True)
        assert done.returncode == 0 and "node_urls" in done.stdout, done.stderr


def test_the_unit_does_not_lock_out_what_the_server_needs():
    """Seen under a real systemd: with RestrictSUIDSGID no library can be opened (openat2 is refused), and without
    seccomp in the filter no sostenuto-media can put on its own."""
    lines = [line for line in UNIT.read_text().splitlines() if not line.startswith("#")]
    allowed = " ".join(line.partition("=")[2] for line in lines if line.startswith("SystemCallFilter=") and "=~" not in line)
    assert "seccomp" in allowed.split()
    assert not [line for line in lines if line.startswith("RestrictSUIDSGID=") and not line.endswith("=no")]


def test_the_package_asks_for_every_library_that_a_build_installs():
    wanted = re.search(r"^\[build\]\n(.*?)(?=^\[)", (ROOT / "script/packages").read_text(), re.M | re.S).group(1).split("\n")
    control = (ROOT / "deploy/debian/control").read_text()
    assert not [name for name in wanted if name.startswith("lib") and f" {name}" not in control]


@needs_package
def test_the_package_holds_what_it_should():
    listed = subprocess.run(["dpkg-deb", "-c", PACKAGES[-1]], capture_output=True, text=True, check=True).stdout
    for path in ("usr/bin/sostenuto", "usr/libexec/sostenuto/sostenuto-media", "etc/sostenuto/sostenuto.conf",
                 "lib/systemd/system/sostenuto.service", "usr/share/man/man1/sostenuto.1.gz",
                 "usr/share/man/man5/sostenuto.conf.5.gz", "usr/lib/sysusers.d/sostenuto.conf", "etc/logrotate.d/sostenuto",
                 "usr/share/sostenuto/certbot/deploy-hook"):
        assert f" ./{path}\n" in listed, path


@needs_package
@pytest.mark.skipif(not shutil.which("lintian"), reason="needs lintian")
@pytest.mark.slow
def test_the_package_is_clean():
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error", PACKAGES[-1]], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


INSTALL = r"""
set -eu
mkdir -p "$1/upper" "$1/work" "$1/root" "$1/music"
mount -t tmpfs none "$1/upper"; mkdir "$1/upper/u" "$1/upper/w"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper/u,workdir=$1/upper/w" "$1/root"
mount --bind /proc "$1/root/proc"; mount --bind /dev "$1/root/dev"
cp "$2" "$1/root/root/package.deb"
chroot "$1/root" bash -eu -c '
    ! id sostenuto >/dev/null 2>&1
    dpkg -i /root/package.deb >/root/log 2>&1 || { cat /root/log; exit 1; }
    id sostenuto
    sostenuto check-config /etc/sostenuto/sostenuto.conf
    install -d -o sostenuto -g sostenuto -m 700 /var/lib/sostenuto
    install -d -o sostenuto -g sostenuto /var/log/sostenuto
    mkdir -p /srv/music
    sostenuto serve --config /etc/sostenuto/sostenuto.conf --listen 127.0.0.1:0 --mdns=no >/root/out 2>/root/err & server=$!
    for i in $(seq 100); do grep -q "^listening on" /root/out && break; sleep 0.1; done
    cat /root/out /root/err
    grep Uid /proc/$server/status
    echo "a long password" | sostenuto user add alice --admin --password-file - --data /var/lib/sostenuto
    kill -TERM $server; wait $server; echo "ended with $?"
    dpkg --purge sostenuto >/root/log 2>&1 || { cat /root/log; exit 1; }
    [ ! -e /usr/bin/sostenuto ] && echo purged
'
"""


@needs_package
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for an overlay of this machine")
@pytest.mark.slow
def test_the_package_installs_starts_and_goes(tmp_path):
    done = subprocess.run(["unshare", "--mount", "bash", "-c", INSTALL, "install", tmp_path, PACKAGES[-1]],
                          capture_output=True, text=True, timeout=120)
    if "mount" in done.stderr and done.returncode != 0 and not done.stdout:
        pytest.skip(f"no overlay here: {done.stderr}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "listening on http" in done.stdout and "ended with 0" in done.stdout and "purged" in done.stdout
    assert "the user is there" in done.stdout
    uid = re.search(r"uid=(\d+)\(sostenuto\)", done.stdout).group(1)
    assert re.search(rf"Uid:\s+{uid}\s+{uid}", done.stdout)
