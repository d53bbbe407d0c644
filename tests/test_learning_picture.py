"""What was learned from over a run is drawn, and nothing where nothing was learned."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from vidmem import compose
from vidmem.banks.window import Window
from vidmem.inspecting import over_time
from vidmem.learning_picture import draw_learning
from vidmem.memory_account import Held, account
from vidmem.models.toy import Toy
from vidmem.values import Frame, Prompt

pytestmark = pytest.mark.usefixtures("one_thread")


def held(kind: str, frame: int, weight: float) -> Held:
    return Held(kind, frame, None, weight, 1.0, 5.0, 100)


def told(frozen: float, weight: float = 1.0) -> list[tuple[int, tuple[Held, ...]]]:
    moments = []
    for frame in range(1, 30):
        samples = [held("sample" if each % 3 else "resting", each, weight) for each in range(max(0, frame - 8), frame)]
        moments.append((frame, (*samples, held("filter", frame, frozen))))
    return moments


def drawn(picture: bytes | None) -> np.ndarray:
    assert picture is not None
    return np.asarray(Image.open(BytesIO(picture)).convert("RGB"), int)


def test_what_was_learned_from_is_told_apart_from_what_rested():
    with_colours = drawn(draw_learning(told(0.05), 1))
    all_resting = [(f, tuple(held("resting", e.frame, 0) if e.kind == "sample" else e for e in h)) for f, h in told(0)]
    without = drawn(draw_learning(all_resting, 1))
    coloured = lambda picture: int((np.ptp(picture[: len(picture) // 2], axis=2) > 60).sum())  # noqa: E731
    assert coloured(with_colours) > 500 and coloured(without) == 0


def test_what_was_frozen_is_drawn():
    free, half = drawn(draw_learning(told(0.0), 1)), drawn(draw_learning(told(0.5), 1))
    assert free.shape == half.shape and np.abs(free - half).sum() > 0


def test_nothing_is_drawn_where_nothing_was_learned():
    assert draw_learning([(0, (held("recent", 0, 1.0),)), (1, ())], 1) is None
    assert draw_learning([], 1) is None


def test_a_run_tells_what_it_learned_from_frame_by_frame(tmp_path):
    from vidmem.annotation import Annotation
    from vidmem.memory_record import MemoryRecord

    tracker = compose.load("hybrid", Toy(), settings={"samples.limit": 4, "samples.max_prompts": 1})
    record, state = MemoryRecord(tmp_path, Window()), {}
    mask = torch.zeros(64, 64, dtype=torch.bool)
    mask[20:40, 20:40] = True
    for index in range(6):
        image = torch.full((3, 64, 64), 60, dtype=torch.uint8)
        image[0, 20:40, 20:40] = 220
        prompts = [Prompt(1, mask=mask)] if index == 0 else []
        state, _ = tracker.step(state, Frame(index, image), prompts)
        record.write(Annotation(index, 0.0, f"{index:05d}", (64, 64), {}), state, 0)
    record.close()
    moments = over_time(tmp_path, 1)
    assert [frame for frame, _ in moments] == list(range(6))
    assert [e.to_json() for e in moments[-1][1]] == [e.to_json() for e in account(state, Window())[1]]
    assert sum(each.kind in ("sample", "resting") for each in moments[-1][1]) == 4
    assert draw_learning(moments, 1) is not None
