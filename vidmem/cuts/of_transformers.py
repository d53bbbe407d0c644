"""Any vision model of transformers as a frame encoder: its class token, or the mean of its patches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from vidmem.errors import InputError, UsageError
from vidmem.values import Frame


class OfTransformers:
    """name: a folder with a stored model (CLIP, DINOv2, SigLIP, ...), or a name of the hub that is in its cache

    Raises UsageError where transformers is missing, InputError where the model cannot be read or sees no pictures.
    """

    def __init__(self, name: str = ""):
        try:
            from transformers import AutoImageProcessor, AutoModel
        except ImportError as missing:
            raise UsageError("The encoder transformers:FOLDER needs it: pip install 'vidmem[language]'") from missing
        if not name:
            raise UsageError("Write transformers:FOLDER, with the folder of a stored vision model.")
        try:
            self._processor = AutoImageProcessor.from_pretrained(name, local_files_only=True)
            model = AutoModel.from_pretrained(name, local_files_only=True).eval()
        except (OSError, ValueError) as problem:
            there = "is" if Path(name).is_dir() else "is not"
            reason = str(problem).splitlines()[0]
            raise InputError(f"transformers:{name} cannot be read ({reason}). The folder {there} there.") from problem
        self._model = getattr(model, "vision_model", model)

    @torch.inference_mode()
    def __call__(self, frame: Frame) -> np.ndarray:
        given = self._processor(images=frame.image.permute(1, 2, 0).numpy(), return_tensors="pt")
        seen = self._model(pixel_values=given["pixel_values"])
        pooled = getattr(seen, "pooler_output", None)
        if pooled is None:
            pooled = (
                seen.last_hidden_state.flatten(2).mean(-1)
                if seen.last_hidden_state.ndim == 4
                else (seen.last_hidden_state[:, 0])
            )
        return pooled.flatten(1)[0].float().numpy()
