"""SAM 2's window picks what the reference picks, without keeping what the reference keeps."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from observations import after, observe

from vidmem.banks.window import Window
from vidmem.values import Entry


def reference(frame: int, prompts: list[int], stride: int = 1, span: int = 16):
    """What SAM 2 attends in `frame` from all of the past, when each frame was answered (sam2_base.py, 497-676)."""
    pages = [(prompt, 6) for prompt in prompts]
    tracked = [t for t in range(frame) if t not in prompts and t > prompts[0]]
    for back in range(6, 0, -1):
        at = frame - 1 if back == 1 else ((frame - 2) // stride) * stride - (back - 2) * stride
        if at in tracked:
            pages.append((at, back - 1))
    pointers = [(prompt, frame - prompt) for prompt in prompts]
    pointers += [(frame - back, back) for back in range(1, span) if frame - back in tracked]
    return pages, pointers


def told(bank, state):
    memory = bank.read(state)
    pages = [(page.entry.frame, page.slot) for page in memory.pages]
    return pages, [(pointer.entry.frame, pointer.position) for pointer in memory.pointers]


@settings(max_examples=500, deadline=None)
@given(st.integers(1, 60), st.sets(st.integers(1, 60), max_size=6), st.integers(1, 4))
def test_the_window_equals_the_scan_through_the_whole_past(frame, later, stride):
    prompts = [0, *sorted(p for p in later if p < frame)]
    bank = Window(memory_stride=stride, max_prompts=0)
    assert told(bank, after(bank, frame, tuple(prompts))) == reference(frame, prompts, stride)


def test_a_fifth_prompt_lets_the_oldest_but_the_first_go():
    bank = Window(max_prompts=4)
    state = after(bank, 6, (0, 1, 2, 3, 4))
    assert [entry.frame for entry in state.prompts] == [0, 2, 3, 4]


def test_a_stream_that_drops_frames_has_no_holes_in_its_memory():
    bank, state = Window(), Window().start()
    for frame in range(0, 200, 10):
        state = bank.write(state, observe(frame, prompted=frame == 0))
    assert told(bank, state)[0] == [(0, 6), (140, 5), (150, 4), (160, 3), (170, 2), (180, 1), (190, 0)]


def test_old_entries_give_up_their_tokens_and_keep_their_pointers():
    state = after(Window(), 40)
    assert len(state.pages) == 6 and len(state.pointers) == 15
    assert all(entry.tokens is None for entry in state.pointers)


@pytest.mark.parametrize("options", [{"frames": -1}, {"frames": 7}, {"memory_stride": 0}, {"pointer_span": 0.0}])
def test_a_window_that_cannot_be_is_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        Window(**options)


def test_a_window_of_prompts_alone_lets_no_answer_be_encoded():
    bank = Window(frames=0, pointers=0)
    state = bank.write(bank.start(), observe(0, prompted=True))

    def refuse(*, as_prompt: bool = False) -> Entry:
        raise AssertionError("an answer was encoded that is kept nowhere")

    for frame in range(1, 6):
        state = bank.write(state, replace(observe(frame), remember=refuse))
    memory = bank.read(state)
    assert memory is not None
    assert [page.entry.frame for page in memory.pages] == [0]
    assert [pointer.position for pointer in memory.pointers] == [6.0]
