"""Whether a needle was found: by the words of an answer, or by its rank among what is kept."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import torch

from vidmem.bridges import CachePolicy
from vidmem.bridges.entry import Cache, Kept
from vidmem.errors import UsageError


def by_keywords(answer: str, keywords: Sequence[str]) -> float:
    """The share of keywords the answer holds as whole words, in any case: 0..1.

    The published test lets a language model judge from 1 to 10; this needs none and is the same every time.
    """
    if not keywords or not all(each.strip() for each in keywords):
        raise UsageError("Keywords are words, one or more.")
    said = answer.lower()
    return float(np.mean([bool(re.search(rf"\b{re.escape(each.strip().lower())}\b", said)) for each in keywords]))


def keep(features: np.ndarray, policy: CachePolicy) -> Cache:
    """What a cache policy keeps of a video.     features (T, C), one vector a second"""
    cache: Cache = ()
    for second, feature in enumerate(features):
        tokens = torch.from_numpy(np.asarray(feature, np.float32))[None, None]
        cache = policy.add(cache, Kept(tokens, tokens, second, second))
    return cache


def rank(cache: Cache, query: np.ndarray, second: int) -> int | None:
    """The place, from 1, that the entry with this second takes by likeness to the query; None if it is not kept.

    Of entries as alike as it, it comes last: a tie is no find.
    """
    held = torch.cat([each.tokens[0] for each in cache])
    like = torch.nn.functional.cosine_similarity(held, torch.from_numpy(np.asarray(query, np.float32))[None], dim=-1)
    places = [index for index, each in enumerate(cache) if each.first <= second <= each.last]
    return int((like >= like[places[0]]).sum()) if places else None
