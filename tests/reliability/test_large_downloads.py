"""A large file comes down in pieces: the process of the client does not grow by the size of the file."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.testing import DownloadOptions, FakeChatGPT, Reply, SentFile
from tests.support.scripted_site import base_urls

if TYPE_CHECKING:
    from pathlib import Path

_MEGABYTE = 1 << 20
#: The program of the client. It prints by how many bytes its process has grown at most while it saved the file.
_PROGRAM = """
import json, re, sys
from pathlib import Path
from chatgpt_browser import ChatGPTAPI

def memory(name):
    return int(re.search(rf"{name}:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) << 10

options, token, target = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
with ChatGPTAPI(token, **options) as api:
    (file,) = api.ask("hello").files
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM, the largest VmRSS so far, starts again
    start = memory("VmRSS")
    file.save(target)
    print(memory("VmHWM") - start)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is read from /proc")
@pytest.mark.parametrize(
    ("megabytes", "target"),
    [
        pytest.param(4, "storage", id="4 MB"),
        pytest.param(100, "storage", id="100 MB", marks=pytest.mark.long),
        pytest.param(100, "site", id="100 MB from the site", marks=pytest.mark.long),
    ],
)
def test_save_large_file_needs_at_most_30_megabytes(tmp_path: Path, megabytes: int, target: Any) -> None:
    source, saved = tmp_path / "source.bin", tmp_path / "saved.bin"
    digest = hashlib.sha256()
    with source.open("wb") as file:
        for _ in range(megabytes):
            piece = os.urandom(_MEGABYTE)
            digest.update(piece)
            file.write(piece)
    with FakeChatGPT(reply=Reply("Here.", files=[SentFile.interpreter("source.bin", source)])) as server:
        server.downloads = DownloadOptions(target=target)
        arguments = [json.dumps(base_urls(server)), server.session_token, str(saved)]
        command = [sys.executable, "-P", "-c", _PROGRAM, *arguments]
        result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) <= 30 * _MEGABYTE
    copied = hashlib.sha256()
    with saved.open("rb") as file:
        while piece := file.read(_MEGABYTE):
            copied.update(piece)
    assert copied.hexdigest() == digest.hexdigest()
