"""What the run is doing at the moment, on standard error: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Steps:
    """One step after another; the one before is over when the next begins."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._console = console
        self._step: TaskID | None = None

    def __enter__(self) -> Steps:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._progress.stop()

    def begin(self, description: str, total: float | None = None) -> None:
        """Begin a step; without a total its bar only moves."""
        self._end()
        if not self._console.is_terminal:
            self._console.print(description, highlight=False)
        self._step = self._progress.add_task(description, total=total)

    def advance(self, count: float) -> None:
        """Be further on by so much."""
        if self._step is not None:
            self._progress.advance(self._step, count)

    def _end(self) -> None:
        if self._step is not None:
            done = self._progress.tasks[self._step].completed
            self._progress.update(self._step, total=done or 1, completed=done or 1)
