"""In which floating-point dtypes a program computes, and an operation rounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.roundings import SUMS, errors_of
from jaxgrad.programs.jaxprs import OPAQUE, equations
from jaxgrad.programs.meanings import inner_programs
from jaxgrad.programs.trace import is_differentiable

__all__ = ["Dtypes", "rounded_in"]

_CONVERTS = ("convert_element_type", "reduce_precision")
_IN_PLACE = ("addupdate",)  # what a kernel adds to an array has no rule


def rounded_in(equation: Any) -> list[np.dtype]:
    """The floating-point dtypes of the results of an operation, or else of its operands.

    Example:
        >>> import jax
        >>> [equation] = jax.make_jaxpr(lambda x: x.astype("float16"))(1.0).jaxpr.eqns
        >>> rounded_in(equation)
        [dtype('float16')]
    """
    found: list[np.dtype] = []
    for atoms in (equation.outvars, equation.invars):
        dtypes = [x.aval.dtype for x in atoms if hasattr(x.aval, "dtype")]
        found = found or [np.dtype(dtype) for dtype in dtypes if is_differentiable(dtype)]
    return found


@dataclass(frozen=True)
class Dtypes:
    """The floating-point dtypes of a program, or one inside it.

    Args:
        computed: those in which it computes.
        summed: those in which it takes sums over an axis.
        kept: those to which it converts.
        loops: whether it goes through something again and again, and so may take sums.
    """

    computed: frozenset[Any]
    summed: frozenset[Any]
    kept: frozenset[Any]
    loops: bool

    @classmethod
    def of(cls, jaxpr: Any) -> Dtypes:
        """Those of a jaxpr; of what has no program its arguments and results tell.

        Example:
            >>> import jax
            >>> found = Dtypes.of(jax.make_jaxpr(lambda x: (x * x).astype("float16"))(1.0))
            >>> found.computed, found.kept
            (frozenset({dtype('float32')}), frozenset({dtype('float16')}))
        """
        kinds: dict[str, set[Any]] = {"computed": set(), "summed": set(), "kept": set()}
        loops = False
        for equation in equations(jaxpr):
            name, opaque = equation.primitive.name, equation.primitive.name in OPAQUE
            grid = getattr(equation.params.get("grid_mapping"), "grid", ())
            loops = loops or name in ("scan", "while") or bool(grid)
            if inner_programs(equation.params) or not (opaque or _may_round(equation)):
                continue
            atoms = [*equation.outvars, *(equation.invars if opaque or name in _IN_PLACE else ())]
            found = {np.dtype(atom.aval.dtype) for atom in atoms if hasattr(atom.aval, "dtype")}
            kind = "kept" if name in _CONVERTS else "summed" if name in SUMS else "computed"
            kinds[kind].update(filter(is_differentiable, found))
        computed, summed, kept = map(frozenset, kinds.values())
        return cls(computed, summed, kept, loops)


def _may_round(equation: Any) -> bool:
    try:
        return bool(errors_of(equation)) or equation.primitive.name in _IN_PLACE
    except UnsupportedPrimitive:
        return True
