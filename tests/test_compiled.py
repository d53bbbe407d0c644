"""The compiled image encoder: compiled once, whatever is prompted and however many are followed."""

from __future__ import annotations

import copy

import pytest
import torch

from vidmem.emission import State
from vidmem.errors import UsageError
from vidmem.kernels import blocked, packed
from vidmem.models import compiled
from vidmem.models.options import Options
from vidmem.models.sam2 import Sam2
from vidmem.models.sizes import ARCHITECTURES
from vidmem.tracker import Tracker, without
from vidmem.values import Frame, Prompt


def models() -> tuple[Sam2, Sam2]:
    """The same twice, the second compiled."""
    torch.manual_seed(0)
    plain = Sam2(ARCHITECTURES["micro"], Options(memory_dtype=torch.float32)).eval().requires_grad_(False)
    other = copy.deepcopy(plain)
    other.options = Options(memory_dtype=torch.float32, compile=True)
    return plain, other


def said(number: int) -> list[Prompt]:
    box, point = torch.tensor([10.0, 10.0, 60.0, 70.0]), torch.tensor([[40.0, 50.0]])
    return {
        0: [Prompt(1, box=box)],
        2: [Prompt(2, points=point, labels=torch.ones(1)), Prompt(3, box=box / 2)],
        3: [Prompt(1, points=point, labels=torch.zeros(1))],
    }.get(number, [])


def test_nothing_in_a_stream_compiles_again(monkeypatch):
    monkeypatch.setattr(compiled, "BACKEND", "eager")  # traced and guarded as ever, and nothing to wait for
    torch._dynamo.reset()
    plain, other = models()
    states: list[State] = [{}, {}]
    from torch._dynamo.utils import counters

    counters.clear()
    for number in range(6):
        frame = Frame(number, torch.randint(0, 256, (3, 90 + number, 120), dtype=torch.uint8))
        answers = []
        for side, model in enumerate((plain, other)):
            state = without(states[side], 2) if number == 4 else states[side]
            states[side], track = Tracker(model).step(state, frame, said(number))
            answers.append(track)
        for object_id, guess in answers[0].guesses.items():
            assert torch.allclose(guess.mask, answers[1].guesses[object_id].mask, atol=1e-3)
        assert counters["stats"]["unique_graphs"] == 1 and not counters["graph_break"], number


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])  # traced, and traced down to the operators
def test_attention_in_blocks_is_one_node_of_the_compiled_graph(monkeypatch, backend):
    plain, other = (model.to(torch.bfloat16) for model in models())
    if not packed.packable(plain.get_parameter("memory_attention.layers.0.linear1.weight")):
        pytest.skip("no products in bfloat16 on this processor")
    monkeypatch.setattr(compiled, "BACKEND", backend)
    monkeypatch.setattr(blocked, "WORTH_BLOCKS", 1)  # large grids take this way
    torch._dynamo.reset()
    frame = Frame(0, torch.randint(0, 256, (3, 90, 120), dtype=torch.uint8))
    for one, two in zip(plain.encode(frame).levels, other.encode(frame).levels, strict=True):
        assert torch.allclose(one.float(), two.float(), atol=0.05 * float(one.abs().max()))


def test_a_machine_without_a_compiler_is_told(monkeypatch):
    from torch._inductor import cpp_builder

    def none() -> str:
        raise RuntimeError("none")

    monkeypatch.setattr(cpp_builder, "get_cpp_compiler", none)
    _, other = models()
    with pytest.raises(UsageError, match="leave it out"):
        other.encode(Frame(0, torch.zeros(3, 32, 32, dtype=torch.uint8)))
