"""Prompts divided over browsers by Dask: `python with_dask.py SCHEDULER PROMPTS BROWSER...`, one prompt a line.

A message must not be sent twice, so no task may run twice: Dask's own retries are off below, and where a worker may die, set
`distributed.scheduler.allowed-failures: 0` for the scheduler, which else gives its tasks to another.
"""

import os
import sys
from pathlib import Path

from distributed import Client

from chatgpt_browser import ChatGPTAPI


def answer(prompts, browser_url, options):
    """A task: one share of the prompts, one client, one browser. Gives (prompt, reply or error) in order."""
    with ChatGPTAPI(os.environ["CHATGPT_SESSION_TOKEN"], browser_url=browser_url, **options) as api:
        return [(each.message.text, each.reply or repr(each.error)) for each in api.send_many(prompts)]


def divide(cluster, prompts, browsers, **options):
    """A task for each browser; what they give, as it comes."""
    shares = [prompts[number :: len(browsers)] for number in range(len(browsers))]
    futures = cluster.map(answer, shares, browsers, options=options, retries=0, pure=False)
    return [outcome for share in cluster.gather(futures) for outcome in share]


if __name__ == "__main__":
    scheduler, file, *urls = sys.argv[1:]
    with Client(scheduler) as cluster:
        for prompt, reply in divide(cluster, Path(file).read_text("utf-8").splitlines(), urls):
            print(f"{prompt}\n  {reply}")
