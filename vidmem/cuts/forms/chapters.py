"""The video itself, copied packet by packet into an MP4 with one chapter a scene. No picture is encoded again."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidmem.errors import InputError
from vidmem.saving import hidden, refusal

if TYPE_CHECKING:
    from vidmem.cuts.detect import SceneReport


def write_chapters(report: SceneReport, path: Path, source: str) -> None:
    """Raises InputError for a source that is no video file, or whose streams an MP4 cannot hold."""
    import av
    from av.error import FFmpegError

    if not Path(source).is_file():
        raise InputError(
            f"{source} is no video file, so it cannot be copied with chapters. Leave mp4 out of --formats."
        )
    if path.exists() and Path(source).samefile(path):
        raise InputError(f"{path} is the source itself. Choose another --out.")
    part = hidden(path)
    try:
        with av.open(source) as old, av.open(str(part), "w", format="mp4", options={"movflags": "faststart"}) as new:
            pairs = {
                each.index: new.add_stream_from_template(each)
                for each in old.streams
                if each.type in ("video", "audio") and not _is_cover(each)
            }
            container: Any = new  # PyAV's stubs ask for its own typed dictionaries
            container.set_chapters(chapters(report))
            for packet in old.demux([old.streams[index] for index in pairs]):
                if packet.dts is not None:
                    packet.stream = pairs[packet.stream.index]
                    new.mux(packet)
        part.replace(path)
    except (FFmpegError, ValueError) as error:
        raise InputError(
            f"{source} cannot be copied into an MP4 with chapters ({error}). Leave mp4 out of --formats, or convert it."
        ) from error
    except OSError as error:
        raise refusal(path, error) from error
    finally:
        part.unlink(missing_ok=True)


def chapters(report: SceneReport) -> list[dict[str, Any]]:
    """In milliseconds, as FFmpeg takes them."""
    return [
        {
            "id": scene.number,
            "start": round(1000 * scene.start),
            "end": round(1000 * scene.end),
            "time_base": Fraction(1, 1000),
            "metadata": {"title": f"Scene {scene.number}"},
        }
        for scene in report.scenes
    ]


def _is_cover(stream: Any) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)
