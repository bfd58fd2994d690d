# SPDX-License-Identifier: GPL-3.0-or-later
"""An OpenSubsonic server of a few lines, in the test's own process, that reads parameters as Go's servers do: a form before the query.

One album of one song, listeners with passwords, plays and stars in memory.  `faults` maps an endpoint to what it answers instead:
("error", code), ("status", 500), or ("hang up", None); `FOREIGN.asked` lists (endpoint, name, parameters).
"""
import hashlib
import http.server
import json
import threading
import urllib.parse

SONG = {"id": "s1", "parent": "al1", "isDir": False, "title": "Song", "album": "Album", "artist": "Band", "albumId": "al1", "artistId": "ar1",
        "duration": 60, "suffix": "mp3", "contentType": "audio/mpeg"}
ALBUM = {"id": "al1", "name": "Album", "artist": "Band", "artistId": "ar1", "songCount": 1, "duration": 60, "created": "2024-01-01T00:00:00Z"}


def token_of(password, salt):
    return hashlib.md5((password + salt).encode()).hexdigest()


class Foreign:
    def __init__(self, port=0):
        self.passwords = {"admin": "secret", "anna": "apples", "eve": "plums"}
        self.stars, self.asked, self.faults, self.lock = {}, [], {}, threading.Lock()
        foreign = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                foreign.handle(self, "")

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                is_form = (self.headers.get("Content-Type") or "").startswith("application/x-www-form-urlencoded")
                if (self.headers.get("Content-Type") or "").startswith("text/parameters"):  # as multipart: read by servers, not by the edge
                    is_form = True
                foreign.handle(self, body if is_form else "")

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def handle(self, handler, form):
        parts = urllib.parse.urlsplit(handler.path)
        pairs = urllib.parse.parse_qsl(form, keep_blank_values=True) + urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
        endpoint, asked = parts.path.removeprefix("/rest/").removesuffix(".view"), {}
        for name, value in pairs:
            asked.setdefault(name, []).append(value)
        name = asked.get("u", [""])[0]
        with self.lock:
            self.asked.append((endpoint, name, asked))
        kind, what = self.faults.get(endpoint, (None, None))
        if kind == "hang up":
            handler.close_connection = True
            return
        if kind == "status":
            handler.send_error(what)
            return
        if endpoint == "stream":
            self.send(handler, b"ID3" + b"x" * 4000, "audio/mpeg")
            return
        password, salt = self.passwords.get(name), asked.get("s", [""])[0]
        is_known = password and (password == asked.get("p", [None])[0] or token_of(password, salt) == asked.get("t", [None])[0])
        if kind == "error":
            answer = {"status": "failed", "error": {"code": what, "message": "no"}}
        elif endpoint == "getOpenSubsonicExtensions":  # open to everybody, as the specification says
            answer = {"status": "ok", "openSubsonicExtensions": []}
        elif not is_known:
            answer = {"status": "failed", "error": {"code": 40, "message": "Wrong username or password"}}
        else:
            with self.lock:
                answer = {"status": "ok", **self.answer(endpoint, name, asked)}
        text = json.dumps({"subsonic-response": {"version": "1.16.1", **answer}})
        if asked.get("f") == ["jsonp"]:  # as supysonic does: whatever the callback is
            self.send(handler, f"{asked['callback'][0]}({text})".encode(), "application/javascript")
        else:
            self.send(handler, text.encode(), "application/json")

    @staticmethod
    def send(handler, body, kind):
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def answer(self, endpoint, name, asked):
        stars = self.stars.setdefault(name, set())
        artist = {"id": "ar1", "name": "Band"}
        if endpoint == "star":
            stars.update(asked.get("id", []))
        if endpoint == "unstar":
            stars.difference_update(asked.get("id", []))
        page = int(asked.get("offset", ["0"])[0])
        return {
            "getMusicFolders": {"musicFolders": {"musicFolder": [{"id": 1, "name": "Music"}]}},
            "getGenres": {"genres": {}},
            "getArtists": {"artists": {"index": [{"name": "B", "artist": [artist]}]}},
            "getIndexes": {"indexes": {"lastModified": 1, "index": []}},
            "getAlbumList2": {"albumList2": {"album": [] if page else [ALBUM]}},
            "getAlbum": {"album": {**ALBUM, "song": [SONG]}},
            "getArtist": {"artist": {**artist, "album": [ALBUM]}},
            "getSong": {"song": SONG},
            "getStarred": {"starred": {"song": [SONG] if stars else []}},
            "getStarred2": {"starred2": {"song": [{**SONG, "starred": "2024-01-01T00:00:00Z"}] if stars else []}},
            "getPlaylists": {"playlists": {}},
            "getUser": {"user": {"username": name}},
        }.get(endpoint, {})
