#!/usr/bin/env bash
# Runs a tool of the project's environment, for example `bash scripts/run.sh ruff check`. pre-commit uses it.
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"

install_for_tests
tool=$1
shift
exec "$BIN/$tool" "$@"
