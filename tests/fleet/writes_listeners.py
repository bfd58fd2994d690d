# SPDX-License-Identifier: GPL-3.0-or-later
"""Who writes in writes_campaign.py, what was acknowledged to them, and what must therefore be everywhere in the end.

A *player* sends batches to POST /ops under a device of its own, seq 1, 2, 3 …; an *app* scrobbles many songs in one request,
whose ids the server derives from what they say (docs/formats/operations.md).  What has no answer, or one that is no yes, is sent
again, there or elsewhere, until it is acknowledged; some of what was is sent again all the same.

Of a cell (a star, a setting, an entry of a playlist …) the last write wins, but for one thing: a node whose clock is behind makes an
operation older than it is ("Order" in operations.md).  So such writes are *weak*, and a cell may hold the last strong one or any weak
one after it; all nodes must hold the same."""
import base64
import collections
import hashlib
import http.client
import json
import os
import random
import sys
import threading
import time
import urllib.parse

from fleet_nodes import ROOT

sys.path.insert(0, str(ROOT / "tests" / "formats"))
from read_export import read  # noqa: E402

STAR, RATING, SETTING, PLAYLIST_NAME, ENTRY = 1, 2, 3, 4, 8
PLAYLISTS, ENTRIES, SETTINGS = 2, 60, 40
PATIENCE_S, TOKEN_S, NEW_TOKEN_S, AGAIN_S = 5, 600, 2, (0.05, 0.4)
TWICE_EVERY = 5  # batch, whoever's, is told twice, as if its answer had been lost: to the node that took it, or to another, in turn
HOUR_MS = 3600 * 1000
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def text_of(uid):
    return base64.urlsafe_b64encode(uid).decode().rstrip("=")


def uid_of(text):
    return base64.urlsafe_b64decode(text + "==")


def subject(text):
    """"tr-…" as 18 bytes."""
    return text[:2].encode() + uid_of(text[3:])


def parts_hash(size, *parts):
    """H(size; …) of operations.md."""
    return hashlib.blake2b(b"".join(len(part).to_bytes(8, "little") + part for part in parts), digest_size=size).digest()


class Refused(Exception):
    """A node said what none may say here."""


class Ledger:
    """What was acknowledged, on the disk before it counts."""

    def __init__(self, path, wanted):
        self._fd, self._lock = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), threading.Lock()
        self.wanted, self.begun, self.acknowledged, self.batches = wanted, 0, 0, 0
        self.figures = collections.Counter()

    def claim(self, most):
        """How many operations the caller may make: 0 when all are made."""
        with self._lock:
            count = min(most, self.wanted - self.begun)
            self.begun += count
            return count

    def note(self, who, count, last):
        """The number of this batch, of all listeners'."""
        with self._lock:
            os.write(self._fd, f"{who} {count} {last}\n".encode())
            os.fdatasync(self._fd)
            self.acknowledged += count
            self.batches += 1
            return self.batches

    def count(self, what, by=1):
        with self._lock:
            self.figures[what] += by


