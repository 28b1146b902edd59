"""The memory that the upload of a large file needs."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser.testing import FakeChatGPT
from tests.support.doc_blocks import ROOT

if TYPE_CHECKING:
    from pathlib import Path

MB = 1 << 20
#: Sends a file in a process of its own, and prints how much its largest memory use exceeds the use after the start of the client.
PROGRAM = """
import json, sys, psutil
from chatgpt_browser import ChatGPTAPI
token, api, backend, path, name = sys.argv[1:]
with ChatGPTAPI(token, api_base_url=api, backend_api_base_url=backend, send_via="page") as client:
    client.start()
    before = psutil.Process().memory_info().rss
    reply = client.send_message("Read this.", files=[path])
    # Unlike ru_maxrss, VmHWM does not include the memory of the process that has started this one.
    status = open("/proc/self/status").read()
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
print(json.dumps({"reply": reply, "growth": peak - before}))
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_file_of_100_mb_is_uploaded_with_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    block = bytes(range(256)) * (MB // 256)
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(100):
            file.write(block)
            digest.update(block)
    with FakeChatGPT(form="app") as server:
        arguments = [server.session_token, server.api_base_url, server.backend_api_base_url, str(path), ""]
        command = [sys.executable, "-c", PROGRAM, *arguments]
        output = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=300, cwd=ROOT
        ).stdout
        (stored,) = server.files

    assert (stored.size, stored.sha256) == (100 * MB, digest.hexdigest())
    result = json.loads(output)
    assert result["reply"] == 'You said: "Read this.".'
    assert result["growth"] <= 30 * MB
