"""The clip a first visitor meets, with clicks on it, so that the first press of Track shows something."""

from __future__ import annotations

import torch

from vidmem.frames import Source, watch
from vidmem.results import annotate
from vidmem.ui.desk import Desk
from vidmem.ui.history import History
from vidmem.ui.work import relooked, said
from vidmem.values import Prompt

SAMPLE = "demo:koi"
CLICKS = ((118.0, 120.0), (112.0, 160.0), (105.0, 200.0))  # on the koi in frame 0


def sample() -> tuple[Source, str]:
    return watch(SAMPLE, ahead=0), "Koi pond (sample)"


def set_click(desk: Desk) -> None:
    """Marks the koi, as a visitor would."""
    prompt = Prompt(1, points=torch.tensor(CLICKS), labels=torch.ones(len(CLICKS), dtype=torch.long))
    with desk.turns.taken():
        session, track = desk.work.session.prompt(0, prompt)
    work = said(desk.work, session, 0, desk.shelf.put(annotate(track)))
    desk.history = History(relooked(work, 1, "Koi", None, None))
    desk.changed("The koi is marked already. Press Track to follow it, or click on something else.")
