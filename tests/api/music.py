# SPDX-License-Identifier: GPL-3.0-or-later
"""A small library with a bit of everything that answers must carry, made with ffmpeg and mutagen in a second."""
import pathlib
import subprocess

import mutagen
import mutagen.flac
import mutagen.id3
import mutagen.mp3

SONGS = [
    # folder, file, album artist, album, title, artist, track, year, genre, seconds
    ("Björk/Début", "01 Human.flac", "Björk", "Début", "Human Behaviour", "Björk", 1, 1993, "Electronic", 3),
    ("Björk/Début", "02 Crying.flac", "Björk", "Début", "Crying", "Björk", 2, 1993, "Electronic", 2),
    ("Björk/Début", "03 Venus.flac", "Björk", "Début", "Venus as a Boy", "Björk", 3, 1993, "Electronic", 2),
    ("The Beatles/Abbey Road", "01.mp3", "The Beatles", "Abbey Road", "Come Together", "The Beatles", 1, 1969, "Rock", 2),
    ("The Beatles/Abbey Road", "02.mp3", "The Beatles", "Abbey Road", "Something", "The Beatles", 2, 1969, "Rock", 2),
    ("AC⁄DC", "Thunder <&> \"Lightning\".ogg", "AC/DC", "Razors & <Edge>", "Thunder & \"Lightning\" <live>", "AC/DC",
     1, 1990, "Rock", 2),
    ("久石譲", "Summer.opus", "久石譲", "菊次郎の夏", "Summer", "久石譲", 1, 1999, "Soundtrack", 2),
]
LYRICS = "[00:00.50]If you ever get close\n[00:01.50]to a human\n"


def encode(path, seconds, pitch):
    codec = {".flac": ["-c:a", "flac"], ".mp3": ["-c:a", "libmp3lame", "-b:a", "192k"],
             ".ogg": ["-c:a", "libvorbis"], ".opus": ["-c:a", "libopus"]}[path.suffix]
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"sine=frequency={pitch}:duration={seconds}",
                    "-ac", "2", "-ar", "48000" if path.suffix == ".opus" else "44100", *codec, str(path)], check=True)


def tag(path, album_artist, album, title, artist, track, year, genre):
    song = mutagen.File(path, easy=True)
    for name, value in (("albumartist", album_artist), ("album", album), ("title", title), ("artist", artist),
                        ("tracknumber", str(track)), ("discnumber", "1"), ("date", str(year)), ("genre", genre)):
        song[name] = value
    song.save()


def picture(folder):
    path = folder / "cover.jpg"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=size=400x400:duration=1", "-frames:v",
                    "1", str(path)], check=True)


def make(root, songs=tuple(SONGS)):
    root = pathlib.Path(root)
    for number, (folder, name, album_artist, album, title, artist, track, year, genre, seconds) in enumerate(songs):
        (root / folder).mkdir(parents=True, exist_ok=True)
        path = root / folder / name
        encode(path, seconds, 220 + 30 * number)
        tag(path, album_artist, album, title, artist, track, year, genre)
    if (root / "Björk").is_dir():
        picture(root / "Björk/Début")
        (root / "Björk/Début/01 Human.lrc").write_text(LYRICS)
    return root
