"""Images and files of requests reach the site, which receives them through its own page."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import openai as openai_package
import pytest
from openai import OpenAI

from tests.support.openai_server import KEY, OpenAIServer
from tests.support.scripted_site import ScriptedSite

if TYPE_CHECKING:
    from collections.abc import Iterator

PNG, TABLE = b"\x89PNG not really", b"a,b"
IMAGE_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
FILE_DATA = f"data:text/csv;base64,{base64.b64encode(TABLE).decode()}"


@pytest.fixture(scope="module")
def app_site() -> ScriptedSite:
    """Return a site that accepts messages only from its own page."""
    return ScriptedSite(form="app")


@pytest.fixture(scope="module")
def openai(app_site: ScriptedSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    """Provide a client of a server for this site."""
    folder = tmp_path_factory.mktemp("uploads")
    with (
        app_site.server as site,
        OpenAIServer(site, folder, send_via="page") as running,
        OpenAI(base_url=running.base_url, api_key=KEY, max_retries=0) as client,
    ):
        yield client


def test_image_and_file_of_request_reach_the_site(openai: OpenAI, app_site: ScriptedSite) -> None:
    message = app_site.answering("A cat and a table.", "Seen.", "Empty.")
    image: Any = {"type": "image_url", "image_url": {"url": IMAGE_URL}}
    file: Any = {"type": "file", "file": {"filename": "t.csv", "file_data": FILE_DATA}}
    content: Any = [{"type": "text", "text": message}, image, file]
    completion = openai.chat.completions.create(model="auto", messages=[{"role": "user", "content": content}])

    assert completion.choices[0].message.content == "A cat and a table."
    assert {each.name: each.read() for each in app_site.server.files} == {
        "image-1.png": PNG,
        "t.csv": TABLE,
    }


def test_image_without_text_reaches_the_site(openai: OpenAI, app_site: ScriptedSite) -> None:
    app_site.begin()
    image: Any = {"type": "input_image", "image_url": IMAGE_URL}
    openai.responses.create(model="auto", input=[{"role": "user", "content": [image]}])

    (post,) = app_site.posts
    (attachment,) = post.json["messages"][0]["metadata"]["attachments"]
    assert attachment["size"] == len(PNG)


def test_more_files_than_the_site_accepts_are_refused(openai: OpenAI, app_site: ScriptedSite) -> None:
    app_site.begin()
    content: Any = [
        {"type": "input_file", "filename": f"{number}.csv", "file_data": FILE_DATA} for number in range(11)
    ]
    with pytest.raises(openai_package.BadRequestError) as refused:
        openai.responses.create(model="auto", input=[{"role": "user", "content": content}])

    assert (refused.value.code, refused.value.param) == ("upload_failed", "input")
    assert app_site.posts == []
