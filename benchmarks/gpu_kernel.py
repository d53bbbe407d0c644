"""Memory attention on a GPU: right against float64, and how fast beside every attention that torch has.

    python benchmarks/gpu_kernel.py [--quick] [--out FILE.json]
    TRITON_INTERPRET=1 python benchmarks/gpu_kernel.py --rehearse      # every line but the GPU's, small, on any machine

The memory of SAM 2 at 1024: 4,096 queries of 256 channels, 7 pages of 4,096 tokens and 16 pointers of 4, tokens of 64.
Torch's side gets keys and values that are made already (256 channels, its only form), ours makes its keys in the time
that counts. Each side is recorded as a CUDA graph and replayed, so that no side waits for Python. Shapes of the kernel
are tried and all told. Roofline: the larger of operations / peak, bytes / bandwidth.
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
import triton
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from vidmem.kernels import reference, triton_body
from vidmem.kernels.tokens import Places, Projection, Tokens
from vidmem.kernels.triton_body import Shape
from vidmem.models.position import axial_rotation, sine_map
from vidmem.models.recall import with_nowhere
from vidmem.speed.roofline import peak_of

WIDTH, NARROW, PAGES, POINTERS = 256, 64, 7, 16
REPLAYS = 5  # within one reading of the clock
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
    parser.add_argument("--rehearse", action="store_true", help="on the CPU, small, under Triton's interpreter")
    arguments = parser.parse_args()
    device = torch.device("cpu" if arguments.rehearse else "cuda")
    grid = (4, 4) if arguments.rehearse else (64, 64)
    gpu = "rehearsal" if arguments.rehearse else torch.cuda.get_device_name(device)
    told: dict = {"gpu": gpu, "torch": torch.__version__, "triton": triton.__version__, "objects": {}}
    told["errors"] = errors(device, grid)
    print(json.dumps(told["errors"]), flush=True)
    for objects in (1, 10) if arguments.quick or arguments.rehearse else (1, 2, 3, 10):
        repeats = 1 if arguments.rehearse else 10 if arguments.quick else 40
        told["objects"][objects] = timings(objects, device, repeats, grid, gpu)
        print(objects, json.dumps(told["objects"][objects]), flush=True)
        if arguments.out:  # after each, so that what was measured is there whatever comes
            arguments.out.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told))


def memory(
    objects: int, device: torch.device, dtype: torch.dtype, grid: tuple[int, int]
) -> tuple[torch.Tensor, Tokens, Places, Projection]:
    torch.manual_seed(0)
    cells = grid[0] * grid[1]
    entries = (((cells,) * PAGES) + (WIDTH // NARROW,) * POINTERS,) * objects
    total, rows = sum(map(sum, entries)), sum(map(len, entries))
    page = torch.arange(cells, dtype=torch.int32).repeat(PAGES)
    lies = torch.cat((page, torch.full((POINTERS * WIDTH // NARROW,), cells, dtype=torch.int32))).repeat(objects)
    cosine, sine = axial_rotation(WIDTH, *grid, device)
    code = sine_map(NARROW, *grid, device).flatten(1).T.to(dtype)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(shape, device=device, dtype=dtype)

    tokens = Tokens(noise(total, NARROW), entries, lies.to(device), noise(rows, NARROW))
    q = noise(objects, cells, WIDTH)
    return q, tokens, with_nowhere(code, cosine, sine), Projection(noise(WIDTH, NARROW) * NARROW**-0.5, noise(WIDTH))


def errors(device: torch.device, grid: tuple[int, int]) -> dict[str, float]:
    """Relative errors against float64 on the GPU, of a few queries so that every score fits."""
    found = {}
    for dtype in (torch.bfloat16, torch.float16):
        q, tokens, places, projection = memory(2, device, dtype, grid)
        q = q[:, :256]
        double = Tokens(tokens.values.double(), tokens.entries, tokens.cell, tokens.code.double())
        exact_places = Places(places.code.double(), places.cosine.double(), places.sine.double())
        exact = Projection(projection.weight.double(), projection.bias.double())
        truth = reference.memory_attention(q.double(), double, exact_places, exact).values
        ours = triton_body.memory_attention(q, tokens, places, projection).values.double()
        found[str(dtype).removeprefix("torch.")] = float((ours - truth).norm() / truth.norm())
    return found


def timings(objects: int, device: torch.device, repeats: int, grid: tuple[int, int], gpu: str) -> dict:
    q, tokens, places, projection = memory(objects, device, torch.bfloat16, grid)
    inner = triton_body.inner(torch.bfloat16)
    keys, values = triton_body.make_keys(tokens, places, projection, inner)
    k = keys.view(objects, 1, -1, WIDTH).bfloat16()
    v = torch.randn_like(k)
    sides: dict[str, Callable[[], object]] = {
        "keys alone": lambda: triton_body.make_keys(tokens, places, projection, inner),
        "torch, its own choice": lambda: scaled_dot_product_attention(q[:, None], k, v),
    }
    for backend in BACKENDS:
        sides[f"torch, {backend.name}"] = lambda backend=backend: _by(backend, q[:, None], k, v)
    for shape in SHAPES:
        name = f"vidmem {shape.queries}x{shape.keys}, {shape.warps} warps, {shape.stages} stages"
        sides[name] = lambda shape=shape: triton_body.memory_attention(q, tokens, places, projection, shape=shape)
        sides[f"{name}, attention alone"] = lambda shape=shape: triton_body.attend(q, keys, values, tokens, shape=shape)
    milliseconds = clocked(sides, repeats, device)
    ours = {name: each for name, each in milliseconds.items() if name.startswith("vidmem") and "alone" not in name}
    theirs = {name: each for name, each in milliseconds.items() if name.startswith("torch")}
    best, rival = min(ours.values()), min(theirs.values())
    flops = 2 * q.shape[1] * len(keys) * (WIDTH + NARROW) + 2 * len(keys) * NARROW * WIDTH
    peak, bandwidth = peak_of(gpu)
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


def clocked(sides: dict[str, Callable[[], object]], repeats: int, device: torch.device) -> dict[str, float]:
    """Milliseconds of each side, in turns; a side that cannot run here is named and left out."""
    able = {}
    for name, run in sides.items():
        try:
            able[name] = recorded(run, device)
        except Exception as reason:  # of torch, of Triton, of the assembler: all mean that it does not run here
            print(f"{name}: {(str(reason).splitlines() or [repr(reason)])[0][:100]}", flush=True)
    spent: dict[str, list[float]] = {name: [] for name in able}
    for _ in range(repeats):
        for name, run in able.items():
            spent[name].append(once(run, device))
    return {name: median(each) for name, each in spent.items()}


def recorded(run: Callable[[], object], device: torch.device) -> Callable[[], object]:
    """The same as a graph, warm."""
    run()
    if device.type != "cuda":
        return run
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(aside)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    graph.replay()
    torch.cuda.synchronize()
    return graph.replay


def once(run: Callable[[], object], device: torch.device) -> float:
    """Milliseconds, of several in a row."""
    if device.type != "cuda":
        began = time.perf_counter()
        run()
        return (time.perf_counter() - began) * 1e3
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    for _ in range(REPLAYS):
        run()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) / REPLAYS


if __name__ == "__main__":
    main()
