"""Loops that end at a tolerance for what moves: what is small beside it is 0 to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jaxgrad.programs.carried_programs import program_of_values
from jaxgrad.programs.counted_loops import counts
from jaxgrad.programs.flow import Flow
from jaxgrad.programs.jaxprs import inner_programs
from jaxgrad.programs.kept import Kept
from jaxgrad.programs.trace import is_differentiable

__all__ = ["ends_at_a_tolerance", "ends_itself_at_a_tolerance", "loops_end_by"]


_FOUND: Kept[bool] = Kept()
_ITSELF: Kept[bool] = Kept()


def loops_end_by(closed: Any, moving: Sequence[bool]) -> bool:
    """Whether some ``while_loop`` of a program ends by what depends on what moves.

    Args:
        closed: the program.
        moving: for each input whether it moves.

    Example:
        >>> import jax
        >>> halved = lambda x: jax.lax.while_loop(lambda c: c > 1, lambda c: c / 2, x)
        >>> closed = jax.make_jaxpr(lambda x, y: halved(x) * y)(5.0, 1.0)
        >>> loops_end_by(closed, [True, False]), loops_end_by(closed, [False, True])
        (True, False)
    """
    flow = _Ends()
    flow.through(closed, moving)
    return flow.found


def ends_at_a_tolerance(equation: Any) -> bool:
    """Whether a loop ends by what it computes, or has such a loop inside of it.

    Args:
        equation: a ``while`` or a ``scan``.

    Example:
        >>> import jax
        >>> halved = lambda x: jax.lax.while_loop(lambda c: c > 1, lambda c: c / 2, x)
        >>> counted = lambda x: jax.lax.fori_loop(0, 3, lambda _, c: c / 2, x)
        >>> [ends_at_a_tolerance(jax.make_jaxpr(f)(5.0).eqns[0]) for f in (halved, counted)]
        [True, False]
    """

    def found() -> bool:
        flow = _Ends()
        flow.equation(equation, [is_differentiable(v.aval.dtype) for v in equation.invars])
        return flow.found

    return _FOUND.of(id(equation), equation, found)


def ends_itself_at_a_tolerance(equation: Any) -> bool:
    """Whether a loop ends by what it computes, whatever the loops inside of it do.

    Args:
        equation: a ``while`` or a ``scan``.

    Example:
        >>> import jax
        >>> halved = lambda x: jax.lax.while_loop(lambda c: c > 1, lambda c: c / 2, x)
        >>> twice = lambda x: jax.lax.fori_loop(0, 2, lambda _, c: halved(3 * c), x)
        >>> [ends_itself_at_a_tolerance(jax.make_jaxpr(f)(5.0).eqns[0]) for f in (halved, twice)]
        [True, False]
    """

    def found() -> bool:
        flow = _EndsItself(equation.params)
        flow.equation(equation, [is_differentiable(v.aval.dtype) for v in equation.invars])
        return flow.found

    return _ITSELF.of(id(equation), equation, found)


class _Ends(Flow):
    """Notes a loop that ends by what moves."""

    def __init__(self) -> None:
        self.found = False

    def operation(self, equation: Any, moving: list[bool]) -> list[bool]:
        # Such as those of a linear solver, or of a root.
        carried = program_of_values(equation)
        for inside in [*inner_programs(equation.params), *([] if carried is None else [carried])]:
            self.through(inside, [True] * len(getattr(inside, "jaxpr", inside).invars))
        return super().operation(equation, moving)

    def ends(self, params: dict[str, Any], moving: list[bool]) -> bool:
        pairs = zip(moving, counts(params), strict=True)
        self.found |= super().ends(params, [moves and not counted for moves, counted in pairs])
        return super().ends(params, moving)


class _EndsItself(_Ends):
    """The same of one loop alone.

    Args:
        params: its parameters.
    """

    def __init__(self, params: dict[str, Any]) -> None:
        super().__init__()
        self._params = params

    def ends(self, params: dict[str, Any], moving: list[bool]) -> bool:
        before = self.found
        ends = super().ends(params, moving)
        self.found = self.found if params is self._params else before
        return ends
