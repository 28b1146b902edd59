"""The files of replies: `send_files` adds the files to a reply. The endpoints respond with links to files or with bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..data.conversations import LaterImage
from ..script.responses import Answer
from .step_playback import play
from .storage import send_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..data.conversations import Conversation
    from ..data.download_options import LinkEndpoint
    from ..data.recorded_request import RecordedRequest
    from ..script.steps import Reply
    from .response_writer import ResponseWriter
    from .site import Site

_NO_FILE = {"status": "error", "error_code": "file_not_found", "error_message": "File not found"}


def send_files(site: Site, reply: Reply, conversation: Conversation) -> Reply:
    """Store the files of a reply. Return a copy of the reply in which a link or an additional message replaces each file."""
    asides, text = [*reply.asides], reply.text
    for sent in reply.files:
        if sent.kind == "canvas":
            file_id = sent.id
            document = {"id": sent.id, "title": sent.name, "textdoc_type": sent.textdoc_type, "version": 1}
            site.storage.downloads.textdocs.setdefault(conversation.id, []).append(
                document | {"content": sent.final_text}
            )
        else:
            file_id = site.storage.add(sent.name, sent.content, sent.media_type).id
        asides += sent.messages(file_id)
        if sent.kind == "interpreter":
            site.storage.downloads.interpreter_files[conversation.id, sent.sandbox_path] = file_id
            text += "" if "sandbox:" in text and sent.sandbox_path in text else f"\n\n{sent.link}"
        elif sent.later is not None:
            fields = sent.image_message(file_id).fields()
            conversation.later.append(LaterImage(sent.later, file_id, fields, sent.is_child))
    return replace(reply, asides=asides, text=text, files=()) if reply.files else reply


def find_by_download(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `GET /files/download/{id}` with a link to the file."""
    return _link(site, parameters["id"], "download")


def find_by_file(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `GET /files/{id}/download` with a link to the file."""
    return _link(site, parameters["id"], "file")


def find_attachment(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `GET /conversation/{id}/attachment/{file}/download` with a link to the file."""
    return _link(site, parameters["file"], "attachment")


def find_interpreter_file(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `GET /conversation/{id}/interpreter/download` with a link to the file.

    If the conversation does not contain the message that the query names, respond with the error `file_not_found`.
    """
    conversation = site.find_conversation(parameters["id"])
    message_id, path = parameters.get("message_id"), parameters.get("sandbox_path", "")
    file_id = site.storage.downloads.interpreter_files.get((parameters["id"], path))
    if conversation is None or message_id not in conversation.messages or file_id is None:
        return Answer(200, _NO_FILE)
    return _link(site, file_id, None)


def get_textdocs(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `GET /conversation/{id}/textdocs` with the canvas documents of a conversation."""
    if site.find_conversation(parameters["id"]) is None or not site.storage.downloads.options.has_textdocs:
        return Answer.error(404, "Not Found")
    return Answer(200, site.storage.downloads.textdocs.get(parameters["id"], []))


def _link(site: Site, file_id: str, endpoint: LinkEndpoint | None) -> Answer:
    downloads, file = site.storage.downloads, site.storage.files.get(file_id)
    options = downloads.options
    if endpoint is not None and endpoint not in options.endpoints:
        return Answer.error(404, "Not Found")
    if file is None or file.size is None:
        return Answer(200, _NO_FILE)
    url = site.storage.sign(file_id)
    key = url.rpartition("=")[2]
    if options.expired_links:
        downloads.options = replace(options, expired_links=options.expired_links - 1)
        site.storage.expire()
    else:
        downloads.keys[key] = file_id
    if options.target != "storage":
        url = f"/backend-api/estuary/content?id={file_id}&ts=1&p=fs&cid=1&sig={key}&v=0"
    return Answer(
        200,
        {
            "status": "success",
            "download_url": options.url or url,
            "file_name": file.name,
            "file_size_bytes": file.size if options.stated_size is None else options.stated_size,
            "mime_type": file.media_type,
        },
    )


async def send_content(site: Site, record: RecordedRequest, writer: ResponseWriter) -> None:
    """Respond to `GET /estuary/content` with the bytes of a file, or with a redirect to the storage."""
    query = record.query_values
    file_id = query.get("id", "")
    file = site.storage.files.get(file_id)
    refusal = site.session.refuse(record)
    if refusal is None and (file is None or site.storage.downloads.keys.get(query.get("sig", "")) != file_id):
        refusal = Answer.error(403, "The link has expired.")
    if refusal is not None or file is None:
        await play(refusal or Answer.error(404, "Not Found"), writer)
    elif site.storage.downloads.options.target == "redirect":
        await play(Answer(302, "", [("location", site.storage.sign(file_id))]), writer)
    else:
        await send_file(file, writer, [])


#: Maps the path of each endpoint for downloads to its function. The method of these endpoints is GET.
DOWNLOAD_ENDPOINTS = {
    "/files/download/{id}": find_by_download,
    "/files/{id}/download": find_by_file,
    "/conversation/{id}/attachment/{file}/download": find_attachment,
    "/conversation/{id}/interpreter/download": find_interpreter_file,
    "/conversation/{id}/textdocs": get_textdocs,
}
