"""From a card of configs/detectors/ and weights to a detector with memory: the one place that knows both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from vidmem import cards
from vidmem.compose import pick_device
from vidmem.detecting import VideoDetector
from vidmem.detectors import checkpoints
from vidmem.detectors.detector import Detector
from vidmem.errors import ModelError, UsageError
from vidmem.feature_banks import FeatureBank, feature_banks
from vidmem.option_types import misfit

WORDS = ("title", "idea", "cost", "when", "paper", "attends", "pixels", "include_self", "bank", "pixel_bank")
SHIPPED = "nano-detector"
ASKED = ("score_above", "box_nms", "most", "proposals_test", "short_side", "long_side")
"""Numbers of the architecture that weights do not depend on, so that they can be set for a run: model.NAME."""


def load(
    card: str = "mamba",
    model: str | Detector = SHIPPED,
    *,
    settings: Mapping[str, Any] | None = None,
    device: str = "auto",
) -> VideoDetector:
    """The detector that configs/detectors/CARD.toml describes, with the weights of a name that ships, or of a file.

    settings: by dotted name, for example {"bank.keys": 1000, "model.score_above": 0.1}.
    Raises UsageError or UnknownName for names, UsageError where the weights were trained for another card, ModelError
    for weights that are missing or broken.
    """
    said = cards.read("configs/detectors", card)
    unknown = [name for name in said if name not in WORDS]
    if unknown:
        raise UsageError(f"The card {card!r} has an unknown entry {unknown[0]!r}. Known: {', '.join(WORDS)}.")
    parts: dict[str, dict[str, Any]] = {"bank": dict(said["bank"]), "pixel_bank": dict(said.get("pixel_bank", {}))}
    numbers: dict[str, Any] = {}
    for dotted, value in (settings or {}).items():
        part, _, option = dotted.partition(".")
        if part == "model" and option in ASKED:
            numbers[option] = value
        elif part in parts and option and parts[part]:
            parts[part][option] = value
        else:
            raise UsageError(
                f"--set {dotted}={value} is not understood. Write bank.OPTION=VALUE, or model.OPTION=VALUE with OPTION "
                f"one of {', '.join(ASKED)}."
            )
    weights = model if isinstance(model, Detector) else _weights(model, numbers, pick_device(device))
    of = weights.architecture
    if of.attention not in said["attends"]:
        fitting = [
            name
            for name in cards.names("configs/detectors")
            if of.attention in cards.read("configs/detectors", name)["attends"]
        ]
        raise UsageError(
            f"The weights {of.name} attend by {of.attention!r}, the card {card} needs {' or '.join(said['attends'])}. "
            f"They go with {', '.join(fitting)}."
        )
    if bool(said.get("pixels")) != of.pixel_level:
        other = "mamba-pixels" if of.pixel_level else "mamba"
        has = "have a" if of.pixel_level else "have no"
        raise UsageError(f"The weights {of.name} {has} pixel level, unlike the card {card}. Use {other}.")
    bank = _bank(parts["bank"])
    pixels = _bank(parts["pixel_bank"]) if parts["pixel_bank"] else _bank({"name": "none"})
    return VideoDetector(weights, bank, pixels, bool(said.get("include_self")))


def _weights(model: str, numbers: Mapping[str, Any], device: str) -> Detector:
    path = Path(model)
    if path.suffix != ".safetensors":
        known = sorted(each.stem for each in (cards.home() / "weights").glob("*detector*.safetensors"))
        if model not in known:
            raise ModelError(
                f"No detector is named {model!r}. Known: {', '.join(known) or 'none'}. Or give the path to a "
                ".safetensors file of vidmem train."
            )
        path = cards.beside("weights", f"{model}.safetensors")
    architecture, weights = checkpoints.read(path)
    detector = Detector(replace(architecture, **numbers))
    checkpoints.fill(detector, weights, str(path))
    return detector.to(device).eval()


def _bank(named: Mapping[str, Any]) -> FeatureBank:
    options = dict(named)
    name = options.pop("name")
    kind: Any = feature_banks[name]
    known = [each.name for each in fields(kind)]
    for each in options:
        if each not in known:
            raise UsageError(f"The feature bank {name!r} has no option {each!r}. Known: {', '.join(known) or 'none'}.")
    wrong = misfit(kind, options)
    if wrong:
        raise UsageError(f"The feature bank {name!r} cannot be made so: {wrong}")
    return kind(**options)
