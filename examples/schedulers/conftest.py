"""Assign one browser of BROWSERS to each pytest-xdist process, in turn."""

import os

import pytest


@pytest.fixture
def chatgpt_options(worker_id):
    browsers = os.environ["BROWSERS"].split()
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    return {"browser_url": browsers[number % len(browsers)]}
