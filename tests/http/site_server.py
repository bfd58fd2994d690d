# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the test server of this folder on a free port, and small clients for what varnishtest cannot say."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


class Site:
    """The server as a context: `with Site("--proxy-protocol") as site: site.port`."""
    build = "build/debug"

    @classmethod
    def program(cls, build=None):
        return ROOT / (build or cls.build) / "tests/http/http_test_server"

    def __init__(self, *options, guards_off=None):
        """`guards_off` names protections to go without: in the drills build, or the test is skipped."""
        self.options = ("--limit", "loops", 3, *options)  # so that requests and answers change threads
        self.environment = dict(os.environ, SOSTENUTO_GUARDS_OFF=guards_off) if guards_off else None
        if guards_off:
            self.build = "build/drills"
            if not self.program(self.build).exists():
                pytest.skip("needs script/build drills")
    def __init__(self, *options):
        self.options = ("--limit", "loops", 3, *options)  # so that requests and answers change threads
