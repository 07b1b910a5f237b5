"""What of a program depends on some of its inputs, and whether a loop ends by that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jaxgrad.programs.counted_loops import numbers_of_test
from jaxgrad.programs.jaxprs import called, inner_programs, scan_counts, while_parts

__all__ = ["loops_end_by"]


def loops_end_by(closed: Any, moves: Sequence[bool]) -> bool:
    """Whether some ``while_loop`` of a program ends by a number that depends on what moves.

    An iteration to a tolerance does, of which what is small beside the tolerance is 0.

    Args:
        closed: the program.
        moves: for each input whether it moves.

    Example:
        >>> import jax
        >>> halved = lambda x: jax.lax.while_loop(lambda c: c > 1, lambda c: c / 2, x)
        >>> closed = jax.make_jaxpr(lambda x, y: halved(x) * y)(5.0, 1.0)
        >>> loops_end_by(closed, [True, False]), loops_end_by(closed, [False, True])
        (True, False)
    """
    walk = _Walk()
    walk.through(closed, list(moves))
    return walk.found


class _Walk:
    """Follows what moves through a program; of a loop as long as more moves in each turn."""

    def __init__(self) -> None:
        self.found = False

    def through(self, program: Any, moves: list[bool]) -> list[bool]:
        """Whether each output moves."""
        jaxpr = getattr(program, "jaxpr", program)
        moving = {x for x, moved in zip(jaxpr.invars, moves, strict=True) if moved}
        for equation in jaxpr.eqns:
            inputs = [not hasattr(x, "val") and x in moving for x in equation.invars]
            if any(inputs):
                outputs = zip(equation.outvars, self._of(equation, inputs), strict=True)
                moving.update(x for x, moved in outputs if moved)
        return [not hasattr(x, "val") and x in moving for x in jaxpr.outvars]

    def _of(self, equation: Any, inputs: list[bool]) -> list[bool]:
        name, params = equation.primitive.name, equation.params
        if name == "while":
            return self._while(params, inputs)
        if name == "scan":
            return self._scan(params, inputs)
        inner = called(equation)
        if inner is not None and len(getattr(inner, "jaxpr", inner).invars) == len(inputs):
            return self.through(inner, inputs)
        for branch in inner_programs(params):  # as of a cond: all of its inputs may move
            self.through(branch, [True] * len(getattr(branch, "jaxpr", branch).invars))
        return [True] * len(equation.outvars)

    def _while(self, params: dict[str, Any], inputs: list[bool]) -> list[bool]:
        tested, constants, carry = while_parts(params, inputs)
        carry = self._settled(params["body_jaxpr"], constants, carry, [])[: len(carry)]
        test = params["cond_jaxpr"].jaxpr
        ends_by = numbers_of_test(test)
        moved = zip(test.invars, [*tested, *carry], strict=True)
        if any(moves and x in ends_by for x, moves in moved):
            self.found = True
            return [True] * len(carry)
        return carry

    def _scan(self, params: dict[str, Any], inputs: list[bool]) -> list[bool]:
        first, second = scan_counts(params)
        constants, carry, rows = (
            inputs[:first], inputs[first : first + second], inputs[first + second :],
        )  # fmt: skip
        return self._settled(params["jaxpr"], constants, carry, rows)

    def _settled(
        self, body: Any, constants: list[bool], carry: list[bool], rows: list[bool]
    ) -> list[bool]:
        """What moves after any number of turns."""
        while True:
            outputs = self.through(body, [*constants, *carry, *rows])
            now = [a or b for a, b in zip(carry, outputs, strict=False)]
            if now == carry:
                return [*now, *outputs[len(carry) :]]
            carry = now
