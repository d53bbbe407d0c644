"""What a segmenter's image encoder sees, averaged over the picture; the embedded model's, if no other is named."""

from __future__ import annotations

import numpy as np
import torch

from vidmem.values import Frame


class Nano:
    """The stages of any segmenter of ours, each averaged over the frame and brought to length 1, side by side."""

    def __init__(self, model: str = "nano", device: str = "auto"):
        from vidmem.compose import load_model

        self._model = load_model(model, device=device)

    @torch.inference_mode()
    def __call__(self, frame: Frame) -> np.ndarray:
        levels = self._model.encode(frame).levels
        means = [torch.nn.functional.normalize(each.float().mean((2, 3))[0], dim=0) for each in levels]
        return torch.cat(means).cpu().numpy()
