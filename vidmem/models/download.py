"""Fetching checkpoints: said before, resumed when broken off, verified behind, never twice."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from vidmem.errors import ModelError
from vidmem.models.manifest import Checkpoint, cache, named

BLOCK = 1 << 20
Progress = Callable[[int, int], None]  # bytes so far, bytes in all (0 when not known)


def fetch(name: str, progress: Progress | None = None, announce: Callable[[str], None] = print) -> Path:
    """The file of a named checkpoint, downloaded and verified if it is not here yet.

    announce is given the size and the licence before anything is downloaded. With VIDMEM_OFFLINE=1 (or
    HF_HUB_OFFLINE=1) nothing is. Raises ModelError when it cannot be had, or when it is not what the manifest says.
    """
    checkpoint = named(name)
    if checkpoint.present:
        return checkpoint.path
    if checkpoint.file:
        raise ModelError(
            f"{checkpoint.path} is missing; it ships with vidmem. Reinstall the package, or check out the file."
        )
    if "1" in (os.environ.get("VIDMEM_OFFLINE"), os.environ.get("HF_HUB_OFFLINE")):
        raise ModelError(
            f"The checkpoint {name} is not on this machine, and the offline mode forbids downloading it. "
            f"Unset VIDMEM_OFFLINE, or place {checkpoint.url} at {checkpoint.path}."
        )
    announce(
        f"Downloading {name}: {checkpoint.bytes / 1e6:.0f} MB, licence {checkpoint.licence}, from {checkpoint.url}"
    )
    part = checkpoint.path.with_name(checkpoint.path.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    _download(checkpoint, part, progress)
    verify(checkpoint, part)
    os.replace(part, checkpoint.path)
    return checkpoint.path


def verify(checkpoint: Checkpoint, path: Path | None = None) -> str:
    """The sha256 of a checkpoint's file, if it is what was published, or else what was recorded at its first download.

    A first download of unpublished sum is recorded here. Raises ModelError for a missing or a changed file.
    """
    path = path or checkpoint.path
    if not path.is_file():
        raise ModelError(
            f"{checkpoint.name} is not on this machine ({path}). Get it with: vidmem models download {checkpoint.name}"
        )
    size, found = path.stat().st_size, sha256(path)
    expected = checkpoint.sha256 or _recorded().get(checkpoint.name, "")
    if expected and found != expected:
        short = f" It has {size} bytes of {checkpoint.bytes}." if checkpoint.bytes and size != checkpoint.bytes else ""
        raise ModelError(
            f"{path} is not the checkpoint {checkpoint.name}: its sha256 is {found[:16]}…, "
            f"{expected[:16]}… is expected.{short} Delete it and run: vidmem models download {checkpoint.name}"
        )
    if not expected and not checkpoint.file:
        _record(checkpoint.name, found)
    return found


def sha256(path: Path) -> str:
    """The sum of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _download(checkpoint: Checkpoint, part: Path, progress: Progress | None) -> None:
    have = part.stat().st_size if part.exists() else 0
    if checkpoint.bytes and have == checkpoint.bytes:
        return
    request = Request(checkpoint.url, headers={"User-Agent": "vidmem", **({"Range": f"bytes={have}-"} if have else {})})
    try:
        with urlopen(request, timeout=30) as answer:
            resumed = answer.status == 206
            have = have if resumed else 0
            total = have + int(answer.headers.get("Content-Length") or 0)
            with part.open("ab" if resumed else "wb") as file:
                while block := answer.read(BLOCK):
                    file.write(block)
                    have += len(block)
                    if progress:
                        progress(have, total)
            if total and have < total:
                raise URLError(f"the connection closed after {have} of {total} bytes")
    except HTTPError as problem:
        if problem.code == 416:  # what is here already is all there is, or of another file: the sum will tell
            return
        raise ModelError(f"{checkpoint.url} answers {problem.code} {problem.reason}. Try again later.") from problem
    except (URLError, TimeoutError, ConnectionError) as problem:
        reason = getattr(problem, "reason", problem)
        raise ModelError(
            f"{checkpoint.name} could not be downloaded ({reason}); {have} bytes are kept and will be resumed. Is the "
            f"network open? Otherwise place {checkpoint.url} at {checkpoint.path}, or use the model "
            "nano, which needs no download."
        ) from problem


def _recorded() -> dict[str, str]:
    file = cache() / "recorded.json"
    return json.loads(file.read_text()) if file.is_file() else {}


def _record(name: str, found: str) -> None:
    file = cache() / "recorded.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(file.name + ".part")
    half.write_text(json.dumps({**_recorded(), name: found}, indent=1))
    os.replace(half, file)
