"""A PyInstaller hook: it adds the package's files, and the modules that are imported by name on first use."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules, copy_metadata

#: The parts that need an extra: a program that uses one of them imports it.
_EXTRAS = (
    "chatgpt_browser.cli",
    "chatgpt_browser.testing",
    "chatgpt_browser.pytest_plugin",
    "chatgpt_browser._pyinstaller",
)

datas = collect_data_files("chatgpt_browser") + copy_metadata("chatgpt-browser-api")
hiddenimports = collect_submodules("chatgpt_browser", filter=lambda name: not name.startswith(_EXTRAS))
