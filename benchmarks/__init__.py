"""Benchmarks of `chatgpt_browser` against a plain HTTP client: see README.md, and run `bash scripts/bench.sh`."""
