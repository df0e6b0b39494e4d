"""Figures: ratios, each a number per round, and the bars for their medians."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """How something compares with something else."""

    client: str  # of Redis; empty where none takes part
    what: str
    nanoseconds: float  # for one event
    against: str
    ratio: str  # rate: how many times as fast, time: how many times as long
    rounds: list[float]
    bar: float | None  # a rate is at least that, a time at most

    @classmethod
    def of(
        cls, client: str, what: str, ratio: str, turns: list[tuple[float, float]], reference: tuple[str, float | None]
    ) -> Figure:
        """Make one of what both cost in each round, in nanoseconds for an event, and of the reference and the bar."""
        against, bar = reference
        rounds = [other / ours if ratio == "rate" else ours / other for ours, other in turns]
        return cls(client, what, statistics.median(ours for ours, _ in turns), against, ratio, rounds, bar)

    def line(self) -> str:
        """Return the figure as a line of JSON."""
        bar = {} if self.bar is None else {"atLeast" if self.ratio == "rate" else "atMost": self.bar}
        figure: dict[str, Any] = {
            "language": "python",
            "client": self.client,
            "what": self.what,
            "nanoseconds": round(self.nanoseconds),
            "against": self.against,
            **bar,
            "ratio": self.ratio,
            "rounds": self.rounds,
        }
        return json.dumps(figure) + "\n"

    def row(self) -> list[str]:
        """Return the figure as a row of the table."""
        value = statistics.median(self.rounds)
        ratio = f"{self.ratio} {value:.2f} ({min(self.rounds):.2f} to {max(self.rounds):.2f})"
        row = [self.client, self.what, f"{self.nanoseconds:.0f} ns", self.against, ratio]
        if self.bar is None:
            return [*row, "", ""]
        limit, met = ("least", value >= self.bar) if self.ratio == "rate" else ("most", value <= self.bar)
        return [*row, f"at {limit} {self.bar}", "yes" if met else "NO"]


def report(figures: list[Figure], file: str | None) -> None:
    """Print a table, and write a line of JSON for each figure into a file, if one is named."""
    head = ["client", "what", "one", "compared with", "ratio (lowest to highest)", "bar", "met"]
    table = [head, *(figure.row() for figure in figures)]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if file:
        Path(file).write_text("".join(figure.line() for figure in figures))
