"""What to do where a check takes longer than it may."""

from __future__ import annotations

from jaxgrad.programs.jaxprs import equations
from jaxgrad.programs.trace import Program

__all__ = ["smaller"]

_PARTS = "check it at smaller shapes, or its parts by themselves; budget= gives more"
_LOOPS = (
    "every turn of its loops is run, and `while` loops further than they end: fewer turns or a "
    "looser tolerance take less"
)


def smaller(program: Program) -> str:
    """How the same function takes less time.

    Args:
        program: the function.

    Example:
        >>> import jax
        >>> from jaxgrad.programs.trace import trace
        >>> smaller(trace(jax.numpy.sin, (0.5,)))
        'check it at smaller shapes, or its parts by themselves; budget= gives more'
        >>> halved = lambda x: jax.lax.while_loop(lambda c: c > 1, lambda c: c / 2, x)
        >>> smaller(trace(halved, (5.0,))).partition(":")[0]
        'every turn of its loops is run, and `while` loops further than they end'
    """
    loops = any(equation.primitive.name == "while" for equation in equations(program.jaxpr))
    return f"{_LOOPS}; {_PARTS}" if loops else _PARTS
