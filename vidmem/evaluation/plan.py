"""What is asked of an evaluation, in plain words: it travels to workers, and is kept beside the results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from vidmem.errors import InputError, UsageError

FILE = "plan.json"


@dataclass(frozen=True)
class Plan:
    """A data set, and what answers it: a tracker, or results made elsewhere."""

    dataset: str  # a card of datasets/, or a path to one
    root: str  # where the data set lies
    split: str = ""  # of the data set; empty: its own choice
    tracker: str = ""  # a card of trackers/; empty when results are scored
    model: str = ""
    prompt: str = "mask"
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the tracker's card, by dotted name
    results: str = ""  # the folder of results made elsewhere
    counting: Mapping[str, Any] = field(default_factory=dict)  # options of the protocol, such as {"mode": "fixed"}
    sequences: tuple[str, ...] = ()  # those asked for; empty: all of the split
    parts: Mapping[str, str] = field(default_factory=dict)  # of what answers, as answering.parts_of says them

    @property
    def tracks(self) -> bool:
        """Whether videos are tracked, rather than results scored."""
        return not self.results

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), indent=1).encode()

    @classmethod
    def from_json(cls, content: bytes, where: str) -> Plan:
        """Raises InputError for what is no plan of this version."""
        try:
            said = json.loads(content)
            return cls(**{**said, "sequences": tuple(said["sequences"])})
        except (ValueError, TypeError, KeyError) as problem:
            raise InputError(
                f"{where} is no plan of an evaluation of this version ({problem}). Start anew with --overwrite."
            ) from problem

    def must_go_on(self, begun: Plan, where: str) -> None:
        """Raises UsageError that names the first difference to the plan of the run to go on with.

        The data set may have moved, and other videos may be asked for: what is done of them stays good. What answers
        must be the same to the last number, not in name alone; a plan that does not say is trusted.
        """
        for name, was in asdict(begun).items():
            now = asdict(self)[name]
            if name == "parts":
                self._must_answer_alike(was, where)
            elif now != was and name not in ("root", "sequences"):
                raise UsageError(
                    f"The evaluation in {where} was made with {name} {was!r}, now it is {now!r}. Ask the same to go on "
                    "with it, or use --overwrite."
                )

    def _must_answer_alike(self, begun: Mapping[str, str], where: str) -> None:
        for part, was in begun.items():
            now = self.parts.get(part, "nothing")
            if was and now != was:  # weights that were still to be downloaded had no hash
                raise UsageError(
                    f"The {part} of {self.tracker!r} has changed since the evaluation in {where} was begun: "
                    f"it was {was}, now it is {now}. Use --overwrite, or another --out: no report mixes the two."
                )
