# SPDX-License-Identifier: GPL-3.0-or-later
"""
The published schemas, when ../shared/schemas exists beside the checkout (or $SOSTENUTO_SCHEMAS names them): OpenSubsonic's
OpenAPI document for JSON, the 1.16.1 XSD for the XML that a plain client gets.
"""
import functools
import json
import os
import pathlib
import subprocess

import jsonschema
import lxml.etree
import pytest

import required
from test_shapes import fill


def schemas():
    top = pathlib.Path(__file__).resolve().parents[2]
    # a worktree stands beside its main checkout, or below a folder beside it
    common = subprocess.run(["git", "-C", top, "rev-parse", "--git-common-dir"], capture_output=True, text=True)
    main = (top / common.stdout.strip()).resolve().parent if common.returncode == 0 else top
    places = [os.environ.get("SOSTENUTO_SCHEMAS"), top.parent / "shared/schemas", main.parent / "shared/schemas"]
    return next((pathlib.Path(place) for place in places if place and pathlib.Path(place).is_dir()), None)


FOLDER = schemas()
pytestmark = pytest.mark.skipif(FOLDER is None, reason="no ../shared/schemas beside the checkout: only required.py was checked")


@functools.cache
def openapi():
    document = json.loads((FOLDER / "opensubsonic.openapi.json").read_text())

    def adapt(node):
        """OpenAPI 3.0 says nullable where JSON Schema has a type more; the rest is a subset."""
        if isinstance(node, dict):
            node = {name: adapt(value) for name, value in node.items()}
            if node.pop("nullable", False) and isinstance(node.get("type"), str):
                node["type"] = [node["type"], "null"]
        elif isinstance(node, list):
            node = [adapt(value) for value in node]
        return node

    return adapt(document)


def validator_of(endpoint, method="get"):
    document = openapi()
    path = document["paths"].get(f"/rest/{endpoint}") or document["paths"][f"/rest/{endpoint}.view"]
    response = path[method]["responses"]["200"]
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
    schema = response["content"]["application/json"]["schema"]
    return jsonschema.Draft7Validator(schema | {"components": document["components"]})


@pytest.mark.parametrize("endpoint, parameters",
                         [pytest.param(row[0], row[1], id=f"{row[0]}-{'-'.join(map(str, row[1].values()))}")
                          for row in required.shapes(True)])
def test_openapi(anna, library, endpoint, parameters):
    answer = anna.raw(endpoint, fill(parameters, library)).json()
    assert answer["subsonic-response"]["status"] == "ok"
    faults = [f"{list(error.absolute_path)}: {error.message[:300]}" for error in
              validator_of(endpoint).iter_errors(answer)]
    assert faults == []


@functools.cache
def xsd():
    return lxml.etree.XMLSchema(lxml.etree.parse(str(FOLDER / "subsonic-1.16.1.xsd")))


@pytest.mark.parametrize("endpoint, parameters",
                         [pytest.param(row[0], row[1], id=f"{row[0]}-{'-'.join(map(str, row[1].values()))}")
                          for row in required.shapes(False)])
def test_xsd(anna, library, endpoint, parameters):
    answer = anna.raw(endpoint, fill(parameters, library), f="xml", c="Clementine")
    root = lxml.etree.fromstring(answer.body)
    assert root.get("status") == "ok"
    assert xsd().validate(root), xsd().error_log


def test_clementine_finds_only_songs_in_an_album(anna, library):
    """Its reader takes every child of <album> for a song: <artists> or <genres> would be songs without a name."""
    def children(client):
        root = lxml.etree.fromstring(anna.raw("getAlbum", {"id": library.album}, f="xml", c=client).body)
        return {child.tag.split("}")[1] for child in root[0]}
    assert children("Clementine") == {"song"}, "by default"
    assert children("tests") > {"song"}, "others hear more"


def test_errors_fit_both(anna):
    answer = anna.raw("getSong", {"id": "tr-nothing"}).json()
    assert list(validator_of("getSong").iter_errors(answer)) == []
    root = lxml.etree.fromstring(anna.raw("getSong", {"id": "x"}, f="xml", c="Clementine").body)
    assert root.get("status") == "failed" and xsd().validate(root), xsd().error_log
