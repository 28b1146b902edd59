"""The settings of the running command: the saved login, the session token, and the values of the config file.

The class `Command` creates the settings from the options that every command has. Code that runs outside of a command gets the
settings of the environment and of the config file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import typer

from chatgpt_browser._core.files import path_of_user

from ..environment import BROWSER, CONFIG, PROFILE, token_from_environment
from .config_file import ConfigFile, default_path
from .keys import BY_NAME, KEYS, Key


class Setting(NamedTuple):
    """The value of a setting, and the place where it was set: an option, a variable, a line of a file, or "default"."""

    value: Any
    source: str


@dataclass(frozen=True)
class Settings:
    """The settings of one command.

    The fields are the values of the options that every command has. A field is None if the option is absent.
    """

    profile_option: str | None = None
    config_option: str | None = None
    #: The settings of the running command, or None if no command is running.
    _active: ClassVar[Settings | None] = None

    @classmethod
    def current(cls) -> Settings:
        """Return the settings of the running command. If no command is running, return the settings without options."""
        return cls._active or cls()

    @contextmanager
    def activated(self) -> Iterator[None]:
        """Let `current` return these settings in the block, in all threads."""
        before, Settings._active = Settings._active, self
        try:
            yield
        finally:
            Settings._active = before

    @cached_property
    def config_path(self) -> Setting:
        """The path of the config file, which may not exist. The value is None if there is no config folder."""
        if self.config_option is not None:
            return Setting(path_of_user(self.config_option), "--config")
        if given := os.environ.get(CONFIG):
            return Setting(path_of_user(given), CONFIG)
        return Setting(default_path(), "default")

    @cached_property
    def config(self) -> ConfigFile:
        """The content of the config file. If the file in the platform's config folder does not exist, the content is empty.

        :raises typer.BadParameter: the file is invalid, or a file that the user has named does not exist.
        """
        path, source = self.config_path
        if path is None or (source == "default" and not path.exists()):
            return ConfigFile()
        return ConfigFile.read(path)

    def get(self, name: str) -> Setting:
        """Return the value of a key, and its source. The key's variable takes precedence over the config file.

        For the key `profile`, the option `--profile` takes precedence over both.

        :raises typer.BadParameter: the value is invalid.
        """
        key = BY_NAME[name]
        if name == "profile" and self.profile_option is not None:
            return Setting(_checked(name, self.profile_option, "--profile"), "--profile")
        if given := _value_of(key):
            return Setting(_checked(name, given, key.variable), key.variable)
        if name in self.config.values:
            return Setting(self.config.values[name], self.config.source(name))
        return Setting(key.default, "default")

    @property
    def profile(self) -> str:
        """The name of the saved login.

        :raises typer.BadParameter: the name is invalid.
        """
        return str(self.get("profile").value)

    @property
    def client_options(self) -> dict[str, Any]:
        """The options of the client that the config file sets, such as the pace.

        If the variable of a key is set, the option is left out: the client itself reads the variable.
        """
        return {
            key.client_option: self.config.values[key.name]
            for key in KEYS
            if key.client_option and key.name in self.config.values and not _value_of(key)
        }

    @property
    def session_token(self) -> str | Path | None:
        """The session token or the path of a cookie file, from the environment. None: use the token of the saved login.

        If the option `--profile` is given, the value is None: the option takes precedence over a token in the environment.

        :raises typer.BadParameter: `--profile` is given, but a variable selects a running browser, which has its own session.
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
        path, source = self.config_path
        config = {} if source == "default" else {CONFIG: os.path.abspath(path)}
        return {PROFILE: self.profile, **config}


def _value_of(key: Key) -> str:
    """Return the value of the variable of a key, or an empty text if the variable is not set."""
    return os.environ.get(key.variable, "").strip() if key.variable else ""


def _checked(name: str, value: str, source: str) -> Any:
    """Check the text `value` for the key `name`, and return it as a value of the key's type.

    :param source: the option or the variable that contains the value.
    :raises typer.BadParameter: the value is invalid.
    """
    key = BY_NAME[name]
    try:
        return key.check(int(value) if key.client_option and value.isdecimal() else value)
    except ValueError as error:
        raise typer.BadParameter(f"{source} {error}") from None
