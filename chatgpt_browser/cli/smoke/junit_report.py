"""Formats the report of a smoke test as JUnit XML, a format that most continuous integration systems read."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from ..output.option_names import message_of
from .step_log import StepLog, StepResult

SUITE = "chatgpt-browser smoke"
CLASS = "chatgpt_browser.smoke"

#: Matches characters that XML 1.0 does not allow, not even as escapes. An error message may quote such characters from the site.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(log: StepLog) -> bytes:
    """Return the report as an XML document in UTF-8."""
    results = log.results
    counts = {
        "tests": str(len(results)),
        "failures": str(sum(result.failure is not None for result in results)),
        "errors": "0",
        "skipped": str(sum(result.skipped for result in results)),
        "time": f"{sum(result.seconds for result in results):.3f}",
    }
    root = ET.Element("testsuites", counts)
    suite = ET.SubElement(
        root, "testsuite", {"name": SUITE, **counts, "timestamp": log.started.isoformat(timespec="seconds")}
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in log.properties.items():
        ET.SubElement(properties, "property", {"name": name, "value": _valid_xml(value)})
    for result in results:
        _add_test_case(suite, result)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _add_test_case(suite: ET.Element, result: StepResult) -> None:
    attributes = {"classname": CLASS, "name": result.name, "time": f"{result.seconds:.3f}"}
    case = ET.SubElement(suite, "testcase", attributes)
    if result.failure is not None:
        kind, message = type(result.failure).__name__, _valid_xml(message_of(result.failure))
        ET.SubElement(case, "failure", {"type": kind, "message": message}).text = f"{kind}: {message}"
    elif result.skipped:
        ET.SubElement(case, "skipped", {"message": "an earlier step failed"})


def _valid_xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
