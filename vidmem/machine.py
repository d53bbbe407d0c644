"""What the processor is and which arithmetic it is quick at."""

from __future__ import annotations

import os
import platform
from functools import lru_cache
from pathlib import Path

# Of the many that processors list, those that decide how fast a network runs, best first.
TELLING = ("amx_bf16", "amx_int8", "avx512_bf16", "avx512_vnni", "avx512f", "avx2", "bf16", "asimd")


@lru_cache(maxsize=1)
def processor() -> tuple[str, tuple[str, ...]]:
    """Its name, and which of `TELLING` it has."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine(), ()
    lines = dict(
        (key.strip(), value.strip()) for key, _, value in (each.partition(":") for each in text.splitlines()) if value
    )
    listed = set((lines.get("flags") or lines.get("Features") or "").split())
    name = lines.get("model name") or platform.processor() or platform.machine()
    return name, tuple(each for each in TELLING if each in listed)


def cores() -> int:
    """How many this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def described() -> str:
    """One line: name, cores, features."""
    name, features = processor()
    return f"{name}, {cores()} cores, {' '.join(features) or 'no listed vector features'}"


def quick_at_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 faster than float32."""
    _, features = processor()
    return "amx_bf16" in features or "avx512_bf16" in features or "bf16" in features
