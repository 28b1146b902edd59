#!/usr/bin/env bash
# Compares the client with a plain HTTP client, prints a table and writes benchmarks/results. Arguments are passed on to
# `python -m benchmarks`: --quick, --only NAME, --protocol http1|http2, --no-npm, --strict.
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"

install_for_bench
bash scripts/install_browsers.sh
exec "$VENV_PYTHON" -m benchmarks "$@"
