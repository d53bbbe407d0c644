"""The values that flow through vidmem, in the order a frame meets them.

All are frozen: a step takes old values and returns new ones. So keeping an earlier value *is* undo,
and keeping several *is* search.

Axes, by letter:  H W the frame's size,  h w the model's,  C channels,  N memory tokens,  K candidates,  P points.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a stream. `index` counts the frames delivered; `name` and `time` say which one is meant."""

    index: int
    image: Tensor  # (3, H, W) uint8, RGB
    time: float = 0.0  # seconds from the start of the source
    name: str = ""  # what result files of this frame are called; the index with five digits when empty

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[0] != 3 or self.image.dtype != torch.uint8:
            raise ValueError(
                f"Frame.image must be (3, H, W) uint8; frame {self.index} has {tuple(self.image.shape)} "
                f"{self.image.dtype}. If it came from OpenCV or PIL it is (H, W, 3): use image.permute(2, 0, 1)."
            )
        if not self.name:
            object.__setattr__(self, "name", f"{self.index:05d}")

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return self.image.shape[1], self.image.shape[2]


@dataclass(frozen=True, eq=False)
class Prompt:
    """What a person says of one object in one frame: a mask, or points and a box in pixels of that frame.

    A mask says everything by itself; points and a box may stand together.
    """

    object_id: int
    mask: Tensor | None = None  # (H, W) bool
    points: Tensor | None = None  # (P, 2) float, x and y in pixels
    labels: Tensor | None = None  # (P,) int: 1 on the object, 0 off it
    box: Tensor | None = None  # (4,) float: x0 y0 x1 y1 in pixels

    def __post_init__(self) -> None:
        if not 1 <= self.object_id < 2**31:  # 0 is the background of a picture of ids, which holds 32 bits
            raise ValueError(f"An object's id is a whole number from 1 to {2**31 - 1}, not {self.object_id}.")
        if self.mask is None and self.points is None and self.box is None:
            raise ValueError(f"The prompt for object {self.object_id} is empty: give a mask, points or a box.")
        if self.mask is not None and (self.points is not None or self.box is not None):
            raise ValueError(
                f"The prompt for object {self.object_id} has a mask and points or a box. Give the mask first, "
                "then correct it with points."
            )
        if (self.points is None) != (self.labels is None) or (
            self.points is not None and self.labels is not None and len(self.points) != len(self.labels)
        ):
            raise ValueError(f"The prompt for object {self.object_id} needs one label (1 or 0) for each of its points.")

    def and_also(self, later: Prompt) -> Prompt:
        """This prompt with what was said later of the same object in the same frame. A later mask or box replaces."""
        if later.mask is not None:
            return later
        parts = [p for p in (self, later) if p.points is not None]
        return Prompt(
            self.object_id,
            points=torch.cat([p.points for p in parts if p.points is not None]) if parts else None,
            labels=torch.cat([p.labels for p in parts if p.labels is not None]) if parts else None,
            box=later.box if later.box is not None else self.box,
        )


@dataclass(frozen=True, eq=False)
class Features:
    """What a model makes of one frame before remembering anything. Shared by every object and hypothesis."""

    frame: int
    size: tuple[int, int]  # (H, W) of the frame
    levels: tuple[Tensor, ...]  # each (1, C, h, w), finest first


class Packed(Protocol):
    """Tokens kept in another form than the model's, for example in fewer bits: a frozen dataclass that holds tensors.

    It is made blank and filled in place when the step ends, as a tensor of tokens is.
    """

    def __len__(self) -> int: ...

    def fill(self, tokens: Tensor) -> None:
        """Hold these (N, C) tokens."""
        ...

    def unpacked(self) -> Tensor:
        """(N, C) the tokens, as near as the form can say them, in the model's own dtype."""
        ...


def unpacked(tokens: Tensor | Packed) -> Tensor:
    """(N, C) tokens as a model attends them, however they are kept."""
    return tokens if isinstance(tokens, Tensor) else tokens.unpacked()


@dataclass(frozen=True, eq=False)
class Entry:
    """One page of memory: what is kept of one object in one frame, or of several frames put together.

    `tokens` and `object_pointer` may outlive each other: a bank keeps more pointers than pages, so it drops the
    tokens of an old entry with `without_tokens`.
    """

    frame: int
    tokens: Tensor | Packed | None  # (N, C), row by row over the memory grid where `cells` does not say otherwise
    object_pointer: Tensor  # (C',) the object in one vector
    pred_iou: float = 1.0  # the model's own belief in the mask, 0..1
    object_score_logit: float = 10.0  # above 0: the object is in the frame
    prompted: bool = False
    step: int = 0  # how many frames its bank had seen when it was written
    cells: Tensor | None = None  # (N,) int: the cell each token lies in, counted row by row over the memory grid
    long_term: bool = False  # kept for what it shows, not for its age; a picture of memory tells it so

    def without_tokens(self) -> Entry:
        return replace(self, tokens=None, cells=None)


@dataclass(frozen=True, eq=False)
class Page:
    """An entry as the model is to attend it, token by token."""

    entry: Entry
    slot: int  # row of the temporal code: 0 the frame just before .. 5 the oldest, 6 a prompt (SAM 2)
    key_scale: float = 1.0  # multiplies memory + position before the key projection (SAM2Long)
    key_bias: float = 0.0  # added to the attention logits of its tokens (pooling: log of how many each stands for)
    pool: int = 1  # side of the squares of cells whose keys and values are averaged when they are attended


@dataclass(frozen=True, eq=False)
class Pointer:
    """An entry as the model is to attend it, by its object pointer alone."""

    entry: Entry
    position: float  # frames since, negative for a prompt still to come
    key_scale: float = 1.0


