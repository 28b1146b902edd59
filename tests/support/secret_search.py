"""Search for secrets in texts, files, file names and members of zip files, in all usual encodings."""

from __future__ import annotations

import base64
import io
import json
import urllib.parse
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chatgpt_browser.testing import FakeChatGPT

__all__ = ["PART", "assert_none_in", "parts_of", "places", "secrets_of"]

#: The length of the parts that are searched for: a part of a secret counts as the secret.
PART = 12


def secrets_of(server: FakeChatGPT) -> list[str]:
    """Return all tokens that a server has or has received: session tokens, access tokens and cookies."""
    requests = server.requests
    cookies = {value for request in requests for value in request.cookies.values()}
    bearers = {request.bearer for request in requests if request.bearer}
    return [secret for secret in {server.session_token, *cookies, *bearers} if len(secret) >= PART]


def parts_of(secret: str) -> list[str]:
    """Return consecutive parts of a secret. Any long quotation of it contains one of them."""
    return [secret[start : start + PART] for start in range(0, len(secret) - PART + 1, PART)]


def assert_none_in(*things: str | bytes | Path, secrets: Iterable[str]) -> None:
    """Fail if a part of a secret is in a text, in bytes, in a file or folder, or in a file name."""
    secrets = [*secrets]
    assert any(map(parts_of, secrets)), "there is no secret to search for"
    found = [place for thing in things for place in places(thing, secrets)]
    assert not found, found


def places(thing: str | bytes | Path, secrets: Iterable[str]) -> list[str]:
    """Return where parts of secrets were found: a name, and the text in front of the part, without the part itself."""
    needles = {form for secret in secrets for part in parts_of(secret) for form in _forms(part.encode())}
    found = []
    for name, data in _contents(thing):
        starts = [start for needle in needles if (start := data.find(needle)) != -1]
        if starts:
            first = min(starts)
            found.append(f"{name}: {data[max(0, first - 60) : first]!r}")
    return found


def _contents(thing: str | bytes | Path, name: str = "text") -> Iterator[tuple[str, bytes]]:
    if isinstance(thing, Path):
        assert thing.exists(), thing
        for path in [thing, *sorted(thing.rglob("*"))]:
            yield "file name", path.name.encode()
            if path.is_file():
                yield from _contents(path.read_bytes(), path.name)
        return
    data = thing.encode() if isinstance(thing, str) else thing
    yield name, data
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from _contents(archive.read(member), f"{name}/{member}")


def _forms(part: bytes) -> Iterator[bytes]:
    """Encode a part: unchanged, as JSON, as a URL, as UTF-16, as hexadecimal digits, and as base64 at each offset."""
    yield part
    yield json.dumps(part.decode())[1:-1].replace("/", "\\/").encode()
    yield urllib.parse.quote(part, safe="").encode()
    yield part.decode().encode("utf-16-le")
    yield part.hex().encode()
    for before in range(3):  # the number of preceding bytes in the same group of three
        encoded = base64.b64encode(bytes(before) + part)
        whole = encoded[4 if before else 0 : (before + len(part)) // 3 * 4]
        yield whole
        yield whole.translate(bytes.maketrans(b"+/", b"-_"))
