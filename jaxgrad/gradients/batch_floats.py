"""At which points of a batch a compiled program returns NaN or an infinity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import jaxpr_as_fun

from jaxgrad.gradients.batch_rows import Rows
from jaxgrad.gradients.interval_batch import at_once, filled
from jaxgrad.numbers.clock import tick, within
from jaxgrad.programs.trace import Program, is_differentiable

__all__ = ["not_finite"]


def not_finite(program: Program, rows: Rows) -> Sequence[int]:
    """The numbers of the rows at which some result is NaN or infinite, as JAX computes it.

    None of a program that JAX does not compile, or not for several points at once.

    Args:
        program: of the inputs that the rows have values for.
        rows: the values.

    Example:
        >>> from jaxgrad.programs.trace import trace
        >>> x = np.array([4.0, 0.0, 1.0], np.float32)
        >>> program = trace(lambda x: jnp.sin(x) / x, (x[0],))
        >>> not_finite(program, Rows.of(program.inputs, [x]))
        [1]
    """
    most = min(at_once([program]), rows.count)

    def finite(*moving: Any) -> jax.Array:
        found = jaxpr_as_fun(program.jaxpr)(*rows.whole(moving))
        real = [x for x in found if is_differentiable(x.dtype)]
        return jnp.all(jnp.stack([jnp.isfinite(x).all() for x in real] or [jnp.array(True)]))

    compiled, broken = jax.jit(jax.vmap(finite, axis_size=most)), list[int]()
    with within(math.inf):  # and as much memory as there is
        for start in range(0, rows.count, most):
            tick()
            lot = np.arange(start, min(start + most, rows.count))
            values = [filled(x, most) for x in rows.moving(lot)]
            try:
                good = np.asarray(compiled(*values))[: len(lot)]
            except Exception:  # whatever JAX, a callback or a primitive's lowering raises
                return []
            broken += [int(k) for k in lot[~good]]
    return broken
