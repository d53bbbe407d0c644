"""Whether what a card or a person says of an option fits the type of its field, told before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints


def misfit(kind: type, said: Mapping[str, Any]) -> str | None:
    """What is wrong with the first value that does not fit its field of the dataclass `kind`; None where all do.

    Numbers, switches, words, choices and rows of numbers are looked at; a field of another type takes what it is given.
    """
    hints = get_type_hints(kind)
    for name, value in said.items():
        wanted = _wanted(hints.get(name), value)
        if wanted:
            return f"{name} is {value!r}; it is {wanted}."
    return None


def _wanted(hint: Any, value: Any) -> str:
    """What a value should be; empty where it is."""
    if get_origin(hint) is Literal:
        return "" if value in get_args(hint) else f"one of {', '.join(map(str, get_args(hint)))}"
    if hint is bool:
        return "" if isinstance(value, bool) else "true or false"
    if hint is int:
        return "" if isinstance(value, int) and not isinstance(value, bool) else "a whole number"
    if hint is float:
        return "" if _is_number(value) else "a number"
    if hint is str:
        return "" if isinstance(value, str) else "a word"
    if get_origin(hint) is tuple and set(get_args(hint)) <= {int, float, ...}:
        return "" if isinstance(value, (list, tuple)) and all(map(_is_number, value)) else "a list of numbers"
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
