# SPDX-License-Identifier: GPL-3.0-or-later


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes some seconds, left out by script/test --quick")
