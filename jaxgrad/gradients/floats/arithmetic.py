"""What rounding is in a program: how often its results are rounded one after another, and to what.

m and u of :mod:`jaxgrad.gradients.floats.allowance`, of each output of a program.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.interpret.computed_dtypes import rounded_in
from jaxgrad.interpret.roundings import chains, errors_of, greatest, narrow_errors
from jaxgrad.numbers.ball import exact_ball
from jaxgrad.programs.jaxprs import dtypes, holds_primitive
from jaxgrad.programs.trace import Program, is_differentiable

__all__ = ["Arithmetic", "keeps_subnormals", "least_float", "unit_roundoff"]

# It rounds to fewer digits than those of the dtype of its result.
_TO_A_FORMAT = "reduce_precision"


def unit_roundoff(dtype: Any) -> arb:
    """u = ε/2, half the distance from 1 to the next float of the dtype.

    Example:
        >>> unit_roundoff(np.float32) == arb(2) ** -24
        True
    """
    return exact_ball(_epsilon(dtype)) / 2


def _epsilon(dtype: Any) -> float:
    return float(jnp.finfo(dtype).eps)


def least_float(dtype: Any) -> float:
    """s, below which XLA has 0: the smallest normal number, of which the others are flushed.

    Narrower dtypes are computed in float32, in which their smallest numbers are normal ones: theirs
    is the smallest of all.  A bfloat16 has the exponents of a float32.

    Example:
        >>> least_float(np.float32) == 2.0**-126, least_float(np.float16) == 2.0**-24
        (True, True)
    """
    limits = jnp.finfo(dtype)
    return float(limits.smallest_subnormal if keeps_subnormals(dtype) else limits.smallest_normal)


def keeps_subnormals(dtype: Any) -> bool:
    """Whether XLA does not flush what is smaller than the smallest normal number of a dtype."""
    return jnp.finfo(dtype).minexp > jnp.finfo(jnp.float32).minexp


def _unit(equation: Any) -> float:
    """u of the coarsest format in which an operation rounds."""
    if equation.primitive.name == _TO_A_FORMAT:
        return 2.0 ** -(equation.params["mantissa_bits"] + 1)
    return max(map(_epsilon, rounded_in(equation)), default=0.0) / 2


def _smallest(equation: Any) -> float:
    """s of the format in which an operation rounds, the greatest."""
    if equation.primitive.name == _TO_A_FORMAT:
        return 2.0 ** (2 - 2 ** (equation.params["exponent_bits"] - 1))
    return max(map(least_float, rounded_in(equation)), default=0.0)


# u of float32: what has a larger one is narrow, and computed in float32.
_FLOAT32 = 2.0**-24


@dataclass(frozen=True)
class Arithmetic:
    """What rounding is in a program.

    Args:
        program: the traced program whose roundings are counted.
        computed: the floating-point dtypes of what is computed.
        turns: how often its ``while_loop``s turn, if that is known, by the ids of their equations.
        choices: whether what is rounded before a comparison counts, as it does of a float, which
            may be that of another branch. A formula is not made another one by it.

    Example:
        >>> import jax
        >>> from jaxgrad.programs.trace import trace
        >>> inside = Arithmetic.of(trace(lambda x: x.astype("float16") * x + 1, (np.float32(1),)))
        >>> inside.unit(0) == unit_roundoff(np.float16), inside.coarser_than([np.float32])
        (True, ('float16',))
        >>> inside.times(0) == 1 + 2 * 2**-13  # one to float16, and two in float32
        True
    """

    program: Program
    computed: tuple[Any, ...]
    turns: Mapping[int, int] | None = None
    choices: bool = True

    @classmethod
    def of(
        cls, program: Program, turns: Mapping[int, int] | None = None, choices: bool = True
    ) -> Arithmetic:
        """That of a program with all dtypes that stand in it."""
        found = filter(is_differentiable, dtypes(program.jaxpr))
        return cls(program, tuple(np.dtype(dtype) for dtype in found), turns, choices)

    @cached_property
    def chains(self) -> Sequence[float]:
        """The roundings that follow one another to an output at most, each in units of its u.

        Raises:
            UnsupportedPrimitive, CannotDecide: nobody knows, as of a loop of unknown length.
        """
        if not self._is_mixed:
            return chains(self.program, self.turns, self._errors, self.choices)
        absolute = self._greatest_on_a_way(lambda x: self._errors(x) * _unit(x), operator.add)
        pairs = zip(absolute, self._units, strict=True)
        return [found / unit if unit else 0 for found, unit in pairs]

    def _errors(self, equation: Any) -> int:
        """The roundings of an operation, in units of the u of its dtype."""
        errors = errors_of(equation)
        is_narrow = errors and self.computed and _unit(equation) > _FLOAT32
        return narrow_errors(equation, errors) if is_narrow else errors

    @property
    def _is_mixed(self) -> bool:
        """Whether something is computed in another format than something else."""
        formats = set(map(_epsilon, self.computed))
        return len(formats) > 1 or holds_primitive(self.program.jaxpr, (_TO_A_FORMAT,))

    @cached_property
    def _units(self) -> list[float]:
        return self._greatest(lambda dtype: _epsilon(dtype) / 2, _unit)

    @cached_property
    def _smallest(self) -> list[float]:
        return self._greatest(least_float, _smallest)

    def _greatest(
        self, size: Callable[[Any], float], rounded_to: Callable[[Any], float]
    ) -> list[float]:
        """For every output the greatest size of its dtype, and of those that round on a way to it.

        Of NumPy code, of which no dtype is known, only that of the result counts.
        """

        def rounds(equation: Any) -> float:
            return rounded_to(equation) if errors_of(equation) else 0.0

        outputs = self.program.outputs
        own = [size(leaf.dtype) if leaf.differentiable else 0.0 for leaf in outputs]
        if not self._is_mixed:
            return own
        on_the_way = self._greatest_on_a_way(rounds, max)
        return [max(pair) for pair in zip(own, on_the_way, strict=True)]

    def _greatest_on_a_way(self, size: Callable[[Any], float], join: Callable[..., Any]) -> Any:
        return greatest(self.program, self.turns, size, join, self.choices)

    @cached_property
    def _times(self) -> list[float]:
        each = list(zip(self._units, self.chains, strict=True))
        return [max(1, *(many for unit, many in each if unit == own)) for own in self._units]

    def times(self, output: int) -> float:
        """m of an output, the greatest of those that have the same u, and 1 at least."""
        return self._times[output]

    def unit(self, output: int) -> arb:
        """u of an output."""
        return exact_ball(self._units[output])

    def moves(self, output: int, dtype: Any) -> arb:
        """What one of the m roundings of an output moves an input of a dtype by, relative to it.

        All of them move it by its own u at least.
        """
        return self.unit(output).max(unit_roundoff(dtype) / self.times(output))

    def smallest(self, output: int, times: float = 1.0) -> float:
        """The greatest s of an output's dtype and of those on a way to it.

        Args:
            output: its number.
            times: how often one rounding those on a way to it are, each of which may be off by as
                much where subnormal numbers are kept.
        """
        found = self._smallest[output]
        return found * max(times, 1) if found > least_float(np.float32) else found

    def alike(self, output: int) -> int:
        """The first output that has the same m and u."""
        return self._units.index(self._units[output])

    def coarser_than(self, others: Iterable[Any]) -> tuple[str, ...]:
        """The names of the dtypes that it computes in and that are coarser than all others."""
        limit = max(map(_epsilon, others))
        found = sorted(self.computed, key=_epsilon, reverse=True)
        return tuple(dtype.name for dtype in found if _epsilon(dtype) > limit)
