# SPDX-License-Identifier: GPL-3.0-or-later
"""
serve_peers: the servers of bench/serve, each on one core, with the same files, and with a log of each request.

A peer knows where its objects are (path), whether it speaks TLS, and which processes it consists of: CPU and memory
are sums over all of them.
"""
import glob
import http.client
import json
import os
import re
import socket
import subprocess
import time

SERVER_CORE = 0
IDLE_S = 900


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def tree(pid):
    """A process and those below it."""
    pids = [pid]
    for each in pids:
        try:
            for task in os.listdir(f"/proc/{each}/task"):
                with open(f"/proc/{each}/task/{task}/children", encoding="ascii") as file:
                    pids += [int(child) for child in file.read().split()]
        except OSError:
            pass
    return pids


def read_all(pattern):
    for path in glob.glob(pattern):
        try:
            with open(path, encoding="ascii") as file:
                yield file.read()
        except OSError:
            pass


class Peer:
    name = ""
    speaks_tls = True
    log = ""

    def __init__(self, files, folder):
        self.files, self.folder, self.port, self.tls_port = files, folder, free_port(), free_port()
        self.process = None
        os.makedirs(folder, exist_ok=True)

    @property
    def ports(self):
        """{kind of connection: port}; "h2" is HTTP/2 in plain, with prior knowledge."""
        return {"plain": self.port, "tls": self.tls_port, "h2": self.port} if self.speaks_tls else {"plain": self.port}

    def path(self, what):
        return f"/{what}.mp3"

    def command(self):
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    def start(self):
        self.process = subprocess.Popen(["taskset", "-c", str(SERVER_CORE), *self.command()], env=self.environment(),
                                        stdout=subprocess.DEVNULL, stderr=open(f"{self.folder}/errors", "ab"))
        self.wait(30)

    def wait(self, seconds):
        end = time.monotonic() + seconds
        while not self.answers():
            if time.monotonic() > end or self.process.poll() is not None:
                with open(f"{self.folder}/errors", encoding="utf-8", errors="replace") as file:
                    raise RuntimeError(f"{self.name} did not start: {file.read()[-2000:]}")
            time.sleep(0.001)

    def answers(self):
        """Whether the first byte of an answer comes."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
                client.sendall(f"GET {self.path('small')} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                return client.recv(12) == b"HTTP/1.1 200"
        except OSError:
            return False

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    # --- what it took ---

    def threads(self, name):
        """That file of each thread's folder in /proc; one that just ended has none."""
        for pid in tree(self.process.pid):
            yield from read_all(f"/proc/{pid}/task/*/{name}")

    def cpu_s(self):
        """Of all threads, in user space and kernel, to the nanosecond."""
        return sum(int(text.split()[0]) for text in self.threads("schedstat")) / 1e9

    def memory_bytes(self):
        """Private memory: what the kernel would get back if it ended."""
        texts = (text for pid in tree(self.process.pid) for text in read_all(f"/proc/{pid}/smaps_rollup"))
        return sum(int(kib) * 1024 for text in texts for kib in re.findall(r"^Private_\w+:\s+(\d+)", text, re.M))

    def switches(self):
        """{thread: how often it went to sleep or was put aside}."""
        return {re.search(r"^Pid:\s+(\d+)", text, re.M).group(1):
                sum(int(count) for count in re.findall(r"voluntary_ctxt_switches:\s+(\d+)", text))
                for text in self.threads("status")}


class Floor(Peer):
    name, speaks_tls, log = "floor", False, "none"

    def __init__(self, files, folder, build):
        super().__init__(files, folder)
        self.build = build

    def path(self, what):
        return f"/{what}"

    def command(self):
        return [f"{self.build}/bench/serve_floor", str(self.port),
                *(f"{self.files}/{name}.mp3" for name in ("small", "middle", "big"))]


class Nginx(Peer):
    name, log = "nginx", "access_log, buffer=64k"

    def __init__(self, files, folder):
        super().__init__(files, folder)
        self.h2_port = free_port()  # its plain port speaks one or the other

    @property
    def ports(self):
        return {**super().ports, "h2": self.h2_port}

    def command(self):
        text = f"""daemon off; worker_processes 1; pid {self.folder}/pid; error_log {self.folder}/errors crit;
            events {{ worker_connections 20000; }}
            http {{ types {{ audio/mpeg mp3; }} sendfile on; tcp_nopush on; keepalive_requests 100000000;
              keepalive_timeout {IDLE_S}s; open_file_cache max=1000 inactive=600s; open_file_cache_valid 600s;
              access_log {self.folder}/access.log combined buffer=64k flush=1s; http2_max_requests 100000000;
              ssl_certificate {self.folder}/../cert.pem; ssl_certificate_key {self.folder}/../key.pem;
              ssl_protocols TLSv1.3;
              server {{ listen 127.0.0.1:{self.port}; listen 127.0.0.1:{self.tls_port} ssl http2;
                listen 127.0.0.1:{self.h2_port} http2; root {self.files};
              }} }}"""
        return ["nginx", "-c", write(f"{self.folder}/conf", text)]


