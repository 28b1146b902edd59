"""Each of pytest-xdist's processes has a browser of its own, in turn."""

import os

import pytest


@pytest.fixture
def chatgpt_options(worker_id):
    browsers = os.environ["BROWSERS"].split()
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    return {"browser_url": browsers[number % len(browsers)]}
