"""The socket in the data folder: its path, its lock, and the check that both ends belong to the same user."""

from __future__ import annotations

import os
import socket
import struct
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .._core.data_folder import create_data_folder, default_data_folder
from .._core.errors import BrowserError
from .._core.files import open_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

#: The maximum length of a socket's path in bytes on macOS. Linux allows 107 bytes.
_MAX_PATH = 103
#: The format of the credentials that Linux returns for the other end of a socket: process id, user id, group id.
_CREDENTIALS = struct.Struct("3i")
#: The maximum number of attempts to lock the lock file. An attempt fails if another process removes the file during the attempt.
_ATTEMPTS = 10

#: False on Windows, where Python has no Unix sockets.
IS_SUPPORTED = hasattr(socket, "AF_UNIX") and sys.platform != "win32"


class AlreadyRunningError(BrowserError):
    """Another process has the socket."""


def socket_path() -> Path:
    """Return the path of the socket. The file exists while a service runs, and remains if the service is killed."""
    return default_data_folder() / "background.sock"


def connect(path: Path) -> socket.socket:
    """Return a connection to the service.

    :raises OSError: there is no service, or its process or the file of its socket belongs to another user.
    """
    if os.lstat(path).st_uid != os.getuid():
        raise PermissionError("the file of the socket belongs to another user")
    sock = socket.socket(socket.AF_UNIX)
    try:
        with _short(path) as address:
            sock.connect(address)
        if not is_same_user(sock):
            raise PermissionError("the socket belongs to another user")
    except BaseException:
        sock.close()
        raise
    return sock


def is_same_user(sock: socket.socket) -> bool:
    """Return whether the process at the other end belongs to the same user.

    Only Linux reports the user of a process. On other systems, the result is True: no other user can enter the data folder.
    """
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    credentials = sock.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size)
    return bool(_CREDENTIALS.unpack(credentials)[1] == os.getuid())


@contextmanager
def listening_socket(path: Path) -> Iterator[socket.socket]:
    """Yield a socket that listens at the path, with the mode 0600. Remove the socket and its lock file after the block.

    A socket that a killed process has left is replaced.

    :raises AlreadyRunningError: another process listens at the path.
    :raises OSError: the socket cannot be created.
    """
    create_data_folder(path.parent)
    with _locked(path.with_suffix(".lock")), socket.socket(socket.AF_UNIX) as sock:
        path.unlink(missing_ok=True)
        with _short(path) as address:
            # No other user can enter the folder, so the socket is private even before its mode is set.
            sock.bind(address)
        try:
            path.chmod(0o600)
            sock.listen()
            yield sock
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock on a file in the block, and then remove the file. If the process is killed, the system releases the lock.

    :raises AlreadyRunningError: another process holds the lock.
    :raises BrowserError: other processes remove the file again and again.
    """
    import fcntl

    for _ in range(_ATTEMPTS):
        with open_private(path) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunningError(
                    "A background browser or `serve` is already running. `chatgpt-browser background stop` ends it."
                ) from None
            # The process that held the lock before may have removed the file since it was opened here. A lock on a removed file
            # does not exclude other processes, so the next attempt creates a new file.
            if _has_path(file, path):
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return
    raise BrowserError(f"The file {path} cannot be locked, because other processes remove it.")


def _has_path(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Yield an address of at most 103 bytes for the path. If the path is longer, the address contains a descriptor of its folder.

    :raises OSError: the path is longer, and the system is not Linux.
    """
    if len(os.fsencode(path)) <= _MAX_PATH:
        yield str(path)
        return
    if not Path("/proc/self/fd").exists():
        raise OSError(None, f"the path of the socket is longer than {_MAX_PATH} bytes", str(path))
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        with suppress(OSError):
            os.close(folder)
