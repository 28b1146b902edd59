#!/usr/bin/env bash
# Builds the site of docs/ into site/; a warning is an error. With `serve`, shows it and follows changes.
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"

install_for_tests
# The theme's notice about its own end: pyproject.toml says what we make of it.
export NO_MKDOCS_2_WARNING=1
if [ "${1:-}" = serve ]; then
    exec .venv/bin/mkdocs serve "${@:2}"
fi
# Not --quiet: it keeps warnings from --strict, too.
.venv/bin/mkdocs build --strict

# Reading the site asks nobody but whoever serves it: links may lead elsewhere, nothing is loaded from there.
if grep -rnoE --include='*.html' '<(script|img|iframe|source|video)[^>]+src="?(https?:)?//[^ ">]+|<link[^>]+href="?(https?:)?//[^ ">]+' site; then
    fail "the site would load that from elsewhere"
fi
