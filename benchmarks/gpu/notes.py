"""What the sections of the GPU benchmark write down, and their time.

Authors
 * sb_sed contributors 2026
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class Notes:
    """Figures, written as they come: a line of JSON each, and a line of text.

    Arguments
    ---------
    folder : Path
        Gets ``<section>.jsonl``; ``gather`` makes ``results.json`` and
        ``results.txt`` of all of them.
    section : str
        What is measured.
    """

    def __init__(self, folder: Path, section: str):
        self.section = section
        self.file = Path(folder) / f"{section}.jsonl"

    def add(self, name: str, **figures: object) -> None:
        """Write down a row, and print it."""
        row = {"section": self.section, "name": name, **figures}
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(as_text(row), flush=True)

    @contextmanager
    def guarded(self, name: str) -> Iterator[None]:
        """Write an error down and go on with what comes next."""
        try:
            yield
        except Exception as error:
            lines = str(error).splitlines() or [""]
            self.add(name, error=f"{type(error).__name__}: {lines[0][:300]}")


@dataclass
class Clock:
    """How long there is still.

    Arguments
    ---------
    seconds : float
        From now on.
    """

    seconds: float

    def __post_init__(self):
        self.end = time.monotonic() + self.seconds

    def left(self) -> float:
        """Seconds that are left, not below 0."""
        return max(self.end - time.monotonic(), 0.0)

    def has(self, seconds: float) -> bool:
        """Whether there is time for this."""
        return self.left() >= seconds


def as_text(row: dict) -> str:
    """A row on a line."""
    figures = {k: v for k, v in row.items() if k not in ("section", "name")}
    values = "  ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in figures.items()
    )
    return f"{row['section']:10}{row['name']:34}{values}"


def gather(folder: Path) -> list[dict]:
    """Put the rows of all sections together, as JSON and as text."""
    rows = [
        json.loads(line)
        for file in sorted(Path(folder).glob("*.jsonl"))
        for line in file.read_text("utf-8").splitlines()
        if line.endswith("}")  # not one that was being written
    ]
    text = json.dumps(rows, indent=1)
    (Path(folder) / "results.json").write_text(text, "utf-8")
    lines = [as_text(row) + "\n" for row in rows]
    (Path(folder) / "results.txt").write_text("".join(lines), "utf-8")
    return rows
