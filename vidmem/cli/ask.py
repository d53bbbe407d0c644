"""`vidmem ask`: a question about a whole video, answered from memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidmem.cli import companion_options as with_companion
from vidmem.cli import options
from vidmem.errors import InputError, UsageError

if TYPE_CHECKING:
    from vidmem.companions import Companion, Remembered
    from vidmem.companions.watching import Watcher


def ask(
    source: Annotated[
        str,
        typer.Argument(help="A video, or the file of an earlier --remember: then no video is read. recall:N is drawn."),
    ],
    questions: Annotated[list[str], typer.Argument(metavar="QUESTION...", help="One question or more.")],
    model: with_companion.ModelFolder = "recall",
    bridge: with_companion.Bridge = None,
    cache: with_companion.Cache = "merge",
    keep: with_companion.Keep = 16,
    reads: with_companion.Reads = None,
    encoder: with_companion.Encoder = "colour",
    every: with_companion.Every = 1,
    longest: with_companion.Longest = 1024,
    tokens: with_companion.Tokens = 64,
    remember: Annotated[
        Path | None, typer.Option("--remember", metavar="FILE.vmem", help="Keep the memory, to ask again later.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file of --remember.")] = False,
    frames: options.Frames = None,
    reader: options.Reader = "pyav",
    on_damage: options.OnDamage = "stop",
    device: options.Device = "auto",
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Watch a video once, scene by scene, in bounded memory; then answer from what is remembered."""
    damage = options.check_on_damage(on_damage)
    if any(not each.strip() for each in questions):
        raise UsageError("A question is empty.")
    again = Path(source).suffix == ".vmem"
    if again and remember is not None:
        raise UsageError("--remember keeps the memory of a video; the source is a memory already.")
    if remember is not None and remember.exists() and not overwrite:
        raise InputError(f"{remember} is there already. Add --overwrite, or ask it: vidmem ask {remember} QUESTION")

    from vidmem.states import nbytes

    watcher = with_companion.make_watcher(model, bridge, cache, keep, encoder, longest, reads, tokens, device)
    companion, broken = watcher.companion, None
    if again:
        state, seen = recalled(Path(source), _whose(model, bridge))
    else:
        from vidmem.errors import DamagedSource

        state, seen = companion.start(), {"of": _whose(model, bridge), "scenes": 0, "seconds": 0.0}
        try:
            for state, scene in _watch(watcher, source, reader, damage, every, frames):
                seen |= {"scenes": scene.number, "seconds": round(scene.end, 3)}
                if not quiet and not as_json and scene.number % 25 == 0:
                    typer.echo(f"{scene.number} scenes, {scene.end:.1f} s, memory {nbytes(state) / 1024:.1f} KiB")
        except DamagedSource as problem:
            broken = problem
    answers = _answers(companion, state, questions)
    if remember is not None:
        _save(state, remember, seen)
    if as_json:
        facts = {**seen, "memory_bytes": nbytes(state), "answers": answers}
        typer.echo(json.dumps(facts, indent=1, ensure_ascii=False))
    else:
        for question, answer in answers.items():
            typer.echo(answer if len(answers) == 1 else f"{question}  {answer}")
        if not quiet:
            kept = f"; kept in {remember}" if remember else ""
            size = f"{nbytes(state) / 1024:.1f} KiB of memory"
            typer.echo(f"from {seen['scenes']} scenes, {seen['seconds']} s of video, in {size}{kept}")
    if broken is not None:
        raise broken


def _whose(model: str, bridge: Path | None) -> str:
    """Who can read a memory: a model, and the bridge it was made by."""
    names = [str(Path(model).resolve()) if Path(model).is_dir() else model]
    return " by ".join(names if bridge is None else [*names, str(bridge.resolve())])


def recalled(path: Path, whose: str) -> tuple[Remembered, dict]:
    """A memory kept by --remember. Raises InputError for another file, or the memory of another model."""
    from vidmem import states
    from vidmem.companions import Remembered

    state, facts = states.load(path)
    if not isinstance(state, Remembered) or "of" not in facts:
        raise InputError(f"{path} is no memory of a video: `vidmem ask VIDEO QUESTION --remember FILE.vmem` makes one.")
    if facts["of"] != whose:
        raise InputError(f"{path} is the memory of {facts['of']}, not of {whose}: give that --model and --bridge.")
    return state, facts


def _watch(watcher: Watcher, source: str, reader: str, damage: str, every: int, frames: int | None):
    """The memory behind each scene, and the scene."""
    from itertools import islice

    from vidmem.companions.watching import watched
    from vidmem.recall.film import open_source

    video = open_source(source, reader=reader, on_damage=damage, every=every)
    try:
        for _, after, scene in watched(watcher, islice(video, frames)):
            yield after.memory, scene
    finally:
        video.close()


def _answers(companion: Companion, state: Remembered, questions: list[str]) -> dict[str, str]:
    return {question: companion.answer(state, question) for question in questions}


def _save(state: Remembered, path: Path, facts: dict) -> None:
    from vidmem import states
    from vidmem.saving import make_folder

    make_folder(path.parent)
    states.save(state, path, facts)
