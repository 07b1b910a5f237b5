"""What each number system makes of a function of the caller's own, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jaxgrad.claims.coverage.own_function import OwnFunction
from jaxgrad.claims.coverage.readings import Reading
from jaxgrad.claims.coverage.runs import PROGRAMS, SYSTEMS
from jaxgrad.claims.report.function_json import RUNS_ALL, verdicts

__all__ = ["show"]

# What a number system is for (docs/verdicts.md).
_DECIDES = {"Ball": "REFUTED, AGREES", "Germ": "derivative rules", "Polynomial": "PROVED"}
# A line of the last column is not readable above.
_WIDEST = 120
_COLOURS = {"runs": "green", "not reached": "dim"}


def show(found: OwnFunction, target: Console) -> None:
    """Prints the primitives, the custom rules, the programs and the verdicts.

    Args:
        found: what :func:`jaxgrad.claims.coverage.own_function.look_at` found.
        target: where to print.
    """
    inputs = ", ".join(f"{leaf.path}{list(leaf.shape)}" for leaf in found.inputs)
    held = f", with {', '.join(found.held)} held fixed" if found.held else ""
    target.print(
        Text.assemble((found.name, "bold"), f" with respect to {inputs}{held}"), soft_wrap=True
    )
    for table in _tables(found, target.width):
        target.print()
        target.print(table)
    target.print()
    for line in _lines(found):  # to be searched and pasted: nothing breaks them
        target.print(line, soft_wrap=True)


def _tables(found: OwnFunction, width: int) -> Iterator[Table]:
    primitives = _table(width, "primitive", "times", *SYSTEMS, "read as")
    for use in found.primitives:
        cells = [_cell(use.systems[system]) for system in SYSTEMS]
        primitives.add_row(Text(use.name), Text(str(use.equations)), *cells, _read_as(use.reading))
    yield primitives
    if found.rules:
        rules = _table(width, "custom rule", "kind", "calls", "place")
        for rule in found.rules:
            rules.add_row(*map(Text, (rule.function, rule.kind, str(rule.calls), rule.place)))
        yield rules
    programs = _table(width, "program", *SYSTEMS, "compared")
    for program in PROGRAMS:
        programs.add_row(*_program(found, program))
    yield programs


def _table(width: int, *columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.width = min(width, _WIDEST)
    for name in columns[:-1]:
        table.add_column(name, no_wrap=True)
    table.add_column(columns[-1], overflow="fold", ratio=1)
    return table


def _read_as(reading: Reading) -> Text:
    if reading.kind == "none":
        return Text("no rule", "red")
    if reading.kind == "rule":
        return Text(f"rule in {Path(reading.text).name}")
    return Text(str(reading))


def _cell(text: str) -> Text:
    return Text(text, _COLOURS.get(text, "yellow"))


def _program(found: OwnFunction, program: str) -> Iterator[Text]:
    yield Text(program)
    if program in found.without:
        yield from (Text("–") for _ in SYSTEMS)
        yield Text("no program")
        return
    for system in SYSTEMS:
        reason = found.runs[program, system].reason
        yield _cell(f"stops at {reason}" if reason else "runs")
    count = found.compared[program]
    yield Text(f"{count or 'no'} number{'' if count == 1 else 's'}")


def _lines(found: OwnFunction) -> Iterator[Text]:
    for use in found.without_rule:
        yield Text(f"`{use.name}`: {use.reading.text}", "red")
    for program, text in found.without.items():
        yield Text(f"{program}: {text}")
    for program, text in found.not_compared.items():
        yield Text(f"{program}: nothing was compared: {text}")
    for text in found.disagreements:
        yield Text(f"JAX disagrees: {text}", "bold red")
    for system, verdict in verdicts(found).items():
        colour = "green" if verdict == RUNS_ALL else "yellow"
        yield Text.assemble((system, "bold"), f" ({_DECIDES[system]}): ", (verdict, colour))
