# Sourced by the other scripts: the project's folder, its own virtual environment in .venv, and a
# line on standard error about each thing that is done.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '==> %s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Runs a command as root where that takes no password; fails where it would.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo -n "$@"
    else return 1
    fi
}

# A package list is not there in a fresh container, so a failed install is tried again after an update.
apt_install() {
    command -v apt-get >/dev/null || return 1
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$@" >&2 && return
    as_root apt-get update -q >&2 && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$@" >&2
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python3.10}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

make_venv() {
    if [ -x .venv/bin/python ] && .venv/bin/python -c ''; then return; fi
    local python
    python=$(find_python) || { apt_install python3 python3-venv && python=$(find_python); } ||
        fail "no Python 3.10 or newer was found; set PYTHON to one"
    say "making a virtual environment in .venv with $python"
    "$python" -m venv --clear --without-pip .venv
}

# `ensurepip` is what Debian keeps back in python3-venv.
get_pip() {
    if .venv/bin/python -c 'import pip' 2>/dev/null || .venv/bin/python -m ensurepip >/dev/null 2>&1; then return; fi
    say "installing python3-venv, which this Python lacks"
    apt_install python3-venv && .venv/bin/python -m ensurepip >/dev/null ||
        fail "install your system's python3-venv, then run this again"
}

# A Python's own pip, from 22.3 on, can install into another environment: quicker than giving that one a pip first.
get_uv() {
    if [ -x .venv/bin/uv ]; then return; fi
    "$(find_python)" -m pip --python .venv/bin/python install -q --disable-pip-version-check uv 2>/dev/null ||
        { get_pip && .venv/bin/python -m pip install -q --disable-pip-version-check uv; }
}

# uv takes a quarter of pip's time; where it can't be had, or fails, pip does the same (dependency groups need pip 25.1).
install() {
    if get_uv && .venv/bin/uv pip install -q --compile-bytecode --python .venv/bin/python \
        ${PIP_INDEX_URL:+--default-index "$PIP_INDEX_URL"} "$@"; then return; fi
    say "uv did not do it: pip does"
    get_pip
    .venv/bin/python -m pip install -q --disable-pip-version-check --upgrade 'pip>=25.1'
    .venv/bin/python -m pip install -q --disable-pip-version-check "$@"
}

# What the environment was built from: where it is (a virtual environment can't be moved) and the
# file that names its packages. While this stays the same, nothing is installed again.
recipe() { printf '%s\n' "$PWD" && cat pyproject.toml; }
is_installed() { [ -x .venv/bin/python ] && recipe | cmp -s - ".venv/installed-$1"; }
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
    install -e '.[cli,testing]' --group dev --group docs
    mark_installed demo
    mark_installed tests
}

install_for_bench() {
    if is_installed bench; then return; fi
    make_venv
    say "installing chatgpt-browser-api, its extras and what the benchmarks need into .venv"
    install -e '.[cli,testing]' --group bench
    mark_installed demo
    mark_installed bench
}
