"""From what the loop answers to what the user gets: masks at the frame's size, in plain numpy."""

from __future__ import annotations

import math

import numpy as np
import torch

from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.values import Guess, Track


def annotate(track: Track, overlap: bool = True) -> Annotation:
    """The annotation of a track. Without `overlap` the surest object alone keeps a shared pixel (SAM 2, 3.4).

    One object is brought to the frame's size at a time, so the cost in memory does not grow with their number
    beyond a byte a pixel.
    """
    masks: dict[int, np.ndarray] = {}
    surest = torch.zeros(track.size)
    owner = np.zeros(track.size, np.int32)
    shared = False
    for object_id in track.guesses:
        logits = track.logits(object_id).cpu()
        masks[object_id] = (logits > 0).numpy()
        if len(track.guesses) > 1:
            wins = logits > surest
            shared = shared or bool((masks[object_id] & (owner != 0)).any())
            owner[wins.numpy()] = object_id
            surest = torch.maximum(surest, logits)
    objects: dict[int, ObjectAnnotation] = {}
    for object_id, guess in track.guesses.items():
        mask = masks[object_id]
        exclusive = mask & (owner == object_id) if shared else None
        objects[object_id] = _describe(guess, mask if overlap or exclusive is None else exclusive, exclusive)
    return Annotation(track.frame, track.time, track.name, track.size, objects)


def _describe(guess: Guess, mask: np.ndarray, exclusive: np.ndarray | None) -> ObjectAnnotation:
    return ObjectAnnotation(
        mask=mask,
        score=guess.pred_iou / (1 + math.exp(-max(-60.0, guess.object_score_logit))),
        visible=guess.visible and bool(mask.any()),
        pred_iou=guess.pred_iou,
        object_score_logit=guess.object_score_logit,
        prompted=guess.prompted,
        exclusive=None if exclusive is mask else exclusive,
    )
