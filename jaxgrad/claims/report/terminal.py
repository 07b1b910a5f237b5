"""Results as a table for a terminal, with the evidence where there is room for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jaxgrad.claims.claim import ClaimResult, Declaration
from jaxgrad.claims.report.order import by_id, cut_short
from jaxgrad.errors import MissingExtra
from jaxgrad.verdict import Verdict

try:
    from rich import box
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text
except ImportError as error:  # pragma: no cover
    raise MissingExtra("the terminal report needs rich: pip install rich, or use --json") from error

__all__ = ["console", "ended", "show", "show_list", "summary"]

_COLOURS = {
    Verdict.PROVED: "green",
    Verdict.PROBABLE: "cyan",
    Verdict.AGREES: "blue",
    Verdict.REFUTED: "magenta",
    Verdict.UNDECIDED: "yellow",
    None: "red",
}

# Claim, part, verdict and seconds take about 50 columns, and a sentence is not readable below 25:
# two such columns beside the fixed ones need 100.
_ROOM_FOR_EVIDENCE = 100
# Below this the parts stand under the statements, and no seconds: of 60 the four columns but the
# statement take 45.
_ROOM_FOR_PARTS = 60

# One claim may fail in a hundred parts for one reason; the first few show it.
_DETAILED_PARTS = 3


def console(*, stderr: bool = False) -> Console:
    """A console that prints text as it is: ``[z>0]`` is an indicator and not an instruction."""
    return _Console(stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=False)


class _Console(Console):
    """One that leaves it to the command what a closed pipe means for the exit code."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


# ------------------------------------------------------------------------------------------- table


@dataclass(frozen=True)
class _Row:
    """Parts of one claim that ended alike."""

    results: tuple[ClaimResult, ...]

    @property
    def part(self) -> str:
        first, last = self.results[0].part, self.results[-1].part
        count = len(self.results)
        return first if count == 1 else f"{count} parts: {first} … {last}"

    @property
    def evidence(self) -> str:
        texts = list(dict.fromkeys(_evidence(result) for result in self.results))
        others = len(self.results) - 1
        return texts[0] if len(texts) == 1 else f"{texts[0]} (and {others} more: --verbose)"


def _evidence(result: ClaimResult) -> str:
    if result.evidence is not None:
        return result.evidence.text
    return result.problem


def _fold(results: Sequence[ClaimResult]) -> list[_Row]:
    """Rows in order of first appearance, one for each claim and verdict, errors by themselves."""
    groups: dict[object, list[ClaimResult]] = {}
    for result in results:
        alone = id(result) if result.evidence is None else None
        groups.setdefault((id(result.claim), result.verdict, alone), []).append(result)
    return [_Row(tuple(group)) for group in groups.values()]


