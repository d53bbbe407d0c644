"""From the scores of policies_long.py to what is read: tables, and in plain words who gains and who loses where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from statistics import mean, stdev
from typing import Any

Videos = Mapping[str, Mapping[str, Mapping[str, Any]]]  # video (KIND-SEED) -> tracker -> its numbers

TELLING = 0.01  # a difference of J&F smaller than this is called none


def of_kinds(videos: Videos) -> dict[str, dict[str, float]]:
    """Tracker -> kind of scene -> the mean J&F of its videos; and "mean", over all videos."""
    trackers = next(iter(videos.values()))
    return {
        tracker: {
            **{
                kind: mean(rows[tracker]["J&F"] for rows in of_kind(videos, kind).values()) for kind in kinds_of(videos)
            },
            "mean": mean(rows[tracker]["J&F"] for rows in videos.values()),
        }
        for tracker in trackers
    }


def kinds_of(videos: Videos) -> list[str]:
    return list(dict.fromkeys(video.rpartition("-")[0] for video in videos))


def of_kind(videos: Videos, kind: str) -> Videos:
    return {video: rows for video, rows in videos.items() if video.rpartition("-")[0] == kind}


def table(scores: Mapping[str, Mapping[str, float]]) -> str:
    """Rows and columns of scores for a terminal."""
    columns = list(next(iter(scores.values())))
    wide = max(map(len, scores))
    lines = [" " * wide + "".join(f"{each:>12s}" for each in columns)]
    lines += [f"{name:{wide}s}" + "".join(f"{row[each]:12.3f}" for each in columns) for name, row in scores.items()]
    return "\n".join(lines)


def document(videos: Videos, about: Mapping[str, Any], kinds: Mapping[str, str]) -> str:
    """The page of tables, as Markdown. kinds: what each kind of scene holds, in a sentence."""
    trackers = list(next(iter(videos.values())))
    reference, *others, baseline = trackers
    scores = of_kinds(videos)
    best = {column: max(scores[name][column] for name in (reference, *others)) for column in scores[reference]}
    quality = [
        [name, *(_bold(f"{value:.3f}", value == best[column]) for column, value in scores[name].items())]
        for name in (reference, *others)
    ]
    quality.append([f"*{baseline}*", *(f"{value:.3f}" for value in scores[baseline].values())])
    rows = [(name, list(difference(videos, name, reference))) for name in others]
    paragraphs = [
        "# What to remember: every tracker card on long videos",
        f"J&F of one model, `{about['model']}`, under every card of `trackers/`, on {len(videos)} generated videos of "
        f"{about['frames']} frames, {about['seeds']} of each kind. The model is the same in every row; what differs is "
        "what is remembered, which mask is believed and how many pasts are kept. The true mask is given where each "
        "object begins; the frames behind it count, also those in which it is out of sight, where only an empty answer "
        "is right. Answers are causal unless the card says otherwise.",
        _grid(["tracker", *scores[reference]], quality),
        f"*{baseline}* answers every frame with the mask it was given.",
        f"## Against {reference}",
        *([_grid(["tracker", "J&F", "standard error", "better", "worse", "alike"], _against(rows))] if rows else []),
        f"Differences in J&F video by video; better and worse are videos that differ by {TELLING} or more. A mean that "
        "is not twice its standard error may be luck: there are few videos of each kind.",
        *([_words(videos, others, reference)] if others else []),
        "## Out of sight, and back",
        _grid(
            ["tracker", "J in sight", "silent while away", "found again", "decoded", "attended", "remembered", "state"],
            [[name, *_behaviour(videos, name)] for name in (reference, *others)],
        ),
        "J in sight leaves out the frames in which the object is hidden. Silent while away: the share of those frames "
        "that were answered with no mask. Found again: of the times an object came back from 10 frames or more out of "
        "sight, those in which it was found (J above 0.5) within 20 frames. Then what it costs, whatever the machine: "
        "decodings, memory tokens attended and masks encoded into memory, each for a frame and object; and the most "
        "bytes that the state of one object took.",
        "## The kinds of scene",
        "\n".join(f"- **{kind}**: {sentence}" for kind, sentence in kinds.items()),
        "![One row for each kind of scene](long-suite.png)",
        "## How it was measured",
        f"`python benchmarks/policies_long.py --model {about['model']} --seeds {about['seeds']} --frames "
        f"{about['frames']}` at commit {', '.join(about['commits'])}, on {about['machine']}, {about['threads']} "
        "thread(s); video by video in [policies_long.json](../benchmarks/results/policies_long.json). Drawn shapes are "
        "not real video, and a small model is not a large one: these tables tell policies apart, they do not say how "
        "well a tracker does on footage.",
    ]
    return "\n\n".join(paragraphs) + "\n"


def difference(videos: Videos, tracker: str, reference: str) -> Iterable[float]:
    """Video by video, how much higher the J&F of one tracker is than that of another."""
    return [rows[tracker]["J&F"] - rows[reference]["J&F"] for rows in videos.values()]


def _against(rows: Sequence[tuple[str, Sequence[float]]]) -> list[list[str]]:
    return [
        [
            name,
            f"{mean(gaps):+.3f}",
            f"{stdev(gaps) / sqrt(len(gaps)):.3f}" if len(gaps) > 1 else "",
            str(sum(gap >= TELLING for gap in gaps)),
            str(sum(gap <= -TELLING for gap in gaps)),
            str(sum(abs(gap) < TELLING for gap in gaps)),
        ]
        for name, gaps in rows
    ]


def _words(videos: Videos, others: Sequence[str], reference: str) -> str:
    """Where each tracker gains and where it loses, kind by kind."""
    lines = []
    for name in others:
        gaps = {kind: mean(difference(of_kind(videos, kind), name, reference)) for kind in kinds_of(videos)}
        gains = [f"{kind} ({gap:+.3f})" for kind, gap in gaps.items() if gap >= TELLING]
        losses = [f"{kind} ({gap:+.3f})" for kind, gap in gaps.items() if gap <= -TELLING]
        lines.append(
            f"- **{name}** gains on {', '.join(gains) or 'nothing'}; loses on {', '.join(losses) or 'nothing'}."
        )
    return "\n".join(lines)


def _behaviour(videos: Videos, tracker: str) -> list[str]:
    rows = [each[tracker] for each in videos.values()]
    away, silent, returns, found = (sum(row[key] for row in rows) for key in ("away", "silent", "returns", "found"))
    return [
        f"{mean(row['J in sight'] for row in rows):.3f}",
        f"{silent / away:.2f}" if away else "",
        f"{found} of {returns}",
        f"{mean(row['decoded'] for row in rows):.2f}",
        f"{mean(row['attended'] for row in rows):.0f}",
        f"{mean(row['remembered'] for row in rows):.2f}",
        f"{max(row['bytes'] for row in rows) / 1024:.0f} KiB",
    ]


def _bold(text: str, is_best: bool) -> str:
    return f"**{text}**" if is_best else text


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown; numbers to the right."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
