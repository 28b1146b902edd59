"""The npm package whose interface we follow, `chatgpt@2.0.7`, beside us wherever Node.js and npm are at hand: for information."""

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
    """Install the package into a folder of its own, once. False where that can't be done."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        logger.warning("%s is left out: Node.js and npm are not at hand", PACKAGE)
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
                "%s is left out: npm said %s", PACKAGE, said.decode(errors="replace").strip()[-300:]
            )
            return False

    shutil.copy(SCRIPT, FOLDER)  # it imports the package from where it lies
    return True


class Npm:
    """The package in a Node.js process: a message in, and when its reply is whole, a line of JSON out."""

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
        """Send a message; the whole reply. Its times are Node's own, of the clock that `time.monotonic()` reads."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(message.encode() + b"\n")
        return Sample(**json.loads(await self._process.stdout.readline()))
