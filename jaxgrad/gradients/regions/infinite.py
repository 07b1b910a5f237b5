"""Values that are no real numbers, of which nothing is shown."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.numbers.interval_arithmetic import Interval
from jaxgrad.programs.jaxprs import equations
from jaxgrad.programs.meanings import inner_programs

__all__ = ["holds_infinite", "real_or_none"]


def holds_infinite(program: Any) -> bool:
    """Whether a constant of a program, or of one inside it, is infinite or NaN.

    Args:
        program: a closed one.

    Example:
        >>> import jax
        >>> f = jax.jit(lambda x: jnp.where(x > 0, x, jnp.inf))
        >>> holds_infinite(jax.make_jaxpr(f)(1.0)), holds_infinite(jax.make_jaxpr(jnp.sin)(1.0))
        (True, False)
    """
    programs = [program]
    for equation in equations(program):
        programs += inner_programs(equation.params)
        if any(_is_infinite(getattr(v, "val", 0)) for v in equation.invars):
            return True
    return any(
        _is_infinite(value)
        for each in programs
        for value in (
            *getattr(each, "consts", ()),
            *(getattr(v, "val", 0) for v in getattr(each, "jaxpr", each).outvars),
        )
    )


def _is_infinite(value: Any) -> bool:
    try:
        return not np.isfinite(np.asarray(value)).all()
    except TypeError:  # of keys and of other numbers, which are never infinite
        return False


def real_or_none(value: Interval, may_be_infinite: bool) -> Interval:
    """An enclosure, or NaN where what is in it may be no real number.

    Where both ends are the same infinity it is none.  Where one is, float64 may have no bound for a
    real number, or a constant that is infinite be among the values.

    Args:
        value: what intervals say.
        may_be_infinite: whether the program has such a constant.
    """
    low, high = value.parts
    none = (low == jnp.inf) | (high == -jnp.inf)
    if may_be_infinite:
        none = none | jnp.isinf(low) | jnp.isinf(high)
    return Interval(jnp.where(none, jnp.nan, low), jnp.where(none, jnp.nan, high))
