"""`vidmem demo`: the page for interactive tracking."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Annotated

import typer

from vidmem.cli import options
from vidmem.errors import InputError, UsageError


def demo(
    video: Annotated[
        str | None, typer.Argument(help="A video file or a folder of images; a bundled clip when left out.")
    ] = None,
    tracker: options.TrackerName = "sam2",
    model: options.ModelName = "nano",
    settings: options.Settings = [],  # noqa: B006 (Typer reads the default, nothing writes it)
    device: options.Device = "auto",
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="FILE.vidmem.zip", help="Begin with work that was saved.")
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Who may reach it: 127.0.0.1 this machine, 0.0.0.0 the network.")
    ] = "127.0.0.1",
    port: Annotated[int | None, typer.Option("--port", help="The first free one from 7860 when left out.")] = None,
    auth: Annotated[
        str | None,
        typer.Option("--auth", metavar="USER:PASSWORD", help="Ask for a login. Better in $VIDMEM_DEMO_AUTH."),
    ] = None,
    sessions: Annotated[int, typer.Option("--sessions", help="People at once.")] = 16,
    max_upload: Annotated[str, typer.Option("--max-upload", help="Size of a file that may come in.")] = "1GiB",
    max_space: Annotated[str, typer.Option("--max-space", help="Disk space of one person.")] = "4GiB",
    max_minutes: Annotated[float, typer.Option("--max-minutes", help="Length of a video.")] = 120.0,
    idle_minutes: Annotated[float, typer.Option("--idle-minutes", help="A page unheard of so long is closed.")] = 30.0,
) -> None:
    """Open the page: click on an object, track it, correct it, export it. Ctrl-C closes it."""
    if resume is not None and not resume.is_file():
        raise InputError(f"There is no saved session {resume}. It is the file that Save work on the page made.")
    login = auth or os.environ.get("VIDMEM_DEMO_AUTH")
    changed = options.settings_of(settings)

    from vidmem.ui.desk import Chosen
    from vidmem.ui.limits import Limits, as_bytes
    from vidmem.ui.serve import is_loopback, served

    limits = Limits(
        sessions=sessions,
        upload_bytes=as_bytes(max_upload),
        folder_bytes=as_bytes(max_space),
        seconds=max_minutes * 60,
        idle_seconds=idle_minutes * 60,
    )
    if not is_loopback(host) and not login:
        typer.echo(
            f"Anybody who can reach {host} can use this page. Ask for a login with --auth USER:PASSWORD.", err=True
        )
    with served(
        video,
        chosen=Chosen(tracker, model, tuple(sorted(changed.items()))),
        limits=limits,
        host=host,
        port=port,
        auth=login_of(login) if login else None,
        device=device,
        session=resume,
    ) as page:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # who is told to end tidies up as with Ctrl-C
        print(f"The page is open at {page.address}  (Ctrl-C closes it)", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            typer.echo("Closed.")


def login_of(text: str) -> list[tuple[str, str]]:
    """[(user, password)] of USER:PASSWORD."""
    user, colon, password = text.partition(":")
    if not colon or not user or not password:
        raise UsageError("--auth is USER:PASSWORD, both of at least one letter.")
    return [(user, password)]
