"""`chatgpt_browser.testing.__all__`: the public types name the module that users import."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROGRAM = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
import chatgpt_browser.testing as testing
public = [getattr(testing, name) for name in testing.__all__]
print(json.dumps({each.__name__: each.__module__ for each in public if isinstance(each, type)}))
"""


@pytest.mark.parametrize(
    "first_import", ["chatgpt_browser.testing", "chatgpt_browser.testing.script.steps", "chatgpt_browser"]
)
def test_public_types_have_public_module_in_fresh_interpreter(first_import: str) -> None:
    command = [sys.executable, "-c", PROGRAM, first_import]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
    modules = json.loads(output)

    assert {"FakeChatGPT", "Reply", "Answer", "RecordedRequest", "Turn"} <= modules.keys()
    assert set(modules.values()) == {"chatgpt_browser.testing"}
