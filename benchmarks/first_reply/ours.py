"""The program of `bare.py`, written with our client. Takes JSON as its argument; prints the reply."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from chatgpt_browser import AsyncChatGPTAPI


async def main(task: dict[str, Any]) -> None:
    """Send one message and print its reply."""
    async with AsyncChatGPTAPI(
        task["session_token"],
        api_base_url=f"{task['origin']}/api",
        backend_api_base_url=f"{task['origin']}/backend-api",
        executable_path=task["executable"],
        ignore_https_errors=task["ignore_https_errors"],
        send_via=task.get("send_via", "auto"),
    ) as api:
        text = await api.send_message(task["message"])
        sys.stdout.write(json.dumps(text) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
