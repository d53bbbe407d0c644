"""Settings are read off the types of a card's parts; limits and uploads are bounds that say what was wrong."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from made_learner import learner_file
from PIL import Image

from vidmem import cards, compose
from vidmem.errors import InputError, UsageError
from vidmem.models.toy import Toy
from vidmem.ui import settings
from vidmem.ui.limits import Limits, as_bytes, in_words
from vidmem.ui.uploads import kind_of, open_video, refuse_size, shown_name


@pytest.mark.parametrize("card", cards.names("trackers"))
def test_every_card_has_settings_that_make_the_same_tracker(card, tmp_path):
    found = settings.settings_of(card)
    assert found and all(each.sentence for each in found), "a sentence each"
    assert settings.changed(card, {each.name: each.value for each in found}) == {}
    emptied = {each.name: "" for each in found if each.kind in ("whole", "number")}
    assert settings.changed(card, emptied) == {}, "an emptied number is the card's"
    said = {each.name: each.value for each in found if each.value is not None}
    if compose.read(card).get("coding", {}).get("name") == "trained":
        said["coding.weights"] = str(learner_file(tmp_path, 3, backbone=""))
    compose.load(card, Toy(), settings=said)


def test_what_a_person_changed_reaches_the_tracker():
    changed = settings.changed(
        "samurai", {"bank.max_prompts": 2.0, "choice.weight": "0.5", "loop.condition_prompts": True}
    )
    assert changed == {"bank.max_prompts": 2, "choice.weight": 0.5, "loop.condition_prompts": True}
    made = compose.load("samurai", Toy(), settings=changed)
    parts: tuple[Any, Any] = made.bank, made.choice
    assert parts[0].max_prompts == 2 and parts[1].weight == 0.5 and made.condition_prompts


@pytest.mark.parametrize(
    "given, complaint",
    [
        ({"bank.frames": "six"}, "must be a whole number"),
        ({"bank.frames": 2.5}, "must be a whole number"),
        ({"bank.pointer_span": []}, "must be a number"),
        ({"bank.frames": float("inf")}, "must be a whole number"),
        ({"bank.frames": True}, "must be a whole number"),
        ({"bank.colour": 1}, "no setting 'bank.colour'"),
        ({"loop.condition_prompts": "yes"}, "must be on or off"),
    ],
)
def test_a_setting_of_another_kind_is_refused(given, complaint):
    with pytest.raises(InputError, match=complaint):
        settings.changed("sam2", given)


def test_the_sentence_is_the_comment_beside_the_field():
    @dataclass(frozen=True)
    class Part:
        """A part."""

        one: int = 1  # how many
        # not less than one
        two: float = 2.0
        three: str = "#"  # a word

    assert settings.sentences_of(Part) == {"one": "How many not less than one", "two": "", "three": "A word"}


@pytest.mark.parametrize("text, size", [("512MiB", 512 << 20), ("2 GB", 2 * 10**9), ("1.5KiB", 1536), ("70", 70)])
def test_sizes_are_read_as_people_write_them(text, size):
    assert as_bytes(text) == size


def test_a_size_that_is_none_and_a_limit_of_nothing_are_refused():
    with pytest.raises(UsageError, match="is no size"):
        as_bytes("many")
    with pytest.raises(UsageError, match="sessions is 0"):
        Limits(sessions=0)
    assert in_words(3 << 30) == "3.0 GiB" and in_words(12) == "12 bytes"


@pytest.mark.parametrize(
    "name, shown",
    [("../../etc/passwd", "passwd"), ("a\\b\\c.mp4", "c.mp4"), ("..", "video"), ("<b>x.mp4", "_b_x.mp4"), ("\0", "_")],
)
def test_a_name_never_leads_out_of_its_folder(name, shown):
    assert shown_name(name) == shown


@pytest.mark.parametrize(
    "content, complaint",
    [
        (b"", "is empty"),
        (b"#!/bin/sh\n" * 40, "is no video that can be opened here"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "is no video that can be opened here"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "is no video that can be opened here"),
        (b"PK\x03\x04" + b"0" * 50, "under Reopen"),
        (b"\x00\x00\x00\x18ftypmp42" + b"\xff" * 500, "x.mp4"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 50, "x.mp4"),
    ],
)
def test_what_is_no_video_is_refused_by_its_name(tmp_path, content, complaint):
    path = tmp_path / "upload-1.upload"
    path.write_bytes(content)
    with pytest.raises(InputError, match=complaint) as caught:
        open_video(path, "x.mp4", Limits())
    assert str(tmp_path) not in str(caught.value) and "x.mp4" in str(caught.value)


@pytest.mark.parametrize(
    "size, limits, complaint",
    [
        ((40, 50), Limits(pixels=1000), "million pixels"),
        ((8, 50), Limits(), "16 x 16"),
        ((40, 50), Limits(upload_bytes=9), "at most 9 bytes"),
    ],
)
def test_what_is_beyond_the_limits_is_refused(tmp_path, size, limits, complaint):
    path = tmp_path / "upload-1.upload"
    Image.fromarray(np.zeros((*size, 3), np.uint8)).save(path, "PNG")
    assert kind_of(path) == ".png"
    with pytest.raises(InputError, match=complaint):
        open_video(path, "x.png", limits)


def test_a_small_file_that_would_become_a_huge_picture_is_refused_by_its_head(tmp_path):
    path = tmp_path / "upload-1.upload"
    Image.new("1", (30_000, 30_000)).save(path, "PNG")
    assert path.stat().st_size < 1 << 20
    with pytest.raises(InputError, match=r"huge\.png"):
        open_video(path, "huge.png", Limits())


def test_a_video_that_lasts_too_long_is_refused():
    refuse_size((48, 64), 119 * 60, "long.mp4", Limits())
    with pytest.raises(InputError, match="lasts 150 minutes; at most 120"):
        refuse_size((48, 64), 150 * 60, "long.mp4", Limits())
