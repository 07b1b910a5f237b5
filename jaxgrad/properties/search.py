"""The first, smallest counterexample that Hypothesis finds, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from jaxgrad.errors import ArgumentError, PropertyRefuted
from jaxgrad.strategies.hypothesis_extra import hypothesis
from jaxgrad.verdict import Evidence, Verdict

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["counted", "held", "refuted", "smallest"]


def smallest(
    strategy: SearchStrategy[Any], fails: Callable[[Any], bool], max_examples: int | None
) -> Any | None:
    """The smallest drawn value at which something fails, or None.

    There is no deadline: the first example pays for XLA's compilation, which takes longer than the
    200 ms that Hypothesis gives by default. The search is the same in every run.

    Args:
        strategy: what is drawn; never None.
        fails: whether it does.
        max_examples: how many are drawn, before it shrinks what was found; as many as the profile
            says if None.

    Example:
        >>> from hypothesis import strategies as st
        >>> smallest(st.integers(), lambda n: n > 10, None)
        11
    """
    found = hypothesis()
    more = {} if max_examples is None else {"max_examples": counted(max_examples)}
    settings = found.settings(deadline=None, database=None, derandomize=True, **more)
    try:
        return found.find(strategy, fails, settings=settings)
    except found.errors.NoSuchExample:
        return None


def counted(max_examples: Any) -> int:
    """A number of examples.

    Raises:
        ArgumentError: it is none.
    """
    if isinstance(max_examples, bool) or not isinstance(max_examples, int) or max_examples < 1:
        raise ArgumentError(f"max_examples is {max_examples!r:.60}: pass an integer >= 1, or None")
    return max_examples


def held(text: str) -> Evidence:
    """The evidence of a property of which no counterexample was found."""
    return Evidence(Verdict.AGREES, "sampling", text, trusts=("XLA", "Hypothesis"))


def refuted(text: str, code: str) -> NoReturn:
    """Raises what a counterexample shows.

    Raises:
        PropertyRefuted: always; its ``check`` is the evidence.
    """
    __tracebackhide__ = True
    found = Evidence(Verdict.REFUTED, "counterexample", text, counterexample=code, trusts=("XLA",))
    raise PropertyRefuted(str(found), found)
