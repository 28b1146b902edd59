#!/usr/bin/env bash
# One question through a real Chromium to a fake ChatGPT on this machine: no account, no network.
# Arguments go to `chatgpt-browser demo`.
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"

install_for_demo
bash scripts/install_browsers.sh
say "chatgpt-browser demo"
exec .venv/bin/chatgpt-browser demo "$@"
