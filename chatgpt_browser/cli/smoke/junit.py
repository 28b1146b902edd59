"""A smoke test's steps as JUnit XML, which every continuous integration reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from .steps import Journal, Result

SUITE = "chatgpt-browser smoke"
CLASS = "chatgpt_browser.smoke"

#: What XML 1.0 has no way to write, escaped or not; errors quote the site.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(journal: Journal) -> bytes:
    """The whole document, in UTF-8."""
    results = journal.results
    counts = {
        "tests": str(len(results)),
        "failures": str(sum(result.failure is not None for result in results)),
        "errors": "0",
        "skipped": str(sum(result.skipped for result in results)),
        "time": f"{sum(result.seconds for result in results):.3f}",
    }
    root = ET.Element("testsuites", counts)
    suite = ET.SubElement(
        root, "testsuite", {"name": SUITE, **counts, "timestamp": journal.began.isoformat(timespec="seconds")}
    )
    listed = ET.SubElement(suite, "properties")
    for name, value in journal.facts.items():
        ET.SubElement(listed, "property", {"name": name, "value": _xml(value)})
    for result in results:
        _add(suite, result)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _add(suite: ET.Element, result: Result) -> None:
    attributes = {"classname": CLASS, "name": result.name, "time": f"{result.seconds:.3f}"}
    case = ET.SubElement(suite, "testcase", attributes)
    if result.failure is not None:
        kind, message = result.failure.kind, _xml(result.failure.message)
        ET.SubElement(case, "failure", {"type": kind, "message": message}).text = f"{kind}: {message}"
    elif result.skipped:
        ET.SubElement(case, "skipped", {"message": "a step before it failed"})


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
