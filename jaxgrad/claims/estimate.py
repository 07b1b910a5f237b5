"""How long a run of proof modules still takes, by how long their claims took before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jaxgrad.claims.proof_run import Module

__all__ = ["seconds_left"]


def seconds_left(modules: Sequence[Module], jobs: int) -> float | None:
    """The seconds that the claims which have no result will take; None where nobody knows.

    A module runs in one process, so that no run is shorter than its longest module. A claim that
    was never run is taken to be like the mean of those that were.

    Args:
        modules: those of the run.
        jobs: how many run at a time.

    Example:
        >>> from pathlib import Path
        >>> long, short = Module(Path("long.py")), Module(Path("short.py"))
        >>> long.known_seconds, short.known_seconds = {"a": 8.0, "b": 1.0}, {"c": 3.0}
        >>> seconds_left([long, short], jobs=1), seconds_left([long, short], jobs=2)
        (12.0, 9.0)
    """
    known = [seconds for module in modules for seconds in module.known_seconds.values()]
    if not known:
        return None
    mean = sum(known) / len(known)
    each = [sum(_seconds(module, mean)) for module in modules]
    return max(*each, sum(each) / jobs)


def _seconds(module: Module, mean: float) -> Iterable[float]:
    if module.claims is None:
        return module.known_seconds.values() or [mean]
    names = (module.claims[number].name for number in module.outstanding)
    return [module.known_seconds.get(name, mean) for name in names]
