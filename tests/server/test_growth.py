"""The memory of the process of `serve` does not grow with the number of requests."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from chatgpt_browser.testing import FakeChatGPT

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

#: The numbers of requests before the first measurement and between the measurements.
WARM, MEASURED = 200, 800
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
        try:
            assert process.stdout
            url, key = (process.stdout.readline().strip().partition("=")[2] for _ in range(2))
            connection = http.client.HTTPConnection(urlsplit(url).netloc)
            sizes = []
            for count in (WARM, MEASURED):
                for number in range(count):
                    send(connection, key, number)
                sizes.append(psutil.Process(process.pid).memory_full_info().uss)
            connection.close()
        finally:
            process.terminate()

    assert sizes[1] - sizes[0] < LARGEST_GROWTH


def send(connection: http.client.HTTPConnection, key: str, number: int) -> None:
    """Send a message in a chat completion, every second one as a stream, and read the response."""
    message = {"role": "user", "content": f"Message {number}"}
    body = {"model": "auto", "messages": [message], "stream": bool(number % 2)}
    headers = {"authorization": f"Bearer {key}"}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    response = connection.getresponse()
    assert response.status == 200
    assert b'"finish_reason"' in response.read()
