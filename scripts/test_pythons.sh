#!/usr/bin/env bash
# Runs the demo from an installed wheel, and tests, under each installed Python from 3.10 on (on PATH, or installed by pyenv).
# Arguments are passed on to pytest and replace the default selection. PYTHONS names other interpreters. `--list` only lists them.
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"

HOMES=.venv/pythons # one environment for each version, kept for the next run

# Print one line for each minor version: the version and the path of an interpreter.
pythons() {
    local minor candidate
    for minor in 10 11 12 13 14 15; do
        for candidate in ${PYTHONS:-"python3.$minor" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3."$minor".*/bin/python}; do
            if "$candidate" -c "import sys, ensurepip; sys.exit(sys.version_info[:2] != (3, $minor))" 2>/dev/null; then
                printf '3.%s %s\n' "$minor" "$candidate"
                break
            fi
        done
    done
}

prepare() {
    local home=$1 python=$2
    if [ -x "$home/bin/python" ] && recipe | cmp -s - "$home/installed"; then return; fi
    "$python" -m venv --clear "$home"
    "$home/bin/python" -m pip install -q --disable-pip-version-check --upgrade 'pip>=25.1'
    "$home/bin/python" -m pip install -q --disable-pip-version-check '.[mcp,otel,serve,testing]' --group dev
    recipe >"$home/installed"
}

failed=()
try() {
    local version=$1 home=$HOMES/$1
    say "Python $version: the demo, from the installed package"
    "$home/bin/python" -m pip install -q --disable-pip-version-check --no-deps --force-reinstall .
    (cd / && "$OLDPWD/$home/bin/chatgpt-browser" demo) || failed+=("$version demo")
    if [ $# -gt 1 ]; then
        run_pytest "${@:2}"
    else
        # Pythons differ in annotations at run time, event loops, signals and threads: the fast tests and the command line use these.
        run_pytest --numprocesses logical --dist loadfile -m "not browser and not long" --ignore tests/docs
        run_pytest --numprocesses logical --dist loadfile tests/cli
    fi
}

run_pytest() {
    say "Python $version: pytest $*"
    "$home/bin/python" -m pytest -q "$@" || failed+=("$version tests")
}

if [ "${1:-}" = --list ]; then
    pythons
    exit
fi

bash scripts/install_browsers.sh
tried=()
while read -r version python <&3; do
    say "Python $version: $("$python" --version), $python"
    prepare "$HOMES/$version" "$python"
    try "$version" "$@"
    tried+=("$version")
done 3< <(pythons)

[ ${#tried[@]} -gt 0 ] || fail "no Python from 3.10 on was found; name at least one in PYTHONS"
if [ ${#failed[@]} -gt 0 ]; then
    fail "failed: $(IFS=,; printf '%s' "${failed[*]}")"
fi
say "passed under Python ${tried[*]}"
