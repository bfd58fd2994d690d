# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes and lines of writes_campaign.py, and what may happen to them: processes of the drills build, each with a disk of its own
(a tmpfs in our mount namespace) and a board of faults (src/io/fault_point.h); lines are the drills' proxy (tests/edge/fault_proxy.c)."""
import ctypes
import json
import mmap
import os
import pathlib
import re
import select
import socket
import subprocess
import time

from fleet_nodes import Node, environment

DISK_MIB, READY_S, HOUR_MS = 2048, 60, 3600 * 1000
MAGIC = 0x31766472616F6266


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Board(ctypes.Structure):
    """struct fault_board; a process refuses one of another size."""
    _fields_ = [("magic", ctypes.c_uint64), ("clock_shift_ms", ctypes.c_int64), ("disk_delay_ms", ctypes.c_uint32),
                ("read_delay_ms", ctypes.c_uint32), ("lie", ctypes.c_uint32), ("disk_errno", ctypes.c_uint32),
                ("lies_told", ctypes.c_uint64), ("read_obeyed", ctypes.c_uint64), ("clock_obeyed", ctypes.c_uint64),
                ("disk_obeyed", ctypes.c_uint64), ("disk_failed", ctypes.c_uint64), ("disk_fails_in", ctypes.c_uint64),
                ("poisons", ctypes.c_uint64), ("poisoned", ctypes.c_uint64)]


def map_board(path):
    path.write_bytes(bytes(ctypes.sizeof(Board)))
    with open(path, "r+b") as file:
        board = Board.from_buffer(mmap.mmap(file.fileno(), 0))
    board.magic = MAGIC
    return board


class CampaignNode(Node):
    """As fleet_nodes.Node, but started again and again at one place; everything of it is under FOLDER/NAME."""

    def __init__(self, folder, name, command, binary, guards_off=None):
        self.name, self.command, self.binary, self.guards_off = name, command, binary, guards_off
        self.data, self.log, self.port = folder / name, folder / f"{name}.log", free_port()
        self.has_group, self.url, self.process, self.kills = False, f"http://127.0.0.1:{self.port}", None, 0
        self.board_path = folder / f"{name}.board"
        self.data.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=0700", name, self.data], check=True)
        self.board = map_board(self.board_path)
        self.cpu_s, self.skews = 0.0, 0  # of processes that ended; clock faults that began or ended

    def begin(self):
        surroundings = {**environment(self.guards_off), "SOSTENUTO_FAULT_BOARD": str(self.board_path)}
        command = [self.binary, *map(str, self.command), "--data", self.data, "--listen", f"127.0.0.1:{self.port}", "--supervisor=no"]
        with open(self.log, "ab") as errors:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, env=surroundings)

    def start(self):
        """Whether it listens within READY_S: on a full disk it may end instead."""
        self.begin()
        end, seen = time.monotonic() + READY_S, b""
        os.set_blocking(self.process.stdout.fileno(), False)
        while time.monotonic() < end and self.process.poll() is None:
            select.select([self.process.stdout], [], [], 0.2)
            seen += self.process.stdout.read() or b""
            if re.search(rb"^listening on http", seen, re.M):
                return True
        return False

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def cpu(self):
        try:
            fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            return self.cpu_s
        return self.cpu_s + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self):
        self.cpu_s = self.cpu()
        super().kill()
        self.kills += 1

    def stop(self):
        if self.is_running:
            self.cpu_s = self.cpu()
        return super().stop()

    def status(self):
        return json.loads(self.ask("/status")[1])

    # --- faults, each with what shows that it happened ---
    def shift_clock(self, hours):
        self.skews += 1
        self.board.clock_shift_ms = hours * HOUR_MS

    def fail_disk(self, error, fails_in=0):
        self.board.disk_fails_in, self.board.disk_errno = fails_in, error

    def fill_disk(self):
        """Not a page more than what is used; mend_disk() gives it back.  It may grow meanwhile, and then the kernel refuses."""
        for _ in range(20):
            disk = os.statvfs(self.data)
            used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
            if subprocess.run(["mount", "-o", f"remount,size={used}", self.data], capture_output=True).returncode == 0:
                return

    def is_full(self):
        return os.statvfs(self.data).f_bavail == 0

    def mend_disk(self):
        subprocess.run(["mount", "-o", f"remount,size={DISK_MIB}m", self.data], check=True)

    @property
    def may_be_behind(self):
        return self.board.clock_shift_ms < 0

    def is_stopped(self):
        try:
            return pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"
        except OSError:
            return False


class Line:
    """From one node to another, through a proxy that spoils it when told."""

    def __init__(self, to_port, binary_folder):
        program = binary_folder / "tests" / "edge" / "fault_proxy"
        self.process = subprocess.Popen([program, str(to_port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def say(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "ok\n", words

    def stop(self):
        self.process.stdin.close()
        self.process.wait(20)
