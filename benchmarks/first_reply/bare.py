"""A minimal Playwright program: launch, a page, a `goto`, an `evaluate(fetch)`. Its argument is JSON; it prints the reply."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from playwright.async_api import async_playwright

FETCH = """async ({url, headers, body}) => {
  const answer = await fetch(url, {method: "POST", headers, body});
  return await answer.text();
}"""


def read_text(events: str) -> str:
    """Return the text in the last event of the reply."""
    event = events.split("\n\n")[-3]
    text: str = json.loads(event.removeprefix("data: "))["message"]["content"]["parts"][0]
    return text


async def main(task: dict[str, Any]) -> None:
    """Send one message and print its reply."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=task["executable"], chromium_sandbox=task["sandbox"]
        )
        page = await browser.new_page(ignore_https_errors=task["ignore_https_errors"])
        await page.goto(task["origin"], wait_until="commit")
        events = await page.evaluate(FETCH, task["request"])
        sys.stdout.write(json.dumps(read_text(events)) + "\n")
        sys.stdout.flush()
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
