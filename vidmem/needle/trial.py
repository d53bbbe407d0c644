"""Every cell of a test: by rank, with an encoder of frames, or by words, with a companion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from vidmem.bridges import CachePolicy
from vidmem.companions.watching import Watcher, watched
from vidmem.cuts import FrameEncoder
from vidmem.errors import UsageError
from vidmem.needle.haystack import Haystack
from vidmem.needle.needles import Needle, drawn, written
from vidmem.needle.plan import Cell
from vidmem.needle.scoring import by_keywords, keep, rank
from vidmem.values import Frame


@dataclass(frozen=True)
class Found:
    """What came of one cell."""

    length: int  # seconds
    depth: int  # per cent
    score: float  # 0..1
    rank: int | None = None  # by rank: its place; None if it was not kept
    kept: int | None = None  # entries it was looked for among
    answer: str | None = None  # by words


def query_of(needle: Needle, encode: FrameEncoder) -> np.ndarray:
    """(C,) the vector a needle is looked for by: its first picture, or its line on an empty frame."""
    if needle.pictures is not None:
        return encode(Frame(0, needle.pictures[0]))
    return encode(Frame(0, written(drawn() * 0, needle.line)))


def by_rank(
    hay: Sequence[str], cells: Sequence[Cell], needle: Needle, encode: FrameEncoder, policy: CachePolicy
) -> Iterator[Found]:
    """Each cell's score is 1 / rank of the needle among the seconds that the policy keeps, 0 where it was let go.

    Of every second the first frame is seen. The hay is encoded once: a cell is that hay with the needle put in. No
    frame is held, only vectors.
    """
    longest = max(cell.length for cell in cells)
    places = [Haystack(hay, cell, needle).needle_second for cell in cells]
    looked_at = {min(at, longest - 1) for at in places}
    plain = Haystack(hay, Cell(longest, 0), None)
    vectors, odd = [], {}  # of each second; of the needle at a second
    for second, frame in enumerate(plain.between(0, None, plain.ticks)):
        vectors.append(encode(frame))
        if second in looked_at:
            odd[second] = encode(Frame(0, needle.frames(frame.image, 1)[0]))[None]
    seen, query = np.stack(vectors), query_of(needle, encode)
    for cell, at in zip(cells, places, strict=True):
        rest = seen[at + 1 : cell.length] if needle.pictures is None else seen[at : cell.length]
        cache = keep(np.concatenate([seen[:at], odd[min(at, longest - 1)], rest]), policy)
        place = rank(cache, query, at)
        yield Found(cell.length, cell.depth, 0.0 if place is None else 1 / place, place, len(cache))


def by_words(
    hay: Sequence[str], cells: Sequence[Cell], needle: Needle, watcher: Callable[[], Watcher], rate: int = 1
) -> Iterator[Found]:
    """Each cell is watched at `rate` frames a second and asked the needle's question.

    Raises UsageError for a needle without one.
    """
    riddle = needle.riddle
    if riddle is None:
        raise UsageError("A needle of your own needs a --question and its --keywords.")
    for cell in cells:
        made = watcher()
        memory = made.companion.start()
        for _, after, _ in watched(made, Haystack(hay, cell, needle, rate)):
            memory = after.memory
        answer = made.companion.answer(memory, riddle.question)
        yield Found(cell.length, cell.depth, by_keywords(answer, riddle.keywords), answer=answer)
