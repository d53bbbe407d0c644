"""Runs the Triton body of memory attention under Triton's interpreter and prints its errors as JSON, one case a line.

A process of its own: the interpreter must be chosen before Triton is first imported.
"""

from __future__ import annotations

import json
import os

os.environ["TRITON_INTERPRET"] = "1"

import numpy as np
import torch
from memories import error, exact, memory_of

from vidmem.kernels import reference, triton_body
from vidmem.kernels.tokens import keys_and_values, plain_values

SMALL = triton_body.Shape(queries=32, keys=32, warps=4, stages=2)
CASES = {
    "one memory": dict(pages=[1], pointers=[0]),
    "no pointers": dict(pages=[3], pointers=[0]),
    "pointers alone": dict(pages=[0], pointers=[5]),
    "forty memories": dict(pages=[40], pointers=[16]),
    "ragged": dict(pages=[1, 7, 3], pointers=[16, 0, 2]),
    "ragged, one image": dict(pages=[1, 7, 3], pointers=[16, 0, 2], shared=True),
    "biased and scaled": dict(pages=[2, 3], pointers=[1, 2], biased=True, scaled=True),
    "8 bits": dict(pages=[2, 3], pointers=[1, 2], eight=True),
    "as wide as SAM 2": dict(pages=[2], pointers=[3], width=256, narrow=64, queries=70),
}


def random_cases(count: int) -> dict[str, dict]:
    chance = np.random.default_rng(0)
    found = {}
    for number in range(count):
        items = int(chance.integers(1, 4))
        found[f"random {number}"] = dict(
            pages=[int(n) for n in chance.integers(1, 8, items)],
            pointers=[int(n) for n in chance.integers(0, 17, items)],
            queries=int(chance.integers(1, 90)),
            grid=tuple(int(n) for n in chance.integers(2, 9, 2)),
            biased=bool(chance.integers(2)),
            scaled=bool(chance.integers(2)),
            eight=bool(chance.integers(2)),
            sharp=float(chance.choice([0.5, 1.0, 3.0])),
            seed=number,
        )
    return found


def attention_alone(asked: tuple, dtype: torch.dtype) -> float:
    """The relative error of the attention itself, for keys and values that are numbers of `dtype` already."""
    q, tokens, places, projection = asked
    keys, values = triton_body.make_keys(tokens, places, projection, triton_body.inner(dtype))
    found = triton_body.attend(q, keys, values, tokens, shape=SMALL, dtype=torch.float32).values
    truth, start = [], 0
    for item, lengths in enumerate(tokens.attended):
        own = slice(start, start + sum(lengths))
        start = own.stop
        logits = q[item if len(q) > 1 else 0].double() @ keys[own].double().T * q.shape[2] ** -0.5
        logits = logits if tokens.bias is None else logits + tokens.bias[own].double()
        truth.append(logits.softmax(-1) @ values[own].double())
    return error(found, torch.stack(truth))


def furthest(found: list[torch.Tensor] | None, truth: list[torch.Tensor] | None) -> float:
    assert found is not None and truth is not None
    return max(float((a - b).abs().max()) for a, b in zip(found, truth, strict=True))


def main() -> None:
    for name, case in {**CASES, **random_cases(6)}.items():
        for dtype in (torch.float32, torch.bfloat16, torch.float16):
            asked = memory_of(**case, dtype=dtype)
            truth = reference.memory_attention(*exact(*asked), want_lse=True, want_usage=True)
            found = triton_body.memory_attention(*asked, want_lse=True, want_usage=True, shape=SMALL)
            whole = triton_body.memory_attention(*asked)
            keys, values = triton_body.make_keys(*asked[1:], triton_body.inner(dtype))
            wanted, _ = keys_and_values(*exact(*asked)[1:4], dtype=torch.float64)
            told = dict(
                case=name,
                dtype=str(dtype).removeprefix("torch."),
                error=max(error(found.values, truth.values), error(whole.values, truth.values)),
                alone=attention_alone(asked, dtype),
                keys=error(keys, wanted),
                values=error(values, plain_values(asked[1], torch.float64)),
                lse=max(float((a - b).abs().max()) for a, b in zip(found.lse or [], truth.lse or [], strict=True)),
                usage=max(
                    float((a - b).abs().max()) for a, b in zip(found.usage or [], truth.usage or [], strict=True)
                ),
            )
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
