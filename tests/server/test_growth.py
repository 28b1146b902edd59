"""The memory of the process of `serve` does not grow with the number of requests."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from openai import OpenAI

if TYPE_CHECKING:
    from pathlib import Path

    from chatgpt_browser.testing import FakeChatGPT

pytestmark = pytest.mark.long

#: The numbers of requests before the first measurement and between the measurements.
WARM, MEASURED = 400, 1600
#: The largest growth of the memory in bytes.
LARGEST_GROWTH = 3 << 20


def test_serve_memory_after_many_requests_is_flat(server: FakeChatGPT, tmp_path: Path) -> None:
    environment = {
        "CHATGPT_SESSION_TOKEN": server.session_token,
        "CHATGPT_API_BASE_URL": server.api_base_url,
        "CHATGPT_BACKEND_API_BASE_URL": server.backend_api_base_url,
        "CHATGPT_DATA_DIR": str(tmp_path),
    }
    command = [sys.executable, "-m", "chatgpt_browser", "serve"]
    with subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        url, key = (process.stdout.readline().strip().partition("=")[2] for _ in range(2))
        with OpenAI(base_url=url, api_key=key, max_retries=0) as client:
            before = memory_after(WARM, client, process)
            after = memory_after(MEASURED, client, process)
        process.terminate()

    assert after - before < LARGEST_GROWTH


def memory_after(count: int, client: OpenAI, process: subprocess.Popen[str]) -> int:
    """Send messages, and return the unique memory of the process, without its browser."""
    for number in range(count):
        messages: Any = [{"role": "user", "content": f"Message {number}"}]
        if number % 2:
            assert [*client.chat.completions.create(model="auto", messages=messages, stream=True)]
        else:
            assert client.responses.create(model="auto", input=messages).output_text
    return int(psutil.Process(process.pid).memory_full_info().uss)
