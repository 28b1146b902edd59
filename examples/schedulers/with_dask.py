"""Divide prompts over browsers with Dask: `python with_dask.py SCHEDULER PROMPTS BROWSER...`. The file has one prompt per line.

A message must not be sent twice, so no task may run twice. Dask's retries are off below. If a worker may die, also set
`distributed.scheduler.allowed-failures: 0` for the scheduler; otherwise it gives the tasks of that worker to another one.
"""

import os
import sys
from pathlib import Path

from distributed import Client

from chatgpt_browser import ChatGPTAPI


def answer(prompts, browser_url, options):
    """Send one share of the prompts with one client and one browser; return (prompt, reply or error) pairs in order."""
    with ChatGPTAPI(os.environ["CHATGPT_SESSION_TOKEN"], browser_url=browser_url, **options) as api:
        return [(each.message.text, each.reply or repr(each.error)) for each in api.send_many(prompts)]


def divide(cluster, prompts, browsers, **options):
    """Run one task for each browser; return the pairs of all tasks."""
    shares = [prompts[number :: len(browsers)] for number in range(len(browsers))]
    futures = cluster.map(answer, shares, browsers, options=options, retries=0, pure=False)
    return [outcome for share in cluster.gather(futures) for outcome in share]


if __name__ == "__main__":
    scheduler, file, *urls = sys.argv[1:]
    with Client(scheduler) as cluster:
        for prompt, reply in divide(cluster, Path(file).read_text("utf-8").splitlines(), urls):
            print(f"{prompt}\n  {reply}")
