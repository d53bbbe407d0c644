"""States of any shape can be measured, moved, saved and loaded."""

import json

import pytest
import torch
from observations import after
from safetensors.torch import save_file

from vidmem import states
from vidmem.banks.window import Window
from vidmem.errors import InputError
from vidmem.searches import History


def test_a_shared_tensor_is_counted_once():
    page = torch.zeros(10)
    assert states.nbytes((page, {1: page}, History(page, None))) == 40


def test_moving_a_state_keeps_what_is_shared_shared():
    page = torch.zeros(3)
    moved = states.map_tensors((page, {5: page}), lambda each: each + 1)
    assert moved[0] is moved[1][5] and moved[0].tolist() == [1, 1, 1] and page.tolist() == [0, 0, 0]


def test_saving_keeps_what_is_shared_shared(tmp_path):
    state = after(Window(), 4)
    states.save({1: (state, state), 2: (state,)}, tmp_path / "s")
    again, _ = states.load(tmp_path / "s")
    assert again[1][0] is again[1][1] is again[2][0]
    assert states.nbytes(again) == states.nbytes(state)


def test_a_broken_file_is_refused_in_words(tmp_path):
    (tmp_path / "s").write_bytes(b"not a state")
    with pytest.raises(InputError, match="cannot be read as a saved state"):
        states.load(tmp_path / "s")


def test_a_place_that_cannot_be_written_is_said_and_no_half_is_left(tmp_path):
    with pytest.raises(InputError, match="Cannot write"):
        states.save({}, tmp_path / "none" / "s.vmem")
    (tmp_path / "s.vmem").mkdir()
    with pytest.raises(InputError, match="Cannot write"):
        states.save({1: (torch.zeros(3),)}, tmp_path / "s.vmem")
    assert [path.name for path in tmp_path.iterdir()] == ["s.vmem"]


def test_a_state_of_another_version_is_refused_in_words(tmp_path):
    tree = {"nodes": [{"class": "vidmem.searches:History", "fields": {"age": {"plain": 3}}}], "root": {"node": 0}}
    header = {"format": states.FORMAT, "tree": json.dumps(tree), "notes": "{}"}
    save_file({"0": torch.zeros(1)}, tmp_path / "s", metadata=header)
    with pytest.raises(InputError, match="another version"):
        states.load(tmp_path / "s")


def test_a_file_cannot_name_a_class_that_is_not_vidmems(tmp_path):
    tree = {"nodes": [{"class": "subprocess:Popen", "fields": {}}], "root": {"node": 0}}
    header = {"format": states.FORMAT, "tree": json.dumps(tree), "notes": "{}"}
    save_file({"0": torch.zeros(1)}, tmp_path / "s", metadata=header)
    with pytest.raises(InputError, match="subprocess"):
        states.load(tmp_path / "s")


def test_a_value_that_cannot_be_saved_is_named(tmp_path):
    with pytest.raises(TypeError, match="set"):
        states.save(({1, 2},), tmp_path / "s")
    assert not (tmp_path / "s").exists()
