"""What can be done with any state without knowing it: measure, move, save, load.

A state is a tree of frozen dataclasses, tuples, mappings with plain keys, numbers, strings and tensors. A saved state
is one safetensors file: tensors by number, the tree as JSON in its header; nothing in it is executed when it is read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vidmem.errors import InputError
from vidmem.saving import hidden, refusal

FORMAT = "vidmem-state-1"


def tensors(state: Any) -> Iterator[Tensor]:
    """Every tensor of a state, each once however often it is shared."""
    seen: set[int] = set()
    stack = [state]
    while stack:
        value = stack.pop()
        if isinstance(value, Tensor):
            if id(value) not in seen:
                seen.add(id(value))
                yield value
        elif is_dataclass(value) and not isinstance(value, type):
            stack.extend(getattr(value, each.name) for each in fields(value))
        elif isinstance(value, Mapping):
            stack.extend(value.values())
        elif isinstance(value, (tuple, list)):
            stack.extend(value)


def nbytes(state: Any) -> int:
    """Bytes of all tensors of a state, shared ones counted once."""
    return sum(each.untyped_storage().nbytes() for each in tensors(state))


def map_tensors(state: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same state with each tensor changed. What was shared stays shared."""
    done: dict[int, Any] = {}

    def walk(value: Any) -> Any:
        if id(value) in done:
            return done[id(value)]
        if isinstance(value, Tensor):
            made = change(value)
        elif is_dataclass(value) and not isinstance(value, type):
            made = type(value)(**{each.name: walk(getattr(value, each.name)) for each in fields(value)})
        elif isinstance(value, Mapping):
            made = {key: walk(each) for key, each in value.items()}
        elif isinstance(value, tuple):
            made = tuple(walk(each) for each in value)
        else:
            return value
        done[id(value)] = made
        return made

    return walk(state)


def to(state: Any, device: torch.device | str) -> Any:
    """The same state on another device."""
    return map_tensors(state, lambda each: each.to(device))


def save(state: Any, path: Path, notes: Mapping[str, Any] | None = None) -> None:
    """Write a state to `path`, whole or not at all. notes: plain values kept beside it. Raises InputError."""
    kept: dict[str, Tensor] = {}
    numbers: dict[int, str] = {}
    shared: dict[int, int] = {}
    nodes: list[Any] = []

    def walk(value: Any) -> Any:
        if isinstance(value, Tensor):
            if id(value) not in numbers:
                numbers[id(value)] = str(len(kept))
                kept[str(len(kept))] = value.detach().contiguous().clone()
            return {"tensor": numbers[id(value)]}
        if is_dataclass(value) and not isinstance(value, type):
            if id(value) not in shared:
                kind = f"{type(value).__module__}:{type(value).__qualname__}"
                node = {"class": kind, "fields": {e.name: walk(getattr(value, e.name)) for e in fields(value)}}
                shared[id(value)] = len(nodes)
                nodes.append(node)
            return {"node": shared[id(value)]}
        if isinstance(value, Mapping):
            return {"map": [[key, walk(each)] for key, each in value.items()]}
        if isinstance(value, tuple):
            return {"tuple": [walk(each) for each in value]}
        if value is None or isinstance(value, (bool, int, float, str)):
            return {"plain": value}
        raise TypeError(f"A state may not hold a {type(value).__name__}: {value!r}.")

    tree = walk(state)
    header = {"format": FORMAT, "tree": json.dumps({"nodes": nodes, "root": tree}), "notes": json.dumps(notes or {})}
    half = hidden(path)
    try:
        save_file(kept, half, metadata=header)
        os.replace(half, path)
    except (OSError, SafetensorError) as problem:
        with suppress(OSError):
            half.unlink(missing_ok=True)
        raise refusal(path, problem if isinstance(problem, OSError) else OSError(str(problem))) from problem


def load(path: Path) -> tuple[Any, dict[str, Any]]:
    """The state in `path` and its notes. Raises InputError when the file is not one."""
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            kept = {name: file.get_tensor(name) for name in file.keys()}
    except (OSError, SafetensorError) as problem:
        raise InputError(
            f"{path} cannot be read as a saved state ({problem}). Name a .vmem file, or do without."
        ) from problem
    if header.get("format") != FORMAT:
        raise InputError(f"{path} is not a saved state of this version (format {header.get('format')!r}).")
    written = json.loads(header["tree"])
    made: list[Any] = []

    def walk(value: dict[str, Any]) -> Any:
        ((kind, what),) = value.items()
        if kind == "tensor":
            return kept[what]
        if kind == "node":
            return made[what]
        if kind == "map":
            return {key: walk(each) for key, each in what}
        if kind == "tuple":
            return tuple(walk(each) for each in what)
        return what

    for node in written["nodes"]:  # a node comes after all it holds, so each can be made in turn
        kind = _class(node["class"], path)
        try:
            made.append(kind(**{name: walk(each) for name, each in node["fields"].items()}))
        except TypeError as problem:
            raise InputError(
                f"{path} was saved by another version ({problem}). Do without it, or use that one."
            ) from problem
    return walk(written["root"]), json.loads(header["notes"])


def _trusted() -> set[str]:
    """Packages whose classes a saved state may name: vidmem, and those that add parts to it."""
    parts = ["banks", "choices", "feature_banks", "searches", "transforms"]
    parts += ["targets", "targets.samples", "targets.regularisers"]
    groups = [f"vidmem.{part}" for part in parts]
    return {"vidmem", *(each.module.partition(".")[0] for group in groups for each in entry_points(group=group))}


def _class(place: str, path: Path) -> type:
    """The dataclass a file names; nothing else may be named, so a file cannot call anything."""
    module, _, name = place.partition(":")
    package = module.partition(".")[0]
    if package not in _trusted():
        raise InputError(
            f"{path} names a class of {package!r}, which adds no bank or choice to vidmem here. "
            f"Install the package the state was made with, or do not open the file."
        )
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as problem:
        raise InputError(f"{path} holds a {place}, which is not installed here ({problem}).") from problem
    if not (isinstance(found, type) and is_dataclass(found)):
        raise InputError(f"{path} names {place}, which is no state of a bank. It is not a file of vidmem's.")
    return found
