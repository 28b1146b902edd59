"""The results file: all samples, the machine and the versions."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from .processes import browser_executable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .figures import Row

__all__ = ["FOLDER", "machine", "write_results"]

FOLDER = Path(__file__).with_name("results")
PACKAGES = ("chatgpt-browser-api", "playwright", "aiohttp", "httpx", "h2", "hypercorn", "anyio")


def machine() -> dict[str, Any]:
    """Return the machine and the versions. Call it while our browser is running."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load_before": [round(load, 2) for load in psutil.getloadavg()],
        "python": platform.python_version(),
        "browser": _said(browser_executable(), "--version"),
        "node": _said("node", "--version"),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def write_results(rows: Sequence[Row], about: dict[str, Any], folder: Path) -> Path:
    """Write all rows to `latest.json` in a folder and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "latest.json"
    document = json.dumps({"machine": about, "rows": [row.to_json() for row in rows]}, indent=1)
    path.write_text(_on_one_line(document) + "\n", encoding="utf-8")
    return path


def _on_one_line(document: str) -> str:
    """Return the JSON with each list of numbers on one line."""
    lines: list[str] = []
    within = False
    for line in document.splitlines():
        number = line.strip().rstrip(",").lstrip("-")
        is_number = number.replace(".", "").replace("e", "").replace("-", "").isdigit()
        if lines and (is_number or (within and line.strip().startswith("]"))):
            lines[-1] += (" " if within and is_number else "") + line.strip()
        else:
            lines.append(line)
        within = is_number
    return "\n".join(lines)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _said(program: str, *arguments: str) -> str | None:
    found = shutil.which(program)
    if found is None:
        return None
    said = subprocess.run([found, *arguments], capture_output=True, text=True, timeout=20)
    return said.stdout.strip() or None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
