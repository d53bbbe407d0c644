"""The Triton body: its numbers under the interpreter, and that it compiles for GPUs that are not here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from vidmem.kernels.segments import cut, splits

HERE = Path(__file__).parent
CPU = torch.device("cpu")
# Of bfloat16 only the result is rounded so coarsely, which makes 1.7e-3 of it; keys and weights are float16 inside.
WHOLE = {"float32": 1e-5, "bfloat16": 2e-3, "float16": 1e-3}
ALONE = {"float32": 1e-5, "bfloat16": 3e-4, "float16": 3e-4}
STORED = {"float32": 1e-6, "bfloat16": 5e-4, "float16": 5e-4}


def lines_of(script: str) -> list[dict]:
    pytest.importorskip("triton", reason="Triton comes with torch on Linux")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE.parent), str(HERE)))}
    environment.pop("TRITON_INTERPRET", None)
    run = subprocess.run(
        [sys.executable, str(HERE / script)], capture_output=True, text=True, env=environment, timeout=900
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def errors() -> list[dict]:
    return lines_of("interpreted.py")


@pytest.mark.parametrize("dtype", WHOLE)
def test_every_memory_is_attended_as_by_the_truth(errors, dtype):
    told = [each for each in errors if each["dtype"] == dtype]
    assert len(told) >= 15
    for each in told:
        assert each["error"] < WHOLE[dtype], each
        assert each["alone"] < ALONE[dtype], each
        assert each["keys"] < STORED[dtype] and each["values"] < STORED[dtype], each
        assert each["lse"] < 30 * WHOLE[dtype] and each["usage"] < WHOLE[dtype], each


def test_the_kernels_compile_for_hopper_and_ampere_and_fit_them():
    told = {(each["kernel"], each["architecture"]): each for each in lines_of("compiled_ahead.py")}
    assert set(told) == {(kernel, gpu) for kernel in ("attend", "keys") for gpu in (80, 90)}
    for (kernel, gpu), each in told.items():
        assert each["shared_kib"] <= {90: 227, 80: 163}[gpu], each
        if each["registers"] is not None:
            assert each["registers"] <= 255 and each["stack_bytes"] <= 64, each  # nothing worth a name is spilled
        if (kernel, gpu) == ("attend", 90):
            assert each["warp_group"] > 0  # Hopper's own matrix instructions


@pytest.mark.parametrize("objects", [1, 2, 3, 10])
def test_a_memory_is_cut_so_that_most_processors_have_work(objects):
    blocks, processors = 32 * objects, 132
    parts = splits(blocks, processors)
    rounds = -(-blocks * parts // processors)
    assert blocks * parts / (rounds * processors) > 0.75


@pytest.mark.parametrize("by_entry", [False, True])
def test_segments_cover_every_key_of_every_item_once(by_entry):
    keys = ((4096,) * 7 + (4,) * 16, (48,), (100, 3, 4))
    segments = cut(keys, 32, 132, 64, by_entry, CPU)
    covered, start = [], 0
    for item, number in enumerate(segments.per_item):
        own = segments.bounds[start : start + number]
        start += number
        assert (own[:, 2] == item).all() and (own[:, 1] > own[:, 0]).all()
        covered += [key for first, end, _ in own.tolist() for key in range(first, end)]
    assert covered == list(range(sum(map(sum, keys)))) and start == len(segments.bounds)
    assert segments.first.tolist() == [0, *torch.tensor(segments.per_item).cumsum(0).tolist()]
    if by_entry:
        assert [sorted(set(own)) for own in segments.entry] == [list(range(len(item))) for item in keys]
