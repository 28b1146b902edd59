"""Checks of the built site in a real browser, for `scripts/docs.sh`: no page is wider than a phone, and the search finds pages.

python scripts/check_docs.py             check the site in site/
python scripts/check_docs.py --axe       also check the accessibility of each page with axe
"""

from __future__ import annotations

import functools
import sys
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))

from chatgpt_browser._browser.executables import launch_candidates
from chatgpt_browser._browser.sandbox import sandbox_refusal
from chatgpt_browser._client.base_client import default_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

SITE = Path(__file__).parent.parent / "site"
#: The size of a phone's screen in CSS pixels.
PHONE = {"width": 390, "height": 844}
#: Maps each search term to the page that must be among its results.
SEARCHES = {"rate limit": "how-to/pace.html", "from_login": "how-to/stay-signed-in.html"}

#: JavaScript that returns a description of each element that is wider than the screen, unless an ancestor scrolls or cuts it. A
#: table with up to four columns must not scroll either, because docs/assets/site.css shows it as a list.
FIND_WIDE = """() => {
    const width = document.documentElement.clientWidth;
    const isCut = element => {
        for (let each = element.parentElement; each && each !== document.body; each = each.parentElement)
            if (getComputedStyle(each).overflowX !== "visible") return true;
        return false;
    };
    const wide = [...document.body.querySelectorAll(".md-content *")].filter(element => {
        const box = element.getBoundingClientRect();
        return box.width > 0 && box.right > width + 1 && !isCut(element);
    });
    const tables = [...document.querySelectorAll(".md-typeset__scrollwrap")].filter(wrap =>
        wrap.scrollWidth > wrap.clientWidth + 1 && !wrap.querySelector("th:nth-child(5)"));
    wide.push(...tables);
    const found = wide.slice(0, 3).map(element => `<${element.localName}> ${element.textContent.trim().slice(0, 60)}`);
    const scrolls = document.documentElement.scrollWidth > width;
    return scrolls && !found.length ? ["the page scrolls sideways"] : found;
}"""


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without a log line for each request."""

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of this machine, and yield the URL of the folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the Chromium that the package would start, and yield it."""
    with sync_playwright() as playwright:
        kind: Any = playwright.chromium
        which = next(launch_candidates(kind, default_options()))
        browser = playwright.chromium.launch(chromium_sandbox=not sandbox_refusal(), **which)
        yield browser
        browser.close()


def names_of_pages(site: Path) -> list[str]:
    """Return the paths of the built pages."""
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))


def find_wide_pages(page: Page, base: str, names: list[str]) -> list[str]:
    """Return a line for each page that has to be scrolled sideways on a phone."""
    problems = []
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    for name in names:
        page.goto(f"{base}/{name}", wait_until="load")
        wide = page.evaluate(FIND_WIDE)
        problems += [f"{name} is wider than {PHONE['width']} pixels: {element}" for element in wide]
    return problems


def find_search_problems(page: Page, base: str) -> list[str]:
    """Return a line for each search that does not find its page."""
    problems = []
    page.set_viewport_size({"width": 1280, "height": 900})
    for words, target in SEARCHES.items():
        page.goto(f"{base}/index.html")
        box = page.get_by_role("textbox", name="Search")
        box.click()
        box.fill(words)
        box.press("End")  # The theme reads the text when a key is released; `fill` presses no key.
        results = page.locator(".md-search-result__link")
        expect(results.first).to_be_visible(timeout=60_000)
        links = [link.get_attribute("href") or "" for link in results.all()]
        if not any(target in link for link in links):
            problems.append(f"the search for {words!r} does not find {target}: {links}")
    return problems


def main(*arguments: str) -> None:
    """Check the site, print the problems, and exit with 1 if there are any."""
    names = names_of_pages(SITE)
    with served(SITE) as base, chromium() as browser, browser.new_context() as context:
        page = context.new_page()
        problems = find_wide_pages(page, base, names) + find_search_problems(page, base)
        if "--axe" in arguments:
            from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

            for name in names:
                page.goto(f"{base}/{name}")
                problems += [f"{name}: {violation}" for violation in violations(Axe().run(page))]
    if problems:
        sys.exit("\n".join(["error: the documentation has problems:", *problems]))
    sys.stdout.write(f"{len(names)} pages fit a phone, and the search works\n")


def violations(results: Any) -> list[str]:
    """Return a line for each violation of a rule that axe found."""
    return [
        f"{each['id']}: {each['help']}: {[node['target'] for node in each['nodes']][:3]}"
        for each in results.response["violations"]
    ]


if __name__ == "__main__":
    main(*sys.argv[1:])
