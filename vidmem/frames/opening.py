"""Which kind of source is meant by what the user gave. The work of `watch`."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
from torch import Tensor

from vidmem.errors import InputError, UsageError
from vidmem.frames import OnDamage, Source, readers
from vidmem.frames.arrays import Once, Pictures, from_array
from vidmem.frames.folder import Folder, images_in, natural
from vidmem.frames.header import no_such_place
from vidmem.frames.pictures import SUFFIXES
from vidmem.frames.stream import Stream


def open_source(
    source: Any, reader: str, on_damage: OnDamage, ahead: int, every: int, start: int, stop: int | None
) -> Stream:
    """See `vidmem.frames.watch`."""
    if on_damage not in get_args(OnDamage):
        raise UsageError(f"on_damage is {on_damage!r}. Choose 'stop' or 'skip'.")
    for name, value, least in (("ahead", ahead, 0), ("every", every, 1), ("start", start, 0), ("stop", stop, 0)):
        if value is not None and value < least:
            raise UsageError(f"{name} is {value}. It must be at least {least}.")
    if stop is not None and stop <= start:
        raise UsageError(
            f"From frame {start} up to, not including, frame {stop} there is nothing: stop must be larger."
        )
    make = readers[reader]  # an unknown name is refused whatever the source
    if isinstance(source, (int, str, os.PathLike)):
        opened = _from_words(str(source), reader, make, on_damage)
    else:
        opened, ahead = _from_values(source), ahead if hasattr(source, "between") else 0
    return Stream(opened, every, start, stop, ahead)


def _from_words(source: str, reader: str, make: Any, on_damage: OnDamage) -> Source:
    if source.startswith("demo:"):
        from vidmem.frames.demo import DemoClip

        return DemoClip(source.partition(":")[2])
    path = source[len("file://") :] if source.lower().startswith("file://") else os.path.expanduser(source)
    if os.path.isdir(path):
        return Folder(images_in(path), path, on_damage)
    if os.path.exists(path) and not path.startswith("/dev/"):
        return Folder([Path(path)], path, on_damage) if Path(path).suffix.lower() in SUFFIXES else make(path, on_damage)
    from vidmem.frames import live

    if live.is_camera(source):
        return live.camera(source, on_damage, reader)
    if live.is_address(source):
        if reader != "pyav":
            raise UsageError(f"The reader {reader} reads files; an address is read by pyav. Leave --reader out.")
        return live.address(source, on_damage)
    if glob.has_magic(path):
        found = [Path(p) for p in glob.glob(path, recursive=True) if Path(p).suffix.lower() in SUFFIXES]
        if not found:
            raise InputError(f"No image matches {path}. Put it in quotes so that the shell leaves it alone.")
        return Folder(sorted(found, key=lambda p: (natural(p.parent), natural(p))), path, on_damage)
    raise InputError(no_such_place(path))


def _from_values(source: Any) -> Source:
    if hasattr(source, "between") and hasattr(source, "promised"):
        return source
    if isinstance(source, (np.ndarray, Tensor)):
        return from_array(source)
    if isinstance(source, Sequence):
        return Pictures(source, f"the {type(source).__name__}")
    if isinstance(source, Iterable):
        return Once(source)
    raise InputError(
        f"A {type(source).__name__} is no source of frames. Give a path, an address, a camera's number, an array "
        "(T, H, W, 3) or an iterable of pictures."
    )
