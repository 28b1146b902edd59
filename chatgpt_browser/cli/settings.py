"""The settings of the running command that many parts need: the name of the saved login, and the session token.

The class `Command` creates the settings from the options that every command has. Code that runs outside of a command gets the
settings of the environment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, NamedTuple

import typer

from chatgpt_browser._core.saved_login import DEFAULT_PROFILE, SavedLogin

from .environment import BROWSER, PROFILE, token_from_environment


class Setting(NamedTuple):
    """The value of a setting, and the place where it was set: an option, a variable, a file, or "default"."""

    value: object
    source: str


@dataclass(frozen=True)
class Settings:
    """The settings of one command. ``profile_option`` is the value of `--profile`, or None if the option is absent."""

    profile_option: str | None = None
    #: The settings of the running command. None: no command is running.
    _active: ClassVar[Settings | None] = None

    @classmethod
    def current(cls) -> Settings:
        """Return the settings of the running command. If no command is running, return the settings of the environment."""
        return cls._active or cls()

    @contextmanager
    def activated(self) -> Iterator[None]:
        """In the block, `current` returns these settings, in all threads."""
        before, Settings._active = Settings._active, self
        try:
            yield
        finally:
            Settings._active = before

    @property
    def profile(self) -> str:
        """The name of the saved login.

        :raises typer.BadParameter: the name is invalid.
        """
        return str(self.profile_setting.value)

    @cached_property
    def profile_setting(self) -> Setting:
        """The name of the saved login, and its source.

        :raises typer.BadParameter: the name is invalid.
        """
        if self.profile_option is not None:
            return Setting(checked_profile(self.profile_option, "--profile"), "--profile")
        if name := os.environ.get(PROFILE):
            return Setting(checked_profile(name, PROFILE), PROFILE)
        return Setting(DEFAULT_PROFILE, "default")

    @property
    def session_token(self) -> str | Path | None:
        """The session token of the environment, or the path of a file of cookies. None: the token of the saved login is used.

        If the option `--profile` is given, the result is always None: an option takes precedence over the environment.

        :raises typer.BadParameter: `--profile` is given, but the environment chooses the session of a running browser.
        """
        if self.profile_option is None:
            return token_from_environment()
        if os.environ.get(BROWSER["browser_context"]) == "default":
            raise typer.BadParameter(
                f"--profile cannot be used with {BROWSER['browser_context']}=default, which chooses the session of "
                "your browser: unset that variable"
            )
        return None

    def environment(self) -> dict[str, str]:
        """Return the variables that give another process the same settings."""
        return {PROFILE: self.profile}


def checked_profile(name: str, source: str) -> str:
    """Check the name of a saved login that comes from `source`, an option or a variable. Return the name.

    :raises typer.BadParameter: the name is invalid.
    """
    try:
        SavedLogin.named(name)
    except ValueError as error:
        raise typer.BadParameter(str(error).replace("profile", source, 1)) from None
    return name
