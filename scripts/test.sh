#!/usr/bin/env bash
# Runs all checks and all tests, and continues after a failure, so that one run reports everything; fails if one of them failed.
#   bash scripts/test.sh           all checks; all tests except those marked `long`
#   bash scripts/test.sh --fast    the everyday loop: lint, format, layers, types, and the tests without browser, server or process
#   bash scripts/test.sh --long    the tests marked `long` or `timing`, a short soak test, and the tests under each Python that is installed
#   bash scripts/test.sh ARG...    all checks; pytest with these arguments
#   bash scripts/test.sh --coverage [ARG...]  the same, which takes a third longer, and the coverage of branches: at least 90 %
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"

install_for_tests
export PATH="$PWD/$BIN:$PATH"

failed=()
check() {
    local start=$SECONDS
    say "$1"
    "${@:2}" || failed+=("$1")
    say "$1: $((SECONDS - start)) s"
}

# Checks that run beside the tests, which often wait for a browser: names, processes, and files with the output.
beside=() processes=() outputs=()
check_beside() {
    local output
    output=$(mktemp)
    "${@:2}" >"$output" 2>&1 &
    beside+=("$1") processes+=($!) outputs+=("$output")
}

finish_beside() {
    local i
    for i in "${!beside[@]}"; do
        say "${beside[i]}"
        wait "${processes[i]}" || failed+=("${beside[i]}")
        cat "${outputs[i]}" && rm -f "${outputs[i]}"
    done
}

finish() {
    if [ ${#failed[@]} -gt 0 ]; then
        fail "failed: $(IFS=,; printf '%s' "${failed[*]}")"
    fi
    say "all checks passed in $SECONDS s"
    exit 0
}

# The tests start many Python processes: each would compile all its imports again.
unset PYTHONDONTWRITEBYTECODE

if [ "${1:-}" = --long ]; then
    install --group long
    bash scripts/install_browsers.sh
    export CHATGPT_SOAK=${CHATGPT_SOAK:-10}
    check "long tests: pytest -m 'long or timing'" pytest -m "long or timing" "${@:2}"
    check "soak test" bash scripts/soak.sh --minutes 2 --folder "$(mktemp -d)"
    unset CHATGPT_SOAK
    if [ -n "$(bash scripts/test_pythons.sh --list)" ]; then
        check "each installed Python" bash scripts/test_pythons.sh
    fi
    finish
fi

check_beside "types: mypy --strict" mypy
check "lint: ruff check" ruff check
check "format: ruff format --check" ruff format --check
check "layers: lint-imports" lint-imports

if [ "${1:-}" = --fast ]; then
    check "tests: pytest -m 'not browser and not long'" \
        pytest -q -m "not browser and not long" --numprocesses logical --dist loadfile "${@:2}"
else
    bash scripts/install_browsers.sh
    check_beside "docs: mkdocs build --strict" bash scripts/docs.sh
    run=(pytest)
    if [ "${1:-}" = --coverage ]; then
        shift
        # `coverage run` instead of pytest-cov: pytest imports the project's plugin before pytest-cov starts to measure.
        run=(coverage run -m pytest)
        coverage erase
    fi
    if [ $# -gt 0 ]; then
        check "tests: pytest $*" "${run[@]}" "$@"
    else
        # pytest rewrites the assertions of each module once and caches the result. Without the collection in one process, each
        # worker would rewrite all modules again, which takes 6 s of CPU time for each worker.
        check "tests: collection" pytest --collect-only -qq >/dev/null
        # The tests of a module share a server and a browser: a worker gets whole modules, in the order of
        # tests/support/selection.py. With three workers for two processors, a third of the processors' time was idle.
        workers=$("$VENV_PYTHON" -c 'import os; print((os.cpu_count() or 1) * 5 // 2)')
        check "tests: pytest" "${run[@]}" --numprocesses "$workers" --dist loadfile --no-loadscope-reorder
    fi
fi

finish_beside

if [ "${run[0]:-}" = coverage ]; then
    coverage combine --quiet || true
    check "branch coverage: at least 90 %" coverage report
fi
finish
