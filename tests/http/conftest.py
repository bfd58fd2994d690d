# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests/http/run leaves out with the terminal's reporter, in this process and in those of pytest-xdist."""


def pytest_addoption(parser, pluginmanager):
    if not pluginmanager.hasplugin("terminal"):  # it has it, and assertions are explained with it
        parser.addoption("--verbosity-of-claims", dest="verbose", type=int, default=0)


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes some seconds, left out by script/test --quick")
