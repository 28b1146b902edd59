"""The Dockerfile, as far as it can be looked at where there is no Docker: what it copies, installs and runs is there."""

from __future__ import annotations

import importlib.metadata
import json
import re

from chatgpt_browser._browser.executables import HEADLESS_SHELLS
from chatgpt_browser.cli.state.data_folder import FOLDER
from tests.support import doc_shell as shell
from tests.support.doc_blocks import ROOT, blocks

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
#: (instruction, arguments), comments left out and continued lines joined.
STEPS = [
    (line.partition(" ")[0], line.partition(" ")[2])
    for line in re.sub(r"^#.*\n", "", DOCKERFILE.replace("\\\n", " "), flags=re.MULTILINE).splitlines()
    if line
]
COMMANDS = [words for name, code in STEPS if name == "RUN" for words in shell.commands(code)]


def steps(name: str) -> list[str]:
    return [arguments for step, arguments in STEPS if step == name]


def test_what_it_copies_is_there_and_not_ignored() -> None:
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[0] == "!"
    }
    copied = {source for step in steps("COPY") for source in step.split()[:-1]}
    assert copied == allowed
    assert all((ROOT / source).exists() for source in copied)


def test_what_the_package_is_built_from_is_copied() -> None:
    copied = " ".join(steps("COPY"))
    project = shell.section("project")
    for needed in (
        *re.findall(r'readme = "(.+)"', project),
        *re.findall(r'license-files = \["(.+)"\]', project),
    ):
        assert needed in copied


def test_it_installs_a_browser_that_the_client_finds() -> None:
    apt = next(words for words in COMMANDS if words[:2] == ["apt-get", "install"])
    assert set(HEADLESS_SHELLS) & set(apt)


def test_the_extras_are_there() -> None:
    pip = next(words for words in COMMANDS if words[0] == "pip")
    assert shell.check_pip(pip[1:]) == []


def test_no_command_goes_unread() -> None:
    assert {words[0] for words in COMMANDS} == {"apt-get", "rm", "pip", "useradd", "install"}


def test_it_is_run_by_a_user_who_is_not_root() -> None:
    useradd = next(words for words in COMMANDS if words[0] == "useradd")
    user = useradd[-1]
    assert steps("USER") == [useradd[useradd.index("--uid") + 1]]
    assert [name for name, _ in STEPS].index("USER") > max(
        n for n, (name, _) in enumerate(STEPS) if name == "RUN"
    )
    assert steps("ENV") == [f"{FOLDER}=/home/{user}/data"]
    assert steps("VOLUME") == [f"/home/{user}/data"]


def test_it_starts_the_command() -> None:
    scripts = importlib.metadata.entry_points(group="console_scripts", module="chatgpt_browser.__main__")
    assert [json.loads(step) for step in steps("ENTRYPOINT")] == [[script.name for script in scripts]]


def test_the_sandbox_is_not_given_away() -> None:
    assert "no-sandbox" not in DOCKERFILE


def test_its_profile_lets_chromium_make_its_sandbox() -> None:
    """What Docker's own refuses, and Chromium's sandbox is made of; all else that it refuses is refused by name."""
    profile = json.loads((ROOT / "docker" / "seccomp.json").read_text("utf-8"))
    (rule,) = profile["syscalls"]
    assert (profile["defaultAction"], rule["action"]) == ("SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO")
    assert not {"clone", "clone3", "unshare", "chroot", "setns"} & set(rule["names"])
    assert {"mount", "ptrace", "bpf", "kexec_load", "init_module", "keyctl", "io_uring_setup"} <= set(
        rule["names"]
    )


def test_every_run_on_the_page_has_what_the_page_explains() -> None:
    runs = [
        words
        for block in blocks("sh")
        for words in shell.commands(block.code)
        if block.page == "docs/how-to/docker.md" and words[:2] == ["docker", "run"]
    ]
    assert len(runs) >= 3
    for words in runs:
        assert {"--init", "--shm-size", "--security-opt"} <= shell.options_in(words)
        assert "seccomp=docker/seccomp.json" in words
        command = words[words.index("chatgpt-browser") :]
        assert shell.check_own_command(command[1:]) == []
