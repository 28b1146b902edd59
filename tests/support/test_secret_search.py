"""Tests of the search for secrets."""

from __future__ import annotations

import base64
import io
import json
import random
import urllib.parse
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.secret_search import PART, assert_none_in, parts_of, places, secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chatgpt_browser.testing import FakeChatGPT

SECRET = base64.b85encode(random.Random(7).randbytes(300)).decode() + '/"\\+'
ENCODINGS: dict[str, Callable[[str], str | bytes]] = {
    "unchanged": str,
    "a part of it": lambda secret: secret[100 : 100 + 2 * PART],
    "as JSON": lambda secret: json.dumps({"a": secret}),
    "JSON within JSON": lambda secret: json.dumps(json.dumps([secret])),
    "as JSON, with / escaped": lambda secret: json.dumps(secret[-PART * 2 :]).replace("/", "\\/"),
    "in a URL": lambda secret: f"https://a.example/?q={urllib.parse.quote(secret)}&b=c",
    "UTF-16": lambda secret: secret.encode("utf-16-le"),
    "hex": lambda secret: secret.encode().hex(),
    "base64": lambda secret: base64.b64encode(secret.encode()),
    "base64 after a byte": lambda secret: base64.b64encode(b"-" + secret.encode()),
    "base64 after two bytes": lambda secret: base64.b64encode(b"--" + secret.encode()),
    "base64 for URLs": lambda secret: base64.urlsafe_b64encode(b"a:" + secret.encode()),
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_places_finds_secret_in_each_encoding_and_container(
    encode: Callable[[str], str | bytes], tmp_path: Path
) -> None:
    encoded = encode(SECRET)
    data = encoded if isinstance(encoded, bytes) else encoded.encode()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_bytes(b"before " + data)
    inner, outer = io.BytesIO(), io.BytesIO()
    for archive, member, content in ((inner, "deep", data), (outer, "inner.zip", None)):
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(member, inner.getvalue() if content is None else content)

    assert len(places(encoded, [SECRET])) == 1
    assert places(outer.getvalue(), [SECRET])[0].startswith("text/inner.zip/deep: ")
    [place] = places(tmp_path, ["another secret", SECRET])
    assert place.startswith("file: b'before ")
    assert not any(part in place for part in parts_of(SECRET))


def test_assert_none_in_searches_file_names_and_accepts_clean_data(tmp_path: Path) -> None:
    name = SECRET[:20].replace("/", "_")
    (tmp_path / f"screenshot of {name}.png").touch()
    with pytest.raises(AssertionError, match="file name"):
        assert_none_in(tmp_path, secrets=[name])

    assert_none_in(tmp_path, "text", b"bytes", secrets=[SECRET[50:]])
    with pytest.raises(AssertionError, match="no secret to search for"):
        assert_none_in(tmp_path, secrets=["short"])


def test_secrets_of_new_server_is_session_token(server: FakeChatGPT) -> None:
    assert secrets_of(server) == [server.session_token]
