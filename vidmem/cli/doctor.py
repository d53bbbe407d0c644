"""`vidmem doctor`: what this machine can do, and a cure for each thing it cannot."""

from __future__ import annotations

import json
import os
import platform
import shutil
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import typer

from vidmem.cli import options


@dataclass(frozen=True)
class Finding:
    what: str
    found: str
    verdict: str  # ok, info (nothing wrong), warn (something is missing that some verbs need)
    cure: str = ""


def doctor(as_json: options.AsJson = False) -> None:
    """Look at the machine: device, readers, writers, weights, disk. Each line that is not ok names its cure."""
    findings = [_python(), *_devices(), *_readers(), *_formats(), _page(), _weights(), _disk()]
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in findings], indent=1))
        return
    for each in findings:
        cure = f"   {each.cure}" if each.cure else ""
        typer.echo(f"{each.what:12s} {each.found:58s} {each.verdict}{cure}")
    typer.echo("\nnext: vidmem track demo:koi")


def _python() -> Finding:
    import torch

    from vidmem import __version__

    return Finding("vidmem", f"{__version__}, Python {platform.python_version()}, torch {torch.__version__}", "ok")


def _devices() -> list[Finding]:
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    kind = torch.backends.cpu.get_cpu_capability()
    found = [Finding("CPU", f"{cores} cores, {torch.get_num_threads()} threads, {kind}", "ok"), _arithmetic()]
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(index)
            name = torch.cuda.get_device_name(index)
            found.append(Finding("GPU", f"{name}, {free / 2**30:.0f} of {total / 2**30:.0f} GiB free", "ok"))
    elif torch.backends.mps.is_available():
        found.append(Finding("GPU", "Apple MPS", "ok"))
    else:
        found.append(
            Finding("GPU", "none that torch sees", "info", "nano runs on the CPU; the large models want a GPU")
        )
    return found


def _arithmetic() -> Finding:
    """What the processor is quick at, and which precision is chosen for it."""
    from vidmem import machine

    name, features = machine.processor()
    if machine.quick_at_bfloat16():
        words, cure = "nano fp32, larger models bf16", "--precision exact: fp32 for all"
        return Finding("arithmetic", f"{name} {' '.join(features[:1])}: {words}", "ok", cure)
    return Finding("arithmetic", f"{name} {' '.join(features[:1])}: fp32, for want of bfloat16", "ok")


def _readers() -> list[Finding]:
    findings = []
    for reader, package, module in (
        ("pyav", "av", "av"),
        ("opencv", "opencv-python-headless", "cv2"),
        ("decord", "decord2", "decord"),
        ("torchcodec", "torchcodec", "torchcodec"),
    ):
        if find_spec(module) is None:
            cure = f"pip install 'vidmem[{reader}]'" if reader != "pyav" else "pip install av"
            findings.append(Finding("reader", f"{reader}: not installed", "warn" if reader == "pyav" else "info", cure))
            continue
        problem = _import_problem(module)
        state = _version(package) if problem is None else f"does not load ({problem})"
        cure = (
            ""
            if problem is None
            else "it needs FFmpeg 4 to 9 on the system"
            if reader == "torchcodec"
            else "reinstall it"
        )
        findings.append(Finding("reader", f"{reader}: {state}", "ok" if problem is None else "info", cure))
    return findings


def _formats() -> list[Finding]:
    if find_spec("pyarrow") is None:
        return [Finding("format", "parquet: not installed", "info", "pip install 'vidmem[parquet]'")]
    return [Finding("format", f"parquet: pyarrow {_version('pyarrow')}", "ok")]


def _page() -> Finding:
    if find_spec("gradio") is None:
        return Finding("page", "gradio: not installed", "info", "pip install 'vidmem[demo]'")
    return Finding("page", f"gradio {_version('gradio')}: vidmem demo", "ok")


def _weights() -> Finding:
    from vidmem.models import manifest

    listed = manifest.every()
    here = [each.name for each in listed if each.present]
    cure = "" if len(here) > 1 else "vidmem models download sam2.1-tiny"
    return Finding("weights", f"{len(here)} of {len(listed)} here: {', '.join(here)}", "ok" if here else "warn", cure)


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    writable = os.access(Path.cwd(), os.W_OK)
    verdict = "ok" if writable and free > 1 else "warn"
    cure = "" if verdict == "ok" else "name another place with --out"
    return Finding("disk", f"{free:.0f} GiB free here, {'writable' if writable else 'not writable'}", verdict, cure)


def _version(package: str) -> str:
    for name in (package, package.removesuffix("-headless")):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "installed"


def _import_problem(module: str) -> str | None:
    try:
        __import__(module)
    except Exception as problem:
        return str(problem).strip().splitlines()[0][:60] if str(problem).strip() else type(problem).__name__
    return None
