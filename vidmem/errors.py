"""What may go wrong on the user's side, by who can mend it. The message says what came, where, and how to mend it.

The command line prints the message as one line and leaves with `exit_code`; a program may catch them by type.
"""

from __future__ import annotations


class VidmemError(Exception):
    """Anything vidmem refuses with a reason."""

    exit_code = 1


class UsageError(VidmemError):
    """What was asked cannot be asked so: an unknown name, options that exclude each other."""

    exit_code = 2


class InputError(VidmemError):
    """A source, a prompt or an output place that cannot be used."""

    exit_code = 3


class DamagedSource(InputError):
    """A source that broke off: the frames before the break were delivered."""

    def __init__(self, source: str, read: int, promised: int | None, reason: str):
        of = f" of the {promised} it promises" if promised else ""
        super().__init__(
            f"{source} is damaged: {read} frames were read{of}, then decoding failed ({reason}). "
            "The frames before the break are good. Use --on-damage skip to go on behind the damage where possible, "
            "or repair the file (for example `ffmpeg -i in.mp4 -c copy out.mp4`)."
        )
        self.source, self.read, self.promised, self.reason = source, read, promised, reason


class ModelError(VidmemError):
    """A checkpoint that is missing, broken or of another model; weights that cannot be fetched."""

    exit_code = 4


class OutOfMemory(VidmemError):
    """The device is full. What was finished is saved."""

    exit_code = 5


class UnknownName(UsageError, LookupError):
    """A name no table or folder of cards knows."""
