#!/usr/bin/env bash
# Builds the wheel and the source distribution into dist/, and checks both with twine.
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"

install_for_tests
rm -rf dist
"$VENV_PYTHON" -m build --no-isolation --outdir dist
"$VENV_PYTHON" -m twine check --strict dist/*
