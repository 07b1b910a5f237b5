"""Values in which no zero is −0, as those by which JAX's searches compare.

A total order puts −0 before 0, and the reals have one zero.  ``jnp.searchsorted``, and so
``jnp.interp``, compares ``where(x == 0, 0, x)`` by it, in which every zero is the same.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from jaxgrad.programs.kept import Kept
from jaxgrad.programs.trace import is_differentiable

__all__ = ["PositiveZeros"]

_TESTS: Kept[dict[Any, Any]] = Kept()

_SAME_NUMBERS = frozenset(
    ["broadcast_in_dim", "copy", "reshape", "rev", "slice", "squeeze", "transpose"]
)
_MAKERS = {*_SAME_NUMBERS, "select_n"}


class PositiveZeros:
    """The values of one walk that are known to hold no −0, by how they were made."""

    def __init__(self) -> None:
        self._found: WeakValueDictionary[int, Any] = WeakValueDictionary()  # by identity

    def __len__(self) -> int:
        return len(self._found)

    def has(self, atom: Any, value: Any) -> bool:
        """Whether an operand holds no −0.

        Args:
            atom: the operand.
            value: its value in the walk.
        """
        if hasattr(atom, "val"):
            known = np.asarray(atom.val)
            return not np.any((known == 0) & np.signbit(known))
        return id(value) in self._found

    def note(self, jaxpr: Any, equation: Any, inputs: list[Any], outputs: list[Any]) -> None:
        """Notes what an equation returns, if that holds no −0.

        Args:
            jaxpr: what the equation is in.
            equation: one that was evaluated.
            inputs, outputs: its values.
        """
        name, atoms = equation.primitive.name, equation.invars
        if name not in _MAKERS or not is_differentiable(equation.outvars[0].aval.dtype):
            return
        if name in _SAME_NUMBERS:
            positive = self.has(atoms[0], inputs[0])
        elif len(atoms) == 3:
            (test, otherwise, chosen), (_, other, value) = atoms, inputs
            positive = self.has(chosen, value) and (
                self.has(otherwise, other) or _is_zero_test(jaxpr, test, otherwise)
            )
        else:
            return  # of more cases than two
        if positive:
            self._found[id(outputs[0])] = outputs[0]


def _tests(jaxpr: Any) -> dict[Any, Any]:
    """The equations that compare, by what they return."""
    return {x.outvars[0]: x for x in jaxpr.eqns if x.primitive.name == "eq"}


def _is_zero_test(jaxpr: Any, test: Any, atom: Any) -> bool:
    """Whether a variable is made as the test that an atom is 0."""
    tests = _TESTS.of(id(jaxpr), jaxpr, lambda: _tests(jaxpr))
    made = None if hasattr(test, "val") else tests.get(test)
    if made is None:
        return False
    operand, zero = made.invars
    return operand is atom and hasattr(zero, "val") and not np.any(np.asarray(zero.val))
