"""A card becomes a tracker, or says in one line what in it cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vidmem.compose import load
from vidmem.errors import UsageError
from vidmem.models.toy import Toy


def card(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    "settings, complaint",
    [
        ({"bank.frames": 2.5}, r"bank.frames is 2.5; it is a whole number"),
        ({"bank.frames": "abc"}, r"bank.frames is 'abc'; it is a whole number"),
        ({"bank.frames": True}, r"bank.frames is True; it is a whole number"),
        ({"bank.pointer_span": "far"}, r"bank.pointer_span is 'far'; it is a number"),
        ({"loop.lag": "x"}, r"loop.lag is 'x'; it is a whole number"),
        ({"loop.emit": "now"}, r"loop.emit is 'now'; it is one of best, lag, commit"),
        ({"loop.condition_prompts": 1}, r"loop.condition_prompts is 1; it is true or false"),
        ({"bank.name": "gated", "bank.modulation": 3}, r"bank.modulation is 3; it is a list of numbers"),
        ({"target.name": "filter", "target.use": "never"}, r"target.use is 'never'; it is one of always, lost"),
        ({"bank.frames": -1}, r"window.frames must be 0 to 6"),
    ],
)
def test_a_value_that_does_not_fit_its_option_is_named_before_anything_runs(settings: dict[str, Any], complaint: str):
    with pytest.raises(UsageError, match=complaint) as caught:
        load("sam2", Toy(), settings=settings)
    assert "\n" not in str(caught.value)


def test_a_whole_number_does_for_a_number_and_a_list_for_a_row_of_numbers():
    made = load("sam2", Toy(), settings={"bank.name": "gated", "bank.modulation": [1, 1.05], "bank.pointer_span": 12})
    assert (made.bank.modulation, made.bank.pointer_span) == ((1, 1.05), 12)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("bank = [", "is no TOML"),
        ("bank = 5", r"bank = 5. Write a table, \[bank\]"),
        ('model = "sam2"', r"the model itself is named by --model"),
        ("loop = []", r"Write a table, \[loop\]"),
        ("[bnk]\nframes = 4", "Did you mean 'bank'"),
    ],
)
def test_a_card_that_is_none_is_named_in_one_line(tmp_path, text: str, complaint: str):
    with pytest.raises(UsageError, match=complaint) as caught:
        load(card(tmp_path, text), Toy())
    assert "\n" not in str(caught.value)
