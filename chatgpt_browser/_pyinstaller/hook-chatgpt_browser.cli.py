"""A PyInstaller hook. It adds the modules of the commands, which the command line imports by name when a command is used."""

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = collect_submodules("chatgpt_browser.cli")
