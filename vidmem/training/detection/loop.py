"""Training a detector: one step after another, saved so that a run that was cut off goes on to the same curve.

Alone, or under torchrun (`torchrun --nproc-per-node 4 -m vidmem train mamba-r101 …`), where each process takes its
share of every batch and gradients are averaged.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.distributed as group
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as Steps

from vidmem.detectors import checkpoints
from vidmem.detectors.detector import Detector, Looked
from vidmem.errors import ModelError, UsageError
from vidmem.training.detection.recipe import DetectorRecipe, Optimiser
from vidmem.training.detection.samples import Batch, Name, Samples
from vidmem.training.diary import Diary, Report
from vidmem.training.legs import STATE, keep_state, open_run
from vidmem.training.parallel import STOP, Team

RESULT = "detector.safetensors"
SAVE_EVERY = 120.0  # seconds of training
PARTS = ("backbone", "neck", "proposer", "head", "enhance_pixels")


class Run:
    """The weights and the optimiser of one training run, and how far it has come."""

    def __init__(self, recipe: DetectorRecipe, samples: Samples, device: str, looked: dict[Name, Looked] | None = None):
        torch.manual_seed(recipe.seed)
        self.recipe, self.device = recipe, torch.device(device)
        self.detector = Detector(samples.architecture, recipe.pretrained).to(self.device)
        self.begins = self.detector.begins
        if recipe.init:
            self.begins = self._begin(Path(os.path.expandvars(recipe.init)))
        for name in recipe.freeze:
            part = getattr(self.detector, name, None) if name in PARTS else None
            if not isinstance(part, nn.Module):
                raise UsageError(f"{recipe.name} freezes {name!r}, which is no part of it. Parts: {', '.join(PARTS)}.")
            part.requires_grad_(False)
        self.optimiser = _optimiser(recipe.optimiser, self.detector)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=recipe.precision == "float16")
        self.step, self.seconds = 0, 0.0
        self._looked: dict[Name, Looked] = {} if looked is None else looked

    def _begin(self, path: Path) -> str:
        found, weights = checkpoints.read(path)
        checkpoints.check(found, self.detector.architecture, str(path))
        lacking = checkpoints.fill(self.detector, weights, str(path), strict=False)
        wrong = [name for name in lacking if "enhance" not in name]
        if wrong:
            raise ModelError(f"{path} lacks {wrong[0]}: it is of another architecture than {self.recipe.architecture}.")
        return f"the weights of {path}" + (f", without {len(lacking)} of its memory" if lacking else "")

    def learn(self, batch: Batch, steps: int, team: Team) -> dict[str, Any]:
        """One step of `steps` in all."""
        started, recipe = time.perf_counter(), self.recipe
        # A step's chances are its own, so that a resumed run draws what the run would have drawn.
        torch.manual_seed((recipe.seed * 1_000_003 + self.step) * 64 + team.rank)
        self.detector.train()
        for name in recipe.freeze:
            getattr(self.detector, name).eval()
        speed = rate(recipe.optimiser, self.step, steps)
        for each in self.optimiser.param_groups:
            each["lr"] = speed
        self.optimiser.zero_grad(set_to_none=False)
        targets = [{name: each.to(self.device) for name, each in one.items()} for one in batch.targets]
        parts: dict[str, float] = {}
        if batch.images:
            cast = recipe.precision != "float32"
            kind = getattr(torch, recipe.precision)
            with torch.autocast(self.device.type, kind) if cast else contextlib.nullcontext():
                losses = self._losses(batch, targets)
                loss = torch.stack(list(losses.values())).sum()
            self.scaler.scale(loss).backward()
            parts = {name: float(each.detach()) for name, each in losses.items()}
        self.scaler.unscale_(self.optimiser)
        learned = [each for each in self.detector.parameters() if each.requires_grad]
        for each in learned:
            if each.grad is None:
                each.grad = torch.zeros_like(each)
        team.gather([each.grad for each in learned], team.size)
        norm = torch.nn.utils.clip_grad_norm_(learned, recipe.optimiser.clip)
        if self.scaler.is_enabled():
            self.scaler.step(self.optimiser)
            self.scaler.update()
        elif norm.isfinite():  # one wild batch must not end a run
            self.optimiser.step()
        self.step += 1
        told = {"step": self.step, "rate": speed, "loss": sum(parts.values()), **parts, "norm": float(norm)}
        return {**told, "seconds": time.perf_counter() - started}

    def _losses(self, batch: Batch, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        if not (self.recipe.keep and self.recipe.first_stage_is_frozen):
            return self.detector.loss(batch.images, targets, batch.references)
        keys, references = [], []
        for names, image, others in zip(batch.names, batch.images, batch.references, strict=True):
            first, *rest = (self._look(*each) for each in zip(names, [image, *others], strict=True))
            keys.append(first)
            references.append(rest)
        for key, target in zip(keys, targets, strict=True):
            (height, width), (tall, wide) = key.given, key.size
            target["boxes"] = target["boxes"] * target["boxes"].new_tensor([wide / width, tall / height] * 2)
        return self.detector.head_loss(keys, targets, references)

    @torch.no_grad()
    def _look(self, name: Name, image: Tensor) -> Looked:
        """What the frozen first stage makes of a picture, made once."""
        if name not in self._looked:
            if len(self._looked) >= 2 * self.recipe.keep:
                self._looked.pop(next(iter(self._looked)))
            (self._looked[name],) = self.detector.look([image])
        return self._looked[name]

    def save(self, place: Path) -> None:
        """Everything that is needed to go on. A crash while writing leaves the earlier file."""
        state = {
            "detector": self.detector.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        keep_state(place, state)

    def restore(self, place: Path) -> None:
        """Go on from what `save` wrote."""
        state = torch.load(place, weights_only=True, map_location=self.device)
        try:
            self.detector.load_state_dict(state["detector"])
        except RuntimeError as problem:
            raise ModelError(
                f"{place} is of another detector than the recipe's ({str(problem).splitlines()[-1].strip()}). "
                "Resume with the recipe it was begun with."
            ) from problem
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        self.step, self.seconds = state["step"], state["seconds"]


def train(
    recipe: DetectorRecipe,
    out: Path,
    resume: bool = True,
    minutes: float | None = None,
    report: Report | None = None,
    device: str = "auto",
    looked: dict[Name, Looked] | None = None,
) -> Path:
    """Train by a recipe; -> out/detector.safetensors.

    minutes: stop after so long, to be resumed later. looked: what a frozen first stage made of pictures before, to be
    shared by runs over the same base.
    Writes out/state.pt (to go on), out/metrics.jsonl (every step) and, where tensorboard is installed, out/tensorboard.
    Raises InputError for data that are missing or broken and for a folder that holds a run when it is not to be
    resumed, ModelError for weights that do not fit.
    """
    open_run(out, resume)
    with _team(device) as (team, place):
        samples = Samples(recipe)
        run = Run(recipe, samples, place, looked)
        if (out / STATE).exists():
            run.restore(out / STATE)
        say = report if report and not team.rank else None
        if say:
            say(f"{recipe.name}: {len(samples.places)} key frames, {samples.steps} steps, begins with {run.begins}")
        _work(run, samples, team, out, minutes, say)
        if not team.rank:
            run.save(out / STATE)
            notes = {"recipe": recipe.name, "steps": run.step, "seconds": round(run.seconds), "begins": run.begins}
            checkpoints.save(run.detector, out / RESULT, notes=notes)
    return out / RESULT


def _work(run: Run, samples: Samples, team: Team, out: Path, minutes: float | None, say: Report | None) -> None:
    diary = Diary(out, run.step, say) if not team.rank else None
    board = _board(out) if not team.rank else None
    began = saved = run.seconds
    before, worked = time.perf_counter(), time.process_time()
    for batch in _reading(samples, run.step, team):
        enough = minutes is not None and run.seconds - began >= 60 * minutes
        if team.agree(STOP if enough else 0.0) == STOP:
            break
        line = run.learn(batch, samples.steps, team)
        line["cpu"], worked = time.process_time() - worked, time.process_time()  # with the reading of the batch
        run.seconds, before = run.seconds + time.perf_counter() - before, time.perf_counter()
        if diary:
            diary.step(line)
        if board:
            for name, value in line.items():
                board.add_scalar(name, value, run.step)
        if not team.rank and run.seconds - saved > SAVE_EVERY:
            run.save(out / STATE)
            saved = run.seconds
    if board:
        board.close()


class _Steps(Steps):
    """The batches of a run by the number of their step, for a DataLoader."""

    def __init__(self, samples: Samples, team: Team):
        self.samples, self.share = samples, slice(team.rank, None, team.size)

    def __getitem__(self, step: int) -> Batch:
        return self.samples.batch(step, self.share)


def _reading(samples: Samples, first: int, team: Team) -> Iterator[Batch]:
    order = range(first, samples.steps)
    workers = samples.recipe.workers
    return iter(DataLoader(_Steps(samples, team), batch_size=None, sampler=order, num_workers=workers))


def _board(out: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:  # it is an extra; metrics.jsonl says the same
        return None
    return SummaryWriter(out / "tensorboard")


def rate(optimiser: Optimiser, step: int, steps: int) -> float:
    """The learning rate in step number `step` of `steps`: a warm-up, then drops to a tenth, or a cosine."""
    ramp = min(1.0, (step + 1) / max(1, optimiser.warm_up))
    warm = optimiser.warm_from + (1 - optimiser.warm_from) * ramp
    behind = step / max(1, steps)
    if optimiser.cosine:
        return optimiser.rate * warm * 0.5 * (1 + math.cos(math.pi * min(1.0, behind)))
    return optimiser.rate * warm * 0.1 ** sum(behind >= each for each in optimiser.drops)


def _optimiser(settings: Optimiser, detector: Detector) -> torch.optim.Optimizer:
    learned = [each for each in detector.parameters() if each.requires_grad]
    if settings.kind == "adamw":
        return torch.optim.AdamW(learned, lr=settings.rate, weight_decay=settings.decay, foreach=True)
    return torch.optim.SGD(learned, lr=settings.rate, momentum=settings.momentum, weight_decay=settings.decay)


@contextlib.contextmanager
def _team(device: str) -> Iterator[tuple[Team, str]]:
    """This process among those that torchrun started, and its device; alone without torchrun."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    has_gpu = torch.cuda.is_available()
    if size == 1:
        yield Team(), ("cuda" if has_gpu else "cpu") if device == "auto" else device
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    on_gpu = has_gpu and device in ("auto", "cuda")
    if on_gpu:
        torch.cuda.set_device(local)
    group.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo")
    try:
        yield Team(group.get_rank(), size), f"cuda:{local}" if on_gpu else "cpu"
    finally:
        group.destroy_process_group()


def told(out: Path) -> list[dict[str, Any]]:
    """Every step of a run, as metrics.jsonl has them."""
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
