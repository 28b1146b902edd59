"""`DownloadOptions`: options that select how clients can download the files of replies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

#: The address in the link to a file. `storage`: an address on the storage's own origin. `site`: the path
#: `/backend-api/estuary/content` of the site, which needs the access token. `redirect`: the same path, but the site redirects the
#: request to the storage.
LinkTarget = Literal["storage", "site", "redirect"]
#: An endpoint that returns the link to a file. `download`: `/files/download/{id}`. `file`: `/files/{id}/download`. `attachment`:
#: `/conversation/{id}/attachment/{file}/download`.
LinkEndpoint = Literal["download", "file", "attachment"]


@dataclass(frozen=True)
class DownloadOptions:
    """Options that select how clients can download the files of replies.

        >>> server.downloads = DownloadOptions(target="site", endpoints=("attachment",))

    :raises ValueError: if `target` or an endpoint is unknown, or `expired_links` is negative.
    """

    target: LinkTarget = "storage"
    #: The endpoints that exist. All other endpoints in `LinkEndpoint` respond with 404.
    endpoints: tuple[LinkEndpoint, ...] = ("download", "file", "attachment")
    #: The number of links that have already expired when the site returns them. Later links are valid.
    expired_links: int = 0
    #: A URL that replaces each link, for example the URL of another host. None: a link to the file.
    url: str | None = None
    #: False: the storage sends no CORS headers, so that a page of the site cannot read its responses.
    cors: bool = True
    #: The value of `file_size_bytes` in the response with a link, in bytes. None: the real size.
    stated_size: int | None = None
    #: False: the endpoint for canvas documents (`/conversation/{id}/textdocs`) responds with 404.
    has_textdocs: bool = True

    def __post_init__(self) -> None:
        if self.target not in get_args(LinkTarget):
            raise ValueError(f"target must be one of {get_args(LinkTarget)}, not {self.target!r}")
        if unknown := set(self.endpoints) - set(get_args(LinkEndpoint)):
            raise ValueError(f"endpoints must be from {get_args(LinkEndpoint)}, not {unknown}")
        if self.expired_links < 0:
            raise ValueError(f"expired_links must not be negative: {self.expired_links}")
