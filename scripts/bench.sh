#!/usr/bin/env bash
# Measures us beside a plain HTTP client: prints the table, writes benchmarks/results. Arguments go to
# `python -m benchmarks`: --quick, --only NAME, --protocol http1|http2, --no-npm, --strict.
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"

install_for_bench
bash scripts/install_browsers.sh
exec .venv/bin/python -m benchmarks "$@"
