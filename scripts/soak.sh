#!/usr/bin/env bash
# A long run: mixed load with faults drawn at random, on one client and a fake server. Prints what was lost or doubled, writes
# benchmarks/results/soak.json and soak.png. Arguments: --minutes N (10), --seed N (1), --folder FOLDER.
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"

install_for_bench
bash scripts/install_browsers.sh
exec .venv/bin/python -m benchmarks.soak "$@"
