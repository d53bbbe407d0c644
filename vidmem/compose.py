"""From a card to a tracker: the one place that knows every table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from vidmem import cards
from vidmem.banks import Bank, banks
from vidmem.catalog import Catalog
from vidmem.choices import choices
from vidmem.errors import UsageError
from vidmem.models import Model, manifest, models
from vidmem.option_types import misfit
from vidmem.searches import searches
from vidmem.targets import Target, Usage, targets
from vidmem.targets.codings import codings
from vidmem.targets.regularisers import regularisers
from vidmem.targets.samples import samples
from vidmem.tracker import Tracker
from vidmem.transforms import transforms

PARTS = {"bank": (banks, "window"), "choice": (choices, "argmax"), "search": (searches, "single")}
LEARNING = {  # the parts of a target model
    "samples": (samples, "lwl"),
    "regulariser": (regularisers, "none"),
    "coding": (codings, "cells"),
}
LOOP = ("present_above", "condition_prompts", "emit", "lag")
WORDS = ("title", "idea", "cost", "when", "paper")


def load(
    tracker: str = "sam2",
    model: str | Model = "nano",
    *,
    settings: Mapping[str, Any] | None = None,
    **model_options: Any,
) -> Tracker:
    """The tracker that trackers/TRACKER.toml describes, around a model.

    model: a name (`vidmem models list`), a path to a checkpoint, or a model made before. model_options: device, dtype,
    image_size and so on, as the model's own `load` has them. settings: card entries by dotted name that replace the
    card's, for example {"bank.frames": 4}. Raises UsageError for a name or an option that is not known.
    """
    card = read(tracker)
    if isinstance(model, str) and model in models and model != "sam2":
        card.pop("model", None)  # the switches a card sets are SAM 2's
    card = _with_settings(card, settings or {})
    made = {part: _make(part, card) for part in PARTS}
    made["transforms"] = tuple(_made("transform", transforms, each) for each in card["transforms"])
    made["target"] = _target(card)
    loop = card.get("loop", {})
    _refuse_misfit("loop", Tracker, loop)
    card_options = card.get("model", {})
    seer = model if not isinstance(model, str) else load_model(model, **{**card_options, **model_options})
    return Tracker(seer, **made, **loop)


def bank_of(tracker: str, settings: Mapping[str, Any] | None = None) -> Bank:
    """The memory bank of a card, without a model."""
    return _make("bank", _with_settings(read(tracker), settings or {}))


def backbone_of(tracker: str, settings: Mapping[str, Any] | None = None) -> str:
    """The image encoder that a card's trained parts belong to; "" where it goes with any model."""
    target = _target(_with_settings(read(tracker), settings or {}))
    return "" if target is None else target.backbone


def load_model(name: str, **options: Any) -> Model:
    """The model of a name: an entry of the table of models, a named checkpoint of SAM 2, or a path to one.

    device "auto" is the GPU if there is one.
    """
    options["device"] = pick_device(options.get("device", "auto"))
    if name in models and name != "sam2":
        return models[name](
            **{key: value for key, value in options.items() if key not in ("device", "dtype", "precision")}
        )
    if not name.endswith((".pt", ".pth", ".safetensors")) and not Path(name).exists():
        manifest.named(name)  # an unknown name is told with those that are like it
    return models["sam2"](name, **options)


def pick_device(name: str) -> str:
    """The device a name means; "auto" is CUDA, then MPS, then the CPU."""
    if name != "auto":
        return name
    import torch

    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


def read(tracker: str) -> dict[str, Any]:
    """A tracker's card, checked: {"bank": {"name": …, options}, "choice": …, "search": …, "loop": …, "model": …}."""
    card = cards.read("trackers", tracker)
    where = f"The card {tracker!r}"
    _refuse_unknown(where, card, [*PARTS, "target", *LEARNING, "transforms", "loop", "model", *WORDS])
    for part in (*PARTS, "target", *LEARNING):
        if isinstance(card.get(part), str):
            card[part] = {"name": card[part]}
    for part in (*PARTS, "target", *LEARNING, "loop", "model"):
        if not isinstance(card.get(part, {}), dict):
            raise UsageError(
                f"{where} has {part} = {card[part]!r}. Write a table, [{part}], with its options"
                + ("; the model itself is named by --model." if part == "model" else ".")
            )
    card["transforms"] = _transforms(where, card.get("transforms", []))
    _refuse_unknown(f"{where}, [loop]", card.get("loop", {}), LOOP)
    return card