class Listener(threading.Thread):
    """One account, writing by itself until the ledger has enough; `failure` says what ended it early."""

    def __init__(self, name, password, nodes, ledger, tracks, seed, pace_s):
        super().__init__(name=name, daemon=True)
        self.password, self.nodes, self.ledger, self.tracks = password, nodes, ledger, tracks
        self.random, self.pace_s, self.failure = random.Random(f"{seed} {name}"), pace_s, None
        self.plays, self.cells = collections.Counter(), {}
        self._connections = {}

    # --- the line ---
    def _ask(self, node, path, body, headers):
        connection = self._connections.pop(node, None) or http.client.HTTPConnection("127.0.0.1", node.port, timeout=PATIENCE_S)
        try:
            connection.request("POST", path, body=body, headers=headers)
            answer = connection.getresponse()
            said = answer.read()
        except BaseException:
            connection.close()
            raise
        self._connections[node] = connection
        return answer.status, said

    def _try(self, node, what):
        """Whether that node has acknowledged it; and whether it was judged by a clock behind the true time."""
        skews, is_behind = node.skews, node.may_be_behind
        try:
            is_taken = self.send(node, what)
        except (OSError, http.client.HTTPException) as failure:
            self.ledger.count(f"no_answer_{type(failure).__name__}")
            return False, True
        return is_taken, is_behind or node.may_be_behind or skews != node.skews

    def _deliver(self, what):
        node = self.random.choice(self.nodes)
        while True:
            is_taken, is_weak = self._try(node, what)
            if is_taken:
                return node, is_weak
            self.ledger.count("sent_again")
            time.sleep(self.random.uniform(*AGAIN_S))
            if self.random.random() < 0.5:
                node = self.random.choice(self.nodes)

    def run(self):
        try:
            while count := self.ledger.claim(1 + self.random.randrange(self.most)):
                begun = time.monotonic()
                what = self.make(count)
                node, is_weak = self._deliver(what)
                number = self.ledger.note(self.name, count, self.last_of(what))
                if number % TWICE_EVERY == 0:
                    others = [other for other in self.nodes if other is not node]
                    again, is_again_weak = self._try(self.random.choice(others) if number // TWICE_EVERY % 2 else node, what)
                    is_weak = is_weak and (is_again_weak or not again)
                    self.ledger.count("told_twice", count)
                self.remember(what, is_weak)
                time.sleep(max(0, self.pace_s * count - (time.monotonic() - begun)))
        except BaseException as failure:  # noqa: B902 (told by the campaign)
            self.failure = failure

    # --- what is expected ---
    def wrote(self, cell, value, is_weak):
        values = self.cells.get(cell, [])
        self.cells[cell] = values + [value] if is_weak else [value]


class Player(Listener):
    most = 500

    def __init__(self, *how):
        super().__init__(*how)
        self.device = self.random.randbytes(16)
        self.seq = self.stamp = self.value = 0
        self.token, self.token_at = None, -TOKEN_S
        self.playlists = [self.random.randbytes(16) for _ in range(PLAYLISTS)]
        self.entries = {playlist: [] for playlist in self.playlists}
        self.named = set()

    def sign_in(self):
        """Where the clock is right; the origin's is what counts while it answers."""
        body, status, said = json.dumps({"name": self.name, "password": self.password}), None, b""
        for _ in range(200):
            for node in [node for node in self.nodes if not node.board.clock_shift_ms]:
                try:
                    status, said = self._ask(node, "/api/v1/session", body, {"Content-Type": "application/json"})
                except (OSError, http.client.HTTPException):
                    continue
                if status == 200:
                    self.token, self.token_at = json.loads(said)["accessToken"], time.monotonic()
                    self.ledger.count("sign_ins")
                    return
            time.sleep(0.2)
        raise Refused(f"{self.name} cannot sign in: {status} {said[:200]}")

    # --- making ---
    def make(self, count):
        return [self._operation() for _ in range(count)]

    def _operation(self):
        self.seq += 1
        self.stamp = max(self.stamp + 1, int(time.time() * 1000) << 16)
        kind, payload, cells = self._draw()
        operation = {"seq": self.seq, "hlc": str(self.stamp), "kind": kind, "payload": payload}
        return operation, cells

    def _draw(self):
        """kind, payload, [(cell, value)]; the value of a cell as the export has it."""
        draw, track = self.random.random(), self.random.choice(self.tracks)
        self.value += 1
        now = self.stamp >> 16
        if draw < 0.7:
            return "play", {"track": track, "at": now}, []
        if draw < 0.78:
            is_on, at = self.random.random() < 0.7, now - 3 * HOUR_MS  # in nobody's future
            return "star", {"id": track, "on": is_on, "at": at}, [((STAR, subject(track)), at.to_bytes(8, "little") if is_on else b"")]
        if draw < 0.84:
            stars = self.random.randrange(6)
            return "rating", {"id": track, "stars": stars}, [((RATING, subject(track)), bytes([stars]) if stars else b"")]
        if draw < 0.90:
            name = f"s{self.random.randrange(SETTINGS)}"
            return "setting", {"name": name, "value": self.value}, [((SETTING, name.encode()), str(self.value).encode())]
        return self._edit_playlist(track)

    def _edit_playlist(self, track):
        playlist = self.random.choice(self.playlists)
        entries = self.entries[playlist]
        if playlist not in self.named:
            self.named.add(playlist)
            name = f"List {text_of(playlist)}"
            return "playlist", {"id": text_of(playlist), "name": name}, [((PLAYLIST_NAME, playlist), name.encode())]
        if len(entries) >= ENTRIES and self.random.random() < 0.1:
            gone = entries.pop(self.random.randrange(len(entries)))
            return "playlist.remove", {"id": text_of(playlist), "entries": [text_of(gone)]}, [((ENTRY, playlist + gone), None)]
        if len(entries) < ENTRIES:
            entries.append(self.random.randbytes(16))
        entry = self.random.choice(entries[-3:] if len(entries) < ENTRIES else entries)
        position = "V" + "".join(self.random.choice(DIGITS) for _ in range(6)) + "1"
        put = {"entry": text_of(entry), "track": track, "position": position}
        return "playlist.put", {"id": text_of(playlist), "entries": [put]}, [((ENTRY, playlist + entry), subject(track) + position.encode())]

    # --- sending ---
    def send(self, node, what):
        if time.monotonic() - self.token_at >= TOKEN_S:
            self.sign_in()
        body = json.dumps({"device": text_of(self.device), "operations": [operation for operation, _ in what]})
        status, said = self._ask(node, "/ops", body, {"Content-Type": "application/json", "Authorization": "Bearer " + self.token})
        if status == 200:
            outcomes = collections.Counter(result["outcome"] for result in json.loads(said)["results"])
            if set(outcomes) - {"accepted", "duplicate"}:
                raise Refused(f"{node.name} to {self.name}: {dict(outcomes)} {said[:300]}")
            self.ledger.count("duplicates", outcomes["duplicate"])
            return True
        self.ledger.count(f"status_{status}")
        if status == 401 and not node.board.clock_shift_ms and time.monotonic() - self.token_at > NEW_TOKEN_S:
            self.token_at = -TOKEN_S  # made while a clock was wrong
        elif status not in (401, 502, 503, 504, 429):
            raise Refused(f"{node.name} to {self.name}: {status} {said[:300]}")
        return False

    def last_of(self, what):
        return what[-1][0]["seq"]

    def remember(self, what, is_weak):
        for operation, cells in what:
            if operation["kind"] == "play":
                self.plays[subject(operation["payload"]["track"])] += 1
            for cell, value in cells:
                self.wrote(cell, value, is_weak)

    def expected_ids(self, account):
        """The device, and ranges of seq."""
        return self.device, [(1, self.seq)] if self.seq else []


class App(Listener):
    """Scrobbles with an app's secret, so it may write wherever the clock stands."""
    most = 150

    def __init__(self, *how, secret):
        super().__init__(*how)
        self.secret, self.ids = secret, set()
        self.at = int(time.time() * 1000) - 30 * 24 * HOUR_MS

    def make(self, count):
        songs = [(self.random.choice(self.tracks), self.at + i) for i in range(count)]
        self.at += count
        return songs

    def send(self, node, what):
        fields = [("apiKey", self.secret), ("v", "1.16.1"), ("c", "campaign"), ("f", "json")]
        fields += [("id", track) for track, _ in what] + [("time", at) for _, at in what]
        status, said = self._ask(node, "/rest/scrobble", urllib.parse.urlencode(fields), {"Content-Type": "application/x-www-form-urlencoded"})
        if status == 200:
            answer = json.loads(said)["subsonic-response"]
            if answer["status"] == "ok":
                return True
            if answer["error"]["code"] != 0:
                raise Refused(f"{node.name} to {self.name}: {answer}")
        self.ledger.count(f"status_{status}")
        if status not in (200, 502, 503, 504, 429):
            raise Refused(f"{node.name} to {self.name}: {status} {said[:300]}")
        return False

    def last_of(self, what):
        return what[-1][1]

    def remember(self, what, is_weak):
        for track, at in what:
            self.plays[subject(track)] += 1
            id_bytes = parts_hash(16, b"play", subject(track), at.to_bytes(8, "little"))[:8]
            self.ids.add((int.from_bytes(id_bytes, "little") >> 2) | 1 << 62)

    def expected_ids(self, account):
        return parts_hash(16, b"sostenuto derived device 1", account, b"campaign"), [(seq, seq) for seq in self.ids]


# --- the judgement ---
class Export:
    """What a node holds, from its own export."""

    def __init__(self, path):
        self.cells, self.counts, self.seen = collections.defaultdict(dict), collections.defaultdict(dict), collections.defaultdict(list)
        for row in read(path.read_bytes())[0]:
            if row["row"] == "cell":
                self.cells[row["account"]][row["space"], row["key"]] = None if row["final"] else row["value"]
            elif row["row"] == "count":
                self.counts[row["account"]][row["subject"]] = row["plays"]
            elif row["row"] == "seen":
                self.seen[row["device"]].append((row["first"], row["last"]))


def joined(ranges):
    """The same without ranges that touch."""
    found = []
    for first, last in sorted(ranges):
        if found and found[-1][1] + 1 == first:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def judge(listener, account, origin, edges):
    """[what is wrong] for one listener: plays lost and doubled, ids missing, cells with another value than was written."""
    wrong = collections.Counter()
    words = []
    for track in set(listener.plays) | {key for key in origin.counts[account] if key[:2] == b"tr"}:
        there, expected = origin.counts[account].get(track, 0), listener.plays[track]
        wrong["lost"] += max(0, expected - there)
        wrong["doubled"] += max(0, there - expected)
        for name, edge in edges.items():
            if edge.counts[account].get(track, 0) != there:
                wrong["otherwise"] += 1
                words.append(f"{listener.name}: {name} counts {edge.counts[account].get(track, 0)} plays of a song, the origin {there}")
    device, ids = listener.expected_ids(account)
    if (ids := joined(ids)) != (seen := joined(origin.seen[device])):
        wrong["ids"] += len(set(ids) ^ set(seen))
        words.append(f"{listener.name}: ids {str(ids)[:200]} were acknowledged, the origin saw {str(seen)[:200]}")
    for cell, values in listener.cells.items():
        held = origin.cells[account].get(cell, b"")
        if held not in values and not (held is None and None in values):
            wrong["cells"] += 1
            words.append(f"{listener.name}: {cell} is {held!r} at the origin, of {values[-3:]}")
        for name, edge in edges.items():
            if edge.cells[account].get(cell, b"") != held:
                wrong["otherwise"] += 1
                words.append(f"{listener.name}: {cell} is {edge.cells[account].get(cell)!r} at {name}, {held!r} at the origin")
    unknown = {cell for cell in origin.cells[account] if cell[0] == ENTRY} - set(listener.cells)
    if unknown:
        wrong["cells"] += len(unknown)
        words.append(f"{listener.name}: {len(unknown)} entries of playlists that nobody made")
    return wrong, words
