"""The rules of the house, kept by the machine."""

import ast
import re
import sys
from pathlib import Path

import pytest

from vidmem import cards
from vidmem.__main__ import main
from vidmem.banks import banks
from vidmem.bridges import policies
from vidmem.choices import choices
from vidmem.companions import companions
from vidmem.compose import load
from vidmem.cuts import encoders
from vidmem.cuts.forms import forms as scene_forms
from vidmem.detection_writers import detection_writers
from vidmem.detectors import backbones
from vidmem.errors import UnknownName
from vidmem.evaluation.engines import engines
from vidmem.evaluation.forms import forms
from vidmem.feature_banks import feature_banks
from vidmem.frames import readers
from vidmem.metrics import box_protocols, detection_protocols, metrics, protocols, track_protocols
from vidmem.models import models
from vidmem.models.toy import Toy
from vidmem.scenes import kinds as scenes
from vidmem.searches import searches
from vidmem.targets import targets
from vidmem.targets.codings import codings
from vidmem.targets.regularisers import regularisers
from vidmem.targets.samples import samples
from vidmem.transforms import transforms
from vidmem.videos import layouts
from vidmem.writers import writers

ROOT = Path(__file__).parent.parent
LEAVES = ["trackers", "datasets", "eval", "apps", "weights", "configs", "benchmarks"]
TABLES = [
    *[banks, choices, searches, transforms, models, readers, layouts, scenes, targets, samples, regularisers, codings],
    *[policies, companions, encoders, scene_forms],
    *[backbones, feature_banks, detection_writers],
    *[metrics, protocols, box_protocols, detection_protocols, track_protocols, writers, engines, forms],
]

GROUND = ["errors", "catalog", "cards", "annotation", "values", "palette", "rle", "saving"]

# A part may import those named, and itself. What is not named is forbidden.
MAY = {
    "errors": [],
    "catalog": ["errors"],
    "cards": ["errors"],
    "annotation": ["rle"],
    "values": [],
    "palette": [],
    "rle": [],
    "saving": ["errors"],
    "sprites": [],
    "scenes": ["catalog", "errors", "sprites"],
    "masks": ["errors", "palette"],
    "kernels": [],
    "machine": [],
    "metrics": ["catalog", "errors"],
    "frames": ["catalog", "errors", "values"],
    "cuts": ["catalog", "compose", "errors", "frames", "saving", "values"],
    "bridges": ["catalog", "errors", "kernels"],
    "recall": ["bridges", "cards", "errors", "frames", "values"],
    "companions": ["bridges", "catalog", "cuts", "errors", "recall", "states", "values"],
    "needle": ["bridges", "companions", "cuts", "errors", "frames", "saving", "values"],
    "videos": ["cards", "catalog", "drawn_vid", "errors", "frames", "masks", "rle", "saving", "scenes", "values"],
    "writers": [each for each in GROUND if each != "values"] + ["drawing", "video_file"],
    "video_file": ["errors", "saving"],
    "drawing": ["annotation", "palette"],
    "banks": ["catalog", "values"],
    "choices": ["catalog", "values"],
    "searches": ["catalog", "values", "choices"],
    "transforms": ["catalog", "errors", "values"],
    "targets": ["cards", "catalog", "errors", "saving", "values"],
    "aiming": ["errors", "models", "searches", "targets", "values"],
    "models": ["catalog", "cards", "errors", "machine", "values", "kernels"],
    "speed": ["catalog", "emission", "errors", "machine", "models", "states", "tracker", "values"],
    "detectors": ["catalog", "errors"],
    "feature_banks": ["catalog", "errors"],
    "drawn_vid": ["sprites"],
    "found": [],
    "detecting": ["detectors", "errors", "feature_banks", "found", "values"],
    "linking": ["errors", "found", "metrics"],
    "detection_writers": ["catalog", "errors", "found", "palette", "saving", "video_file"],
    "seeding": ["detecting", "errors", "searches", "tracker", "values"],
    "states": ["errors", "saving"],
    "emission": ["errors", "searches", "values"],
    "remembering": ["models", "values"],
    "tracker": [
        "aiming",
        "banks",
        "choices",
        "emission",
        "errors",
        "models",
        "remembering",
        "searches",
        "targets",
        "transforms",
        "values",
    ],
    "answers": ["emission", "errors", "frames", "models", "prompting", "tracker", "values"],
    "session": ["checkpoints", "emission", "errors", "frames", "states", "tracker", "values"],
    "evaluation": [
        *[each for each in GROUND if each != "rle"],
        *["compose", "detecting", "detectors", "found", "masks", "metrics", "models", "results", "states"],
        *["tracker", "videos", "writers"],
    ],
    "training": [
        *["cards", "detectors", "errors", "frames", "masks", "metrics", "models", "saving", "sprites"],
        *["states", "targets", "values", "videos"],
    ],
    "ui": [
        *GROUND,
        *["banks", "checkpoints", "compose", "drawing", "emission", "frames", "masks", "memory_account", "models"],
        *["results", "runlog", "session", "states", "tracker", "writers"],
    ],
}
TORCHLESS = [
    "writers",
    "metrics",
    "annotation",
    "runlog",
    "summary",
    "masks",
    "palette",
    "rle",
    "saving",
    "asked",
    "cli",
    "memory_picture",
    "videos",
    "found",
    "linking",
    "detection_writers",
]

