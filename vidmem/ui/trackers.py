"""Trackers for everybody on the page. Models hold no state, so one of each kind serves all people at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from vidmem import cards, compose
from vidmem.errors import UsageError
from vidmem.models import Model, manifest, models
from vidmem.tracker import Tracker

HELD = 3  # models at once


class Trackers:
    """Loads what is asked for and keeps the models used last."""

    def __init__(self, device: str = "auto", extra_models: tuple[str, ...] = ()) -> None:
        """extra_models: models a person may choose beside the checkpoints that are on this machine."""
        self.device, self.extra = device, extra_models
        self._models: OrderedDict[tuple[str, str], Model] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def models(self) -> list[str]:
        """Those that may be chosen: what lies on this machine. Nothing is downloaded for a visitor."""
        here = [each.name for each in manifest.every() if each.present and not each.of]
        return list(dict.fromkeys([*self.extra, *here]))

    @property
    def cards(self) -> dict[str, dict[str, str]]:
        """Every tracker card: its title, idea, cost and when to use it."""
        told = {name: cards.read("trackers", name) for name in cards.names("trackers")}
        return {name: {word: card.get(word, "") for word in compose.WORDS} for name, card in told.items()}

    def get(self, tracker: str, model: str, settings: Mapping[str, Any] | None = None) -> Tracker:
        """Raises UsageError for a name or a setting that is not known, or may not be chosen here."""
        if tracker not in cards.names("trackers"):
            raise UsageError(f"There is no tracker {tracker[:40]!r}. Known: {', '.join(cards.names('trackers'))}.")
        if model not in self.models:
            raise UsageError(f"The model {model[:40]!r} is not on this machine. Here: {', '.join(self.models)}.")
        return compose.load(tracker, self._model(tracker, model), settings=settings)

    def _model(self, tracker: str, model: str) -> Model:
        switches = {} if model in models and model != "sam2" else compose.read(tracker).get("model", {})
        key = model, repr(sorted(switches.items()))
        with self._lock:
            if key not in self._models:
                self._models[key] = compose.load_model(model, device=self.device, **switches)
                while len(self._models) > HELD:
                    self._models.popitem(last=False)
            self._models.move_to_end(key)
            return self._models[key]
