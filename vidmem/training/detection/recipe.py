"""A recipe of a detector: everything that decides what its training does, read from a card of configs/."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from vidmem.detectors.architecture import Architecture, architecture
from vidmem.errors import InputError, UsageError


@dataclass(frozen=True)
class Data:
    """One data set that pictures come from."""

    card: str = "imagenet_vid"  # of datasets/
    root: str = ""  # where it lies; may begin with $VARIABLE. "drawn:FOLDER" is a drawn set, made there when missing
    split: str = "train"
    frames: int = 15  # key frames a video, evenly spread (FGFA's list of VID, which MAMBA's release uses); 0: all
    reach: int = 1000  # frames that a reference may lie before or behind its key frame (VFE: "bilateral uniform")
    cut_boxes: bool = False  # boxes that reach out of the picture are cut off at its edge; else they are refused


@dataclass(frozen=True)
class Optimiser:
    """How weights follow gradients. Defaults: MAMBA's (vfe.pytorch, mamba_r101_dc5_6x), for one picture a step."""

    kind: Literal["sgd", "adamw"] = "sgd"
    rate: float = 1e-3
    momentum: float = 0.9
    decay: float = 1e-4
    clip: float = 35.0  # the greatest norm of the gradients
    warm_up: int = 500  # steps
    warm_from: float = 1 / 3  # of `rate`
    drops: tuple[float, ...] = (2 / 3,)  # shares of the run behind which the rate is a tenth of what it was
    cosine: bool = False  # the rate falls to nothing along a cosine instead


@dataclass(frozen=True)
class Stage:
    """A part of the run with one size of batch."""

    batch: int  # key frames a step, over all processes
    epochs: float = 0.0
    steps: int = 0  # instead of epochs


@dataclass(frozen=True)
class DetectorRecipe:
    """What is trained, from what, on what, and for how long."""

    name: str
    architecture: str = "mamba-r50"
    numbers: Mapping[str, Any] = field(default_factory=dict)  # of the architecture, changed
    classes: tuple[str, ...] = ()  # names; those of the first data set when left out
    init: str = ""  # a detector's file to begin with; what it lacks (a memory) begins anew
    freeze: tuple[str, ...] = ()  # parts that are not trained: backbone, neck, proposer, head, enhance_pixels
    keep: int = 0  # pictures kept in memory, and where the first stage is frozen what it made of them: small sets only
    pretrained: bool = True  # whether the backbone begins with the weights of ImageNet, where they can be had
    seed: int = 0
    flip: float = 0.5  # share of the samples that are mirrored
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    workers: int = 0  # processes that read pictures
    data: tuple[Data, ...] = (Data(),)
    optimiser: Optimiser = field(default_factory=Optimiser)
    stages: tuple[Stage, ...] = (Stage(1, epochs=3),)

    def __post_init__(self) -> None:
        if self.precision not in ("float32", "bfloat16", "float16"):
            raise UsageError(f"precision = {self.precision!r} is not known. It is float32, bfloat16 or float16.")
        if self.keep and self.workers:
            raise UsageError(
                f"{self.name}: what is kept in memory is not shared with workers; set keep or workers to 0."
            )
        for number, each in enumerate(self.stages):
            if each.batch < 1 or (each.epochs > 0) == (each.steps > 0):
                raise UsageError(f"{self.name}, stage {number}: give a batch of 1 or more, and either epochs or steps.")

    @property
    def first_stage_is_frozen(self) -> bool:
        """Whether what is made of a picture before the second stage is always the same."""
        return {"backbone", "neck", "proposer"} <= set(self.freeze) and not self.numbers.get("pixel_level")

    def built(self, classes: tuple[str, ...]) -> Architecture:
        """The architecture, knowing these classes where the recipe names none."""
        return architecture(self.architecture, {**self.numbers, "classes": self.classes or classes})


def build(card: Mapping[str, Any], where: str) -> DetectorRecipe:
    """A recipe from a card with kind = "detector". Raises UsageError for an entry it does not know."""
    values = {name: each for name, each in card.items() if name != "kind"}
    listed = values.get("data", [{}])
    values["data"] = tuple(_made(Data, each, f"{where} [[data]]") for each in listed)
    values["optimiser"] = _made(Optimiser, values.get("optimiser", {}), f"{where} [optimiser]")
    if "stages" in values:
        values["stages"] = tuple(_made(Stage, each, f"{where} [[stages]]") for each in values["stages"])
    return _made(DetectorRecipe, values, where)


def _made(kind: Any, values: Mapping[str, Any], where: str) -> Any:
    known = [each.name for each in dataclasses.fields(kind)]
    for name in values:
        if name not in known:
            raise UsageError(f"{where} has an unknown entry {name!r}. Known: {', '.join(known)}.")
    try:
        return kind(**{name: tuple(each) if isinstance(each, list) else each for name, each in values.items()})
    except TypeError as error:
        raise UsageError(f"{where} is incomplete: {error}.") from None


def root_of(data: Data) -> Path:
    """The folder of a data set; a drawn one is made where it is missing. Raises InputError where there is none."""
    from vidmem.videos.write_vid import write_vid

    said = os.path.expanduser(os.path.expandvars(data.root))
    if said.startswith("drawn:"):
        return write_vid(Path(said.removeprefix("drawn:")))
    if not said or "$" in said:
        raise InputError(
            f"The recipe reads {data.card} from {data.root or 'nowhere'!r}, which is not set. Set the variable, or "
            "write the folder into root of the recipe's [[data]]."
        )
    return Path(said)
