"""`vidmem` and `python -m vidmem`: runs a verb and turns what went wrong into one line and an exit code.

0 done, 2 wrong usage, 3 input or output, 4 model, 5 out of memory, 130 stopped by the user.
"""

from __future__ import annotations

import errno
import sys

from vidmem.errors import VidmemError


def main(arguments: list[str] | None = None) -> int:
    from vidmem.cli import app

    try:
        code = app(arguments, standalone_mode=False)
    except VidmemError as problem:
        return _say(str(problem), problem.exit_code)
    except KeyboardInterrupt:
        return _say("Stopped.", 130)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as problem:
        return _say(_in_words(problem), 3)
    except Exception as problem:
        return _usage(problem)
    return code if isinstance(code, int) else 0


def _usage(problem: Exception) -> int:
    """Typer's own complaints in one line; anything else is a fault of ours and keeps its traceback."""
    exit_code = getattr(problem, "exit_code", None)
    if exit_code is None:
        raise problem
    tell = getattr(problem, "format_message", None)
    if tell is not None and type(problem).__name__ == "NoArgsIsHelpError":  # a verb of verbs alone: its help
        print(tell())
        return 2
    if tell is None:  # an orderly exit or abort
        return int(exit_code)
    context = getattr(problem, "ctx", None)
    where = f" See `{context.command_path} --help`." if context is not None else ""
    words = tell().rstrip()
    return _say(f"{words if words[-1:] in ('.', '!', '?') else words + '.'}{where}", 2)


def _in_words(problem: OSError) -> str:
    place = f" {problem.filename}" if problem.filename else ""
    if problem.errno == errno.ENOSPC:
        where = place and " at" + place
        return f"The disk is full{where}. What was written so far is kept; free space, then use --resume."
    if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"No permission to use{place or ' a file'} ({problem.strerror}). Choose another place with --out."
    return f"{problem.strerror or problem}:{place}" if place else str(problem)


def _say(message: str, code: int) -> int:
    print(f"vidmem: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
