"""The settings of a tracker card, read off the types of its parts: name, type, value, and the sentence beside it.

The sentence is the comment that stands beside the field in the source. So a new bank has its settings on the page, in
its author's words, without a line here.
"""

from __future__ import annotations

import ast
import inspect
import io
import textwrap
import tokenize
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from vidmem import compose
from vidmem.errors import InputError
from vidmem.tracker import Tracker

LOOP = ("present_above", "condition_prompts")  # emit and lag change nothing here: a session answers at once


@dataclass(frozen=True)
class Setting:
    """One number, switch or word of a card."""

    name: str  # as --set takes it: bank.max_prompts
    part: str  # what it belongs to, with its name: bank "window"
    label: str
    kind: Literal["whole", "number", "switch", "choice", "numbers", "words"]
    value: Any  # of the card
    sentence: str
    choices: tuple[str, ...] = ()

    def read(self, given: Any) -> Any:
        """The value a browser sent, as the part wants it; an emptied number is the card's. Else InputError."""
        if str(given) in ("None", "") and self.kind in ("whole", "number"):
            return self.value
        try:
            if self.kind == "switch":
                if not isinstance(given, bool):
                    raise ValueError
                return given
            if self.kind == "whole":
                if isinstance(given, bool) or float(given) != int(float(given)):
                    raise ValueError
                return int(float(given))
            if self.kind == "number":
                return float(given)
            if self.kind == "numbers":
                listed = given if isinstance(given, (list, tuple)) else str(given).replace(",", " ").split()
                return tuple(float(each) for each in listed)
            if self.kind == "choice" and given not in self.choices:
                raise ValueError
            return str(given)[:100]
        except (TypeError, ValueError, OverflowError):
            wanted = {
                "switch": "on or off",
                "whole": "a whole number",
                "number": "a number",
                "numbers": "numbers with spaces between them",
                "choice": f"one of {', '.join(self.choices)}",
                "words": "a word",
            }[self.kind]
            raise InputError(f"{self.name} is {str(given)[:30]!r}; it must be {wanted}.") from None


def settings_of(tracker: str) -> list[Setting]:
    """Every setting of a card, in the order of its parts."""
    card = compose.read(tracker)
    found: list[Setting] = []
    for part, (table, usual) in compose.PARTS.items():
        chosen = {"name": usual, **card.get(part, {})}
        found += _of(table[chosen["name"]], f"{part}.", f"{part} “{chosen['name']}”", chosen)
    for chosen in card["transforms"]:
        name = chosen["name"]
        found += _of(compose.transforms[name], f"transforms.{name}.", f"transform “{name}”", chosen)
    found += [each for each in _of(Tracker, "loop.", "loop", card.get("loop", {})) if each.label in LOOP]
    return found


def changed(tracker: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that differ from the card, read and checked: what `compose.load` takes."""
    known = {each.name: each for each in settings_of(tracker)}
    unknown = [name for name in given if name not in known]
    if unknown:
        raise InputError(f"The tracker {tracker} has no setting {str(unknown[0])[:40]!r}.")
    read = {name: known[name].read(value) for name, value in given.items()}
    return {name: value for name, value in read.items() if value != known[name].value}


def _of(kind: Any, prefix: str, part: str, card: Mapping[str, Any]) -> list[Setting]:
    if not (isinstance(kind, type) and is_dataclass(kind)):
        return []
    hints, sentences = get_type_hints(kind), sentences_of(kind)
    found = []
    for each in fields(kind):
        default = each.default if each.default is not MISSING else None
        value = card.get(each.name, default)
        value = tuple(value) if isinstance(value, list) else value
        how = _kind(hints[each.name], value)
        if how is not None:
            choices = tuple(map(str, get_args(hints[each.name]))) if how == "choice" else ()
            sentence = sentences.get(each.name, "")
            found.append(Setting(prefix + each.name, part, each.name, how, value, sentence, choices))
    return found


def _kind(hint: Any, value: Any) -> Any:
    """How a field of that type is asked for; None for what no form can hold."""
    if get_origin(hint) is Literal:
        return "choice"
    if hint is bool:
        return "switch"
    if hint is int:
        return "whole"
    if hint is float:
        return "number"
    if hint is str:
        return "words"
    numbers = get_origin(hint) is tuple and set(get_args(hint)) <= {float, int, ...}
    return "numbers" if numbers and value is not None else None


def sentences_of(kind: type) -> dict[str, str]:
    """field -> the comment beside it, and those that stand alone below. Empty where there is no source."""
    try:
        source = textwrap.dedent(inspect.getsource(kind))
    except (OSError, TypeError):
        return {}
    beside: dict[int, str] = {}
    alone: dict[int, str] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            where = beside if token.line[: token.start[1]].strip() else alone
            where[token.start[0]] = token.string.lstrip("# ")
    found: dict[str, str] = {}
    for node in ast.parse(source).body[0].body:  # type: ignore[attr-defined]
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            line = node.end_lineno or node.lineno
            said = [beside.get(line, "")]
            while line + 1 in alone:
                line += 1
                said.append(alone[line])
            text = " ".join(each for each in said if each).strip()
            found[node.target.id] = text[:1].upper() + text[1:]
    return found
