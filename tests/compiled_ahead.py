"""Compiles the Triton kernels for GPUs that need not be there and prints what they take, as JSON, one kernel a line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from vidmem.kernels import triton_attention, triton_keys
from vidmem.kernels.triton_body import AMPERE, HOPPER

ATTEND = dict(C=256, D=64, BIASED=False, PRECISION="ieee", EMULATE=False)
KEYS = dict(CM=64, HALF=128, BLOCK=64, SCALED=False, PRECISION="ieee", EMULATE=False)
SINGLE = {"scale": "fp32", "of_item": "i32", "count": "i32"}
POINTERS = {
    **dict.fromkeys(("queries", "keys", "values", "weight", "bias", "place", "code", "tokens"), "*bf16"),
    **dict.fromkeys(("step", "least", "cosine", "sine", "seen_out", "lse_out"), "*fp32"),
    **dict.fromkeys(("segments", "entry", "cell"), "*i32"),
}


def main() -> None:
    for architecture, shape in ((90, HOPPER), (80, AMPERE)):
        cut = dict(BM=shape.queries, BN=shape.keys, STAGES=shape.stages)
        tell("attend", architecture, triton_attention.attend_segments, {**ATTEND, **cut}, {"bias": "*fp32"}, shape)
        eight = dict(EIGHT=True, WRITE_VALUES=True)
        tell("keys", architecture, triton_keys.make_keys, {**KEYS, **eight}, {"tokens": "*u8", "scale": "*fp32"}, shape)


def tell(name: str, architecture: int, kernel, constants: dict, types: dict, shape) -> None:
    names = kernel.arg_names
    signature = {each: "constexpr" if each in constants else {**POINTERS, **SINGLE, **types}[each] for each in names}
    aligned = {(i,): [["tt.divisibility", 16]] for i, each in enumerate(names) if signature[each].startswith("*")}
    source = ASTSource(
        fn=kernel,
        signature=signature,
        constexprs={(names.index(each),): value for each, value in constants.items()},
        attrs=aligned,
    )
    made = triton.compile(
        source,
        target=GPUTarget("cuda", architecture, 32),
        options={"num_warps": shape.warps, "num_stages": shape.stages},
    )
    registers, stack = resources(made.asm["cubin"])
    told = dict(kernel=name, architecture=architecture, shared_kib=made.metadata.shared / 1024)
    told |= dict(registers=registers, stack_bytes=stack, warp_group=made.asm["ptx"].count("wgmma.mma_async"))
    print(json.dumps(told), flush=True)


def resources(cubin: bytes) -> tuple[int | None, int | None]:
    """Registers and bytes of stack a thread; None where the tool that reads them is not there."""
    tool = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
    if not tool.exists():
        return None, None
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        said = subprocess.run([str(tool), "--dump-resource-usage", file.name], capture_output=True, text=True).stdout
    found = [re.search(pattern, said) for pattern in (r"REG:(\d+)", r"STACK:(\d+)")]
    return tuple(int(each[1]) if each else None for each in found)  # type: ignore[return-value]


if __name__ == "__main__":
    sys.exit(main())
