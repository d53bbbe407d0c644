"""Opens the page: a folder of its own for all that is written, loopback unless asked, closed cleanly at the end."""

from __future__ import annotations

import ipaddress
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

from vidmem.errors import InputError, UsageError
from vidmem.ui.desk import Chosen
from vidmem.ui.limits import Limits


@dataclass(frozen=True)
class Opened:
    """A page that is being served."""

    address: str
    desks: Any  # vidmem.ui.desks.Desks
    folder: Path


@contextmanager
def served(
    video: str | None = None,
    *,
    chosen: Chosen = Chosen(),  # noqa: B008 (frozen)
    limits: Limits = Limits(),  # noqa: B008
    host: str = "127.0.0.1",
    port: int | None = None,
    auth: list[tuple[str, str]] | None = None,
    device: str = "auto",
    session: Path | None = None,
    folder: Path | None = None,
) -> Iterator[Opened]:
    """The page, as long as the block lasts. Then everything that was written for it is gone.

    video: what everybody begins with; the bundled clip when None. session: a saved session to begin with. folder:
    where the page makes its own; the system's temporary folder when None. Raises UsageError when Gradio is missing or
    the port is taken, InputError for a video or a session that cannot be opened.
    """
    root = Path(tempfile.mkdtemp(prefix="vidmem-page-", dir=folder))
    try:
        os.environ["GRADIO_TEMP_DIR"] = str(root / "incoming")
        os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
        (root / "incoming").mkdir()
        try:
            import gradio.themes  # noqa: F401 (told here, before anything is opened)
        except ImportError as missing:
            raise UsageError("The page needs Gradio: pip install 'vidmem[demo]'") from missing
        with (
            _desks(root, video, chosen, limits, device, session) as desks,
            _launched(root, desks, host, port, auth) as at,
        ):
            yield Opened(at, desks, root)
    finally:
        rmtree(root, ignore_errors=True)


@contextmanager
def _desks(
    root: Path, video: str | None, chosen: Chosen, limits: Limits, device: str, session: Path | None
) -> Iterator[Any]:
    """Everybody's desks, closed at the end. What cannot be opened is told now, not to the first visitor."""
    from vidmem.ui.desks import Desks, opening_of
    from vidmem.ui.trackers import Trackers

    trackers = Trackers(device, (chosen.model,))
    trackers.get(chosen.tracker, chosen.model, dict(chosen.settings))
    opening, is_sample = opening_of(video, limits)
    desks = Desks(root / "desks", trackers, limits, chosen, opening, click=is_sample, session=session)
    try:
        desks.close(desks.attend(None).token)
        yield desks
    finally:
        desks.close_all()


@contextmanager
def _launched(root: Path, desks: Any, host: str, port: int | None, auth: list[tuple[str, str]] | None) -> Iterator[str]:
    """The web server over the desks; yields its address."""
    from gradio.themes import Base
    from starlette.middleware import Middleware

    from vidmem.ui.calls import Calls
    from vidmem.ui.camera import Cameras
    from vidmem.ui.guard import Guard
    from vidmem.ui.page import HEAD, build, style

    limits: Limits = desks.limits
    calls = Calls(desks, Cameras(desks.trackers, desks.turns), root / "incoming")
    page = build(calls, limits)
    try:
        app, address, _ = page.launch(
            server_name=host,
            server_port=port,
            auth=auth,
            max_file_size=limits.upload_bytes,
            theme=Base(),
            head=f"{HEAD}<style>{style()}</style>",
            prevent_thread_lock=True,
            quiet=True,
            show_error=False,
            ssr_mode=False,
            footer_links=[],
            app_kwargs={"middleware": [Middleware(Guard, upload_bytes=limits.upload_bytes)]},
        )
    except OSError as problem:
        raise UsageError(
            f"The page cannot be opened at {host}:{port or 7860} ({problem}). Choose another --port."
        ) from problem
    _add_routes(app, calls)
    try:
        yield address
    finally:
        page.close(verbose=False)


def _add_routes(app: Any, calls: Any) -> None:
    """Downloads, and the word a closing tab sends."""
    from fastapi import Response
    from fastapi.responses import FileResponse, PlainTextResponse

    def file(token: str, name: str) -> Any:
        try:
            return FileResponse(calls.file(token, name), filename=name, headers={"Cache-Control": "no-store"})
        except InputError as problem:
            return PlainTextResponse(str(problem), status_code=404)

    def leave(token: str) -> Any:
        calls.leave(token)
        return Response(status_code=204)

    app.add_api_route(
        "/vidmem/file/{token}/{name}", file, methods=["GET"], include_in_schema=False, response_model=None
    )
    app.add_api_route("/vidmem/leave/{token}", leave, methods=["POST"], include_in_schema=False, response_model=None)
    for _ in range(2):  # before the routes that take any path
        app.router.routes.insert(0, app.router.routes.pop())


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a page bound to that host."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
