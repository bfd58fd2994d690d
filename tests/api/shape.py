# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks answers against shapes of required.py, in JSON and in XML; `faults` gives every difference as a sentence."""
import datetime
import re

NAMESPACE = "{http://subsonic.org/restapi}"
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


def is_date(value):
    return isinstance(value, str) and bool(DATE.match(value)) and bool(datetime.datetime.fromisoformat(value[:19]))


def is_number(value):
    return isinstance(value, int) and not isinstance(value, bool)


LEAF = {
    "t": lambda v: isinstance(v, str),
    "n": is_number,
    "r": lambda v: isinstance(v, float) or is_number(v),
    "b": lambda v: isinstance(v, bool),
    "d": is_date,
}


def faults(shape, value, where="answer"):
    if isinstance(shape, str):
        return [] if LEAF[shape](value) else [f"{where} is {value!r}, not {shape}"]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{where} is no list"]
        return [f for i, item in enumerate(value) for f in faults(shape[0], item, f"{where}[{i}]")]
    if not isinstance(value, dict):
        return [f"{where} is no object"]
    found = []
    for name, inner in shape.items():
        plain = name.rstrip("?")
        if plain in value:
            found += faults(inner, value[plain], f"{where}.{plain}")
        elif not name.endswith("?"):
            found.append(f"{where}.{plain} is missing")
    return found


def xml_leaf(shape, text):
    if shape == "n":
        return int(text)
    if shape == "r":
        return float(text)
    if shape == "b":
        return {"true": True, "false": False}[text]
    return text


def from_xml(shape, element):
    """The XML element as the JSON value that the shape describes; a member that is not there stays absent."""
    if isinstance(shape, str):
        return xml_leaf(shape, element.text or "")
    value = {}
    for name, inner in shape.items():
        plain = name.rstrip("?")
        children = element.findall(NAMESPACE + plain)
        if isinstance(inner, list):
            value[plain] = [from_xml(inner[0], child) for child in children]
        elif isinstance(inner, dict):
            if children:
                value[plain] = from_xml(inner, children[0])
        elif plain == "value":
            value[plain] = element.text or ""
        elif plain in element.attrib:
            value[plain] = xml_leaf(inner, element.attrib[plain])
    return value
