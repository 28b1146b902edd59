#!/usr/bin/env bash
# Sends one question through a real Chromium to a fake ChatGPT on this machine: no account, no network.
# Arguments are passed on to `chatgpt-browser demo`.
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"

install_for_demo
bash scripts/install_browsers.sh
say "chatgpt-browser demo"
exec "$BIN/chatgpt-browser" demo "$@"
