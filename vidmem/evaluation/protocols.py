"""The protocol of a data set with what it must know of that data set: ranges of frames, which kinds are unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np

from vidmem.errors import InputError, UsageError
from vidmem.metrics import box_protocols, detection_protocols, protocols, track_protocols
from vidmem.videos import Dataset, MaskTruth, TrueObject, Video

TABLES: tuple[Any, ...] = (protocols, box_protocols, detection_protocols, track_protocols)


def protocol_of(dataset: Dataset, names: Iterable[str] = (), options: Mapping[str, Any] | None = None) -> Any:
    """The protocol a data set is scored by, told of the videos `names`, with some of its options changed.

    Raises UsageError for an option it does not have.
    """
    name = dataset.protocol
    make: Any = next((table for table in TABLES if name in table), protocols)[name]
    for option, value in (options or {}).items():
        _check(name, make, option, value)
    told = TOLD.get(name)
    learned = told([dataset.layout.video(each) for each in names]) if told else {}
    return make(**{**learned, **(options or {})})


def _check(name: str, make: Any, option: str, value: Any) -> None:
    """Raises UsageError for an option, or a word for one, that a protocol does not know."""
    hints = get_type_hints(make)
    known = [each.name for each in fields(make)]
    if option not in known:
        raise UsageError(f"--protocol {option}: the protocol {name} has no such option. Known: {', '.join(known)}.")
    words = get_args(hints[option]) if get_origin(hints[option]) is Literal else ()
    if words and value not in words:
        raise UsageError(f"--protocol {option}={value}: it is one of {', '.join(map(str, words))}.")


def without_sides(protocol: Any) -> Any:
    """The protocol as it averages over objects alone, where it also takes means of seen and unseen kinds: one video has
    objects of one side only."""
    return replace(protocol, unseen=None) if hasattr(protocol, "unseen") else protocol


def numbers_of(protocol: Any, videos: Mapping[str, Any]) -> dict[str, float]:
    """The benchmark's numbers over some videos; none where there is nothing to average."""
    try:
        numbers = protocol.overall(videos) if videos else {}
    except InputError:
        return {}
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in numbers.items()}


def _lvos(videos: list[Video]) -> dict[str, Any]:
    ranges, unseen = {}, set()
    for video in videos:
        place = {name: index for index, name in enumerate(video.frame_names)}
        objects = _objects(video)
        ranges[video.name] = {
            each.object_id: [place[name] for name in each.scored or () if name in place] for each in objects
        }
        unseen |= {video.name for each in objects if each.unseen}
    return {"ranges": ranges, "unseen": unseen if _is_known(videos) else None}


def _youtubevos(videos: list[Video]) -> dict[str, Any]:
    unseen = {(video.name, each.object_id) for video in videos for each in _objects(video) if each.unseen}
    return {"unseen": unseen if _is_known(videos) else None}


def _objects(video: Video) -> list[TrueObject]:
    return list(video.truth.objects.values()) if isinstance(video.truth, MaskTruth) else []


def _is_known(videos: list[Video]) -> bool:
    """Whether of every object it is known if the training split has its kind."""
    return all(each.unseen is not None for video in videos for each in _objects(video))


TOLD: dict[str, Callable[[list[Video]], dict[str, Any]]] = {"lvos": _lvos, "youtubevos": _youtubevos}
