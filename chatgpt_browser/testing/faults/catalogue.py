"""`FAULTS`: a dict of the injectable errors of the real site. The key is the name of the error."""

from __future__ import annotations

import difflib

from . import damaged_replies, refusals
from .fault import Fault

#: All faults. The key is the name of the fault.
FAULTS: dict[str, Fault] = {
    value.name: value
    for value in {**vars(refusals), **vars(damaged_replies)}.values()
    if isinstance(value, Fault)
}


def find_fault(fault: str | Fault) -> Fault:
    """Return the fault with this name. If `fault` is a `Fault` already, return it unchanged.

    :raises ValueError: no fault has this name. The message suggests similar names.
    """
    if isinstance(fault, Fault):
        return fault
    if fault in FAULTS:
        return FAULTS[fault]

    similar = difflib.get_close_matches(fault, FAULTS)
    hint = f"did you mean {' or '.join(similar)}?" if similar else f"the faults are {', '.join(FAULTS)}"
    raise ValueError(f"unknown fault {fault!r}: {hint}")
