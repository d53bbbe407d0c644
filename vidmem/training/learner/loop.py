"""Training a coding: one step after another, saved so that a run that was cut off goes on as if it had not been."""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import Any

import torch

from vidmem.errors import ModelError, UsageError
from vidmem.models.sam2 import Sam2
from vidmem.models.sam2 import load as load_model
from vidmem.targets.codings.files import save_learner
from vidmem.targets.codings.network import Learner, Sizes
from vidmem.targets.filter import OnlineFilter
from vidmem.training.clips import draw
from vidmem.training.diary import Diary, Report
from vidmem.training.learner.episode import Steps, answers, follow_alone, look, loss_of, small
from vidmem.training.learner.recipe import LearnerRecipe
from vidmem.training.legs import STATE, keep_state, open_run
from vidmem.training.library import read_library, unset
from vidmem.training.losses import overlap
from vidmem.training.schedule import average, optimise, rate
from vidmem.training.sequences import Sequence

RESULT = "learner.safetensors"
SAVE_EVERY = 120.0  # seconds of training
LOOKED_AT = 40  # frames of each held-out sequence that a judgement follows


class Run:
    """The weights, their mean and the optimiser of one training run, and how far it has come."""

    def __init__(self, recipe: LearnerRecipe, device: str | torch.device = "cpu"):
        self.recipe, self.device = recipe, torch.device(device)
        self.model = load_model(recipe.model, device=device)
        self.side = self.model.sizes.image_size[0]
        if self.model.sizes.image_size != (self.side, self.side):
            raise UsageError(f"Clips are square, and {recipe.model} sees {self.model.sizes.image_size}.")
        torch.manual_seed(recipe.seed)
        self.learner = Learner(_sizes(recipe, self.model), self.model.backbone).to(self.device)
        self.mean = copy.deepcopy(self.learner).eval().requires_grad_(False)
        self.optimiser = optimise(self.learner, recipe.optimiser)
        self.step = 0
        self.seconds = 0.0

    def learn(self, library: tuple[Sequence, ...]) -> dict[str, Any]:
        """One step."""
        recipe, started = self.recipe, time.perf_counter()
        speed = rate(recipe.optimiser, self.step, self.step / recipe.steps)
        for group in self.optimiser.param_groups:
            group["lr"] = speed
        self.optimiser.zero_grad()
        losses, scores = [], []
        for number in range(recipe.clips):
            seed = (recipe.seed, self.step, number)
            clip = draw(library, recipe.data.mixture, recipe.frames, self.side, seed)
            loss, score = self._clip(clip.images.to(self.device), clip.masks.to(self.device))
            (loss / recipe.clips).backward()
            losses.append(float(loss.detach()))
            scores.append(score)
        norm = torch.nn.utils.clip_grad_norm_(self.learner.parameters(), recipe.optimiser.clip)
        if norm.isfinite():  # one wild clip must not end a run
            self.optimiser.step()
        average(self.mean.parameters(), self.learner.parameters(), self.step, recipe.optimiser.average)
        self.step += 1
        told = {"step": self.step, "rate": speed, "loss": sum(losses) / len(losses), "J": sum(scores) / len(scores)}
        return told | {"norm": float(norm), "seconds": time.perf_counter() - started}

    def _clip(self, images: torch.Tensor, masks: torch.Tensor) -> tuple[torch.Tensor, float]:
        """The loss of a clip and the J of its answers.     images (T, 3, S, S) uint8   masks (O, T, S, S) bool"""
        steps = Steps(self.recipe.start_steps, self.recipe.update_steps)
        seen = [self.learner.prepare(each) for each in look(self.model, images)]
        total, scores = torch.zeros((), device=self.device), []
        for truth in masks:
            logits = answers(self.learner, seen, small(truth[:1])[0], steps)
            total = total + loss_of(logits, truth[1:]) / len(masks)
            scores.append(overlap(logits.detach() > 0, small(truth[1:]) >= 0.5).mean())
        return total, float(torch.stack(scores).mean())

    def save(self, place: Path) -> None:
        """Everything that is needed to go on. A crash while writing leaves the earlier file."""
        state = {
            "learner": self.learner.state_dict(),
            "mean": self.mean.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "backbone": self.learner.backbone,
            "step": self.step,
            "seconds": self.seconds,
        }
        keep_state(place, state)

    def restore(self, place: Path) -> None:
        """Go on from what `save` wrote. Raises ModelError where the model's weights are no longer those."""
        state = torch.load(place, weights_only=True, map_location=self.device)
        if state["backbone"] != self.learner.backbone:
            raise ModelError(
                f"{place} was begun on other weights of {self.recipe.model} than are there now. "
                "Begin anew with another --out, or put those weights back."
            )
        self.learner.load_state_dict(state["learner"])
        self.mean.load_state_dict(state["mean"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds = state["step"], state["seconds"]


def train(
    recipe: LearnerRecipe,
    out: Path,
    resume: bool = True,
    minutes: float | None = None,
    report: Report | None = None,
    device: str | torch.device = "cpu",
) -> Path:
    """Train by a recipe; -> out/learner.safetensors, the averaged weights.

    minutes: stop after so long, to be resumed later.
    Writes out/state.pt (to go on), out/metrics.jsonl (every step) and out/curve.jsonl (judgements on held-out
    sequences). Raises InputError for clips that are not there and for a folder that holds a run when it is not to be
    resumed, ModelError for weights that do not fit.
    """
    open_run(out, resume)
    run = Run(recipe, device)
    if (out / STATE).exists():
        run.restore(out / STATE)
    library, held = read_library(recipe.data)
    for what in unset(recipe.data):
        if report:
            report(what)
    diary = Diary(out, run.step, report)
    began = saved = run.seconds
    before = time.perf_counter()
    while run.step < recipe.steps and not (minutes is not None and run.seconds - began >= 60 * minutes):
        line = run.learn(library)
        run.seconds, before = run.seconds + time.perf_counter() - before, time.perf_counter()
        diary.step(line)
        if run.seconds - saved > SAVE_EVERY:
            run.save(out / STATE)
            saved = run.seconds
        if held and (run.step % recipe.judge_every == 0 or run.step == recipe.steps):
            diary.judgement({"step": run.step, "minutes": run.seconds / 60, **judgement(run.mean, run.model, held)})
            before = time.perf_counter()
    run.save(out / STATE)
    notes = {"recipe": recipe.name, "model": recipe.model, "steps": run.step, "seconds": round(run.seconds)}
    save_learner(run.mean, out / RESULT, notes)
    return out / RESULT


def judgement(learner: Learner, model: Sam2, held: tuple[Sequence, ...]) -> dict[str, float]:
    """J on each held-out sequence from a mask in its first frame, answered by the target model alone; and the mean."""
    scores = {}
    for sequence in held:
        images, masks = list(sequence.images[:LOOKED_AT].to(model.device)), sequence.masks[:LOOKED_AT].to(model.device)
        said = torch.stack(follow_alone(OnlineFilter(coding=learner), model, images, masks[0]))
        scores[sequence.name] = round(float(overlap(said, masks[1:]).mean()), 4)
    return {"J": round(sum(scores.values()) / max(1, len(scores)), 4), **scores}


def _sizes(recipe: LearnerRecipe, model: Sam2) -> Sizes:
    width = model.sizes.d_model
    levels = width // 8, width // 4, width
    return Sizes(levels, recipe.width, recipe.labels, recipe.masks, recipe.decoder)  # type: ignore[arg-type]
