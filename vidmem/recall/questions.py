"""What can be asked of a film, and the true answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vidmem.errors import UsageError
from vidmem.recall.world import OBJECTS, ORDER, PLACES, Fact

QUESTIONS = (
    *(f"Which object was {place}?" for place in PLACES),
    *(f"Where was the {thing}?" for thing in OBJECTS),
    *(f"Which object came {order}?" for order in ORDER),
)
ANSWERS = (*OBJECTS, *PLACES, "nothing")
NOTHING = len(ANSWERS) - 1
KINDS = {"which": range(0, len(PLACES)), "where": range(len(PLACES), len(PLACES) + len(OBJECTS))}
KINDS["when"] = range(KINDS["where"].stop, len(QUESTIONS))


def answers(facts: Sequence[Fact], seen: int) -> np.ndarray:
    """(Q,) the index in ANSWERS of the truth for every question, after so many scenes were seen."""
    truth = np.full(len(QUESTIONS), NOTHING)
    for number, fact in enumerate(facts):
        if fact.scene < seen:
            truth[KINDS["which"][fact.place]] = fact.thing
            truth[KINDS["where"][fact.thing]] = len(OBJECTS) + fact.place
            truth[KINDS["when"][number]] = fact.thing
    return truth


def understood(text: str) -> int:
    """The question a sentence asks: its index in QUESTIONS. Raises UsageError for one that was never taught."""
    said = text.lower()
    here = [index for index, place in enumerate(PLACES) if all(word in said for word in place.split())]
    things = [index for index, thing in enumerate(OBJECTS) if all(word in said for word in thing.split())]
    ranks = [index for index, order in enumerate(ORDER) if order in said]
    if "where" in said and len(things) == 1:
        return KINDS["where"][things[0]]
    if len(ranks) == 1 and not things:
        return KINDS["when"][ranks[0]]
    if len(here) == 1 and not things:
        return KINDS["which"][here[0]]
    raise UsageError(
        f"The embedded recall model was not taught {text!r}. It knows three kinds of question: "
        f'"{QUESTIONS[0]}", "{QUESTIONS[KINDS["where"].start]}", "{QUESTIONS[-1]}". For anything else give a vision '
        "language model with --model FOLDER."
    )
