"""The page's half, `js/page.js`, in a JavaScript engine without a browser: run by node's own test runner."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import playwright
import pytest

TESTS = Path(__file__).with_name("js") / "page.test.mjs"


def node() -> str | None:
    """Whichever node is there: the system's, else the one that Playwright brings along."""
    name = "node.exe" if sys.platform == "win32" else "node"
    own = Path(str(playwright.__file__)).parent / "driver" / name
    return shutil.which("node") or (str(own) if own.exists() else None)


@pytest.mark.timeout(120)
def test_the_pages_half() -> None:
    executable = node()
    if executable is None:
        pytest.skip("there is no node here, neither the system's nor Playwright's")

    command = [executable, "--test", "--test-reporter=tap", str(TESTS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False, encoding="utf-8")
    passed = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)

    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    assert passed is not None
    assert int(passed[1]) >= 37, "tests have gone missing"
