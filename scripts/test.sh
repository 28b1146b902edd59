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

check "lint: ruff check" ruff check
check "format: ruff format --check" ruff format --check
check "types: mypy --strict" mypy
check "layers: lint-imports" lint-imports
check "docs: mkdocs build --strict" bash scripts/docs.sh
# `coverage run`, not pytest-cov: the plugin is imported by pytest before pytest-cov could measure it.
coverage erase
if [ $# -gt 0 ]; then
    check "tests: pytest $*" coverage run -m pytest "$@"
else
    # Two parts at once: each waits for its browsers most of the time. A shell has its background jobs ignore Ctrl-C, and they
    # their children: the tests that are about just that run in front.
    others=$(mktemp)
    coverage run -m pytest tests/package tests/plugin tests/testing tests/docs >"$others" 2>&1 &
    half=$!
    check "tests: pytest, the client and its command" coverage run -m pytest tests/cli tests/core tests/reliability
    wait "$half" || failed+=("tests: pytest, all else")
    say "tests: pytest, all else (run meanwhile)"
    cat "$others" && rm -f "$others"
fi
coverage combine --quiet || true
check "branch coverage: at least 90 %" coverage report

if [ ${#failed[@]} -gt 0 ]; then
    fail "failed: $(IFS=,; printf '%s' "${failed[*]}")"
fi
say "all checks passed"
