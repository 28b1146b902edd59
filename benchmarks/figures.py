"""What is measured, as data: samples, limits, and the rows that the table, the JSON and the plots are made of."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from statistics import median, quantiles
from typing import Any

__all__ = ["Limit", "Row", "percentile"]

Samples = dict[str, list[float]]


@dataclass(frozen=True)
class Limit:
    """One target: a value, and what it may be at most."""

    value: float
    at_most: float
    #: What the numbers are of: "x", " ms", " %", …
    unit: str

    @property
    def is_met(self) -> bool:
        """Whether it is kept."""
        return self.value <= self.at_most

    @property
    def margin(self) -> float:
        """What is left, as a share of the limit; negative where it is exceeded."""
        return (self.at_most - self.value) / abs(self.at_most)

    @property
    def verdict(self) -> str:
        """Met or missed, and by how much: times by time, ratios by a share."""
        if self.unit == "x":
            distance = f"{abs(self.margin):.0%}"
        else:
            distance = f"{abs(self.at_most - self.value):.3g}{self.unit}"
        if self.is_met:
            return f"met, {distance} to spare" if self.margin else "met"
        return f"missed by {distance}"


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    protocol: str
    #: Every sample of every client, in the unit.
    samples: Samples
    unit: str = "ms"
    #: Meeting one of them is enough; none: for information.
    limits: tuple[Limit, ...] = ()
    #: What else is worth keeping: for the JSON, and for the plots.
    detail: dict[str, Any] = field(default_factory=dict)

    def limited(self, *limits: Limit) -> Row:
        """The same row, held to these limits."""
        return replace(self, limits=limits)

    @property
    def best(self) -> Limit | None:
        """The limit that is met, or the one that is nearest to it."""
        return max(self.limits, key=lambda limit: limit.margin, default=None)

    def median(self, client: str) -> float | None:
        """The median of a client's samples; None where it has none."""
        samples = self.samples.get(client)
        return median(samples) if samples else None

    def ratio(self, client: str = "ours") -> float:
        """How many times the plain client's time a client takes."""
        return median(self.samples[client]) / median(self.samples["plain"])

    def to_json(self) -> dict[str, Any]:
        """Everything, for the results' file."""
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
    """The value that so many percent of the others lie under."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]
