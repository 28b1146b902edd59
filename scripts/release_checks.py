"""Checks of a release, for `scripts/release.sh`: the version, the notes from CHANGELOG.md, and private data in the archives.

python scripts/release_checks.py version              print the version
python scripts/release_checks.py notes                print the notes of this version
python scripts/release_checks.py private ARCHIVE...   fail if an archive contains private data
python scripts/release_checks.py summary FILE...      print what would be published
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
UNRELEASED = "Unreleased"
#: The kinds of changes, in the order of the notes.
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
#: Names of files that a build must never contain, wherever they are.
PRIVATE_NAMES = re.compile(
    r"(^|/)(\.env[^/]*|\.pypirc|\.netrc|\.git|\.venv|id_rsa[^/]*|cookies\.txt|storage_state\.json|session\.json|[^/]*\.(pem|key|sqlite3?|har))($|/)"
)
#: Texts that a file of a build must never contain. The keys are the names of these texts in the report.
PRIVATE_TEXTS = {
    # In a real token, the parts after the header are long. In the tokens of tests, they are short.
    "an access token": re.compile(rb"eyJ[\w-]{15,}\.eyJ[\w-]{150,}\.[\w-]{150,}"),
    "a session token": re.compile(rb"eyJ[\w-]{20,}\.\.[\w-]{16}\.[\w-]{500,}"),
    "a private key": re.compile(rb"-----BEGIN (RSA |EC |OPENSSH )?PRIVATE KEY-----\n[\w+/=]{40,}"),
    "a PyPI token": re.compile(rb"pypi-AgEIcHlwaS5vcmc[\w-]{50,}"),
}


def machine_texts() -> dict[str, re.Pattern[bytes]]:
    """Return the texts that identify this machine: paths, and the host of a package index. The keys are names for the report."""
    index = urlsplit(os.environ.get("PIP_INDEX_URL", "")).hostname or ""
    texts = {
        "the path of this project": str(ROOT),
        "the path of your home folder": str(Path.home()),
        "the host of a package index": "" if index in ("pypi.org", "localhost", "127.0.0.1") else index,
    }
    # A short path such as /root may also occur in public files.
    return {name: re.compile(re.escape(text).encode()) for name, text in texts.items() if len(text) > 8}


def version(root: Path = ROOT) -> str:
    """Return the version in pyproject.toml.

    :raises SystemExit: `chatgpt_browser.__version__` is a different version.
    """
    found = [
        re.search(pattern, (root / name).read_text("utf-8"), re.MULTILINE)
        for name, pattern in (
            ("pyproject.toml", r'^version = "(.+)"$'),
            ("chatgpt_browser/__init__.py", r'^__version__ = "(.+)"$'),
        )
    ]
    versions = [match[1] if match else "nothing" for match in found]
    if len(set(versions)) > 1:
        sys.exit(f"error: pyproject.toml has the version {versions[0]}, but __version__ is {versions[1]}")
    return versions[0]


def section(changelog: str, name: str) -> str | None:
    """Return the text below the heading of a version, or None if the changelog has no such heading."""
    parts = re.split(r"^## \[([^\]]+)\].*\n", changelog, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True)).get(name)


def notes(changelog: str, name: str) -> str:
    """Return the notes of a version: each kind of change once, in a fixed order.

    If the version has no heading yet, the changes below [Unreleased] are used.

    :raises SystemExit: there are no changes.
    """
    text = section(changelog, name)
    if text is None:
        text = section(changelog, UNRELEASED) or ""
    lines: dict[str, list[str]] = {kind: [] for kind in KINDS}
    kind = ""
    for line in text.splitlines():
        if line.startswith("### "):
            kind = line.removeprefix("### ").strip()
            lines.setdefault(kind, [])
        elif line.strip() and kind:
            lines[kind].append(line)
    blocks = [f"### {kind}\n\n" + "\n".join(changes) for kind, changes in lines.items() if changes]
    if not blocks:
        sys.exit(f"error: CHANGELOG.md lists no changes for {name}")
    return "\n\n".join(blocks) + "\n"


def members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file in a wheel or in a source distribution."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for name in wheel.namelist():
                yield name, wheel.read(name)
        return
    with tarfile.open(archive) as sources:
        for member in sources:
            file = sources.extractfile(member)
            if file is not None:
                yield member.name.partition("/")[2], file.read()


def private_data(archive: Path, tracked: set[str]) -> list[str]:
    """Return a line for each private file or text in an archive. A file that git does not track is private too."""
    found = []
    texts = PRIVATE_TEXTS | machine_texts()
    for name, content in members(archive):
        if PRIVATE_NAMES.search(name):
            found.append(f"{name}: a file with this name may be private")
        if name not in tracked and name != "PKG-INFO" and ".dist-info/" not in name:
            found.append(f"{name}: git does not track this file")
        found += [f"{name}: contains {what}" for what, text in texts.items() if text.search(content)]
    return found


def tracked_files(root: Path = ROOT) -> set[str]:
    """Return the paths that git tracks."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True)
    return set(listed.stdout.split("\0"))


def summary(files: list[Path]) -> str:
    """Return a description of the files that would be published."""
    lines = [f"chatgpt-browser-api {version()}, tag v{version()}"]
    for path in files:
        content = path.read_bytes()
        lines.append(f"  {path.name}  {len(content):,} bytes  sha256 {hashlib.sha256(content).hexdigest()}")
    return "\n".join(lines)


def main(command: str, *names: str) -> None:
    """Run one of the checks."""
    paths = [Path(name) for name in names]
    if command == "version":
        sys.stdout.write(version() + "\n")
    elif command == "notes":
        sys.stdout.write(notes((ROOT / "CHANGELOG.md").read_text("utf-8"), version()))
    elif command == "private":
        found = [f"{path.name}: {line}" for path in paths for line in private_data(path, tracked_files())]
        if found:
            sys.exit("\n".join(["error: the archives contain private data:", *found]))
    elif command == "summary":
        sys.stdout.write(summary(paths) + "\n")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*(sys.argv[1:] or [""]))
