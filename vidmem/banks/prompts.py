"""What banks of SAM 2's kind do with prompted frames: attend them in a slot of their own, bound their number."""

from __future__ import annotations

from vidmem.values import Entry

PROMPT_SLOT = 6  # the row of SAM 2's temporal code that belongs to prompts


def bounded(prompts: tuple[Entry, ...], limit: int) -> tuple[Entry, ...]:
    """The first prompt says what is meant and the newest how it looks now; the oldest between goes. 0: no limit."""
    if limit == 0 or len(prompts) <= limit:
        return prompts
    return (prompts[0], *prompts[len(prompts) - limit + 1 :])
