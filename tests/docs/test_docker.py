"""The Dockerfile, checked without Docker: the files, packages and commands that it names exist."""

from __future__ import annotations

import importlib.metadata
import json
import re

from chatgpt_browser._browser.executables import HEADLESS_SHELLS
from chatgpt_browser._core.data_folder import DATA_FOLDER
from tests.support import doc_shell
from tests.support.doc_blocks import ROOT, blocks

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
#: (instruction, arguments) without comments; continued lines are joined.
STEPS = [
    (line.partition(" ")[0], line.partition(" ")[2])
    for line in re.sub(r"^#.*\n", "", DOCKERFILE.replace("\\\n", " "), flags=re.MULTILINE).splitlines()
    if line
]
COMMANDS = [words for name, code in STEPS if name == "RUN" for words in doc_shell.commands(code)]


def arguments_of(name: str) -> list[str]:
    return [arguments for step, arguments in STEPS if step == name]


def test_dockerfile_copies_exactly_the_files_that_dockerignore_allows() -> None:
    allowed_files = {
        line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[0] == "!"
    }
    copied = {source for step in arguments_of("COPY") for source in step.split()[:-1]}
    assert copied == allowed_files
    assert all((ROOT / source).exists() for source in copied)


def test_dockerfile_copies_readme_and_licence_for_the_build() -> None:
    copied = " ".join(arguments_of("COPY"))
    project = doc_shell.project_table("project")
    for needed in (
        *re.findall(r'readme = "(.+)"', project),
        *re.findall(r'license-files = \["(.+)"\]', project),
    ):
        assert needed in copied


def test_dockerfile_installs_a_browser_that_the_client_finds() -> None:
    apt = next(words for words in COMMANDS if words[:2] == ["apt-get", "install"])
    assert set(HEADLESS_SHELLS) & set(apt)


def test_dockerfile_installs_existing_extras() -> None:
    pip = next(words for words in COMMANDS if words[0] == "pip")
    assert doc_shell.check_pip(pip[1:]) == []


def test_dockerfile_runs_only_checked_commands() -> None:
    assert {words[0] for words in COMMANDS} == {"apt-get", "rm", "pip", "useradd", "install"}


def test_dockerfile_switches_to_a_user_without_root() -> None:
    useradd = next(words for words in COMMANDS if words[0] == "useradd")
    user = useradd[-1]
    assert arguments_of("USER") == [useradd[useradd.index("--uid") + 1]]
    assert [name for name, _ in STEPS].index("USER") > max(
        n for n, (name, _) in enumerate(STEPS) if name == "RUN"
    )
    assert arguments_of("ENV") == [f"{DATA_FOLDER}=/home/{user}/data"]
    assert arguments_of("VOLUME") == [f"/home/{user}/data"]


def test_dockerfile_entrypoint_is_the_console_script() -> None:
    scripts = importlib.metadata.entry_points(group="console_scripts", module="chatgpt_browser.__main__")
    assert [json.loads(step) for step in arguments_of("ENTRYPOINT")] == [[script.name for script in scripts]]


def test_dockerfile_keeps_the_sandbox_on() -> None:
    assert "no-sandbox" not in DOCKERFILE


def test_seccomp_profile_allows_the_sandbox_of_chromium() -> None:
    """The profile allows the system calls of the sandbox, which Docker's default profile denies, and denies dangerous ones."""
    profile = json.loads((ROOT / "docker" / "seccomp.json").read_text("utf-8"))
    (rule,) = profile["syscalls"]
    assert (profile["defaultAction"], rule["action"]) == ("SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO")
    assert not {"clone", "clone3", "unshare", "chroot", "setns"} & set(rule["names"])
    assert {"mount", "ptrace", "bpf", "kexec_load", "init_module", "keyctl", "io_uring_setup"} <= set(
        rule["names"]
    )


def test_docker_run_commands_on_the_page_have_the_explained_options() -> None:
    runs = [
        words
        for block in blocks("sh")
        for words in doc_shell.commands(block.code)
        if block.page == "docs/how-to/docker.md" and words[:2] == ["docker", "run"]
    ]
    assert len(runs) >= 3
    for words in runs:
        assert {"--init", "--shm-size", "--security-opt"} <= doc_shell.options_in(words)
        assert "seccomp=docker/seccomp.json" in words
        command = words[words.index("chatgpt-browser") :]
        assert doc_shell.check_own_command(command[1:]) == []
