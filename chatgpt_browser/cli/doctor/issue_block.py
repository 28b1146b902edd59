"""The block that `doctor --live` prints for a bug report: versions, checks, matching selectors; no contents, no secrets."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import datetime, timezone

from .anonymization import remove_words
from .checks import Result
from .context import CheckContext


def issue_block(context: CheckContext, results: Sequence[Result]) -> str:
    """Return the block as text. The summaries of the checks are left out, because they may contain names and paths."""
    import importlib.metadata

    from chatgpt_browser._protocol.redaction import scrub

    versions = {name: importlib.metadata.version(name) for name in ("chatgpt-browser-api", "playwright")}
    browser = context.browser.version if context.browser is not None else "no browser"
    lines = [
        f"chatgpt-browser doctor --live, {datetime.now(timezone.utc):%Y-%m-%d}, {context.origin}",
        f"{', '.join(f'{name} {version}' for name, version in versions.items())}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}, {browser}",
        *(
            f"{result.name:<12} {result.finding.status.value:<8} {result.seconds:6.1f} s"
            for result in results
        ),
    ]
    for name, attempt in context.attempts.items():
        message = f": {attempt.message}" if attempt.message else ""
        events = f", {attempt.count} events ({attempt.form})" if attempt.count else ""
        lines.append(f"{name}: {attempt.outcome}{message}{events}")
        lines += [f"  {match['element']}: {match['way']} {match['pattern']}" for match in attempt.matches]
    return scrub(str(remove_words("\n".join(lines), context.user_words)), context.secrets)
