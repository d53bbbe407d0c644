"""On a true GPU: the Triton body says what the truth says, and a frame what it says on the CPU."""

from __future__ import annotations

import copy
from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from memories import error, exact, memory_of

from vidmem.emission import State
from vidmem.kernels import memory_attention, reference
from vidmem.models.options import Options
from vidmem.models.sam2 import Sam2
from vidmem.models.sizes import ARCHITECTURES
from vidmem.tracker import Tracker
from vidmem.values import Frame, Prompt

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")
CASES = {
    "one memory": dict(pages=[1], pointers=[0]),
    "pointers alone": dict(pages=[0], pointers=[5]),
    "forty memories": dict(pages=[40], pointers=[16]),
    "ragged, one image": dict(pages=[1, 7, 3], pointers=[16, 0, 2], shared=True),
    "biased and scaled": dict(pages=[2, 3], pointers=[1, 2], biased=True, scaled=True),
    "8 bits": dict(pages=[2, 3], pointers=[1, 2], eight=True),
    "as wide as SAM 2": dict(pages=[3, 2], pointers=[3, 0], width=256, narrow=64, grid=(16, 16), queries=700),
}


def on_gpu(value: Any) -> Any:
    """A dataclass of tensors, or a tensor, on the GPU."""
    if isinstance(value, torch.Tensor):
        return value.cuda()
    own = {each.name: getattr(value, each.name) for each in fields(value)}
    return replace(value, **{name: each.cuda() for name, each in own.items() if isinstance(each, torch.Tensor)})


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("dtype", "bar"), [(torch.bfloat16, 2e-3), (torch.float16, 1e-3), (torch.float32, 1e-5)])
def test_every_memory_is_attended_as_by_the_truth(case, dtype, bar):
    asked = memory_of(**CASES[case], dtype=dtype)
    truth = reference.memory_attention(*exact(*asked), want_lse=True, want_usage=True)
    found = memory_attention(*map(on_gpu, asked), want_lse=True, want_usage=True)
    assert found.values.is_cuda and error(found.values.cpu(), truth.values) < bar
    for ours, theirs in zip(found.lse or [], truth.lse or [], strict=True):
        assert (ours.cpu() - theirs).abs().max() < 30 * bar
    for ours, theirs in zip(found.usage or [], truth.usage or [], strict=True):
        assert (ours.cpu() - theirs).abs().max() < bar


@pytest.mark.parametrize(("dtype", "bar"), [(torch.float32, 1e-3), (torch.bfloat16, 0.15)])
def test_frames_are_those_of_the_cpu(dtype, bar, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    torch.manual_seed(0)
    here = Sam2(ARCHITECTURES["nano"].at((128, 128)), Options()).eval().requires_grad_(False)
    there = copy.deepcopy(here).to("cuda", dtype)
    states: list[State] = [{}, {}]
    for number in range(4):
        frame = Frame(number, torch.randint(0, 256, (3, 100, 120), dtype=torch.uint8))
        prompts = [Prompt(i, box=torch.tensor([5.0 * i, 10.0, 60.0, 70.0])) for i in (1, 2)] if number == 0 else []
        answers = []
        for side, model in enumerate((here, there)):
            states[side], track = Tracker(model).step(states[side], frame, prompts)
            answers.append(track.guesses)
        for object_id, guess in answers[0].items():
            other = answers[1][object_id].mask
            assert other.is_cuda and (guess.mask - other.float().cpu()).abs().max() < bar * guess.mask.abs().max()
