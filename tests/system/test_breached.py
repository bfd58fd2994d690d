# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's list of passwords that leaked: who is refused one of it, and what check-config says of the list."""
import hashlib

import pytest

from conftest import PASSWORD, run_command

LEAKED = "wistful-cactus-organ-47"  # strong by itself
KEPT = "mellow-granite-harbour-19"


@pytest.fixture
def listed(tmp_path):
    """A list with LEAKED in it, as it is offered: SHA-1, a colon, a count."""
    hashes = {hashlib.sha1(f"leaked {i}".encode()).hexdigest() for i in range(1000)} | {hashlib.sha1(LEAKED.encode()).hexdigest()}
    path = tmp_path / "breached.txt"
    path.write_text("".join(f"{one.upper()}:{i}\r\n" for i, one in enumerate(sorted(hashes))))
    return path


def set_up(server, password):
    return server.post("/api/v1/setup", {"code": server.setup_code, "name": "alice", "password": password})


@pytest.mark.slow
def test_nobody_gets_a_password_that_leaked(start_server, listed):
    server = start_server("--breached-passwords", listed)
    refused = set_up(server, LEAKED)
    assert refused.status == 422 and "leaked" in refused.json["detail"], refused.body
    assert set_up(server, KEPT).status == 201
    bearer = {"Authorization": "Bearer " + server.sign_in(password=KEPT)["accessToken"]}
    made = server.ask("POST", "/api/v1/users", {"name": "bert", "password": LEAKED}, bearer)
    assert made.status == 422, made.body
    changed = server.ask("PUT", "/api/v1/me/password", {"current": KEPT, "new": LEAKED}, bearer)
    assert changed.status == 422, changed.body


def test_nor_by_a_command_with_or_without_a_server(start_server, listed, tmp_path):
    state, config = tmp_path / "state", tmp_path / "sostenuto.conf"
    config.write_text(f'breached_passwords = "{listed}"\n')
    add = ["user", "add", "carl", "--password-file", "-", "--data", state, "--config", config]
    done = run_command(*add, input=LEAKED + "\n", check=False)
    assert done.returncode != 0 and "leaked" in done.stderr
    run_command(*add, input=KEPT + "\n")
    start_server("--config", config, data=state)
    done = run_command("user", "password", "carl", "--password-file", "-", "--data", state, input=LEAKED + "\n", check=False)
    assert done.returncode != 0 and "leaked" in done.stderr


def test_without_the_guard_it_is_taken(start_server, listed):
    assert set_up(start_server("--breached-passwords", listed, guards_off="breached"), LEAKED).status == 201


def test_a_list_that_is_none_is_named_by_its_line(start_server, tmp_path):
    path = tmp_path / "breached.txt"
    path.write_text("0000000A1D4B746FAA3FD526FF6D5BC8052FDB38:1\npassword\n")
    done = run_command("check-config", "--breached-passwords", path, "--data", tmp_path / "state", check=False)
    assert done.returncode == 1 and f"{path}:2: " in done.stderr, done.stderr
    server = start_server("--breached-passwords", path)
    assert set_up(server, PASSWORD + " nine").status == 201, "a server without its list is better than none"
    assert f"{path}:2: " in server.log.read_text()
