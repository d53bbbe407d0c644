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
from vidmem.detectors.detector import Detector, Sight
from vidmem.detectors.head import Keys
from vidmem.detectors.proposals import Proposals
from vidmem.errors import OutOfMemory
from vidmem.feature_banks import FeatureBank
from vidmem.feature_banks.none import Nothing
from vidmem.values import Frame


@dataclass(frozen=True, eq=False)
class Stream:
    """All that is remembered of one stream: a bank for each shared layer, and one of pixels. A value."""

    banks: tuple[Any, ...]
    pixels: Any
    frames: int = 0  # seen
    begun: bool = False  # whether references or a frame have filled the banks


@dataclass(frozen=True, eq=False)
class Found:
    """What was found in a frame, the surest first. D detections."""

    frame: int
    time: float  # seconds
    name: str
    size: tuple[int, int]  # (H, W)
    boxes: np.ndarray  # (D, 4) x0 y0 x1 y1 in pixels of the frame
    scores: np.ndarray  # (D,) 0..1
    labels: np.ndarray  # (D,) 1 .. number of classes

    def above(self, score: float) -> Found:
        """Those at least so sure."""
        keep = self.scores >= score
        return replace(self, boxes=self.boxes[keep], scores=self.scores[keep], labels=self.labels[keep])

    def __len__(self) -> int:
        return len(self.boxes)


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
        return Stream(tuple(self.bank.start(seed * 16 + 1 + n) for n in range(layers)), self.pixel_bank.start(seed * 16))

    @torch.inference_mode()
    def begin_with(self, stream: Stream, references: Sequence[Frame]) -> Stream:
        """The stream with its banks filled from reference frames, the key frame last among them (vfe.pytorch).

        All of their rows are shown to the first frame, which writes none itself.
        """
        rows: list[list[Tensor]] = []
        scores: list[Tensor] = []
        for frame in references:  # one by one, so that a long list needs no more memory than a short one
            sight, _ = self.detector.encode([frame.image])
            maps = self.detector.enhance_maps(sight.maps, [self.pixel_bank.read(stream.pixels)])
            (proposals,) = self._propose(sight, maps)
            if self.detector.architecture.pixel_level:
                answers, decided = self._answer(maps, [proposals], [[None] * len(stream.banks)], sight)
                stream = replace(stream, pixels=self._write_pixels(stream.pixels, maps[0], decided[0]))
            layers, objectness = self._as_references(maps, proposals)
            rows.append(list(layers))
            scores.append(objectness)
        joined = [torch.cat(layer) for layer in zip(*rows, strict=True)]
        banks = tuple(
            self.bank.fill(bank, layer, torch.cat(scores))
            for bank, layer in zip(stream.banks, joined, strict=True)
        )
        return replace(stream, banks=banks, begun=True)

    def step(self, stream: Stream, frame: Frame) -> tuple[Stream, Found]:
        """See one frame of one stream."""
        (after,), (found,) = self.step_together([stream], [frame])
        return after, found

    @torch.inference_mode()
    def step_together(
        self, streams: Sequence[Stream], frames: Sequence[Frame]
    ) -> tuple[list[Stream], list[Found]]:
        """See one frame of each of several streams, in one batch; each attends to its own memory alone."""
        try:
            return self._step(streams, frames)
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

    def _step(self, streams: Sequence[Stream], frames: Sequence[Frame]) -> tuple[list[Stream], list[Found]]:
        of = self.detector.architecture
        sight, _ = self.detector.encode([each.image for each in frames])
        maps = self.detector.enhance_maps(sight.maps, [self.pixel_bank.read(each.pixels) for each in streams])
        proposals = self._propose(sight, maps)
        keys: list[Keys] = []
        begun: list[Stream] = []
        for number, stream in enumerate(streams):
            stream, mine = self._keys(stream, maps[number : number + 1], proposals[number])
            begun.append(stream)
            keys.append(mine)
        answers, decided = self._answer(maps, proposals, keys, sight)
        after = []
        for number, (stream, answer) in enumerate(zip(begun, answers, strict=True)):
            scores = proposals[number].objectness[: of.rows]
            banks = tuple(
                self.bank.write(bank, rows.plain[: of.rows], rows.enhanced[: of.rows], scores)
                for bank, rows in zip(stream.banks, answer.rows, strict=True)
            )
            pixels = self._write_pixels(stream.pixels, maps[number], decided[number]) if of.pixel_level else None
            after.append(Stream(banks, pixels if of.pixel_level else stream.pixels, stream.frames + 1, True))
        return after, [self._found(*each) for each in zip(frames, decided, sight.sizes, strict=True)]

    def _keys(self, stream: Stream, maps: Tensor, proposals: Proposals) -> tuple[Stream, Keys]:
        """What a frame attends to, and the stream, whose banks its first frame fills where no references did."""
        if self.detector.architecture.attention == "none":
            return stream, [None] * len(stream.banks)
        mine: tuple[Tensor, ...] | None = None
        if self.include_self or not stream.begun:
            mine, objectness = self._as_references(maps, proposals)
            if not stream.begun and not self.include_self:
                filled = tuple(
                    self.bank.fill(bank, rows, objectness) for bank, rows in zip(stream.banks, mine, strict=True)
                )
                return replace(stream, banks=filled, begun=True), [self.bank.read(each) for each in filled]
        shown: list[Tensor | None] = []
        for layer, bank in enumerate(stream.banks):
            kept = self.bank.read(bank)
            parts = [each for each in (kept, mine[layer] if mine else None) if each is not None]
            shown.append(torch.cat(parts) if parts else None)
        return stream, shown

    def _propose(self, sight: Sight, maps: Tensor) -> list[Proposals]:
        return self.detector.proposer.propose(sight.images, sight.sizes, maps, None)[0]

    def _as_references(self, maps: Tensor, proposals: Proposals) -> tuple[tuple[Tensor, ...], Tensor]:
        """For each layer the rows of a picture's surest proposals, not enhanced, and their objectness."""
        rows = self.detector.architecture.rows
        (regions,) = self.detector.head.pool(maps, [proposals.boxes[:rows]])
        return self.detector.head.references(regions), proposals.objectness[:rows]

    def _answer(self, maps: Tensor, proposals: Sequence[Proposals], keys: Sequence[Keys], sight: Sight):
        head = self.detector.head
        boxes = [each.boxes for each in proposals]
        answers = head.answer(head.pool(maps, boxes), keys)
        return answers, head.decide(answers, boxes, sight.sizes)

    def _write_pixels(self, pixels: Any, cells: Tensor, decided: tuple[Tensor, Tensor, Tensor]) -> Any:
        """The pixel bank behind a frame: cells (C, h, w) within what was detected."""
        boxes, scores, _ = decided
        chosen, worth = written_cells(self.detector.architecture, cells, boxes, scores, getattr(pixels, "frames", 0))
        return self.pixel_bank.write(pixels, chosen, chosen, worth)

    def _found(
        self, frame: Frame, decided: tuple[Tensor, Tensor, Tensor], scaled: tuple[int, int]
    ) -> Found:
        boxes, scores, labels = (each.cpu().numpy() for each in decided)
        height, width = frame.size
        factor = np.array([width / scaled[1], height / scaled[0]] * 2)
        boxes = boxes.astype(np.float64) * factor
        return Found(frame.index, frame.time, frame.name, frame.size, boxes, scores.astype(np.float64), labels)
