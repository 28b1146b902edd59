"""A PyInstaller hook. It adds the package's data files, and the modules that the package imports by name on first use."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules, copy_metadata

#: The modules that need an extra. They are not added here: if a program imports one of them, PyInstaller finds this import.
_EXTRAS = (
    "chatgpt_browser.cli",
    "chatgpt_browser._mcp_server",
    "chatgpt_browser.server",
    "chatgpt_browser.testing",
    "chatgpt_browser.pytest_plugin",
    "chatgpt_browser._pyinstaller",
)

datas = collect_data_files("chatgpt_browser") + copy_metadata("chatgpt-browser-api")
hiddenimports = collect_submodules("chatgpt_browser", filter=lambda name: not name.startswith(_EXTRAS))
