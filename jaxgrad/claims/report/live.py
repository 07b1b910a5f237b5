"""A run of proofs on a terminal while it goes on: what has ended, and what is running."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TimeElapsedColumn,
)
from rich.text import Text

from jaxgrad.claims.claim import Declaration
from jaxgrad.claims.estimate import seconds_left
from jaxgrad.claims.proof_run import Run
from jaxgrad.claims.report.terminal import ended

__all__ = ["progress"]


@contextlib.contextmanager
def progress(target: Console) -> Iterator[tuple[Callable[[Run], None], Callable[[str], None]]]:
    """Show each claim as it ends, how many have ended and which are running; only on a terminal.

    Yields a function to be called with the run after each thing that happens in it, and one that
    takes the lines that the claims print.
    """
    left = _TimeLeft()
    bar = _Bar(
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        left,
        console=target,
        transient=True,
        disable=not target.is_terminal,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with bar:
        task = bar.add_task("", total=None)
        shown: set[tuple[int, int]] = set()

        def tell(run: Run) -> None:
            bar.under_way = run.under_way
            bar.update(task, completed=run.ended, total=run.total)
            left.take(seconds_left(run.modules, run.jobs))
            for k, module in enumerate(run.modules):
                for number in sorted(module.ended - {n for i, n in shown if i == k}):
                    shown.add((k, number))
                    bar.print(ended(module.results[number], target.width))

        # Above the bar, or both would be on one line.
        yield tell, lambda line: bar.print(Text(line))


class _Bar(Progress):
    """How far a run is, and below it a line for each claim that is running, with its statement."""

    under_way: Sequence[Declaration] = ()

    def get_renderables(self) -> Iterator[RenderableType]:
        yield from super().get_renderables()
        for claim in self.under_way:
            line = Text.assemble("  ", (claim.id, "bold"), "  ", claim.statement, style="dim")
            line.truncate(self.console.width, overflow="ellipsis")
            yield line


class _TimeLeft(ProgressColumn):
    """About how long it still takes, counted down between two estimates."""

    def __init__(self) -> None:
        super().__init__()
        self._until: float | None = None

    def take(self, seconds: float | None) -> None:
        """Take what is estimated now; None where nobody knows."""
        self._until = None if seconds is None else time.monotonic() + seconds

    def render(self, task: Task) -> Text:
        if self._until is None:
            return Text("")
        seconds = max(0, round(self._until - time.monotonic()))
        return Text(f"about {seconds // 60}:{seconds % 60:02} left", "dim")
