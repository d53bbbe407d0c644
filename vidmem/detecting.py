"""The loop of a detector with memory: encode, enhance, propose, answer, write; several streams in one batch.

    detector = load("mamba", "nano-detector")
    for state, frame, found in detector.run(watch("clip.mp4")): ...

Two protocols. "online": frames come in their order, nothing is known of the future; the first frame attends to its own
proposals. "paper": the references of a whole video are seen beforehand (`begin_with`), as MAMBA's scores were made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vidmem.detectors.cells import written_cells
from vidmem.detectors.detector import Detector, Looked
from vidmem.detectors.head import Answer, Keys
from vidmem.errors import OutOfMemory
from vidmem.feature_banks import FeatureBank
from vidmem.feature_banks.none import Nothing
from vidmem.found import Found
from vidmem.values import Frame

Decided = tuple[Tensor, Tensor, Tensor]  # boxes (D, 4) in pixels of the scaled picture, scores (D,), labels (D,)


@dataclass(frozen=True, eq=False)
class Stream:
    """All that is remembered of one stream: a bank for each shared layer, and one of pixels. A value."""

    banks: tuple[Any, ...]
    pixels: Any
    frames: int = 0  # seen
    begun: bool = False  # whether references or a frame have filled the banks


@dataclass(frozen=True, eq=False)
class VideoDetector:
    """A detector and how it remembers. It holds no state: `step` takes one and returns the next."""

    detector: Detector
    bank: FeatureBank = field(default_factory=Nothing)
    pixel_bank: FeatureBank = field(default_factory=Nothing)
    include_self: bool = False  # whether a frame's own proposals are among its keys (SELSA)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names, of the labels 1, 2, …"""
        return self.detector.architecture.classes

    def start(self, seed: int = 0) -> Stream:
        """A stream of which nothing was seen. Each layer draws by itself."""
        layers = self.detector.architecture.layers
        return Stream(
            tuple(self.bank.start(seed * 16 + 1 + n) for n in range(layers)), self.pixel_bank.start(seed * 16)
        )

    @torch.inference_mode()
    def begin_with(self, stream: Stream, references: Sequence[Frame], looked: Sequence[Looked] | None = None) -> Stream:
        """The stream with its banks filled from reference frames, the key frame last among them (vfe.pytorch).

        All of their rows are shown to the first frame, which writes none itself. looked: what `look` made of them.
        """
        rows: list[list[Tensor]] = []
        scores: list[Tensor] = []
        for number, frame in enumerate(references):  # one by one: a long list needs no more memory than a short one
            (seen,) = [looked[number]] if looked is not None else self.look([frame], [stream])
            if self.detector.architecture.pixel_level:
                _, decided = self._answer([seen], [[None] * len(stream.banks)])
                stream = replace(stream, pixels=self._write_pixels(stream.pixels, seen.maps[0], decided[0]))
            layers, objectness = self._as_references(seen)
            rows.append(list(layers))
            scores.append(objectness)
        joined = [torch.cat(layer) for layer in zip(*rows, strict=True)]
        banks = tuple(
            self.bank.fill(bank, layer, torch.cat(scores)) for bank, layer in zip(stream.banks, joined, strict=True)
        )
        return replace(stream, banks=banks, begun=True)

    def step(self, stream: Stream, frame: Frame) -> tuple[Stream, Found]:
        """See one frame of one stream."""
        (after,), (found,) = self.step_together([stream], [frame])
        return after, found

    @torch.inference_mode()
    def look(self, frames: Sequence[Frame], streams: Sequence[Stream]) -> list[Looked]:
        """What the second stage is given of a frame of each of several streams, in one batch.

        Without a pixel level it depends on the frame alone and may be shared by several memories.
        """
        if not self.detector.architecture.pixel_level:
            return self.detector.look([each.image for each in frames])
        sight, _ = self.detector.encode([each.image for each in frames])
        maps = self.detector.enhance_maps(sight.maps, [self.pixel_bank.read(each.pixels) for each in streams])
        proposals, _ = self.detector.proposer.propose(sight.images, sight.sizes, maps, None)
        return [Looked(*each) for each in zip(maps.split(1), proposals, sight.sizes, sight.given, strict=True)]

    @torch.inference_mode()
    def step_together(
        self, streams: Sequence[Stream], frames: Sequence[Frame], looked: Sequence[Looked] | None = None
    ) -> tuple[list[Stream], list[Found]]:
        """See one frame of each of several streams, in one batch; each attends to its own memory alone.

        looked: what `look` made of the frames, where it is known.
        """
        try:
            return self._step(streams, frames, looked or self.look(frames, streams))
        except (torch.OutOfMemoryError, MemoryError) as full:
            raise OutOfMemory(
                f"Out of memory at frame {frames[0].name} with {len(frames)} streams. Use a smaller detector, fewer "
                "streams at once, or --set bank.half=true."
            ) from full

    def run(self, frames: Iterable[Frame], stream: Stream | None = None) -> Iterator[tuple[Stream, Frame, Found]]:
        """A stream to its end, one frame at a time."""
        stream = stream or self.start()
        for frame in frames:
            stream, found = self.step(stream, frame)
            yield stream, frame, found

    def _step(
        self, streams: Sequence[Stream], frames: Sequence[Frame], looked: Sequence[Looked]
    ) -> tuple[list[Stream], list[Found]]:
        of = self.detector.architecture
        begun, keys = zip(*(self._keys(*each) for each in zip(streams, looked, strict=True)), strict=True)
        answers, decided = self._answer(looked, keys)
        after = []
        for stream, seen, answer, said in zip(begun, looked, answers, decided, strict=True):
            scores = seen.proposals.objectness[: of.rows]
            banks = tuple(
                self.bank.write(bank, rows.plain[: of.rows], rows.enhanced[: of.rows], scores)
                for bank, rows in zip(stream.banks, answer.rows, strict=True)
            )
            pixels = self._write_pixels(stream.pixels, seen.maps[0], said) if of.pixel_level else stream.pixels
            after.append(Stream(banks, pixels, stream.frames + 1, True))
        return after, [_found(*each) for each in zip(frames, decided, looked, strict=True)]

    def _keys(self, stream: Stream, seen: Looked) -> tuple[Stream, Keys]:
        """What a frame attends to, and the stream, whose banks its first frame fills where no references did."""
        if self.detector.architecture.attention == "none":
            return stream, [None] * len(stream.banks)
        if not self.include_self and stream.begun:
            return stream, [self.bank.read(each) for each in stream.banks]
        mine, objectness = self._as_references(seen)
        if not self.include_self:
            filled = tuple(self.bank.fill(*each, objectness) for each in zip(stream.banks, mine, strict=True))
            return replace(stream, banks=filled, begun=True), [self.bank.read(each) for each in filled]
        kept = [self.bank.read(each) for each in stream.banks]
        return stream, [own if k is None else torch.cat([k, own]) for k, own in zip(kept, mine, strict=True)]

    def _as_references(self, seen: Looked) -> tuple[tuple[Tensor, ...], Tensor]:
        """For each layer the rows of a picture's surest proposals, not enhanced, and their objectness."""
        rows = self.detector.architecture.rows
        return self.detector.head.references(self.detector.regions(seen, rows)), seen.proposals.objectness[:rows]

    def _answer(self, looked: Sequence[Looked], keys: Sequence[Keys]) -> tuple[list[Answer], list[Decided]]:
        head = self.detector.head
        answers = head.answer([self.detector.regions(each) for each in looked], keys)
        return answers, head.decide(answers, [each.proposals.boxes for each in looked], [each.size for each in looked])

    def _write_pixels(self, pixels: Any, cells: Tensor, decided: Decided) -> Any:
        """The pixel bank behind a frame: cells (C, h, w) within what was detected."""
        boxes, scores, _ = decided
        chosen, worth = written_cells(self.detector.architecture, cells, boxes, scores, getattr(pixels, "frames", 0))
        return self.pixel_bank.write(pixels, chosen, chosen, worth)


def _found(frame: Frame, decided: Decided, seen: Looked) -> Found:
    boxes, scores, labels = (each.cpu().numpy() for each in decided)
    factor = np.array([seen.given[1] / seen.size[1], seen.given[0] / seen.size[0]] * 2)
    boxes = boxes.astype(np.float64) * factor
    return Found(frame.index, frame.time, frame.name, frame.size, boxes, scores.astype(np.float64), labels)
