"""How fast `chatgpt_browser` is beside a plain HTTP client: see README.md, and run `bash scripts/bench.sh`."""
