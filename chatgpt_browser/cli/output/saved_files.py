"""Saves the files of replies to folders: for `ask --save-files`, and for `history export`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import typer

from chatgpt_browser import APIStatusError, ChatGPTError, RateLimitError
from chatgpt_browser._core.file_names import numbered_name, unique_names
from chatgpt_browser._core.files import check_free, move_new

from .consoles import print_note
from .terminal_text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatgpt_browser import History, HistoryMessage, Reply, ReplyFile

#: The maximum number of names that are tried for one file, until a name is free.
_MAX_ATTEMPTS = 10_000


def save_files(files: Sequence[ReplyFile], folder: Path) -> list[Path]:
    """Save the files of a reply to a folder, print a line for each file, and return the paths.

    The folder is created if it does not exist. An existing file is never replaced: the name of the new file gets a number. If one
    file cannot be downloaded, the other files are saved before the error is raised.

    :raises ChatGPTError: a file could not be downloaded.
    :raises OSError: a file could not be written.
    """
    saved: list[Path] = []
    failure: ChatGPTError | None = None
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        try:
            saved.append(_save_new(file, folder))
            print_note(f"saved {saved[-1]}")
        except ChatGPTError as error:  # noqa: PERF203 - one failure must not prevent the other files
            print_note(f"not saved: {file.name}: {one_line(str(error))}")
            failure = failure or error
    if failure is not None:
        raise failure
    return saved


def save_reply_files(reply: Reply | None, folder: Path | None) -> dict[str, list[str]]:
    """Save the files of a reply to `folder`, and return a dict with their paths: the field `saved_files` of `--json`.

    If `folder` or `reply` is None, save nothing and return an empty dict.

    :raises typer.BadParameter: a file cannot be written.
    :raises ChatGPTError: a file cannot be downloaded.
    """
    if folder is None or reply is None:
        return {}
    try:
        return {"saved_files": [str(path) for path in save_files(reply.files, folder)]}
    except OSError as error:
        raise typer.BadParameter(f"cannot write the file: {error}", param_hint="'--save-files'") from None


def _save_new(file: ReplyFile, folder: Path) -> Path:
    """Save a file under its name, or under its name with a number if the folder has a file of this name.

    The file is saved to a temporary folder first, because an image's name gets its suffix (such as `.png`) at the download.
    """
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(dir=folder, prefix=".chatgpt_browser_") as temporary:
        saved = file.save(f"{temporary}/")
        for number in range(1, _MAX_ATTEMPTS):
            path = folder / numbered_name(saved.name, number)
            with suppress(FileExistsError):
                move_new(saved, path)
                return path
    raise FileExistsError(None, "no free name for the file", str(folder / file.name))


def _save_again(file: ReplyFile, folder: Path, names: list[str]) -> list[str]:
    """Save a file of a conversation under a name that is not in `names`. Return `names` with this name at the end.

    A file that an earlier export has written under the same name is replaced.
    The file is saved to a temporary folder first, because an image's name gets its suffix (such as `.png`) at the download.

    :param names: the names of the conversation's files that this export has handled before.
    """
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(dir=folder, prefix=".chatgpt_browser_") as temporary:
        saved = file.save(f"{temporary}/")
        names = unique_names([*names, saved.name])
        path = folder / names[-1]
        check_free(path, overwrite=True)
        saved.replace(path)
    return names


@dataclass
class ConversationFiles:
    """The files of an exported conversation. They are saved to one folder, and the Markdown contains links to them.

    ``name`` is the name of this folder. The folder and the Markdown file are both in ``parent``.
    """

    parent: Path
    name: str
    #: Maps a file (its ``id()``) to its path relative to the Markdown file.
    _links: dict[int, str] = field(default_factory=dict)

    def save(self, history: History) -> History:
        """Save the files of a conversation, and return the conversation with links to the files.

        If a file cannot be downloaded, print a line, and add the file's name without a link. If the conversation has no files, do
        not create the folder.

        :raises OSError: a file cannot be written.
        :raises ChatGPTError: an error that also concerns the other files, such as a rate limit.
        """
        files = [file for message in history.messages for file in message.files]
        if not files:
            return history
        folder = self.parent / self.name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        names: list[str] = []
        for file in files:
            try:
                names = _save_again(file, folder, names)
                self._links[id(file)] = quote(f"{self.name}/{names[-1]}")
            except APIStatusError as error:  # noqa: PERF203 - one failure must not prevent the other files
                if isinstance(error, RateLimitError):
                    raise
                names = unique_names([*names, file.name])
                print_note(f"not saved: {names[-1]}: {one_line(str(error))}")
        return replace(history, messages=tuple(map(self._with_links, history.messages)))

    def _with_links(self, message: HistoryMessage) -> HistoryMessage:
        """Return a message with links to its files. A hidden message becomes visible, so that the Markdown contains the links."""
        if not message.files:
            return message
        text = "" if message.hidden else message.text
        if not message.citations:  # A text with citations must not change: they contain positions in it.
            text = self._without_sandbox(text, message.files)
        lines = "\n".join(f"- {self._link(file)}" for file in message.files)
        return replace(
            message,
            text=f"{text.rstrip()}\n\n{lines}".lstrip(),
            hidden=False,
            role="assistant",
            recipient=None,
        )

    def _without_sandbox(self, text: str, files: tuple[Any, ...]) -> str:
        for file in files:
            link = self._links.get(id(file))
            if file.kind == "file" and link is not None:
                for path in (quote(file.id), file.id):
                    text = text.replace(f"(sandbox:{path})", f"({link})")
        return text

    def _link(self, file: ReplyFile) -> str:
        link = self._links.get(id(file))
        label = file.name.replace("[", "(").replace("]", ")")
        if link is None:
            return f"{label} (not saved)"
        return f"{'!' if file.kind == 'image' else ''}[{label}]({link})"
