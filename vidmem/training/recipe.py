"""A recipe: everything that decides what a training run does, read from a card in configs/."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from vidmem.errors import UnknownName, UsageError
from vidmem.training.clips import Mixture
from vidmem.training.losses import Weights

T = TypeVar("T")


@dataclass(frozen=True)
class Data:
    """Where clips come from."""

    clips: str | tuple[str, ...] = ""  # a folder of NAME/frames/*.jpg and NAME/masks/*.png, or several; may begin with
    # $VARIABLE; "" for none, and none either where that variable is not set: then all video is procedural
    stills: str | tuple[str, ...] = ""  # likewise folders of still pictures (see stills.read_stills)
    hold_out: tuple[str, ...] = ()  # sequences that are only looked at to judge the weights
    mixture: Mixture = field(default_factory=Mixture)


@dataclass(frozen=True)
class Optimiser:
    """AdamW under a warmed-up cosine."""

    rate: float = 5e-4
    last: float = 0.02  # of `rate`, where the cosine ends
    warm_up: int = 60  # steps
    decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.98)
    clip: float = 1.0  # the greatest norm of the gradients
    average: float = 0.998  # of the running mean of the weights, which is what is shipped
    learned: tuple[str, ...] = ()  # the parts of the model that learn, such as "sam_mask_decoder"; () for all of them


@dataclass(frozen=True)
class Stage:
    """Some steps of one kind."""

    steps: int
    frames: int = 6
    clips: int = 3  # a step
    blind: int = 0  # frames behind the prompt followed without gradients
    longer: int = 0  # up to so many frames more are followed so, drawn for every step: a clip is longer by them
    pictures: float = 0.2  # share of steps spent on boxes and clicks in single pictures
    single: int = 0  # pictures in such a step; 0: as many as cost about what a clip does
    prompts: float = 0.1  # share of the other steps that begin with a box or a click
    boxes: float = 0.5  # share of boxes among these; at 0 or 1 the other kind is not asked of single pictures either
    told: bool = False  # memory is told whether the object is there, not asked to believe itself
    balanced: float = 0.0  # see losses.Weights
    opening: float = 0.0  # see losses.Weights
    gap: float = 0.4  # share of steps whose prompt lies up to 150 frames back
    side: int = 0  # of the square pictures; 0: the one that is the architecture's own


@dataclass(frozen=True)
class Recipe:
    """What is trained, from what, on what, and for how long."""

    name: str
    architecture: str = "nano"  # or weights that have the sizes wanted: an earlier nano, a checkpoint
    init: str = ""  # a model's name or a checkpoint to begin with; "" begins from nothing
    way: float = 1.0  # what is written lies so far on the way from `init` to what was learned: 0.5 is their mean, which
    # may have the good of both (Wortsman et al. 2022, "Model soups")
    pointing: bool = False  # begin anew with how the decoder reads clicks and boxes, though `init` has it learned
    seed: int = 0
    mixed: bool = False  # bfloat16 where that is safe: for GPUs; on CPUs its backward pass is slower than float32's
    parts: int = 1  # batches a step takes the mean gradient of; so many processes can share the work
    minutes: float = 0.0  # of training in all, in which the rate falls to its end; 0: the steps of the stages count
    data: Data = field(default_factory=Data)
    optimiser: Optimiser = field(default_factory=Optimiser)
    weights: Weights = field(default_factory=Weights)
    stages: tuple[Stage, ...] = (Stage(100),)

    @property
    def steps(self) -> int:
        return sum(stage.steps for stage in self.stages)

    def stage(self, step: int) -> Stage:
        """The stage that step number `step` belongs to."""
        for stage in self.stages:
            if step < stage.steps:
                return stage
            step -= stage.steps
        return self.stages[-1]

    def weights_at(self, step: int) -> Weights:
        """What counts how much in step number `step`."""
        stage = self.stage(step)
        return dataclasses.replace(self.weights, balanced=stage.balanced, opening=stage.opening)


def read(place: Path) -> Recipe:
    """The recipe in a file."""
    return build(Recipe, table(place), str(place))


def table(place: Path) -> dict[str, Any]:
    """What a recipe's file says, of whatever kind it is."""
    try:
        card = tomllib.loads(place.read_text())
    except FileNotFoundError:
        raise UnknownName(f"There is no recipe {place}. Give the name of a card in configs/ or a path.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The recipe {place} is not valid TOML: {error}.") from None
    card.setdefault("name", place.stem)
    return card


def build(kind: type[T], values: dict[str, Any], where: str) -> T:
    """A dataclass from a table of the same shape. Raises UsageError for a name it does not know."""
    known = {each.name: each for each in dataclasses.fields(kind)}  # type: ignore[arg-type]
    made: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise UsageError(f"{where} has an unknown entry {name!r}. Known: {', '.join(known)}.")
        part = _PARTS.get(name)
        if name == "stages":
            made[name] = tuple(build(Stage, each, f"{where} [[stages]]") for each in value)
        elif part is not None:
            made[name] = build(part, value, f"{where} [{name}]")
        else:
            made[name] = tuple(value) if isinstance(value, list) else value
    try:
        return kind(**made)
    except TypeError as error:
        raise UsageError(f"{where} is incomplete: {error}.") from None


_PARTS: dict[str, type] = {"data": Data, "mixture": Mixture, "optimiser": Optimiser, "weights": Weights}