class H2O(Peer):
    name, log = "h2o", "access-log, unbuffered (it has no other)"

    def command(self):
        text = f"""
num-threads: 1
max-connections: 20000
http1-request-timeout: {IDLE_S}
http2-idle-timeout: {IDLE_S}
pid-file: {self.folder}/pid
error-log: {self.folder}/errors
access-log: {self.folder}/access.log
file.mime.addtypes:
  "audio/mpeg": ".mp3"
hosts:
  plain:
    listen:
      port: {self.port}
      host: 127.0.0.1
    paths:
      "/":
        file.dir: {self.files}
  tls:
    listen:
      port: {self.tls_port}
      host: 127.0.0.1
      ssl:
        certificate-file: {self.folder}/../cert.pem
        key-file: {self.folder}/../key.pem
        minimum-version: TLSv1.3
    paths:
      "/":
        file.dir: {self.files}
"""
        if os.getuid() == 0:
            text = "user: root\n" + text
        return ["h2o", "-m", "worker", "-c", write(f"{self.folder}/conf", text)]


class Varnish(Peer):
    """Its objects come from nginx once and stay in its memory."""
    name, speaks_tls, log = "varnish", False, "to shared memory"

    def __init__(self, files, folder, source):
        super().__init__(files, folder)
        self.source = source

    def command(self):
        vcl = write(f"{self.folder}/default.vcl", f"""vcl 4.1;
            backend default {{ .host = "127.0.0.1"; .port = "{self.source.port}"; }}
            sub vcl_backend_response {{ set beresp.ttl = 1d; set beresp.do_stream = false; }}""")
        return ["varnishd", "-F", "-a", f"127.0.0.1:{self.port}", "-f", vcl, "-n", f"{self.folder}/work",
                "-s", "malloc,512m", "-p", f"timeout_idle={IDLE_S}"]


class Ours(Peer):
    """Signed in by a grant, through the usual routes, over a library of a thousand other songs."""
    name, log = "ours", "access_log"

    def __init__(self, files, folder, build, more_music):
        super().__init__(files, folder)
        self.tls_port = self.port
        self.build, self.music, self.state, self.paths = build, more_music, f"{folder}/state", {}
        subprocess.run([f"{build}/sostenuto", "user", "add", "bench", "--admin", "--password-file", "-", "--data",
                        self.state], input=b"correct horse battery\n", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.secret = subprocess.run([f"{build}/sostenuto", "app", "add", "bench", "bench", "--data", self.state],
                                     check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode().strip()

    def environment(self):
        return dict(os.environ, SOSTENUTO_MDNS="no")

    def command(self):
        options = {"data": self.state, "listen": f"127.0.0.1:{self.port}", "access-log": f"{self.folder}/access.log",
                   "tls-certificate": f"{self.folder}/../cert.pem", "tls-key": f"{self.folder}/../key.pem",
                   "idle-timeout-ms": IDLE_S * 1000, "max-requests-per-connection": 100000000, "loops": 1}
        return [f"{self.build}/sostenuto", "serve", self.files, self.music,
                *(f"--{key}={value}" for key, value in options.items())]

    def path(self, what):
        return self.paths.get(what, "/livez")

    def json(self, method, path, body=None):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        client.request(method, path, json.dumps(body) if body else None,
                       {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{self.port}"} if body else {})
        return json.loads(client.getresponse().read())

    def rest(self, question):
        return self.json("GET", f"/rest/{question}&apiKey={self.secret}&f=json&v=1.16.1&c=bench")["subsonic-response"]

    def learn_paths(self, names):
        """Waits for the scan; then signs in and asks where each object is."""
        end = time.monotonic() + 120
        while self.rest("getScanStatus?")["scanStatus"].get("count", 0) < 1000 + len(names) or \
                self.rest("getScanStatus?")["scanStatus"]["scanning"]:
            if time.monotonic() > end:
                raise RuntimeError("the scan did not end")
            time.sleep(0.1)
        grant = self.json("POST", "/api/v1/session", {"name": "bench", "password": "correct horse battery"})["grant"]
        for name in names:
            song = self.rest(f"search3?query=bench%20{name}")["searchResult3"]["song"][0]
            client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            client.request("HEAD", f"/m/{song['id']}/original?g={grant}")
            version = client.getresponse().getheader("ETag").strip('"')
            self.paths[name] = f"/m/{song['id']}/original.{version}.mp3?g={grant}"

