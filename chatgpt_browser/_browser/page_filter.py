"""The rules of the DevTools relay: which commands reach the user's browser, and which messages reach Playwright."""

from __future__ import annotations

import itertools
import json
from typing import Any, NamedTuple

#: The first id of the filter's own commands. Playwright counts its own ids up from 1, so the filter's ids never equal
#: Playwright's ids.
_FIRST_ID = 1 << 30
#: Commands that end the browser. The filter refuses them.
_ENDS_BROWSER = ("Browser.close", "Browser.crash", "Browser.crashGpuProcess")
#: Commands that read or change cookies. If such a command names no browser context, it applies to the user's profile, and the
#: filter refuses it.
_COOKIE_COMMANDS = ("Storage.getCookies", "Storage.setCookies", "Storage.clearCookies")


class Routed(NamedTuple):
    """The messages to forward, as JSON texts."""

    to_browser: tuple[str, ...] = ()
    to_client: tuple[str, ...] = ()


class PageFilter:
    """Hides all pages that the client did not open. One filter belongs to one DevTools connection.

    Playwright sends a command that would attach Playwright to every page. The filter does not forward this command but responds
    to it, and attaches Playwright only to the pages that Playwright creates. The filter holds back the response to the creation
    of a page until Playwright is attached to the page, because Playwright expects this order.
    """

    def __init__(self) -> None:
        #: The ids of the pages that the client has opened.
        self.own_pages: set[str] = set()
        #: The ids of the filter's commands that close pages and have no response yet.
        self.closing: set[int] = set()
        self._ids = itertools.count(_FIRST_ID)
        #: The commands in progress that create a page. The key is the session id and the id of the command. The value is True if
        #: the filter must attach Playwright to the new page.
        self._creating: dict[tuple[str | None, int], bool] = {}
        #: Messages that are held back. The key is the id of a command of the filter. When the response to this command arrives,
        #: the message is forwarded.
        self._held: dict[int, str] = {}

    def from_client(self, text: str) -> Routed:
        """Return the messages to forward after Playwright has sent this command."""
        command = json.loads(text)
        method, session = command["method"], command.get("sessionId")
        params = command.get("params") or {}
        if method == "Target.setAutoAttach" and session is None:
            return _response(command, result={})
        if (refusal := self._refusal(method, params)) is not None:
            return _response(command, error={"code": -32000, "message": refusal})
        if method != "Target.createTarget":
            return Routed(to_browser=(text,))
        self._creating[session, command["id"]] = session is None
        # `background`: the page opens behind the page that the user looks at, instead of in front of it.
        return Routed(to_browser=(json.dumps({**command, "params": {"background": True, **params}}),))

    def from_browser(self, text: str) -> Routed:
        """Return the messages to forward after the browser has sent this response or event."""
        if not (self._creating or self._held or self.closing):
            return Routed(to_client=(text,))
        message = json.loads(text)
        session, number = message.get("sessionId"), message.get("id")
        if number in self.closing:
            self.closing.remove(number)
            return Routed()
        if number in self._held:
            return Routed(to_client=(self._held.pop(number),))
        attach = self._creating.pop((session, number), None)
        target_id = message.get("result", {}).get("targetId")
        if attach is None or target_id is None:
            return Routed(to_client=(text,))
        self.own_pages.add(target_id)
        if not attach:
            return Routed(to_client=(text,))
        number = next(self._ids)
        self._held[number] = text
        return Routed(to_browser=(_attach_command(number, target_id),))

    def close_commands(self) -> list[str]:
        """Return the commands that close all pages of the client. Add the ids of these commands to :attr:`closing`."""
        commands = [_close_command(next(self._ids), target_id) for target_id in self.own_pages]
        self.closing.update(command["id"] for command in commands)
        return [json.dumps(command) for command in commands]

    def _refusal(self, method: str, params: dict[str, Any]) -> str | None:
        """Return the reason why a command must not reach the browser, or None if the command may reach the browser."""
        if method in _ENDS_BROWSER:
            return "The browser belongs to the user"
        if method in _COOKIE_COMMANDS and "browserContextId" not in params:
            return "The cookies belong to the user"
        if params.get("targetId", "") not in {"", *self.own_pages}:
            return "The page belongs to the user"
        return None


def _response(command: dict[str, Any], **content: Any) -> Routed:
    session = {"sessionId": command["sessionId"]} if "sessionId" in command else {}
    return Routed(to_client=(json.dumps({"id": command["id"], **session, **content}),))


def _attach_command(number: int, target_id: str) -> str:
    params = {"targetId": target_id, "flatten": True}
    return json.dumps({"id": number, "method": "Target.attachToTarget", "params": params})


def _close_command(number: int, target_id: str) -> dict[str, Any]:
    return {"id": number, "method": "Target.closeTarget", "params": {"targetId": target_id}}
