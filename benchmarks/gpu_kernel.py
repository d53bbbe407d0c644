"""Memory attention on a GPU: right against float64, and how fast beside every attention that torch has.

    python benchmarks/gpu_kernel.py [--quick] [--out FILE.json]

The memory of SAM 2 at 1024: 4,096 queries of 256 channels, 7 pages of 4,096 tokens and 16 pointers of 4, tokens of 64.
Torch's side gets keys and values that are made already (256 channels, its only form), ours makes its keys in the time
that counts. Shapes of the kernel are tried and all told. Roofline: the larger of operations / peak, bytes / bandwidth.
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from vidmem.kernels import reference, triton_body
from vidmem.kernels.tokens import Places, Projection, Tokens
from vidmem.kernels.triton_body import Shape
from vidmem.models.position import axial_rotation, sine_map
from vidmem.models.recall import with_nowhere
from vidmem.speed.roofline import peak_of

WIDTH, NARROW, GRID, PAGES, POINTERS = 256, 64, (64, 64), 7, 16
SHAPES = [
    Shape(128, 64, 8, 3),
    Shape(128, 64, 8, 2),
    Shape(128, 128, 8, 2),
    Shape(256, 64, 8, 2),
    Shape(64, 64, 4, 2),
    Shape(64, 64, 4, 3),
]
BACKENDS = (SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION, SDPBackend.EFFICIENT_ATTENTION)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    device = torch.device("cuda")
    told: dict = {"gpu": torch.cuda.get_device_name(device), "torch": torch.__version__, "objects": {}}
    told["errors"] = errors(device)
    print(json.dumps(told["errors"]), flush=True)
    for objects in (1, 10) if arguments.quick else (1, 2, 3, 10):
        told["objects"][objects] = timings(objects, device, 10 if arguments.quick else 40)
        print(objects, json.dumps(told["objects"][objects]), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told))


def memory(objects: int, device: torch.device, dtype: torch.dtype) -> tuple[torch.Tensor, Tokens, Places, Projection]:
    torch.manual_seed(0)
    cells = GRID[0] * GRID[1]
    entries = (((cells,) * PAGES) + (WIDTH // NARROW,) * POINTERS,) * objects
    total, rows = sum(map(sum, entries)), sum(map(len, entries))
    page = torch.arange(cells, dtype=torch.int32).repeat(PAGES)
    lies = torch.cat((page, torch.full((POINTERS * WIDTH // NARROW,), cells, dtype=torch.int32))).repeat(objects)
    cosine, sine = axial_rotation(WIDTH, *GRID, device)
    code = sine_map(NARROW, *GRID, device).flatten(1).T.to(dtype)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(shape, device=device, dtype=dtype)

    tokens = Tokens(noise(total, NARROW), entries, lies.to(device), noise(rows, NARROW))
    q = noise(objects, cells, WIDTH)
    return q, tokens, with_nowhere(code, cosine, sine), Projection(noise(WIDTH, NARROW) * NARROW**-0.5, noise(WIDTH))


def errors(device: torch.device) -> dict[str, float]:
    """Relative errors against float64 on the GPU, of a few queries so that every score fits."""
    found = {}
    for dtype in (torch.bfloat16, torch.float16):
        q, tokens, places, projection = memory(2, device, dtype)
        q = q[:, :256]
        double = Tokens(tokens.values.double(), tokens.entries, tokens.cell, tokens.code.double())
        exact_places = Places(places.code.double(), places.cosine.double(), places.sine.double())
        exact = Projection(projection.weight.double(), projection.bias.double())
        truth = reference.memory_attention(q.double(), double, exact_places, exact).values
        ours = triton_body.memory_attention(q, tokens, places, projection).values.double()
        found[str(dtype).removeprefix("torch.")] = float((ours - truth).norm() / truth.norm())
    return found


def timings(objects: int, device: torch.device, repeats: int) -> dict:
    q, tokens, places, projection = memory(objects, device, torch.bfloat16)
    keys, values = triton_body.make_keys(tokens, places, projection, torch.bfloat16)
    k = keys.view(objects, 1, -1, WIDTH)
    v = torch.randn_like(k)
    sides: dict[str, Callable[[], object]] = {
        "keys alone": lambda: triton_body.make_keys(tokens, places, projection, torch.bfloat16),
        "torch, its own choice": lambda: scaled_dot_product_attention(q[:, None], k, v),
    }
    for backend in BACKENDS:
        sides[f"torch, {backend.name}"] = lambda backend=backend: _by(backend, q[:, None], k, v)
    for shape in SHAPES:
        name = f"vidmem {shape.queries}x{shape.keys}, {shape.warps} warps, {shape.stages} stages"
        sides[name] = lambda shape=shape: triton_body.memory_attention(q, tokens, places, projection, shape=shape)
        sides[f"{name}, attention alone"] = lambda shape=shape: triton_body.attend(q, keys, values, tokens, shape=shape)
    milliseconds = clocked(sides, repeats)
    ours = {name: each for name, each in milliseconds.items() if name.startswith("vidmem") and "alone" not in name}
    theirs = {name: each for name, each in milliseconds.items() if name.startswith("torch")}
    best, rival = min(ours.values()), min(theirs.values())
    flops = 2 * q.shape[1] * len(keys) * (WIDTH + NARROW) + 2 * len(keys) * NARROW * WIDTH
    peak, bandwidth = peak_of(torch.cuda.get_device_name(device))
    moved = 2 * (q.numel() + 2 * keys.numel() + 2 * values.numel() + q.shape[0] * q.shape[1] * NARROW)
    floor = max(flops / peak, moved / bandwidth) * 1e3 if peak else None
    return {
        "milliseconds": {name: round(each, 4) for name, each in milliseconds.items()},
        "vs_best_of_torch": round(rival / best, 3),
        "teraflops": round(flops / best / 1e9, 1),
        "share_of_roofline": round(floor / best, 3) if floor else None,
    }


def _by(backend: SDPBackend, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    with sdpa_kernel(backend):
        return scaled_dot_product_attention(q, k, v)


def clocked(sides: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Milliseconds of each side, in turns; a side that cannot run here is left out."""
    able = {}
    for name, run in sides.items():
        try:
            run()
            able[name] = run
        except RuntimeError as reason:
            print(f"{name}: {str(reason).splitlines()[0][:100]}", flush=True)
    spent: dict[str, list[float]] = {name: [] for name in able}
    for _ in range(repeats):
        for name, run in able.items():
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            run()
            end.record()
            torch.cuda.synchronize()
            spent[name].append(begin.elapsed_time(end))
    return {name: median(each) for name, each in spent.items()}


if __name__ == "__main__":
    main()
