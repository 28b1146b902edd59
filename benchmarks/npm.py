"""The npm package `chatgpt@2.0.7`, for information. It is measured if Node.js and npm are installed."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from .sample import Sample

if TYPE_CHECKING:
    from .server import Address

__all__ = ["PACKAGE", "Npm", "install_npm"]

PACKAGE = "chatgpt@2.0.7"
FOLDER = Path(__file__).with_name(".cache") / "npm"
SCRIPT = Path(__file__).with_name("npm_client.mjs")
_LINE_LIMIT = 2**24

logger = logging.getLogger("benchmarks")


async def install_npm() -> bool:
    """Install the package into a separate folder, unless it is there. Return whether it is installed."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        logger.warning("%s is not measured: Node.js or npm is not installed", PACKAGE)
        return False

    if not (FOLDER / "node_modules" / "chatgpt").is_dir():
        FOLDER.mkdir(parents=True, exist_ok=True)
        options = ("--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(FOLDER))
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            npm, "install", *options, PACKAGE, cwd=FOLDER, stdout=pipe, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        if process.returncode:
            logger.warning(
                "%s is not measured: npm failed: %s", PACKAGE, said.decode(errors="replace").strip()[-300:]
            )
            return False

    shutil.copy(SCRIPT, FOLDER)  # Node.js resolves the package from the script's folder
    return True


class Npm:
    """The package in a Node.js process. It reads messages from stdin and writes one line of JSON for each complete reply."""

    name = "npm"

    def __init__(self, address: Address) -> None:
        self._address = address

    async def __aenter__(self) -> Npm:
        node = shutil.which("node")
        assert node is not None
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            node,
            SCRIPT.name,
            f"{self._address.origin}/api",
            f"{self._address.origin}/backend-api",
            self._address.session_token,
            cwd=FOLDER,
            stdin=pipe,
            stdout=pipe,
            limit=_LINE_LIMIT,
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def listen(self, message: str) -> Sample:
        """Send a message and return the whole reply. Node.js measures the times with the same clock as `time.monotonic()`."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(message.encode() + b"\n")
        return Sample(**json.loads(await self._process.stdout.readline()))
