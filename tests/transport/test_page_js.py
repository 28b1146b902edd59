"""The JavaScript tests of `page.js` and `reader.js`, which node's test runner runs without a browser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import playwright
import pytest

TESTS = Path(__file__).with_name("js") / "page.test.mjs"


def find_node() -> str | None:
    """Return the path of the system's node, or of the one in Playwright's package, or None."""
    name = "node.exe" if sys.platform == "win32" else "node"
    bundled = Path(str(playwright.__file__)).parent / "driver" / name
    return shutil.which("node") or (str(bundled) if bundled.exists() else None)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seeds", [24, pytest.param(40, marks=pytest.mark.long)])
def test_page_scripts_pass_javascript_tests(seeds: int) -> None:
    """The number of seeds is the number of random bodies, each of which is cut at every byte."""
    executable = find_node()
    if executable is None:
        pytest.skip("no node was found, neither the system's nor Playwright's")

    command = [executable, "--test", "--test-reporter=tap", str(TESTS)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        encoding="utf-8",
        env=os.environ | {"SEEDS": str(seeds)},
    )
    passed = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)

    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    assert passed is not None
    assert int(passed[1]) >= 37, "some JavaScript tests did not run"
