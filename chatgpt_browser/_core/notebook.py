"""Short tracebacks in notebooks, without the frames of this package and of the libraries that this package uses."""

from __future__ import annotations

import traceback

#: The names of the top-level packages whose frames are hidden.
HIDDEN_PACKAGES = frozenset(
    {
        "chatgpt_browser",
        "anyio",
        "asyncio",
        "concurrent",
        "contextlib",
        "playwright",
        "threading",
        "IPython",
        "ipykernel",
    }
)


def notebook_traceback(error: BaseException) -> list[str]:
    """Return the lines of a short traceback for an error: the caller's frames, the message, and the cause in one line.

    The complete traceback remains in ``error.__traceback__``.
    """
    frames = traceback.StackSummary.extract(
        (frame, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").partition(".")[0] not in HIDDEN_PACKAGES
    )
    lines = ["Traceback (most recent call last):", *"".join(frames.format()).splitlines(), _summary(error)]
    if error.__cause__ is not None:
        lines.append(f"Caused by {_summary(error.__cause__).splitlines()[0]}")
    return lines


def _summary(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
