"""A GPU that is not there: tensors with shapes and a device but no numbers, so that the way of a frame can be walked.

An operation whose tensors lie on two devices fails as it would on the GPU. Every wait for the GPU is noted, and every
kernel of Triton's that would be launched.
"""

from __future__ import annotations

import contextlib
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

DEVICE = torch.device("cuda:7")  # whose tables, which are kept, no test of a true GPU would find


@dataclass
class Seen:
    """What happened on the GPU that is not there."""

    waits: list[str] = field(default_factory=list)  # where its numbers were asked for: file, line
    launches: list[str] = field(default_factory=list)  # kernels of Triton's


class _Kernel:
    """Stands for a kernel of Triton's."""

    def __init__(self, name: str, seen: Seen):
        self.name, self.seen = name, seen

    def __getitem__(self, grid: tuple[int, ...]) -> Any:
        assert all(isinstance(each, int) and 0 < each for each in grid), grid

        def launch(*given: object, **named: object) -> None:
            for place, each in enumerate((*given, *named.values())):
                if isinstance(each, Tensor):
                    assert each.device == DEVICE, f"{self.name}: argument {place} is on {each.device}"
                    assert each.is_contiguous() or each.stride(-1) == 1, f"{self.name}: argument {place} lies apart"
            self.seen.launches.append(self.name)

        return launch


class _Mode(FakeTensorMode):
    seen = Seen()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        first: Any = args[0] if args else None
        if func is torch.ops.aten._local_scalar_dense.default:
            self.seen.waits += [_caller()] if first.device == DEVICE else []
            return first.dtype is torch.bool or (0.5 if first.is_floating_point() else 0)
        if func is torch.ops.aten._to_copy.default and first.device == DEVICE:
            if str((kwargs or {}).get("device", DEVICE)) == "cpu":
                self.seen.waits.append(_caller())
        return super().__torch_dispatch__(func, types, args, kwargs)


def _caller() -> str:
    here = [each for each in traceback.extract_stack() if "/vidmem/" in each.filename]
    return f"{here[-1].filename.rpartition('/vidmem/')[2]}:{here[-1].lineno}" if here else "?"


MODE = _Mode()  # one for all: tables that are kept belong to it


@contextlib.contextmanager
def pretended_gpu() -> Iterator[Seen]:
    """Within it DEVICE works, as far as it can."""
    seen = Seen()

    def tolist(self: FakeTensor) -> object:
        if self.device == DEVICE:
            seen.waits.append(_caller())

        def numbers(shape: torch.Size) -> object:
            return [numbers(shape[1:]) for _ in range(shape[0])] if shape else 0.5

        return numbers(self.shape)

    def tensor(data: object, *rest: Any, device: Any = None, **options: Any) -> Tensor:
        made = true_tensor(data, *rest, **options)
        if isinstance(made, FakeTensor):
            made.constant = None  # small ones would be computed truly, also on the GPU that is not there
        at_home = device is None or torch.device(device).type == "cpu"
        return made if at_home else torch.empty(made.shape, dtype=made.dtype, device=device)

    def numpy(self: FakeTensor) -> np.ndarray:
        assert self.device.type == "cpu", f"numpy cannot see what is on {self.device}"
        return np.full(self.shape, self.dtype is torch.bool or 0.5)

    def new_tensor(self: FakeTensor, data: object, dtype: torch.dtype | None = None) -> Tensor:
        return tensor(data, dtype=dtype or self.dtype, device=self.device)

    true_tensor = torch.tensor
    properties = SimpleNamespace(multi_processor_count=132)
    names = ("triton_keys.make_keys", "triton_attention.attend_segments", "triton_attention.combine")
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # of its making: that a tensor without numbers is asked where they lie
        for patch in (
            mock.patch.object(FakeTensor, "tolist", tolist),
            mock.patch.object(FakeTensor, "numpy", numpy),
            mock.patch.object(torch, "tensor", tensor),
            mock.patch.object(FakeTensor, "new_tensor", new_tensor, create=True),
            mock.patch.object(torch.cuda, "get_device_capability", lambda device=None: (9, 0)),
            mock.patch.object(torch.cuda, "get_device_properties", lambda device=None: properties),
            *(mock.patch(f"vidmem.kernels.{name}", _Kernel(name.rpartition(".")[2], seen)) for name in names),
        ):
            stack.enter_context(patch)
        MODE.seen = seen
        stack.enter_context(MODE)
        yield seen


def moved(model: nn.Module, dtype: torch.dtype) -> None:
    """The model's weights to DEVICE, in place, without their numbers."""
    for module in model.modules():
        for name, weight in module._parameters.items():
            if weight is not None:
                made = torch.empty(weight.shape, dtype=dtype, device=DEVICE)
                module._parameters[name] = nn.Parameter(made, requires_grad=False)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = torch.empty(buffer.shape, dtype=buffer.dtype, device=DEVICE)
