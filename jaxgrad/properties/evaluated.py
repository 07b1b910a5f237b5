"""A function of one number and its derivative: compiled, in one dtype, and in exact arithmetic."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.errors import (
    ArgumentError,
    CannotDecide,
    JaxgradError,
    UndecidedError,
    UnsupportedPrimitive,
)
from jaxgrad.evidence.bounds import interval_ball
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.affine import Affine
from jaxgrad.numbers.ball import Ball, exact_ball
from jaxgrad.numbers.base import NumberSystem
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.debug_modes import without_debug_modes
from jaxgrad.programs.dtypes import named_dtype
from jaxgrad.programs.jax_errors import errors_named
from jaxgrad.programs.returned import kinds
from jaxgrad.programs.trace import anew, trace
from jaxgrad.verdict import undecided

__all__ = ["Evaluated", "checked_dtype", "checked_dtypes", "require_known"]

# Twice what float64 holds, beside what is lost where numbers as large as the largest float are
# multiplied with the difference of 1 and what is nearly 1: gelu' has x·x² there.
_BITS = 128
_FACTORS = 4

_DTYPES = ("float16", "bfloat16", "float32")
_SIZES = (2, 4, 8)  # in bytes: NumPy has wider ones


def checked_dtypes(dtypes: Any) -> tuple[np.dtype, ...]:
    """The dtypes of a property, float64 among them where 64 bits are enabled.

    Args:
        dtypes: one or several, or None.

    Raises:
        ArgumentError: one is no floating dtype that JAX computes with.

    Example:
        >>> [dtype.name for dtype in checked_dtypes(None)]
        ['float16', 'bfloat16', 'float32']
    """
    if dtypes is None:
        dtypes = (*_DTYPES, "float64") if jax.config.read("jax_enable_x64") else _DTYPES
    several = dtypes if isinstance(dtypes, list | tuple) else (dtypes,)
    if not several:
        raise ArgumentError("dtypes is empty: pass one or more, or None for those of JAX")
    return tuple(checked_dtype(dtype, "dtypes has") for dtype in several)


def checked_dtype(dtype: Any, named: str) -> np.dtype:
    """The same of one dtype.

    Args:
        dtype: what is given.
        named: which argument it is, for the message.

    Raises:
        ArgumentError: it is no floating dtype that JAX computes with.
    """
    found = named_dtype(dtype)
    if found is None or not jnp.issubdtype(found, jnp.floating) or found.itemsize not in _SIZES:
        raise ArgumentError(f"{named} {dtype!r:.60}: pass float16, bfloat16, float32 or float64")
    return found


class Evaluated:
    """A function f of one number, or its derivative, in one dtype.

    Args:
        f: a JAX function of a scalar that returns a scalar.
        dtype: of the argument.
        derivative: whether to evaluate f′ in place of f.

    Raises:
        ArgumentError: f is no such function.
        NoDerivative, TraceError: JAX cannot differentiate or trace it.

    Example:
        >>> slope = Evaluated(jax.nn.sigmoid, np.dtype("float32"), derivative=True)
        >>> slope.compiled(np.float32(0))
        0.25
    """

    def __init__(self, f: Callable[..., Any], dtype: np.dtype, *, derivative: bool) -> None:
        if not callable(f):
            raise ArgumentError(f"f is {f!r:.60}, not a function: give it uncalled")
        self.dtype = dtype
        self._function = jax.grad(anew(f)) if derivative else anew(f)
        scalar = jax.ShapeDtypeStruct((), dtype)
        with self.enabled, errors_named("f", f, (scalar,)):
            output = jax.eval_shape(f, scalar)
        if getattr(output, "shape", None) != () or not jnp.issubdtype(output.dtype, jnp.floating):
            raise ArgumentError(
                f"f returns {kinds(output)} for a scalar {dtype.name}, not one real scalar; "
                "a property is of a function of one number"
            )
        self._compiled = jax.jit(self._function)

    @property
    def enabled(self) -> contextlib.AbstractContextManager[Any]:
        """64 bits, where the dtype has them."""
        wide = self.dtype.itemsize == 8
        return jax.enable_x64(True) if wide else contextlib.nullcontext()

    @property
    def bits(self) -> int:
        """The precision of exact arithmetic."""
        return _BITS + _FACTORS * math.frexp(float(jnp.finfo(self.dtype).max))[1]

    def compiled(self, x: Any) -> float:
        """What the compiled program returns at a float of the dtype, exactly."""
        with self.enabled, without_debug_modes():  # it may be NaN on purpose
            return float(self._compiled(x))

    def each(self, xs: Sequence[Any]) -> Iterable[float]:
        """The same at several floats, one by one: a batch may be compiled to another program."""
        return map(self.compiled, xs)

    def exact(self, x: Any) -> arb | None:
        """A ball of what the program says in exact arithmetic; None where that is not known.

        Args:
            x: a float.
        """
        value = self._run_over(Ball(), exact_ball(float(x)))
        return value if isinstance(value, arb) and value.is_finite() else None

    def between(self, lower: Fraction, upper: Fraction) -> arb | None:
        """A ball of all that the program says between two reals, as :meth:`exact` has it."""
        with precision(self.bits):
            numbers = Affine(interval_ball(lower, upper))
            value = self._run_over(numbers, numbers.variable)
            return value.hull if value is not None and value.hull.is_finite() else None

    def _run_over(self, numbers: NumberSystem, x: Any) -> Any:
        if self._program is None:
            return None
        with precision(self.bits):
            try:
                (found,) = interpret(self._program, numbers, [np.asarray(x, object)])
            except (CannotDecide, UnsupportedPrimitive):
                return None
        return found[()]

    @cached_property
    def _program(self) -> Any:
        with self.enabled:
            try:
                return trace(self._function, (np.zeros((), self.dtype),))
            except JaxgradError:
                return None


def require_known(of_f: Evaluated, *xs: Any) -> None:
    """Nothing is wrong with what is known: so every float has to be one of which it is.

    Args:
        of_f: the function.
        xs: the floats at which something was open; None is none.

    Raises:
        UndecidedError: there is one.
    """
    __tracebackhide__ = True
    for x in xs:
        if x is not None and of_f.exact(x) is None:
            found = undecided(
                f"at {float(x)} ({of_f.dtype.name}) nothing is known of the formula in exact "
                "arithmetic; exact=False asks for the floats"
            )
            raise UndecidedError(str(found), found)
