"""Teaching the recall task: first the eye, on single scenes; then bridge and reader, on films of 4 to 16 scenes.

The eye is frozen behind its own lesson, as the towers of VideoLLaMB are, so scenes are drawn and looked at once, into a
pool, from which films are put together.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vidmem.recall.questions import answers
from vidmem.recall.student import GRID, Eye, Memory, Student
from vidmem.recall.world import NOBODY, OBJECTS, PLACES, Fact, draw_scene, plot


@dataclass(frozen=True)
class Plan:
    """How long and how fast is learned."""

    eye_steps: int = 1500
    steps: int = 1600
    batch: int = 48
    longest: int = 16  # scenes of a film
    rate: float = 1.5e-3
    warmup: int = 100  # steps
    clip: float = 1.0  # greatest norm of a gradient
    prefixes: int = 3  # moments of a film at which is also asked, beside its end
    pool: int = 60  # scenes drawn of each object in each place; of empty ones as many as of all objects
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Pool:
    """Scenes as the eye sees them."""

    full: Tensor  # (objects, places, n, N, C)
    empty: Tensor  # (m, N, C)

    def film(self, chance: np.random.Generator, facts: tuple[Fact, ...], scenes: int) -> Tensor:
        """(S, N, C)"""
        shown = self.empty[torch.from_numpy(chance.integers(len(self.empty), size=scenes))].clone()
        for fact in facts:
            shown[fact.scene] = self.full[fact.thing, fact.place, int(chance.integers(self.full.shape[2]))]
        return shown


def _pictures(drawn: np.ndarray) -> Tensor:
    return torch.from_numpy(drawn).permute(0, 3, 1, 2)


@torch.no_grad()
def make_pool(eye: Eye, chance: np.random.Generator, each: int) -> Pool:
    """Draws scenes and looks at them."""

    def look(thing: int, place: int) -> Tensor:
        return eye(_pictures(draw_scene(chance, thing, place))).flatten(0, 1)

    full = [torch.stack([look(t, p) for _ in range(each)]) for t in range(len(OBJECTS)) for p in range(len(PLACES))]
    empty = torch.stack([look(NOBODY, NOBODY) for _ in range(each * len(full))])
    return Pool(torch.stack(full).unflatten(0, (len(OBJECTS), len(PLACES))), empty)


def teach_eye(eye: Eye, plan: Plan, report: Callable[[str], None]) -> None:
    """Which object is in which cell, of single scenes, told by corner."""
    chance = np.random.default_rng((plan.seed, 1))
    optimiser = torch.optim.AdamW(eye.parameters(), 3e-3, weight_decay=0.01)
    for step in range(plan.eye_steps):
        optimiser.param_groups[0]["lr"] = 3e-3 * _decay(step / plan.eye_steps)
        pictures, labels = [], []
        for _ in range(64):
            thing = int(chance.integers(-1, len(OBJECTS)))
            place = int(chance.integers(len(PLACES)))
            pictures.append(draw_scene(chance, thing, place, frames=1))
            labels.append((thing, place))
        shown = eye.shown(eye(_pictures(np.concatenate(pictures))))  # (64, 16, objects + 1)
        # The object's corner is 2 x 2 cells; what the four say together must name it, the other twelve say nothing.
        corners = shown.unflatten(1, (2, GRID // 2, 2, GRID // 2)).permute(0, 1, 3, 2, 4, 5).flatten(3, 4).flatten(1, 2)
        said = corners.logsumexp(2)  # (64, places, objects + 1)
        truth = torch.full((64, len(PLACES)), len(OBJECTS))
        for row, (thing, place) in enumerate(labels):
            if thing != NOBODY:
                truth[row, place] = thing
        loss = F.cross_entropy(said.flatten(0, 1), truth.flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 100 == 0 or step == plan.eye_steps - 1:
            right = (said.argmax(-1) == truth)[truth < len(OBJECTS)].float().mean()
            report(f"eye step {step + 1}  loss {loss.item():.4f}  objects right {float(right):.3f}")
    eye.requires_grad_(False).eval()


def lesson(student: Student, pool: Pool, plan: Plan, step: int) -> Tensor:
    """The loss of one step: films of one length, which grows over the first half of the course."""
    chance = np.random.default_rng((plan.seed, 2, step))
    reach = 4 + (plan.longest - 4) * min(1.0, step / (0.5 * plan.steps))
    scenes = int(chance.integers(4, int(reach) + 1))
    plots = [plot(chance, scenes) for _ in range(plan.batch)]
    seen = student.watch(torch.stack([pool.film(chance, facts, scenes) for facts in plots]))
    moments = {scenes - 1, *chance.integers(scenes, size=plan.prefixes).tolist()}
    losses = []
    for moment in moments:
        truth = torch.from_numpy(np.stack([answers(facts, moment + 1) for facts in plots]))
        losses.append(F.cross_entropy(student.answer(seen[moment].retrieved).flatten(0, 1), truth.flatten()))
    return torch.stack(losses).mean()


def teach(
    memory: Memory,
    place: Path,
    plan: Plan = Plan(),
    report: Callable[[str], None] = print,
    begin: Student | None = None,
) -> Student:
    """The whole course, saved in `place` every minute and gone on with from there; -> the student.

    begin: a student whose weights this one begins with, its eye among them, so that both see alike
    """
    torch.manual_seed(plan.seed)
    student = Student(memory)
    state = torch.load(place, weights_only=True) if place.exists() else None
    if state is not None:
        student.load_state_dict(state["student"])
        student.eye.requires_grad_(False).eval()
    elif begin is not None:
        student.load_state_dict(begin.state_dict())
        student.eye.requires_grad_(False).eval()
    else:
        teach_eye(student.eye, plan, report)
    pool = make_pool(student.eye, np.random.default_rng((plan.seed, 3)), plan.pool)
    learns = [weight for weight in student.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(learns, plan.rate, weight_decay=0.01)
    if state is not None:
        optimiser.load_state_dict(state["optimiser"])
    first = 0 if state is None else state["step"]
    saved, total, started = time.monotonic(), 0.0, time.process_time()
    for step in range(first, plan.steps):
        speed = plan.rate * min(1.0, (step + 1) / plan.warmup) * _decay(step / plan.steps)
        for group in optimiser.param_groups:
            group["lr"] = speed
        loss = lesson(student, pool, plan, step)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learns, plan.clip)
        optimiser.step()
        total = 0.95 * total + 0.05 * loss.item()
        if (step + 1) % 50 == 0:
            spent = time.process_time() - started
            report(
                f"{memory} step {step + 1}  loss {total / (1 - 0.95 ** (step + 1 - first)):.4f}  {spent:.0f} s of CPU"
            )
        if time.monotonic() - saved > 60 or step + 1 == plan.steps:
            _save(place, {"student": student.state_dict(), "optimiser": optimiser.state_dict(), "step": step + 1})
            saved = time.monotonic()
    return student.eval()


def _decay(progress: float) -> float:
    """From 1 to 0 along half a cosine."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def _save(place: Path, state: dict) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, place)
