#!/usr/bin/env bash
# Builds the site of docs/ into site/; a warning is an error. With the argument `serve`, serves the site and rebuilds it after
# each change.
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"

install_for_tests
# Hide the theme's notice about its end of life; pyproject.toml states the plan.
export NO_MKDOCS_2_WARNING=1
if [ "${1:-}" = serve ]; then
    exec "$BIN/mkdocs" serve "${@:2}"
fi
# Without --quiet: it would hide warnings from --strict.
"$BIN/mkdocs" build --strict

bash scripts/install_browsers.sh
"$VENV_PYTHON" scripts/check_docs.py

# Reading the site sends no request to another host: links may lead there, but scripts, styles and images may not.
if grep -rnoE --include='*.html' '<(script|img|iframe|source|video)[^>]+src="?(https?:)?//[^ ">]+|<link[^>]+href="?(https?:)?//[^ ">]+' site; then
    fail "the site would load the files above from another host"
fi
