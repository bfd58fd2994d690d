# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a track's manifest and its segments: written from docs/formats/manifest.md alone."""
import base64
import hashlib
import json
import struct


class Refused(Exception):
    pass


def check(holds, why):
    if not holds:
        raise Refused(why)


def boxes(data):
    """[(type, payload)] of ISO/IEC 14496-12 boxes that fill `data`."""
    found, at = [], 0
    while at < len(data):
        check(at + 8 <= len(data), "a box's head")
        size, kind = struct.unpack_from(">I4s", data, at)
        check(8 <= size <= len(data) - at, "a box's size")
        found.append((kind.decode(), data[at + 8:at + size]))
        at += size
    return found


def inside(data, *path):
    for kind in path:
        data = dict(boxes(data))[kind]
    return data


def check_bytes(data, entry):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
    check(len(data) == entry["bytes"] and digest == entry["sha256"], "not what the manifest names")


class Manifest:
    def __init__(self, body, track):
        self.body = json.loads(body)
        check(self.body["format"].split(".")[0] == "manifest 1" and self.body["track"] == track, "another format or track")
        self.renditions = {each["name"]: each for each in self.body["renditions"]}
        for rendition in self.renditions.values():
            self.check_rendition(rendition)

    def check_rendition(self, rendition):
        at = 0
        for number, segment in enumerate(rendition["segments"]):
            check(segment["at"] == at, "a gap")
            last = number == len(rendition["segments"]) - 1
            wanted = rendition["firstDuration"] if number == 0 else rendition["segmentDuration"]
            check(segment["duration"] == wanted or last and segment["duration"] <= wanted, "a duration")
            at += segment["duration"]
        trim = rendition["trim"]
        if rendition["state"] == "complete":
            check(at == trim["start"] + rendition["length"] + trim["end"], "the trims do not add up")
            if rendition["rate"] == self.body["source"]["rate"] and self.body["source"]["isExact"]:
                check(rendition["length"] == self.body["source"]["length"], "another length than the source")

    def check_objects(self, name, fetch):
        """`fetch` gives the bytes of a name beneath /m/{track}/.  How many objects were looked at."""
        rendition = self.renditions[name]
        prefix = f"{name}.{rendition['generation']}/"
        init = fetch(prefix + "init.mp4")
        check_bytes(init, rendition["init"])
        check([kind for kind, _ in boxes(init)] == ["ftyp", "moov"], "boxes of the initialisation segment")
        for number, segment in enumerate(rendition["segments"]):
            for suffix, entry in (("", segment), (".lead", segment["lead"])):
                if not entry:
                    continue
                data = fetch(f"{prefix}{number}{suffix}.m4s")
                check_bytes(data, entry)
                check([kind for kind, _ in boxes(data)] == ["styp", "moof", "mdat"], "boxes of a segment")
                sequence, = struct.unpack(">I", inside(data, "moof", "mfhd")[4:8])
                tfdt = inside(data, "moof", "traf", "tfdt")
                if not suffix:
                    check(sequence == number + 1, "the sequence number")
                    check(tfdt[0] == 1 and struct.unpack(">Q", tfdt[4:12])[0] == segment["at"], "the decode time")
        return len(rendition["segments"])
