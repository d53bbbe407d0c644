"""The page before Gradio: two tabs, their markup, style and scripts, and the calls behind them."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from vidmem.ui.calls import Calls
from vidmem.ui.exports import formats
from vidmem.ui.limits import Limits
from vidmem.ui.settings import Setting, settings_of

ASSETS = Path(__file__).with_name("assets")
SCRIPTS = ("core", "stage", "timeline", "panels", "keys", "boot")  # one scope, in this order
HEAD = (
    '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">'
)


def build(calls: Calls, limits: Limits) -> gr.Blocks:
    """The page. Gradio brings the tabs, the upload, the login and the transport; all that is shown is in assets/."""
    facts = facts_of(calls, limits)
    with gr.Blocks(
        title="vidmem: follow anything through video", analytics_enabled=False, delete_cache=(300, 900)
    ) as page:
        with gr.Tab("Video"):
            gr.HTML(
                facts,
                html_template=asset("workbench.html"),
                js_on_load="\n".join(asset(f"{name}.js") for name in SCRIPTS),
                server_functions=[calls_of(calls, "act"), calls_of(calls, "wait"), calls_of(calls, "alive")],
                apply_default_css=False,
                elem_id="workbench",
            )
        with gr.Tab("Camera"):
            gr.HTML(
                facts,
                html_template=asset("camera.html"),
                js_on_load=asset("camera.js"),
                server_functions=[calls_of(calls, "camera")],
                apply_default_css=False,
                elem_id="camera",
            )
    return page


def facts_of(calls: Calls, limits: Limits) -> dict[str, Any]:
    """What does not change while the page is open: trackers with their settings, models, formats, limits."""
    trackers = calls.desks.trackers
    cards = {
        name: {**words, "settings": [_told(each) for each in settings_of(name)]}
        for name, words in trackers.cards.items()
    }
    chosen = calls.desks.chosen
    return {
        "cards": cards,
        "models": trackers.models,
        "model_words": {name: model_words(name) for name in trackers.models},
        "formats": formats(),
        "limits": {"upload_bytes": limits.upload_bytes},
        "chosen": {"tracker": chosen.tracker, "model": chosen.model},
    }


def _told(setting: Setting) -> dict[str, Any]:
    """A setting as JSON holds it, which knows no infinity: a number without a bound is an empty field."""
    bounded = not isinstance(setting.value, float) or math.isfinite(setting.value)
    return {**asdict(setting), "value": setting.value if bounded else None}


def model_words(name: str) -> str:
    """What a person should know of a model before they are disappointed by it."""
    if name != "nano":
        return ""
    return (
        "nano ships with vidmem, for trying things: it follows a painted mask best. Where a click takes too much, use "
        "the brush, or get a published model with: vidmem models download sam2.1-tiny"
    )


def calls_of(calls: Calls, name: str) -> Any:
    """A call as a plain function of one argument, as Gradio wants it."""
    call = getattr(calls, name)

    def called(asked: Any) -> Any:
        return call(asked)

    called.__name__ = name
    called.__annotations__ = {}
    return called


def asset(name: str) -> str:
    return (ASSETS / name).read_text()


def style() -> str:
    return asset("page.css")
