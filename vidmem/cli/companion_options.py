"""What `ask` and `caption` share: who watches, what it keeps, and how cuts are seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidmem.errors import InputError, UsageError

if TYPE_CHECKING:
    from vidmem.companions import Companion
    from vidmem.companions.watching import Watcher

ModelFolder = Annotated[
    str,
    typer.Option(
        "--model",
        help="A folder with a vision language model of transformers, or recall: the embedded one, which knows only the "
        "drawn films of `vidmem ask recall:16 …`.",
    ),
]
Bridge = Annotated[
    Path | None, typer.Option("--bridge", help="Weights of a memory bridge, ours or VideoLLaMB's, for that model.")
]
Cache = Annotated[str, typer.Option("--cache", help="What is kept: merge, surprise, fifo, everything.")]
Keep = Annotated[int, typer.Option("--keep", help="Scenes kept at most, by a bounded --cache.")]
Reads = Annotated[
    str | None, typer.Option("--reads", help="What the language model is given: memories, latest scene, or both.")
]
Encoder = Annotated[
    str,
    typer.Option("--encoder", help="What cuts are seen by: colour, nano, model:NAME, timm:NAME, transformers:FOLDER."),
]
Every = Annotated[int, typer.Option("--every", min=1, help="Look at each N-th frame only.")]
Longest = Annotated[
    int, typer.Option("--longest", min=1, help="Frames after which a scene without a cut is remembered.")
]
Tokens = Annotated[int, typer.Option("--tokens", help="Words (tokens) of an answer, at most.")]


def make_watcher(
    model: str,
    bridge: Path | None,
    cache: str,
    keep: int,
    encoder: str,
    longest: int,
    reads: str | None,
    tokens: int,
    device: str,
    prompt: str | None = None,
) -> Watcher:
    """Who watches. Raises UsageError for options that do not belong to the model."""
    from vidmem.companions.watching import Watcher
    from vidmem.cuts.detect import make_encoder

    companion = make_companion(model, bridge, cache, keep, reads, tokens, device, prompt)
    return Watcher(companion, make_encoder(encoder), longest=longest)


def make_companion(
    model: str,
    bridge: Path | None,
    cache: str,
    keep: int,
    reads: str | None,
    tokens: int,
    device: str,
    prompt: str | None = None,
) -> Companion:
    from vidmem.bridges import policies
    from vidmem.companions import companions

    policy: Any = policies[cache]() if cache == "everything" else policies[cache](keep=keep)
    if Path(model).is_dir():
        options: dict[str, Any] = {"reads": reads or "memories", "tokens": tokens, "device": device}
        if prompt is not None:
            options["describe"] = prompt
        return companions["transformers"](model, bridge, policy, **options)
    if "/" in model or "\\" in model:
        raise InputError(f"{model} is no folder. --model wants a folder with a stored model, or recall.")
    if bridge is not None or reads is not None or prompt is not None:
        raise UsageError("--bridge, --reads and --prompt belong to a language model: give its folder by --model.")
    return companions[model](policy)
