"""Words that the page and the Markdown share: the headline, the comparison with papers, how numbers are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NOT_MEASURES = ("frames", "objects")  # of a sequence's entry


@dataclass(frozen=True)
class Compared:
    """One number of ours beside a published one."""

    metric: str
    ours: float | None
    published: float
    tracker: str
    model: str
    source: str
    is_same: bool  # whether it is the same tracker and model as ours

    @property
    def difference(self) -> float | None:
        return None if self.ours is None else self.ours - self.published


def compared(report: Mapping[str, Any]) -> list[Compared]:
    """Every published number of a measure that is ours too: those of the same tracker and model first."""
    facts, metrics = report["facts"], report["metrics"]
    rows = [
        Compared(
            each["metric"],
            metrics[each["metric"]],
            float(each["value"]) / 100,  # papers, and so cards, speak in percent
            each.get("tracker", ""),
            each.get("model", ""),
            each.get("source", ""),
            (each.get("tracker"), each.get("model")) == (facts["tracker"], facts["model"]),
        )
        for each in report["published"]
        if each["metric"] in metrics
    ]
    return sorted(rows, key=lambda row: not row.is_same)


def headline(facts: Mapping[str, Any]) -> str:
    """What was evaluated, in one line."""
    what = f"{facts['tracker']} · {facts['model']}" if facts["tracker"] else "results made elsewhere"
    return f"{what} on {facts['title']}" + (f" {facts['split']}" if facts["split"] else "")


def reservations(report: Mapping[str, Any]) -> list[str]:
    """What a reader must know before comparing these numbers with others."""
    facts, said = report["facts"], []
    if facts["videos"] < facts["videos_of_the_split"]:
        said.append(
            f"{facts['videos']} of the {facts['videos_of_the_split']} videos of the split were asked for, so the "
            "numbers are not the benchmark's."
        )
    if report["unscored"] and not facts["server"]:
        few = ", ".join(report["unscored"][:5]) + (" and others" if len(report["unscored"]) > 5 else "")
        said.append(f"By the protocol nothing counts in {len(report['unscored'])} of the videos: {few}.")
    if facts["note"]:
        said.append(facts["note"])
    if facts["server"]:
        said.append(f"The truth of this split is not public: hand in what lies in results/ at {facts['server']}")
    if facts["prompt"] not in ("", facts["usual_prompt"]):
        said.append(
            f"The tracker was told a {facts['prompt']}, not the {facts['usual_prompt']} that the benchmark gives."
        )
    return said


def failed(report: Mapping[str, Any]) -> list[str]:
    """That some videos have no score, if so."""
    count = len(report["failures"])
    return [f"{count} of {report['facts']['videos']} videos failed and are not in the numbers."] if count else []


def percent(value: float | None) -> str:
    """As the field writes scores: 0.7931 is 79.3. What is a whole number is a count."""
    return "–" if value is None else str(value) if isinstance(value, int) else f"{100 * value:.1f}"


def signed(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:+.1f}"


def size(count: float | None) -> str:
    if count is None:
        return "–"
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def main_measure(numbers: Mapping[str, Any]) -> str | None:
    """The measure by which sequences are ranked: the first that the benchmark names."""
    return next((name for name in numbers if name not in NOT_MEASURES), None)


def ranked(report: Mapping[str, Any]) -> list[str]:
    """Videos from the worst to the best."""
    measure = main_measure(report["metrics"])

    def worth(name: str) -> float:
        value = report["sequences"][name].get(measure)
        return 2.0 if value is None else value

    return sorted(report["sequences"], key=worth)


def facts_in_words(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The facts of a report, as rows of name and text."""
    facts = report["facts"]
    rows = [
        ("data set", f"{facts['title']} ({facts['dataset']}), split {facts['split'] or 'none'}"),
        ("protocol", f"{facts['protocol']}{_options(facts['protocol_options'])}"),
        ("tracker", f"{facts['tracker']}, model {facts['model']}{_options(facts['settings'])}"),
        ("prompt", facts["prompt"]),
        ("results", facts["results"]),
        ("videos", f"{facts['videos_scored']} scored of {facts['videos']}; {facts['frames']} frames"),
        ("speed", f"{facts['fps']:.1f} frames a second" if facts["fps"] else ""),
        ("memory", f"{size(facts['peak_state_bytes'])} of state at most" if facts["peak_state_bytes"] else ""),
        ("time", f"{facts['seconds']:.0f} s of tracking" if facts["seconds"] else ""),
        ("device", ", ".join(facts["devices"])),
        ("machine", f"{', '.join(facts['machines'])} ({facts['platform']})"),
        ("versions", ", ".join(f"{name} {number}" for name, number in facts["versions"].items())),
    ]
    scored = not facts["tracker"]
    return [(name, text) for name, text in rows if text and not (scored and name in ("tracker", "prompt"))]


def _options(options: Mapping[str, Any]) -> str:
    said = ", ".join(f"{name} {value}" for name, value in options.items())
    return f" ({said})" if said else ""