PLAIN = set("torch numpy PIL av safetensors pycocotools typer rich matplotlib".split())  # what comes without an extra
RESTS_ON = {"detectors": "torchvision", "ui": "gradio", "kernels": "triton"}  # parts that are nothing without another


def files_of(part: str) -> list[Path]:
    alone = ROOT / "vidmem" / f"{part}.py"
    return [alone] if alone.exists() else sorted((ROOT / "vidmem" / part).glob("**/*.py"))


def imported(path: Path) -> set[str]:
    """The parts of vidmem a file imports when it runs; what only the type checker sees does not count."""
    tree = ast.parse(path.read_text())
    unseen = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in unseen or not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("vidmem"):
            continue
        parts = (node.module or "").split(".")
        found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    return found


def at_the_top(path: Path) -> set[str]:
    """The packages a file imports as soon as it is imported itself."""
    top = ast.parse(path.read_text()).body
    names = {alias.name for node in top if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in top if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("part", MAY)
def test_arrows_run_one_way(part):
    assert files_of(part), f"{part} is in the table but not in the house"
    for path in files_of(part):
        beyond = imported(path) - {*MAY[part], part}
        assert not beyond, f"{path.relative_to(ROOT)} imports {', '.join(sorted(beyond))}"


def test_a_plain_installation_can_import_every_file_that_does_not_rest_on_an_extra():
    for path in sorted((ROOT / "vidmem").glob("**/*.py")):
        part = path.relative_to(ROOT / "vidmem").parts[0]
        beyond = at_the_top(path) - sys.stdlib_module_names - PLAIN - {"vidmem", RESTS_ON.get(part)}
        assert not beyond, f"{path.relative_to(ROOT)} imports {', '.join(sorted(beyond))}"


@pytest.mark.parametrize("part", TORCHLESS)
def test_what_only_lists_or_writes_knows_no_torch(part):
    for path in files_of(part):
        assert "torch" not in at_the_top(path), path


@pytest.mark.parametrize("folder", LEAVES)
def test_no_root_folder_can_be_imported(folder):
    assert not list((ROOT / folder).glob("**/__init__.py")), f"{folder}/__init__.py would shadow a package of that name"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.kind)
def test_every_line_of_every_table_leads_somewhere(table):
    for name in table:
        assert callable(table[name])


@pytest.mark.parametrize("name", cards.names("trackers"))
def test_every_tracker_card_can_be_made_and_explains_itself(name):
    card = cards.read("trackers", name)
    load(name, "nano" if card.get("coding") == "trained" else Toy())
    assert {"title", "idea", "cost", "when", "paper"} <= card.keys()


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownName, match=r"Did you mean 'window'.*Known: .*window"):
        _ = banks["windw"]


def test_no_file_has_grown_too_long():
    long = {p.name: n for p in (ROOT / "vidmem").glob("**/*.py") if (n := len(p.read_text().splitlines())) > 400}
    assert not long


def test_a_test_that_a_docstring_names_is_there():
    for path in (ROOT / "vidmem").glob("**/*.py"):
        for named in re.findall(r"\btests/\w+\.py\b", path.read_text()):
            assert (ROOT / named).exists(), f"{path.relative_to(ROOT)} names {named}"


def test_nothing_is_left_half_done():
    words = re.compile(r"\b(TODO|FIXME|XXX|raise NotImplementedError)\b")
    assert not [p.name for p in (ROOT / "vidmem").glob("**/*.py") if words.search(p.read_text())]


def documents() -> list[Path]:
    below = [page for folder in ("weights", "docs", "benchmarks") for page in sorted((ROOT / folder).glob("**/*.md"))]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *below]


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_what_a_document_links_to_is_there(document):
    for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
        assert (document.parent / link).exists(), link


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_what_a_document_names_by_its_path_is_there(document):
    folders = "apps|benchmarks|configs|docs|eval|tests|trackers"
    for named in re.findall(rf"\b((?:{folders})/[\w./-]+\.(?:py|toml|md|json))\b", document.read_text()):
        assert "NAME" in named or (ROOT / named).exists(), named


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_every_command_in_a_document_is_one_the_program_has(document, capsys):
    text = document.read_text()
    commands = [line.split("#")[0].split() for line in text.splitlines() if line.strip().startswith("vidmem ")]
    commands += [each.split() for each in re.findall(r"`(vidmem [^`]+)`", text.replace("\n", " "))]
    for words in commands:
        if not words[1].isalpha():  # `vidmem --help`
            continue
        many = words[1] in ("datasets", "models", "needle") and len(words) > 2
        main([*words[1 : 3 if many else 2], "--help"])
        said = capsys.readouterr().out
        assert said.strip().startswith("Usage:"), " ".join(words)
        for option in [word for word in words if word.startswith("--")]:
            assert re.split(r"[|=,.]", option)[0] in said, f"{' '.join(words)}: {option}"


def test_the_python_in_the_readme_runs(monkeypatch):
    from vidmem.frames import demo

    monkeypatch.setitem(demo.LENGTHS, "koi", 42)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert len(blocks) == 3
    names: dict = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert names["mask"].shape == (360, 640) and names["frame"].index == 39
