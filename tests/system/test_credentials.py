# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that systemd hands to the service (LoadCredential=): for the test a folder named by CREDENTIALS_DIRECTORY."""
import os

import pytest

from conftest import add_user, run_command


@pytest.fixture
def given(tmp_path):
    folder = tmp_path / "credentials"
    folder.mkdir()
    for name in ("root.key", "signing.key", "sealing.key"):
        (folder / name).write_bytes(os.urandom(32))
        (folder / name).chmod(0o400)
    return {"CREDENTIALS_DIRECTORY": str(folder)}


def test_no_key_is_written_when_all_are_credentials(start_server, tmp_path, given):
    state = tmp_path / "state"
    run_command("user", "add", "alice", "--admin", "--password-file", "-", "--data", state, input="correct horse battery\n", env=given)
    assert not list((state / "keys").glob("*.key")), "no secret lies in the state folder"
    server = start_server(data=state, env=given)
    bearer = {"Authorization": "Bearer " + server.sign_in()["accessToken"]}
    app = server.ask("POST", "/api/v1/apps", {"label": "phone"}, bearer).json["secret"]
    server.stop()
    server = start_server(data=state, env=given)
    assert server.rest("ping", app)["status"] == "ok", "what was sealed is opened by the same key"
    assert server.get("/api/v1/apps", bearer).status == 200, "and what was signed verifies"
    assert not list((state / "keys").glob("*.key"))


def test_a_command_without_the_credential_makes_no_other_key(start_server, tmp_path, given):
    state = tmp_path / "state"
    start_server(data=state, env=given).stop()
    done = run_command("user", "add", "bert", "--password-file", "-", "--data", state, input="correct horse battery\n", check=False)
    assert done.returncode != 0 and "credential" in done.stderr
    start_server(data=state, env=given)
    add_user(state, "bert")  # by the running server, which has it
