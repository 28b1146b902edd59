#!/usr/bin/env bash
# Sees that there is a Chromium: one that is here already, else Playwright's own build, else the system's.
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"

# The common case costs one look at PATH; all others are `chatgpt-browser install`, which knows more places.
if command -v chromium-headless-shell chromium google-chrome google-chrome-stable >/dev/null; then
    exit 0
fi
install_for_demo
exec .venv/bin/chatgpt-browser install
