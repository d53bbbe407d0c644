"""The picture of memory: bounded however long the run, and drawn for any history."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vidmem.errors import InputError
from vidmem.memory_picture import MemoryHistory, MemorySample, draw_memory


def history(frames: int) -> MemoryHistory:
    past = MemoryHistory()
    for frame in range(frames):
        entries = [("prompt", 0), *(("recent", frame - age) for age in range(1, 4) if frame > age)]
        sample = MemorySample.of(frame, 1000 + frame, 10**8, entries, {1: (0.9, True), 2: (0.1, frame % 9 > 3)})
        past = past.add(sample if past.wants_next else None)
    return past


def test_samples_are_thinned_evenly_and_reach_to_the_end():
    past = history(9000)
    frames = np.array([sample.frame for sample in past.samples])
    assert 500 <= len(frames) <= 1000
    assert set(np.diff(frames)) == {past.every} and frames[0] == 0 and frames[-1] >= 9000 - past.every


def test_a_history_takes_only_samples_it_wants():
    past = history(1001)
    assert past.every == 2 and not past.wants_next
    assert len(past.add(MemorySample.of(1001, 0, 0)).samples) == len(past.samples)


@pytest.mark.parametrize("frames", [0, 1, 2, 40, 300])
def test_a_picture_is_drawn_of_any_history(frames: int, tmp_path: Path):
    draw_memory(history(frames), tmp_path / "memory.png", title="clip")
    with Image.open(tmp_path / "memory.png") as image:
        assert image.width > 1000 and len(np.unique(np.asarray(image.convert("L")))) > 20


def test_a_run_backwards_is_drawn_from_left_to_right_all_the_same(tmp_path: Path):
    forwards = history(30)
    draw_memory(forwards, tmp_path / "forwards.png")
    draw_memory(MemoryHistory(forwards.samples[::-1], forwards.every, forwards.offered), tmp_path / "backwards.png")
    assert (tmp_path / "forwards.png").read_bytes() == (tmp_path / "backwards.png").read_bytes()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path):
    with pytest.raises(InputError, match="Cannot write"):
        draw_memory(history(2), tmp_path / "missing" / "memory.png")
