"""Measured data: samples, limits, and the rows of the table, the JSON file and the plots."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from statistics import median, quantiles
from typing import Any

__all__ = ["Limit", "Row", "percentile"]

Samples = dict[str, list[float]]


@dataclass(frozen=True)
class Limit:
    """A target: a value and its upper limit."""

    value: float
    at_most: float
    #: The unit of both numbers: "x", " ms", " %", …
    unit: str

    @property
    def is_met(self) -> bool:
        """True if the value does not exceed the limit."""
        return self.value <= self.at_most

    @property
    def margin(self) -> float:
        """The distance to the limit as a fraction of the limit; negative if the limit is exceeded."""
        return (self.at_most - self.value) / abs(self.at_most)

    @property
    def verdict(self) -> str:
        """Return "met" or "missed" and the distance: in the unit for times, in percent for ratios."""
        if self.unit == "x":
            distance = f"{abs(self.margin):.0%}"
        else:
            distance = f"{abs(self.at_most - self.value):.3g}{self.unit}"
        if self.is_met:
            return f"met, {distance} to spare" if self.margin else "met"
        return f"missed by {distance}"


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    name: str
    protocol: str
    #: All samples of each client, in `unit`.
    samples: Samples
    unit: str = "ms"
    #: The row is met if one of the limits is met. A row without limits is for information.
    limits: tuple[Limit, ...] = ()
    #: Additional values for the JSON file and the plots.
    detail: dict[str, Any] = field(default_factory=dict)

    def limited(self, *limits: Limit) -> Row:
        """Return a copy of the row with these limits."""
        return replace(self, limits=limits)

    @property
    def best(self) -> Limit | None:
        """The limit with the largest margin, or None."""
        return max(self.limits, key=lambda limit: limit.margin, default=None)

    def median(self, client: str) -> float | None:
        """Return the median of a client's samples, or None if it has no samples."""
        samples = self.samples.get(client)
        return median(samples) if samples else None

    def ratio(self, client: str = "ours") -> float:
        """Return the ratio of a client's median to the plain client's."""
        return median(self.samples[client]) / median(self.samples["plain"])

    def to_json(self) -> dict[str, Any]:
        """Return the row as a JSON-serialisable dict for the results file."""
        best = self.best
        return {
            "name": self.name,
            "protocol": self.protocol,
            "unit": self.unit,
            "medians": {name: round(median(values), 4) for name, values in self.samples.items()},
            "limits": [
                {
                    "value": round(limit.value, 4),
                    "at_most": round(limit.at_most, 4),
                    "unit": limit.unit.strip(),
                }
                for limit in self.limits
            ],
            "met": None if best is None else best.is_met,
            "verdict": None if best is None else best.verdict,
            "samples": {name: [round(value, 4) for value in values] for name, values in self.samples.items()},
            "detail": self.detail,
        }


def percentile(values: list[float], percent: int) -> float:
    """Return the value below which `percent` percent of the values lie."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]
