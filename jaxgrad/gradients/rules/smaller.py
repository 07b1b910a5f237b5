"""What to do where a check takes longer than it may."""

from __future__ import annotations

import math

from jaxgrad.programs.jaxprs import equations
from jaxgrad.programs.trace import Program

__all__ = ["smaller"]

_PARTS = "check it at smaller shapes{here}, or its parts by themselves; budget= gives more"
# Of so many numbers it is told how many they are.
_MANY = 100
_LOOPS = (
    "every turn of its loops is run, and `while` loops further than they end: fewer turns or a "
    "looser tolerance take less"
)
_ORDERS = (
    "of order {order} there are 2ⁿ derivatives for each n up to {order}: a lower order= takes less"
)


def smaller(program: Program, order: int = 1) -> str:
    """How the same function takes less time.

    Args:
        program: the function.
        order: the highest derivative asked for.

    Example:
        >>> import jax
        >>> from jaxgrad.programs.trace import trace
        >>> smaller(trace(jax.numpy.sin, (0.5,)))
        'check it at smaller shapes, or its parts by themselves; budget= gives more'
        >>> smaller(trace(jax.numpy.sin, (jax.numpy.ones((1000, 1000)),))).partition(",")[0]
        'check it at smaller shapes (here are 1000000 numbers)'
        >>> halved = lambda x: jax.lax.while_loop(lambda c: c > 1, lambda c: c / 2, x)
        >>> smaller(trace(halved, (5.0,))).partition(":")[0]
        'every turn of its loops is run, and `while` loops further than they end'
        >>> smaller(trace(jax.numpy.sin, (0.5,)), order=4).partition(";")[0]
        'of order 4 there are 2ⁿ derivatives for each n up to 4: a lower order= takes less'
    """
    loops = any(equation.primitive.name == "while" for equation in equations(program.jaxpr))
    size = sum(math.prod(leaf.shape) for leaf in program.inputs)
    parts = _PARTS.format(here=f" (here are {size} numbers)" if size >= _MANY else "")
    causes = [_ORDERS.format(order=order)] * (order > 2) + [_LOOPS] * loops
    return "; ".join([*causes, parts])
