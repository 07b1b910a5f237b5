"""The smallest counterexample that Hypothesis finds, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import jax
import numpy as np

from jaxgrad.errors import ArgumentError, PropertyRefuted
from jaxgrad.strategies.hypothesis_extra import hypothesis, hypothesis_strategies
from jaxgrad.verdict import Evidence, Verdict

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["Once", "counted", "held", "refuted", "require_strategies", "smallest"]


class Once:
    """Asks of each example once whether something fails of it, and keeps the first that is open.

    Args:
        fails: of an example, whether it does; None where that is open.

    Example:
        >>> fails = Once(lambda n: None if n == 0 else n > 10)
        >>> [fails(n) for n in (0, 5, 11, 11)], fails.tried, fails.open
        ([False, False, True, True], 3, 0)
    """

    def __init__(self, fails: Callable[[Any], bool | None]) -> None:
        self._fails = fails
        self._told: dict[Any, bool] = {}
        self.open: Any | None = None

    def __call__(self, example: Any) -> bool:
        key = _key(example)
        if key not in self._told:
            answer = self._fails(example)
            if answer is None and self.open is None:
                self.open = example
            self._told[key] = bool(answer)
        return self._told[key]

    @property
    def tried(self) -> int:
        """How many different examples were asked of."""
        return len(self._told)


def _key(example: Any) -> Any:
    leaves, tree = jax.tree.flatten(example)
    return tree, tuple(map(_key_of_leaf, leaves))


def _key_of_leaf(leaf: Any) -> Any:
    if hasattr(leaf, "dtype"):
        array = np.asarray(leaf)
        return array.shape, array.dtype.name, array.tobytes()
    try:
        hash(leaf)
    except TypeError:
        return object()  # equal to nothing, so that it is asked of again
    return type(leaf), leaf, repr(leaf)  # 0.0 == -0.0 == False, and they are not the same


def smallest(
    strategy: SearchStrategy[Any], fails: Callable[[Any], bool], max_examples: int | None
) -> Any | None:
    """The smallest drawn value at which something fails, or None.

    There is no deadline: the first example pays for XLA's compilation, which takes longer than the
    200 ms that Hypothesis gives by default. The search is the same in every run.

    Args:
        strategy: what is drawn; never None.
        fails: whether it does; the same answer whenever it is asked.
        max_examples: how many are drawn, before it shrinks what was found; as many as the profile
            says if None.

    Raises:
        ArgumentError: ``max_examples`` is none, or nothing can be drawn.

    Example:
        >>> from hypothesis import strategies as st
        >>> smallest(st.integers(), lambda n: n > 10, None)
        11
    """
    found = hypothesis()
    more: dict[str, Any] = {} if max_examples is None else {"max_examples": counted(max_examples)}
    # A profile without these phases would draw nothing, of which everything holds.
    more["phases"] = (found.Phase.generate, found.Phase.shrink)
    settings = found.settings(deadline=None, database=None, derandomize=True, **more)
    try:
        return found.find(strategy, fails, settings=settings)
    except found.errors.NoSuchExample:
        return None
    except found.errors.Unsatisfiable as error:
        raise ArgumentError(
            f"nothing can be drawn of {strategy!r:.60}: make its filters less strict"
        ) from error


def counted(max_examples: Any) -> int:
    """A number of examples.

    Raises:
        ArgumentError: it is none.
    """
    if isinstance(max_examples, bool) or not isinstance(max_examples, int) or max_examples < 1:
        raise ArgumentError(f"max_examples is {max_examples!r:.60}: pass an integer >= 1, or None")
    return max_examples


def require_strategies(drawn: Any) -> Any:
    """What is drawn, if it is one strategy of Hypothesis or more.

    Raises:
        ArgumentError: it is not.
    """
    kind = hypothesis_strategies().SearchStrategy
    for k, each in enumerate(drawn):
        if not isinstance(each, kind):
            raise ArgumentError(
                f"argument {k} of what is drawn is {each!r:.60}, no Hypothesis strategy; give one, "
                "such as jaxgrad.strategies.arrays((3,)), or hypothesis.strategies.just(value)"
            )
    if not drawn:
        raise ArgumentError("nothing is drawn: give a strategy for each argument")
    return drawn


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
