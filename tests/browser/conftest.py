"""A real browser before a real page. Skips, with the reason, where there is no Chromium or no Playwright.

`make test-browser` runs these; screenshots are kept in .ci/out/page to be looked at.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
SHOTS = Path(os.environ.get("VIDMEM_SHOTS", ROOT / ".ci" / "out" / "page"))
FRAMES = 32  # of the sample clip: long enough to stop in, short enough to wait for
PACE = 0.08  # seconds a frame waits in a pass: on a quick machine it would be over before a test can stop it
PATIENCE = 60_000  # milliseconds, on a busy machine

gradio = pytest.importorskip("gradio", reason="the page needs gradio: pip install 'vidmem[demo]'")
playwright = pytest.importorskip("playwright.sync_api", reason="driving a browser needs playwright")


def chromium() -> str | None:
    """The system's Chromium. Browsers are never downloaded."""
    named = [os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
    return next((found for each in named if each and (found := shutil.which(each))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    path = chromium()
    if path is None:
        pytest.skip("there is no Chromium here: apt-get install chromium, or name one in $CHROMIUM")
    arguments = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server() -> Iterator[Any]:
    """The page, as `vidmem demo` serves it."""
    from vidmem.frames import demo
    from vidmem.ui.job import Job
    from vidmem.ui.limits import Limits
    from vidmem.ui.serve import served

    quick = Job._in_turn

    def paced(self: Job, steps: Iterator[Any]) -> Iterator[Any]:
        for step in quick(self, steps):
            time.sleep(PACE)
            yield step

    before, demo.LENGTHS["koi"], Job._in_turn = demo.LENGTHS["koi"], FRAMES, paced
    with served(limits=Limits(sessions=24, upload_bytes=8 << 20)) as page:
        yield page
    demo.LENGTHS["koi"], Job._in_turn = before, quick


class Bench:
    """What a person does at the page, and what they see."""

    def __init__(self, tab: Any, server: Any) -> None:
        self.tab, self.server, self.complaints = tab, server, []
        tab.set_default_timeout(PATIENCE)
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self) -> Bench:
        self.tab.goto(self.server.address)
        self.tab.wait_for_selector("#workbench [data-do=track-forwards]:not([disabled])")
        return self

    @property
    def token(self) -> str:
        return self.tab.evaluate("sessionStorage.getItem('vidmem-desk')")

    @property
    def desk(self) -> Any:
        """What the server holds for this tab."""
        return self.server.desks.open[self.token]

    def do(self, name: str) -> None:
        before = self.desk.history
        self.tab.click(f"#workbench [data-do={name}]")
        if name.startswith("track-"):
            self.until(lambda: self.running() or self.desk.history is not before, "no pass began")

    def tool(self, name: str) -> None:
        self.tab.click(f"#workbench [data-tool={name}]")

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a pixel of the video lies on the screen."""
        box = self.tab.locator("#workbench [data-at=picture]").bounding_box()
        height, width = self.desk.clip.size
        return box["x"] + box["width"] * x / width, box["y"] + box["height"] * y / height

    def press(self, x: float, y: float, minus: bool = False) -> None:
        self.tab.locator("#workbench [data-at=stage]").scroll_into_view_if_needed()
        marks = self.marks()
        if minus:
            self.tab.keyboard.down("Shift")
        self.tab.mouse.click(*self.at(x, y))
        if minus:
            self.tab.keyboard.up("Shift")
        self.until(lambda: self.marks() > marks, "the mark did not arrive")

    def drag(self, *places: tuple[float, float], minus: bool = False) -> None:
        self.tab.locator("#workbench [data-at=stage]").scroll_into_view_if_needed()
        before = self.desk.history
        if minus:
            self.tab.keyboard.down("Shift")
        self.tab.mouse.move(*self.at(*places[0]))
        self.tab.mouse.down()
        for place in places[1:]:
            self.tab.mouse.move(*self.at(*place), steps=4)
        self.tab.mouse.up()
        if minus:
            self.tab.keyboard.up("Shift")
        self.until(lambda: self.desk.history is not before, "the mark did not arrive")

    def marks(self) -> int:
        """How many points, boxes and masks were said, all together."""
        said = [each.prompt for asked in self.desk.work.session.kept.asked.values() for each in asked.values()]
        return sum(
            (0 if p.points is None else len(p.points)) + (p.box is not None) + (p.mask is not None) for p in said
        )

    def seek(self, frame: int) -> None:
        self.tab.fill("#workbench [data-at=frame-number]", str(frame))
        self.tab.press("#workbench [data-at=frame-number]", "Enter")
        self.until(lambda: self.desk.frame == frame, f"frame {frame} did not come")
        self.tab.wait_for_function(f"document.querySelector('#workbench [data-at=slider]').value == '{frame}'")

    def running(self) -> bool:
        return not self.tab.locator("#workbench [data-do=stop]").is_disabled()

    def reach(self, frames: int) -> None:
        """Waits until a pass has done so many frames, or is over."""
        self.until(lambda: (done := self.done()) is None or done >= frames, "no frame was tracked")

    def done(self) -> int | None:
        """Frames the running pass has done; None when none runs."""
        job = self.desk.job
        return None if job is None else job.progress.done

    def stop(self) -> None:
        """Presses Stop, unless the pass is over by then."""
        self.tab.eval_on_selector("#workbench [data-do=stop]", "button => button.disabled || button.click()")
        self.idle()

    def idle(self) -> None:
        self.tab.wait_for_selector("#workbench [data-do=stop][disabled]")
        self.until(lambda: self.desk.job is None, "the pass did not end")

    def note(self) -> str:
        return self.tab.inner_text("#workbench [data-at=note]").strip()

    def wait_note(self, words: str) -> str:
        self.until(lambda: words in self.note(), f"nothing said {words!r}")
        return self.note()

    def answered(self, object_id: int = 1) -> list[int]:
        rows = self.desk.work.results.rows.get(object_id)
        return [] if rows is None else [frame for frame, row in enumerate(rows) if row["state"]]

    def until(self, true: Any, words: str) -> None:
        end = time.monotonic() + PATIENCE / 1000
        while not true():
            if time.monotonic() > end:
                raise AssertionError(f"{words}; the page says {self.note()!r}")
            self.tab.wait_for_timeout(25)

    def shot(self, name: str, whole: bool = False) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.tab.screenshot(path=SHOTS / f"{name}.png", full_page=whole)


@pytest.fixture
def newcomer(browser: Any, server: Any) -> Iterator[Any]:
    """Opens the page for one more person; each has a browser of their own."""
    contexts, benches = [], []

    def come(width: int = 1280, height: int = 900, **more: Any) -> Bench:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **more))
        benches.append(Bench(contexts[-1].new_page(), server))
        return benches[-1]

    yield come
    for context in contexts:
        context.close()
    for token in list(server.desks.open):
        server.desks.close(token)
    assert not [each for bench in benches for each in bench.complaints], "a script of the page failed"


@pytest.fixture
def bench(newcomer: Any) -> Bench:
    return newcomer().open()


@pytest.fixture(scope="session")
def measured() -> Iterator[dict[str, float]]:
    """Seconds worth knowing; written beside the screenshots, asserted nowhere."""
    found: dict[str, float] = {}
    yield found
    SHOTS.mkdir(parents=True, exist_ok=True)
    (SHOTS / "measured.json").write_text(json.dumps(found, indent=1))
