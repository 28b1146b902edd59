#!/usr/bin/env bash
# The demo from an installed wheel, and tests, under every Python from 3.10 on that is here: on PATH, or kept by pyenv.
# Arguments go to pytest, in place of the faster tests. PYTHONS names other interpreters.
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"

HOMES=.venv/pythons # an environment each, kept for the next time
# What differs between Pythons is met here: annotations at run time, event loops, signals, threads, the command line.
FAST=(tests/cli tests/core/test_{errors,evidence,import,library,messages,options,protocol,reply,rooms,session,sync_face}.py
    tests/testing/test_server.py)

# One interpreter for each minor version: a line each with the version and the path.
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
    "$home/bin/python" -m pip install -q --disable-pip-version-check '.[cli,otel,testing]' --group dev
    recipe >"$home/installed"
}

failed=()
try() {
    local version=$1 home=$HOMES/$1
    say "Python $version: the demo, from the package as it is installed"
    "$home/bin/python" -m pip install -q --disable-pip-version-check --no-deps --force-reinstall .
    (cd / && "$OLDPWD/$home/bin/chatgpt-browser" demo) || failed+=("$version demo")
    say "Python $version: pytest ${*:2}"
    "$home/bin/python" -m pytest -q "${@:2}" || failed+=("$version tests")
}

bash scripts/install_browsers.sh
[ $# -gt 0 ] || set -- --numprocesses logical --dist loadfile "${FAST[@]}"
tried=()
while read -r version python <&3; do
    say "Python $version: $("$python" --version), $python"
    prepare "$HOMES/$version" "$python"
    try "$version" "$@"
    tried+=("$version")
done 3< <(pythons)

[ ${#tried[@]} -gt 0 ] || fail "no Python from 3.10 on was found; name one or more in PYTHONS"
if [ ${#failed[@]} -gt 0 ]; then
    fail "failed: $(IFS=,; printf '%s' "${failed[*]}")"
fi
say "passed under Python ${tried[*]}"
