"""Training: one step after another, saved so that a run that was cut off goes on as if it had not been."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from vidmem.errors import UsageError
from vidmem.models.sam2 import Sam2
from vidmem.training.ahead import ahead
from vidmem.training.batches import Batch, batch
from vidmem.training.diary import Diary, Report
from vidmem.training.initialise import initialise, load, look_where_pointed, sizes_of
from vidmem.training.legs import STATE, keep_state, open_run
from vidmem.training.library import read_library, unset
from vidmem.training.losses import overlap, total
from vidmem.training.parallel import STOP, Team, disband, gather_team
from vidmem.training.prompts import Kind
from vidmem.training.recipe import Recipe
from vidmem.training.rollout import follow, point_out, watch
from vidmem.training.schedule import average, choose, optimise, rate
from vidmem.training.sequences import Sequence

SAVE_EVERY, JUDGE_EVERY = 180.0, 600.0  # seconds of training
LOOKED_AT = 80  # frames of each held-out sequence that a judgement follows: most models lose their way late
POINTED_EVERY = 8  # frames, where boxes and clicks are judged
POINTS: tuple[Kind, ...] = ("box", "click")
# Bodies of torch's attention to learn through. cuDNN's backward pass gives NaN on Hopper where keys are 64 more than a
# multiple of 128 and a query's scores are all low (pytorch/pytorch#196678): windows of 64 tokens, grids of 24 x 24.
SOUND = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
LATER = 10**6  # sets the chances of a step's clicks apart from those of its clips


class Run:
    """The weights, their mean and the optimiser of one training run, and how far it has come."""

    def __init__(self, recipe: Recipe, fresh: bool = True, device: str | torch.device = "cpu"):
        if recipe.way != 1 and not recipe.init:
            raise UsageError(
                f"The recipe's way is {recipe.way}, a part of the way from `init`: name one, or leave it out."
            )
        self.device = torch.device(device)
        self.sizes = sizes_of(recipe.architecture)
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.side = self.sizes.image_size[0]
        self.model = Sam2(self.sizes).train()
        if fresh and recipe.init:
            load(self.model, recipe.init)
            if recipe.pointing:
                look_where_pointed(self.model)
        elif fresh:
            initialise(self.model)
        self.model.to(self.device)
        choose(self.model, recipe.optimiser.learned)
        self.learned = [each for each in self.model.parameters() if each.requires_grad]
        self.mean = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.optimiser = optimise(self.model, recipe.optimiser)
        self.step = 0
        self.seconds = 0.0

    def learn(
        self,
        library: tuple[Sequence, ...],
        progress: float,
        team: Team | None = None,
        ready: Iterator[Batch] | None = None,
    ) -> dict[str, Any]:
        """One step.

        progress: the share 0..1 of the whole run that is behind   ready: this step's batches, if they were made ahead
        """
        recipe, team, started = self.recipe, team or Team(), time.perf_counter()
        speed = rate(recipe.optimiser, self.step, progress)
        side = recipe.stage(self.step).side or self.side
        self.model.sizes = self.sizes.at((side, side))  # no weight depends on it
        for group in self.optimiser.param_groups:
            group["lr"] = speed
        for weight in self.learned:
            weight.grad = torch.zeros_like(weight)
        line: dict[str, Any] = {"step": self.step + 1, "rate": speed}
        for part in team.parts(recipe):
            given = next(ready) if ready is not None else batch(recipe, library, self.side, self.step, part)
            line |= self._part(given.to(self.device), part)
        team.gather([weight.grad for weight in self.learned], recipe.parts)
        norm = torch.nn.utils.clip_grad_norm_(self.learned, recipe.optimiser.clip)
        if norm.isfinite():  # one wild clip must not end a run
            self.optimiser.step()
        average(self.mean.parameters(), self.model.parameters(), self.step, recipe.optimiser.average)
        self.step += 1
        return line | {"norm": float(norm), "seconds": time.perf_counter() - started}

    def _part(self, given: Batch, part: int) -> dict[str, Any]:
        """Add the gradients of one part of this step; -> what is worth noting of it."""
        recipe = self.recipe
        with sdpa_kernel(SOUND), torch.autocast(self.device.type, torch.bfloat16, enabled=recipe.mixed):
            seen = follow(
                self.model,
                given.images,
                given.masks,
                given.clip_of,
                given.asked,
                others=given.others,
                gap=given.gap,
                blind=given.blind,
                told=given.told,
                corrections=given.corrections,
                chance=np.random.default_rng((recipe.seed, self.step, part, LATER)),
            )
        loss, parts = total(seen, given.masks, recipe.weights_at(self.step))
        loss.backward()
        clips, length = given.images.shape[:2]
        return {"kind": given.asked.kind, "clips": clips, "length": length, **parts}

    def result(self) -> dict[str, Tensor]:
        """What is written in the end: the running mean, or what lies `way` towards it from the weights begun with."""
        learned = {name: each.cpu() for name, each in self.mean.state_dict().items()}
        if self.recipe.way == 1:
            return learned
        begun = Sam2(self.sizes)
        load(begun, self.recipe.init)
        return {name: torch.lerp(each, learned[name], self.recipe.way) for name, each in begun.state_dict().items()}

    def save(self, place: Path) -> None:
        """Everything that is needed to go on. A crash while writing leaves the earlier file."""
        state = {
            "model": self.model.state_dict(),
            "mean": self.mean.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        keep_state(place, state)

    def restore(self, place: Path) -> None:
        """Go on from what `save` wrote."""
        state = torch.load(place, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.mean.load_state_dict(state["mean"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds = state["step"], state["seconds"]


def train(
    recipe: Recipe,
    out: Path,
    resume: bool = True,
    minutes: float | None = None,
    report: Report | None = None,
    workers: int = 1,
    device: str = "cpu",
    loaders: int = 0,
) -> Path:
    """Train by a recipe; -> out/mean.pt, the averaged weights under their published names (see `Run.result`).

    minutes: stop after so long, to be resumed later   workers: processes that share the parts of each step, on a CPU
    device: where is learned   loaders: processes that draw the clips of later steps meanwhile
    Writes out/state.pt (to go on), out/metrics.jsonl (every step) and out/curve.jsonl (judgements on held-out
    sequences). Raises InputError for clips that are not there and for a folder that holds a run when it is not to be
    resumed, ModelError for weights that do not fit.
    """
    open_run(out, resume)
    team = gather_team(recipe, out, workers if device == "cpu" else 1, _work)
    _work(team, recipe, out, minutes, report, device, loaders)
    disband(team)
    return out / "mean.pt"


def _work(
    team: Team,
    recipe: Recipe,
    out: Path,
    minutes: float | None = None,
    report: Report | None = None,
    device: str = "cpu",
    loaders: int = 0,
) -> None:
    """What each process of a team does. The first alone keeps the time, writes and judges."""
    run = Run(recipe, not (out / STATE).exists(), device)
    if (out / STATE).exists():
        run.restore(out / STATE)
    library, held = read_library(recipe.data)
    for what in unset(recipe.data):
        if report:
            report(what)
    if team.rank:
        while (progress := team.agree(0.0)) != STOP:
            run.learn(library, progress, team)
        return
    diary = Diary(out, run.step, report)
    ready = ahead(recipe, library, run.side, run.step, team.parts(recipe), loaders, run.device.type == "cuda")
    began = saved = judged = run.seconds
    before = time.perf_counter()
    while True:
        behind = run.seconds / (60 * recipe.minutes) if recipe.minutes else run.step / recipe.steps
        enough = minutes is not None and run.seconds - began >= 60 * minutes
        if team.agree(STOP if behind >= 1 or enough else behind) == STOP:
            break
        line = run.learn(library, behind, team, ready)
        run.seconds, before = run.seconds + time.perf_counter() - before, time.perf_counter()
        diary.step(line | {"total": run.seconds})
        if run.seconds - saved > SAVE_EVERY:
            run.save(out / STATE)
            saved = run.seconds
        if held and run.seconds - judged > JUDGE_EVERY:
            diary.judgement({"step": run.step, "minutes": run.seconds / 60, **judgement(run.mean, held)})
            judged, before = run.seconds, time.perf_counter()
    run.save(out / STATE)
    result = run.result()
    if held:
        run.mean.load_state_dict(result)
        diary.judgement({"step": run.step, "minutes": run.seconds / 60, **judgement(run.mean, held)})
    torch.save({"model": result}, out / "mean.pt")


def judgement(model: Sam2, held: tuple[Sequence, ...]) -> dict[str, float]:
    """J of the weights on each held-out sequence from a mask in its first frame, and the mean.

    `box` and `click`: the mean IoU of what one of them is taken for, over a few single frames of each sequence.
    """
    scores = {}
    for sequence in held:
        images, masks = list(sequence.images[:LOOKED_AT]), sequence.masks[:LOOKED_AT]
        answers = torch.stack(watch(model, images, masks[0]))
        scores[sequence.name] = round(float(overlap(answers, masks[1:]).mean()), 4)
    pointed = {kind: _pointed(model, held, kind) for kind in POINTS}
    return {"J": round(sum(scores.values()) / max(1, len(scores)), 4), **pointed, **scores}


def _pointed(model: Sam2, held: tuple[Sequence, ...], kind: Kind) -> float:
    found = []
    for sequence in held:
        for number in range(0, len(sequence.images), POINTED_EVERY):
            image, mask = sequence.images[number], sequence.masks[number]
            if mask.any():
                found.append(float(overlap(point_out(model, image, mask, kind), mask)))
    return round(sum(found) / max(1, len(found)), 4)
