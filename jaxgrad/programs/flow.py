"""What of a program depends on some of its inputs."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from jaxgrad.programs.jaxprs import called, scan_parts, while_parts

__all__ = ["Flow", "meets"]


class Flow:
    """Follows what moves through a program; through loops as long as more moves in each turn.

    A subclass may say what else an operation hands on (:meth:`operation`), or look at loops.

    Example:
        >>> import jax
        >>> closed = jax.make_jaxpr(lambda x, y: (x + 1, x * y, y))(1.0, 2.0)
        >>> Flow().through(closed, [True, False])
        [True, True, False]
    """

    def through(self, program: Any, moving: Sequence[bool]) -> list[bool]:
        """Which results of a program move.

        Args:
            program: a jaxpr, open or closed.
            moving: for each input whether it moves.
        """
        jaxpr = getattr(program, "jaxpr", program)
        moves = {v for v, m in zip(jaxpr.invars, moving, strict=True) if m}
        for equation in jaxpr.eqns:
            given = [not hasattr(a, "val") and a in moves for a in equation.invars]
            if any(given):
                found = self.equation(equation, given)
                moves |= {v for v, m in zip(equation.outvars, found, strict=True) if m}
        return [not hasattr(a, "val") and a in moves for a in jaxpr.outvars]

    def equation(self, equation: Any, moving: list[bool]) -> list[bool]:
        """Which results of an equation move, of whose arguments some do."""
        name, params = equation.primitive.name, equation.params
        if name == "while":
            return self.loop(equation, *while_parts(params, moving))
        if name == "scan":
            return self.settled(params["jaxpr"], *scan_parts(params, moving))
        if name == "cond" and not moving[0]:
            branches = (self.through(branch, moving[1:]) for branch in params["branches"])
            return [any(each) for each in zip(*branches, strict=True)]
        inner = called(equation)
        if inner is not None:
            return self.through(inner, moving)
        return self.operation(equation, moving)

    def operation(self, equation: Any, moving: list[bool]) -> list[bool]:
        """Which results of an operation move: all of them."""
        return [True] * len(equation.outvars)

    def loop(
        self, equation: Any, test: list[bool], constants: list[bool], carry: list[bool]
    ) -> list[bool]:
        """Which results of a ``while`` move, all of them where its end does."""
        params = equation.params
        carry = self.settled(params["body_jaxpr"], constants, carry)
        ends = self.ends(params, [*test, *carry])
        return [True] * len(carry) if ends else carry

    def ends(self, params: dict[str, Any], moving: list[bool]) -> bool:
        """Whether the end of a ``while`` moves, of whose test some inputs do."""
        (moves,) = self.through(params["cond_jaxpr"], moving)
        return moves

    def settled(
        self,
        body: Any,
        constants: list[bool],
        carry: list[bool],
        rows: Sequence[bool] = (),
    ) -> list[bool]:
        """Which results of the body of a loop move in some turn, or what it carries first."""
        while True:
            outputs = self.through(body, [*constants, *carry, *rows])
            now = [a or b for a, b in zip(carry, outputs, strict=False)]
            if now == carry:
                return [*now, *outputs[len(carry) :]]
            carry = now


class _Meets(Flow):
    """Notes a primitive of some names that meets what moves."""

    def __init__(self, names: Container[str]) -> None:
        self._names, self.found = names, False

    def operation(self, equation: Any, moving: list[bool]) -> list[bool]:
        self.found |= equation.primitive.name in self._names
        return super().operation(equation, moving)


def meets(closed: Any, names: Container[str]) -> bool:
    """Whether what a program is given meets a primitive of one of these names in it.

    Args:
        closed: the program.
        names: those of primitives that hold no program themselves.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> clipped = jax.make_jaxpr(lambda x: jnp.clip(x, 0, 1) + jax.lax.floor(1.5))(0.5)
        >>> meets(clipped, {"max"}), meets(clipped, {"floor"})
        (True, False)
    """
    flow = _Meets(names)
    flow.through(closed, [True] * len(getattr(closed, "jaxpr", closed).invars))
    return flow.found
