"""What every bounded cache asks of its bound."""

from __future__ import annotations

from vidmem.bridges.entry import Kept
from vidmem.errors import UsageError


def check_keep(keep: int, least: int = 1) -> None:
    """Raises UsageError for a bound that is none."""
    if keep < least:
        raise UsageError(f"A cache that keeps {keep} segments cannot work: `keep` is {least} or more.")


def check_one_video(entry: Kept, policy: str) -> None:
    """Raises UsageError for a batch: what is alike in one video is not so in another."""
    if entry.tokens.shape[0] != 1:
        raise UsageError(
            f"The cache policy {policy!r} decides by what is seen, so it takes one video at a time, not "
            f"{entry.tokens.shape[0]}. Give each video a state of its own, or train with 'everything' or 'fifo'."
        )


def check_same_length(cache: tuple[Kept, ...], policy: str) -> None:
    """Raises UsageError for entries that cannot be laid on each other."""
    lengths = {each.tokens.shape[1] for each in cache}
    if len(lengths) > 1:
        raise UsageError(
            f"The cache policy {policy!r} compares entries token by token, but they have {sorted(lengths)} tokens. Use "
            "a bridge that keeps='memory', or the policy 'everything' or 'fifo'."
        )