def _table(
    results: Sequence[ClaimResult],
    width: int,
    *,
    verbose: bool,
    missing: Sequence[ClaimResult] = (),
) -> Table:
    cut = cut_short([*results, *missing])
    ordered = sorted(results, key=by_id)
    rows = [_Row((result,)) for result in ordered] if verbose else _fold(ordered)
    evidence = width >= _ROOM_FOR_EVIDENCE and not verbose
    table = Table(box=box.SIMPLE_HEAD, width=width, pad_edge=False, show_edge=False)
    narrow = width < _ROOM_FOR_PARTS
    parts = any(row.part for row in rows) and not narrow
    table.add_column("claim", overflow="fold", min_width=5, max_width=min(width // 5, 24))
    if parts:
        table.add_column("part", overflow="fold", ratio=2)
    table.add_column("statement", overflow="fold", ratio=3)
    table.add_column("verdict", no_wrap=True)
    if evidence:
        table.add_column("evidence", overflow="fold", ratio=4)
    if not narrow:
        table.add_column("seconds", justify="right", no_wrap=True)
    for row in rows:
        first = row.results[0]
        cells = [Text(first.id)]
        statement = Text(_statement(first))
        if parts:
            cells.append(Text(row.part))
        elif row.part:
            statement.append(f"\n{row.part}", "dim")
        so_far = first.evidence is not None and id(first.claim) in cut
        verdict = Text(f"{first.verdict}\n  so far", "dim") if so_far else _verdict(first)
        cells += [statement, verdict]
        if evidence:
            cells.append(Text(row.evidence))
        if not narrow:
            cells.append(Text(_seconds(row.results)))
        table.add_row(*cells)
    return table


def _seconds(results: Sequence[ClaimResult]) -> str:
    """The time that is known, or a dash where none is."""
    known = [result.seconds for result in results if result.seconds is not None]
    return f"{sum(known):.2f}" if known else "–"


def _statement(result: ClaimResult) -> str:
    return result.claim.statement if result.claim else result.path.as_posix()


def _verdict(result: ClaimResult, separator: str = "\n  ") -> Text:
    """A mark for expected or not, the verdict, and the one that was expected instead.

    Of one that does not pass it is said that it was expected.
    """
    good, bad = _marks()
    mark = Text(good, "green") if result.as_expected else Text(bad, "bold red")
    word = "ERROR" if result.verdict is None else str(result.verdict)
    text = mark + Text(word, _COLOURS[result.verdict])
    if result.claim and result.verdict is not None and not result.as_expected:
        text += Text(f"{separator}not {result.claim.expected}", "red")
    elif result.verdict is not None and not result.verdict.passes:
        text += Text(f"{separator}as expected", "dim")
    return text


def _marks() -> tuple[str, str]:
    """What stands before a verdict that was expected, and before another one."""
    try:
        "✓✗".encode(sys.stdout.encoding or "utf-8")
    except UnicodeError:
        return "ok ", "x  "
    return "✓ ", "✗ "


def ended(results: Sequence[ClaimResult], width: int) -> Text:
    """A claim that has ended, in one line: the verdict that is told last, or what is unexpected.

    Args:
        results: those of its parts.
        width: columns of the terminal.
    """
    told = next((result for result in results if not result.as_expected), results[-1])
    name = (told.id, "bold")
    line = Text.assemble(_verdict(told, ", "), "  ", name, "  ", _statement(told))
    line.truncate(width - 10, overflow="ellipsis")
    return Text.assemble(line, (f"  {_seconds(results)} s", "dim"))


# ----------------------------------------------------------------------------------------- details


def _detailed(results: Sequence[ClaimResult], *, verbose: bool) -> Iterator[ClaimResult | str]:
    """What is shown in full: everything, or the first few unexpected parts of each claim."""
    if verbose:
        yield from results
        return
    unexpected = [result for result in results if not result.as_expected]
    for row in _fold(unexpected):
        yield from row.results[:_DETAILED_PARTS]
        more = len(row.results) - _DETAILED_PARTS
        if more > 0:
            yield f"{row.results[0].id}: {more} more parts like these; --verbose shows them"


def _show_detail(target: Console, result: ClaimResult) -> None:
    place = f"{result.path.as_posix()}:{result.claim.line}" if result.claim else ""
    title = Text.assemble((result.id, "bold"), "  ", result.part, "  " if result.part else "")
    target.print(title + _verdict(result, ", ") + Text(f"  {place}", "dim"))
    for name, text in _fields(result):
        # Tracebacks and counterexamples are to be pasted: no padding that would break their lines.
        if name in ("error", "counterexample"):
            target.print(Text(_indented(f"{name}:\n{_indented(text)}")), soft_wrap=True)
        else:
            target.print(
                Padding(Text.assemble((f"{name}: ", "dim"), text), (0, 0, 0, 4), expand=False)
            )


def _indented(text: str) -> str:
    return "\n".join("    " + line for line in text.splitlines())


def _fields(result: ClaimResult) -> Iterator[tuple[str, str]]:
    if result.claim:
        yield "statement", result.claim.statement
        if result.claim.source:
            yield "source", result.claim.source
    if result.error:
        yield "error", result.error
    if result.evidence is None:
        return
    kind = result.evidence.kind
    yield "evidence" if kind == "counterexample" else kind, result.evidence.text
    for name, (lower, upper) in result.evidence.enclosures.items():
        yield name, f"[{lower}, {upper}]"
    if result.evidence.counterexample:
        yield "counterexample", result.evidence.counterexample
    if result.evidence.trusts:
        yield "trusts", ", ".join(result.evidence.trusts)


# ------------------------------------------------------------------------------------------- whole


def show(
    results: Sequence[ClaimResult],
    seconds: float,
    target: Console,
    *,
    verbose: bool = False,
    missing: Sequence[ClaimResult] = (),
) -> None:
    """Print the table, in full what is not as expected (or everything), and the summary.

    Args:
        results: one for each part.
        seconds: wall-clock time of the run.
        target: where to print.
        verbose: every part, in full.
        missing: the claims and modules that have no result, since the run was ended. Parts of
            these that had one are shown as what is known so far.
    """
    target.print(_table(results, target.width, verbose=verbose, missing=missing))
    for detail in _detailed(results, verbose=verbose):
        target.print()
        if isinstance(detail, str):
            target.print(Text(detail, "dim"))
        else:
            _show_detail(target, detail)
    target.print()
    good = all(result.as_expected for result in results) and not missing
    text = summary(results, seconds, len(missing))
    target.print(Text(text, "bold green" if good else "bold red"))


def summary(results: Sequence[ClaimResult], seconds: float, missing: int = 0) -> str:
    """Counts of claims, parts and verdicts, and whether they are the expected ones, in one line.

    Args:
        results: one for each part.
        seconds: wall-clock time of the run.
        missing: how many claims and modules have no result.

    Example:
        >>> summary([], 0.25)
        '0 claims, 0 parts; all as expected; 0.25 s'
    """
    claims = len({id(result.claim) for result in results if result.claim})
    counts = {str(v): sum(r.verdict is v for r in results) for v in Verdict}
    verdicts = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    errors = sum(result.error is not None for result in results)
    undecided = sum(result.undecided for result in results)
    wrong = sum(not result.as_expected for result in results) - errors - undecided
    failures = [
        f"{count} {what}"
        for count, what in (
            (wrong, "not as expected"),
            (undecided, "undecided"),
            (errors, "failed"),
            (missing, "without a result"),
        )
        if count
    ]
    parts = _count(sum(result.evidence is not None for result in results), "part")
    head = f"{_count(claims, 'claim')}, {parts}" + (f": {verdicts}" if verdicts else "")
    kept = len({id(result.claim) for result in results if result.kept})
    again = f"; {kept} unchanged, not run again" if kept else ""
    return f"{head}; {', '.join(failures) or 'all as expected'}{again}; {seconds:.2f} s"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def show_list(
    claims: Sequence[Declaration], failures: Sequence[ClaimResult], target: Console
) -> None:
    """Print every claim without running it, and what could not be collected."""
    table = Table(box=box.SIMPLE_HEAD, width=target.width, pad_edge=False, show_edge=False)
    table.add_column("claim", overflow="fold", min_width=5, max_width=min(target.width // 5, 24))
    table.add_column("function", overflow="fold", ratio=2)
    table.add_column("statement", overflow="fold", ratio=3)
    table.add_column("expected", no_wrap=True)
    for claim in claims:
        place = f"{claim.name}\n{claim.path.as_posix()}:{claim.line}"
        expected = Text(str(claim.expected), _COLOURS[claim.expected])
        table.add_row(Text(claim.id), Text(place), Text(claim.statement), expected)
    target.print(table)
    for failure in failures:
        target.print()
        _show_detail(target, failure)
