"""Any image model of timm as a frame encoder: its pooled features before the classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from vidmem.errors import InputError, UsageError
from vidmem.values import Frame


class OfTimm:
    """name: a model of timm, for example resnet18.a1_in1k   pretrained: whether its weights are fetched

    Raises UsageError where timm is missing or knows no such name, InputError where the weights cannot be had.
    """

    def __init__(self, name: str = "", pretrained: bool = True):
        try:
            import timm
        except ImportError as missing:
            raise UsageError("The encoder timm:NAME needs timm: pip install timm") from missing
        if not timm.is_model(name):
            near = timm.list_models(f"*{name[:6]}*")[:3] if name else []
            hint = f" Near: {', '.join(near)}." if near else ""
            raise UsageError(f"timm knows no model {name!r}.{hint} Write timm:NAME, for example timm:resnet18.")
        try:
            self._model = timm.create_model(name, pretrained=pretrained, num_classes=0).eval()
        except Exception as problem:  # a hub that cannot be reached raises a different kind for each way it fails
            raise InputError(
                f"The weights of timm:{name} cannot be had ({type(problem).__name__}: {problem})."
            ) from problem
        told: Any = self._model.pretrained_cfg
        self._size = told.get("input_size", (3, 224, 224))[-2:]
        self._mean = torch.tensor(told.get("mean", (0.5, 0.5, 0.5)))[:, None, None]
        self._std = torch.tensor(told.get("std", (0.5, 0.5, 0.5)))[:, None, None]

    @torch.inference_mode()
    def __call__(self, frame: Frame) -> np.ndarray:
        pixels = torch.nn.functional.interpolate(
            frame.image[None].float() / 255, self._size, mode="bilinear", antialias=True
        )
        return self._model((pixels - self._mean) / self._std)[0].float().numpy()
