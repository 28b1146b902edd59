#!/usr/bin/env bash
# Finds Chromium, or installs it: an existing one, else Playwright's build, else the system package.
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"

# A fast path for a browser on PATH; `chatgpt-browser install` also searches other places.
if command -v chromium-headless-shell chrome-headless-shell chromium chromium-browser google-chrome google-chrome-stable \
    >/dev/null; then
    exit 0
fi
install_for_demo
exec "$BIN/chatgpt-browser" install
