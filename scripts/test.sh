#!/usr/bin/env bash
# Every check and every test. Goes on after a failure, so that one run shows all; fails if any did.
# Arguments go to pytest.
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"

install_for_tests
bash scripts/install_browsers.sh
export PATH="$PWD/.venv/bin:$PATH"

failed=()
check() {
    say "$1"
    "${@:2}" || failed+=("$1")
}

# Many processes are started: each would compile all that it imports anew.
unset PYTHONDONTWRITEBYTECODE

# Types are checked while the tests run.
types=$(mktemp)
mypy >"$types" 2>&1 &
mypy=$!

check "lint: ruff check" ruff check
check "format: ruff format --check" ruff format --check
check "layers: lint-imports" lint-imports
check "docs: mkdocs build --strict" bash scripts/docs.sh
# `coverage run`, not pytest-cov: the plugin is imported by pytest before pytest-cov could measure it.
coverage erase
if [ $# -gt 0 ]; then
    check "tests: pytest $*" coverage run -m pytest "$@"
else
    # The tests of a module share a server and a browser, so a worker takes whole modules.
    check "tests: pytest" coverage run -m pytest --numprocesses logical --dist loadfile
fi

say "types: mypy --strict"
wait "$mypy" || failed+=("types: mypy --strict")
cat "$types" && rm -f "$types"
coverage combine --quiet || true
check "branch coverage: at least 90 %" coverage report

if [ ${#failed[@]} -gt 0 ]; then
    fail "failed: $(IFS=,; printf '%s' "${failed[*]}")"
fi
say "all checks passed"
