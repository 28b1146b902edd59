#!/usr/bin/env bash
# Soak test: a mixed load with random faults on one client and a fake server. Prints lost and duplicate messages, and writes
# benchmarks/results/soak.json and soak.png. Arguments: --minutes N (10), --seed N (1), --folder FOLDER.
# With --hostile, random attacks of a hostile site, page and folder, by the library and the command line, instead of the load;
# the seed is then random unless it is given, and is printed. Nothing is written to benchmarks/results.
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"

install_for_bench
bash scripts/install_browsers.sh
exec "$VENV_PYTHON" -m benchmarks.soak "$@"
