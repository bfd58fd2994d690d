# SPDX-License-Identifier: GPL-3.0-or-later
"""Some rounds of campaign.py, which is run a thousand rounds long by hand."""
import pytest

import campaign


@pytest.mark.slow
def test_no_byte_is_wrong_whatever_fails(tmp_path):
    figures = campaign.run(tmp_path, rounds=25, seed=5)
    assert figures["wrong"] == 0 and figures["kills"] >= 3
    assert figures["hits"] >= figures["answers"] / 4, "a cache that holds nothing is never wrong"
    assert figures["cache_disk_hits_total"] > 0 and figures["cache_disk_evicted_total"] > 0, "and its disk had work"
    assert figures["bits_flipped_at_rest"] > 0 and figures["disk_flipped"] + figures["disk_torn"] + figures["disk_failed_writes"] > 0


@pytest.mark.slow
def test_no_byte_is_wrong_in_slices(tmp_path):
    figures = campaign.run(tmp_path, rounds=25, seed=5, flags=campaign.SLICES)
    assert figures["wrong"] == 0 and figures["kills"] >= 3 and figures["edge_sliced_total"] > 0 and figures["edge_slices_total"] > 0


def test_the_comparison_finds_a_flipped_bit():
    path = next(path for path in campaign.PATHS if not campaign.is_dated(path))
    answer = campaign.Answer(path)
    answer.status, answer.fields, answer.body = 200, {"etag": '"v0"'}, campaign.body_of(path, 0)
    versions = {path: 0}
    assert campaign.wrong_bytes(answer, versions) is None
    answer.body = answer.body[:50] + bytes([answer.body[50] ^ 4]) + answer.body[51:]
    assert "byte 50" in campaign.wrong_bytes(answer, versions)
    answer.failure = "cut"
    assert "byte 50" in campaign.wrong_bytes(answer, versions), "also in what came before an early end"
    answer.fields["etag"] = '"v1"'
    assert "never said" in campaign.wrong_bytes(answer, versions)
