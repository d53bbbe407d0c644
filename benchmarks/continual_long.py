"""J&F of target models that go on learning, per method and memory size, on long generated videos.

    python benchmarks/continual_long.py [--scenes drift,reentry] [--seeds 2] [--sizes 4,16] [--frames 300]

Methods are the cards continual (the base), grcl, rmscl and hybrid; with --alone the target model's map is all the model
sees, so that nothing but the method makes a difference. Other cards with a target model are named by --methods; with
--variants "target.every=20;target.every=20,regulariser.keep=100" each is run with each of these settings. Beside them
stand sam2 and redetect. All run side by side on one model, each frame encoded once. Every video and method is kept in
--out, and not tracked again when the command is given again with the same weights, card and frames. Writes --called
(continual_long.json, without --alone continual_long_beside.json) into --results and a plot to --plot, prints the table
as Markdown; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from ast import literal_eval
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from itertools import product
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from policies_long import HOME, Counted, Rival, Score, commit, machine, true_masks

from vidmem import compose
from vidmem.models import manifest
from vidmem.models.download import sha256
from vidmem.models.shared import SharedEncoding
from vidmem.saving import make_folder, replacing
from vidmem.values import Frame, Prompt
from vidmem.videos import Video
from vidmem.videos.generated import Generated
from vidmem.videos.root import Root

METHODS = ("continual", "grcl", "rmscl", "hybrid")
BESIDE = ("sam2", "redetect")


@dataclass(frozen=True)
class Entrant:
    """A card with a memory size, where it has one."""

    card: str
    size: int | None
    settings: dict[str, Any] = field(hash=False)
    variant: str = ""  # what is set otherwise than in the card, as --variants says it

    @property
    def method(self) -> str:
        return f"{self.card} {self.variant}".strip()

    @property
    def name(self) -> str:
        return self.card if self.size is None else f"{self.card}-{self.size}" + (self.variant and f"-{self.variant}")


def main() -> None:
    asked = arguments()
    torch.set_num_threads(1)
    sizes = [int(each) for each in asked.sizes.split(",")]
    entrants = entrants_of(sizes, asked.methods.split(","), asked.variants.split(";"), asked.alone)
    model = SharedEncoding(compose.load_model(asked.model, device=asked.device))
    layout = Generated(Root(HOME), asked.scenes.split(","), asked.seeds, 0, asked.frames)
    names = sorted(layout.names(), key=lambda each: int(each.rpartition("-")[2]))
    began, rows = time.perf_counter(), {}
    for name in names:
        kept = {each.name: read(asked, name, each) for each in entrants}
        missing = [each for each in entrants if kept[each.name] is None]
        if missing:
            contest(layout.video(name), missing, model, asked)
        rows[name] = {each.name: read(asked, name, each) for each in entrants}
        print(name, "  ".join(f"{key} {row['J&F']:.3f}" for key, row in rows[name].items()), flush=True)
    about = {
        "model": asked.model,
        "alone": asked.alone,
        "machine": machine(asked.device),
        "commits": sorted({row["commit"] for each in rows.values() for row in each.values()}),
        "weights": weights_of(asked.model),
        "frames": asked.frames,
        "seeds": asked.seeds,
        "seconds": round(time.perf_counter() - began, 1),
    }
    print("\n" + table(rows, entrants))
    which = asked.called or ("continual_long" if asked.alone else "continual_long_beside")
    with replacing(make_folder(asked.results) / f"{which}.json") as file:
        file.write(json.dumps({**about, "videos": rows}, indent=1).encode())
    draw(rows, entrants, asked.plot, about)
    means = {each.name: round(mean(row[each.name]["J&F"] for row in rows.values()), 4) for each in entrants}
    print(json.dumps({"J&F": means, "videos": len(rows), **about}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", default="drift,reentry", help="kinds of scene, with commas between")
    parser.add_argument("--seeds", type=int, default=2, help="videos of each kind")
    parser.add_argument("--frames", type=int, default=300, help="of each video")
    parser.add_argument("--sizes", default="4,16", help="samples kept, with commas between")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--variants", default="", help="settings to run each method with, ; between, , within")
    parser.add_argument("--called", help="what the file of results is called, without .json")
    parser.add_argument("--alone", action="store_true", help="the model sees the target model's map and no memory")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=HOME / "runs" / "continual_long", help="where scores are kept")
    parser.add_argument("--results", type=Path, default=HOME / "benchmarks" / "results")
    parser.add_argument("--plot", type=Path, default=HOME / "docs" / "continual.png")
    asked = parser.parse_args()
    asked.out = asked.out / ("alone" if asked.alone else "beside")
    return asked


def entrants_of(sizes: list[int], methods: list[str], variants: list[str], alone: bool) -> list[Entrant]:
    found = [Entrant(card, None, {}) for card in BESIDE]
    for card, variant, size in product(methods, variants, sizes):
        settings = {"samples.limit": size, "samples.max_prompts": 1, "target.beside": not alone}
        settings |= dict(setting(each) for each in variant.split(",") if each)
        found.append(Entrant(card, size, settings, variant))
    return found


def setting(said: str) -> tuple[str, Any]:
    """The name and the value of "target.every=20" or "samples.name=rmscl"."""
    name, _, value = said.partition("=")
    try:
        return name, literal_eval(value)
    except (SyntaxError, ValueError):
        return name, value


def contest(video: Video, entrants: list[Entrant], model: SharedEncoding, asked: argparse.Namespace) -> None:
    """Entrants over a video, frame by frame side by side."""
    prompts = video.prompts()
    truth = lru_cache(maxsize=64)(partial(true_masks, video))
    racing = {}
    for each in entrants:
        counted = Counted(model)
        tracker = compose.load(each.card, counted, settings=each.settings)
        racing[each] = Racing(Rival(tracker, counted, Score(truth, prompts)))
    for frame in video.frames():
        model.encode(frame)
        for runner in racing.values():
            runner.see(frame, prompts.get(frame.index, ()))
    for each, runner in racing.items():
        runner.rival.end()
        whole = {**runner.numbers(), "commit": commit(), "asked": key(asked, each)}
        with replacing(make_folder(asked.out / video.name) / f"{each.name}.json") as file:
            file.write(json.dumps(whole).encode())


@dataclass(eq=False)
class Racing:
    """A rival, its time, and what its target model did."""

    rival: Rival
    seconds: float = 0.0  # of the process, encoding left out
    frames: int = 0
    active: list[int] = field(default_factory=list)  # samples learned from in each fit
    frozen: list[float] = field(default_factory=list)  # share of the parameters

    def see(self, frame: Frame, prompts: Any) -> None:
        said: tuple[Prompt, ...] = tuple(prompts)
        began = time.process_time()
        self.rival.see(frame, said)
        self.seconds += time.process_time() - began
        self.frames += 1
        for histories in self.rival.state.values():
            learned = histories[0].target
            if learned is not None and learned.fitted == frame.index:
                self.active.append(sum(weight > 0 for weight in learned.weights.values()))
                self.frozen.append(learned.frozen)

    def numbers(self) -> dict[str, Any]:
        return {
            **self.rival.score.numbers(),
            **self.rival.costs(),
            "cpu_ms": round(1000 * self.seconds / self.frames, 2),
            "active": round(mean(self.active), 2) if self.active else 0,
            "frozen": round(mean(self.frozen), 4) if self.frozen else 0,
            "fits": len(self.active),
        }


def key(asked: argparse.Namespace, entrant: Entrant) -> dict[str, Any]:
    """What a score depends on: one asked for otherwise is as good as none."""
    card = {part: said for part, said in compose.read(entrant.card).items() if part not in compose.WORDS}
    digest = hashlib.sha256(json.dumps([card, entrant.settings], sort_keys=True).encode()).hexdigest()[:16]
    said = {"model": asked.model, "weights": weights_of(asked.model), "frames": asked.frames, "card": digest}
    if "trained" in (card.get("coding", {}).get("name"), entrant.settings.get("coding.name")):
        said["learner"] = weights_of("nano-learner")
    return said


@cache
def weights_of(name: str) -> str:
    """The beginning of the sha256 of a checkpoint: scores of other weights are other scores."""
    return sha256(manifest.named(name).path)[:16]


def read(asked: argparse.Namespace, video: str, entrant: Entrant) -> Any:
    path = asked.out / video / f"{entrant.name}.json"
    row = json.loads(path.read_text()) if path.is_file() else None
    return row if row and row["asked"] == key(asked, entrant) else None


def table(rows: dict[str, dict[str, Any]], entrants: list[Entrant]) -> str:
    """A line an entrant: J&F in each kind of scene with its spread over seeds, and what it took."""
    kinds = list(dict.fromkeys(name.rpartition("-")[0] for name in rows))
    lines = [
        "| tracker | samples | " + " | ".join(kinds) + " | found | CPU ms a frame | active | frozen | KiB |",
        "|---|---:|" + "---:|" * (len(kinds) + 5),
    ]
    for each in entrants:
        every = [row[each.name] for row in rows.values()]
        cells = []
        for kind in kinds:
            scores = [row[each.name]["J&F"] for name, row in rows.items() if name.rpartition("-")[0] == kind]
            cells.append(f"{mean(scores):.3f}" + (f" ± {stdev(scores):.3f}" if len(scores) > 1 else ""))
        found = f"{sum(row['found'] for row in every)} of {sum(row['returns'] for row in every)}"
        cells += [found, f"{mean(row['cpu_ms'] for row in every):.0f}", f"{mean(row['active'] for row in every):.1f}"]
        cells += [f"{mean(row['frozen'] for row in every):.3f}", f"{max(row['bytes'] for row in every) / 1024:.0f}"]
        lines.append(f"| {each.method} | {each.size or ''} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(rows: dict[str, dict[str, Any]], entrants: list[Entrant], path: Path, about: dict[str, Any]) -> None:
    """J&F over the memory size, a panel a kind of scene, a curve a method; dots are videos."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    kinds = list(dict.fromkeys(name.rpartition("-")[0] for name in rows))
    figure = Figure(figsize=(5.2 * len(kinds), 4.2), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    named = {(each.method, each.size): each.name for each in entrants}
    methods = [method for method in dict.fromkeys(each.method for each in entrants) if method not in BESIDE]
    sizes = sorted({each.size for each in entrants if each.size})
    for axes, kind in zip(panels, kinds, strict=True):
        of_kind = [row for name, row in rows.items() if name.rpartition("-")[0] == kind]
        for number, method in enumerate(methods):
            curve = [mean(row[named[method, size]]["J&F"] for row in of_kind) for size in sizes]
            (line,) = axes.plot(range(len(sizes)), curve, marker="o", label=method)
            for place, size in enumerate(sizes):
                dots = [row[named[method, size]]["J&F"] for row in of_kind]
                shifted = [place + 0.03 * (number - 1.5)] * len(dots)
                axes.scatter(shifted, dots, s=14, color=line.get_color(), alpha=0.4, linewidths=0)
        for card, style in zip(BESIDE, ("--", ":"), strict=True):
            axes.axhline(mean(row[card]["J&F"] for row in of_kind), color="#444", linestyle=style, label=card)
        axes.set_xticks(range(len(sizes)), [str(size) for size in sizes])
        axes.set_xlabel("samples kept")
        axes.set_title(f"{kind}, seeds: {len(of_kind)}, frames: {about['frames']}", fontsize=11, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    panels[0].set_ylabel("J&F")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3 * len(panels), fontsize=9, frameon=False)
    with replacing(path) as file:
        figure.savefig(file, format="png")


if __name__ == "__main__":
    main()
