# Sourced by the other scripts. Changes to the project's folder, defines functions that install into the virtual environment
# .venv, and reports each step on standard error. Runs in bash 3.2 (macOS) and in Git Bash (Windows), too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "$(uname -s)" in
    MINGW* | MSYS* | CYGWIN*) BIN=.venv/Scripts EXE=.exe ;;
    *) BIN=.venv/bin EXE= ;;
esac
VENV_PYTHON=$BIN/python$EXE

say() { printf '==> %s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Run a command as root if this needs no password; otherwise fail.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo -n "$@"
    else return 1
    fi
}

# A fresh container has no package lists: if the first attempt fails, update them and try again.
apt_install() {
    command -v apt-get >/dev/null || return 1
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$@" >&2 && return
    as_root apt-get update -q >&2 && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$@" >&2
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python3.10 python}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

make_venv() {
    if [ -x "$VENV_PYTHON" ] && "$VENV_PYTHON" -c ''; then return; fi
    local python
    python=$(find_python) || { apt_install python3 python3-venv && python=$(find_python); } ||
        fail "no Python 3.10 or newer was found; set PYTHON to the path of one"
    say "making a virtual environment in .venv with $python"
    "$python" -m venv --clear --without-pip .venv
}

# Debian ships `ensurepip` in a separate package, python3-venv.
get_pip() {
    if "$VENV_PYTHON" -c 'import pip' 2>/dev/null || "$VENV_PYTHON" -m ensurepip >/dev/null 2>&1; then return; fi
    say "installing python3-venv, which this Python lacks"
    apt_install python3-venv && "$VENV_PYTHON" -m ensurepip >/dev/null ||
        fail "pip is missing; install the package python3-venv of your system, then run this script again"
}

# The system's pip can install into the new environment (since pip 22.3). This is faster than installing pip there first.
get_uv() {
    if [ -x "$BIN/uv$EXE" ]; then return; fi
    "$(find_python)" -m pip --python "$VENV_PYTHON" install -q --disable-pip-version-check uv 2>/dev/null ||
        { get_pip && "$VENV_PYTHON" -m pip install -q --disable-pip-version-check uv; }
}

# uv takes a quarter of pip's time. If uv cannot be installed or fails, use pip; dependency groups need pip 25.1.
install() {
    if get_uv && "$BIN/uv$EXE" pip install -q --compile-bytecode --python "$VENV_PYTHON" \
        ${PIP_INDEX_URL:+--default-index "$PIP_INDEX_URL"} "$@"; then return; fi
    say "uv failed: installing with pip"
    get_pip
    "$VENV_PYTHON" -m pip install -q --disable-pip-version-check --upgrade 'pip>=25.1'
    "$VENV_PYTHON" -m pip install -q --disable-pip-version-check "$@"
}

# The inputs of the environment: its path (a virtual environment cannot be moved) and pyproject.toml. As long as they do not
# change, nothing is installed again.
recipe() { printf '%s\n' "$PWD" && cat pyproject.toml; }
is_installed() { [ -x "$VENV_PYTHON" ] && recipe | cmp -s - ".venv/installed-$1"; }
mark_installed() { recipe >".venv/installed-$1"; }

install_for_demo() {
    if is_installed demo; then return; fi
    make_venv
    say "installing chatgpt-browser-api with its extras cli and testing into .venv"
    install -e '.[cli,testing]'
    mark_installed demo
}

install_for_tests() {
    if is_installed tests; then return; fi
    make_venv
    say "installing chatgpt-browser-api, its extras and its development tools into .venv"
    install -e '.[mcp,serve,testing]' --group dev --group docs
    mark_installed demo
    mark_installed tests
}

install_for_release() {
    install_for_tests
    if is_installed release; then return; fi
    say "installing the tools that check a release"
    install --group release
    mark_installed release
}

install_for_bench() {
    if is_installed bench; then return; fi
    make_venv
    say "installing chatgpt-browser-api, its extras and the libraries of the benchmarks into .venv"
    install -e '.[cli,testing,serve]' --group bench
    mark_installed demo
    mark_installed bench
}
