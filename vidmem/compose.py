"""From a card to a tracker: the one place that knows every table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from vidmem import cards
from vidmem.banks import banks
from vidmem.choices import choices
from vidmem.errors import UsageError
from vidmem.models import Model, manifest, models
from vidmem.searches import searches
from vidmem.tracker import Tracker

PARTS = {"bank": (banks, "window"), "choice": (choices, "argmax"), "search": (searches, "single")}
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
    card = _with_settings(read(tracker), settings or {})
    made = {part: _make(part, card) for part in PARTS}
    card_options = card.get("model", {})
    seer = model if not isinstance(model, str) else load_model(model, **{**card_options, **model_options})
    return Tracker(seer, **made, **card.get("loop", {}))


def load_model(name: str, **options: Any) -> Model:
    """The model of a name: an entry of the table of models, a named checkpoint of SAM 2, or a path to one.

    device "auto" is the GPU if there is one.
    """
    options["device"] = pick_device(options.get("device", "auto"))
    if name in models and name != "sam2":
        return models[name](**{key: value for key, value in options.items() if key not in ("device", "dtype")})
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
    _refuse_unknown(where, card, [*PARTS, "loop", "model", *WORDS])
    for part in PARTS:
        if isinstance(card.get(part), str):
            card[part] = {"name": card[part]}
    _refuse_unknown(f"{where}, [loop]", card.get("loop", {}), LOOP)
    return card


def _make(part: str, card: Mapping[str, Any]) -> Any:
    table, usual = PARTS[part]
    options = dict(card.get(part, {}))
    name = options.pop("name", usual)
    kind = table[name]
    if isinstance(kind, type) and is_dataclass(kind):
        _refuse_unknown(f"The {part} {name!r}", options, [each.name for each in fields(kind)])
    try:
        return kind(**options)
    except (TypeError, ValueError) as problem:
        raise UsageError(f"The {part} cannot be made with {options}: {problem}") from problem


def _with_settings(card: dict[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    changed = {key: dict(value) if isinstance(value, dict) else value for key, value in card.items()}
    for dotted, value in settings.items():
        part, _, option = dotted.partition(".")
        if part not in (*PARTS, "loop", "model") or not option:
            raise UsageError(
                f"--set {dotted}={value} is not understood. Write PART.OPTION=VALUE with PART one of "
                f"{', '.join((*PARTS, 'loop', 'model'))}, for example --set bank.max_prompts=8."
            )
        changed.setdefault(part, {})[option] = value
    _refuse_unknown("--set loop", changed.get("loop", {}), LOOP)
    return changed


def _refuse_unknown(where: str, given: Mapping[str, Any], known: list[str] | tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"{where} has no option {name!r}.{hint} Known: {', '.join(known) or 'none'}.")