def _transforms(where: str, given: Any) -> list[dict[str, Any]]:
    """The transforms of a card as a list of tables with a name."""
    listed = [
        {"name": each} if isinstance(each, str) else each for each in (given if isinstance(given, list) else [given])
    ]
    for each in listed:
        if not isinstance(each, dict) or "name" not in each:
            raise UsageError(f"{where} has a transform without a name: {each}. Known: {', '.join(transforms)}.")
    return listed


def _target(card: Mapping[str, Any]) -> Target | None:
    """The target model of a card with its sample memory and its regulariser; None where the card has none."""
    if "target" not in card:
        for part in LEARNING:
            if part in card:
                raise UsageError(
                    f"{part!r} is a part of a target model, and the tracker has none. "
                    "Add one, for example with --set target.name=filter, or start from the card continual."
                )
        return None
    options = {"name": "filter", **card["target"]}
    used = {each.name: options.pop(each.name) for each in fields(Usage) if each.name in options}
    _refuse_misfit("target", Usage, used)
    try:
        usage = Usage(**used)
    except ValueError as problem:
        raise UsageError(f"The target cannot be made with {used}: {problem}") from problem
    parts = {part: _make(part, card) for part in LEARNING}
    return _made("target", targets, {**options, **parts, "usage": usage})


def _make(part: str, card: Mapping[str, Any]) -> Any:
    table, usual = {**PARTS, **LEARNING}[part]
    return _made(part, table, {"name": usual, **card.get(part, {})})


def _made(part: str, table: Catalog[Any], named: Mapping[str, Any]) -> Any:
    """The thing of a table that `name` names, with the other entries as its options."""
    options = dict(named)
    name = options.pop("name")
    kind = table[name]
    if isinstance(kind, type) and is_dataclass(kind):
        _refuse_unknown(f"The {part} {name!r}", options, [each.name for each in fields(kind)])
        _refuse_misfit(part, kind, options)
    try:
        return kind(**options)
    except (TypeError, ValueError) as problem:
        raise UsageError(f"The {part} cannot be made with {options}: {problem}") from problem


def _with_settings(card: dict[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {key: dict(value) if isinstance(value, dict) else value for key, value in card.items()}
    for dotted, value in settings.items():
        part, _, option = dotted.partition(".")
        if part == "transforms" and "." in option:
            name, _, option = option.partition(".")
            changed[part] = _with_transform(changed[part], name, option, value)
            continue
        if part not in (known := (*PARTS, "target", *LEARNING, "loop", "model")) or not option:
            raise UsageError(
                f"--set {dotted}={value} is not understood. Write PART.OPTION=VALUE with PART one of "
                f"{', '.join(known)}, for example --set bank.max_prompts=8, "
                "or transforms.NAME.OPTION=VALUE, for example --set transforms.bits.bits=8."
            )
        changed.setdefault(part, {})[option] = value
    _refuse_unknown("--set loop", changed.get("loop", {}), LOOP)
    return changed


def _with_transform(listed: list[dict[str, Any]], name: str, option: str, value: Any) -> list[dict[str, Any]]:
    """The list with an option of one transform changed; a transform it has not is added behind the others."""
    known = listed if any(each["name"] == name for each in listed) else [*listed, {"name": name}]
    return [{**each, option: value} if each["name"] == name else each for each in known]


def _refuse_misfit(part: str, kind: type, options: Mapping[str, Any]) -> None:
    wrong = misfit(kind, options)
    if wrong:
        raise UsageError(f"The {part} cannot be made so: {part}.{wrong}")


def _refuse_unknown(where: str, given: Mapping[str, Any], known: list[str] | tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"{where} has no option {name!r}.{hint} Known: {', '.join(known) or 'none'}.")