@dataclass(frozen=True, eq=False)
class Memory:
    """What a bank lets the model see of the past: pages and pointers, in the order they are attended.

    Pages are shared, never copied: two hypotheses that agree on a frame hold the same entry.
    """

    pages: tuple[Page, ...] = ()
    pointers: tuple[Pointer, ...] = ()
    pointer_span: float = 15.0  # the distance in frames that counts as 1 in the pointers' temporal code
    want_usage: bool = False  # whether the candidates are to say how much each token was attended

    @property
    def layout(self) -> Hashable:
        """How many tokens where, and how many pointers: memories of equal layout can be attended in one batch."""
        entries = [page.entry for page in self.pages]
        tokens = tuple(0 if each.tokens is None else len(each.tokens) for each in entries)
        lies = tuple((page.pool, page.entry.cells is not None) for page in self.pages)
        return tokens, lies, len(self.pointers)

    @property
    def identity(self) -> Hashable:
        """Equal for memories that make a model see and say the very same, as long as both are alive."""
        pages = tuple(
            (id(p.entry.tokens), id(p.entry.cells), p.slot, p.key_scale, p.key_bias, p.pool) for p in self.pages
        )
        pointers = tuple((id(p.entry.object_pointer), p.position, p.key_scale) for p in self.pointers)
        return pages, pointers, self.pointer_span, self.want_usage


@dataclass(frozen=True, eq=False)
class Question:
    """What a model is asked of one object (and hypothesis) in a frame."""

    memory: Memory | None = None  # None: nothing was seen of the object before
    prompt: Prompt | None = None
    previous: Tensor | None = None  # (h, w) logits of an earlier answer for this frame, to be corrected by the prompt


@dataclass(frozen=True, eq=False)
class Candidates:
    """Every mask a model offers as the answer to one question."""

    masks: Tensor  # (K, h, w) logits, not yet blanked by the object score
    pred_iou: tuple[float, ...]  # K numbers
    object_pointers: Tensor  # (K, C')
    absent_pointer: Tensor  # (C',) the pointer to keep when the object is not in the frame
    object_score_logit: float
    # Where the memory wants it, for each of its pages (N,): how much of the frame's attention each token got. All
    # pages and pointers together get 1.
    usage: tuple[Tensor, ...] | None = None


@dataclass(frozen=True, eq=False)
class Guess:
    """The candidate that was picked, blanked if the object is held to be absent."""

    frame: int
    mask: Tensor  # (h, w) logits
    object_pointer: Tensor  # (C',)
    pred_iou: float
    object_score_logit: float
    visible: bool
    prompted: bool = False


ABSENT_LOGIT = -1024.0  # what SAM 2 writes over the mask of an absent object (sam2_base.py, NO_OBJ_SCORE)


def resolve(candidates: Candidates, pick: int, frame: int, present_above: float = 0.0, prompted: bool = False) -> Guess:
    """The guess made of candidate `pick`: blanked when the object score does not pass `present_above` (a logit)."""
    visible = candidates.object_score_logit > present_above
    mask = candidates.masks[pick]
    return Guess(
        frame,
        mask if visible else torch.full_like(mask, ABSENT_LOGIT),
        candidates.object_pointers[pick] if visible else candidates.absent_pointer,
        candidates.pred_iou[pick],
        candidates.object_score_logit,
        visible,
        prompted,
    )


class Remember(Protocol):
    """Asks for the memory of this frame. Its tokens are filled in one batch when the step ends: keep the entry, do not
    read its tokens before. A bank that does not ask does not pay for the encoding."""

    def __call__(self, *, as_prompt: bool = False) -> Entry:
        """as_prompt: encoded as the page of a prompt, and marked as one."""
        ...


@dataclass(frozen=True, eq=False)
class Observation:
    """What a bank is told of a frame once the answer is settled."""

    guess: Guess
    candidates: Candidates  # all that was offered: the rivals of the guess too
    pick: int  # which of them the guess was made of
    size: tuple[int, int]  # (H, W) of the frame
    motion_iou: float | None  # overlap of the guess with where the object was expected; None: nowhere yet
    remember: Remember


@dataclass(frozen=True, eq=False)
class Track:
    """The answer for one frame: a guess for every object."""

    frame: int
    time: float
    name: str
    size: tuple[int, int]  # (H, W) of the frame
    guesses: Mapping[int, Guess] = field(default_factory=dict)  # object id -> guess

    def logits(self, object_id: int) -> Tensor:
        """(H, W) the object's mask logits at the frame's size."""
        mask = self.guesses[object_id].mask
        return F.interpolate(mask[None, None].float(), self.size, mode="bilinear", align_corners=False)[0, 0]

    def masks(self, overlap: bool = True) -> dict[int, Tensor]:
        """object id -> (H, W) bool. Without `overlap` the surest object alone keeps a shared pixel (SAM 2, 3.4)."""
        logits = {object_id: self.logits(object_id) for object_id in self.guesses}
        if overlap or len(logits) < 2:
            return {object_id: each > 0 for object_id, each in logits.items()}
        surest = torch.stack(list(logits.values())).argmax(0)
        return {object_id: (each > 0) & (surest == row) for row, (object_id, each) in enumerate(logits.items())}

    def labels(self) -> Tensor:
        """(H, W) int32: each pixel's object id, 0 where there is none. The surest object wins a shared pixel."""
        out = torch.zeros(self.size, dtype=torch.int32)
        for object_id, mask in self.masks(overlap=False).items():
            out[mask.cpu()] = object_id
        return out
