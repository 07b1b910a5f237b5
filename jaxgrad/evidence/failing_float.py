"""A float at which a predicate of a function fails, with what the function returns there."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from jaxgrad.evidence.float_formats import Float, bits_of

__all__ = ["FailingFloat"]


@dataclass(frozen=True)
class FailingFloat:
    """A counterexample of a sweep.

    Args:
        x: the float.
        y: what the function returned at x, of shape ().

    Example:
        >>> half = Float(np.dtype("float16"), 0x3800)
        >>> print(FailingFloat(half, np.float16(0.25)).code.splitlines()[2])
        y = np.asarray(0x3400, np.uint16).view(np.float16)[()]  # f(x) = 0.25
    """

    x: Float
    y: np.ndarray

    @property
    def code(self) -> str:
        """Python that rebuilds both."""
        y = np.asarray(self.y)
        return (
            "import ml_dtypes, numpy as np\n"
            f"x = {self.x.python}  # {float(self.x.value)!r}\n"
            f"y = {_python(y)}  # f(x) = {y.item() if y.dtype.kind in 'biu' else float(y)!r}\n"
            "print('at x =', x, 'f(x) is', y, 'and holds(x, f(x)) should be True')"
        )


def _python(y: np.ndarray) -> str:
    if not jnp.issubdtype(y.dtype, jnp.floating):
        return f"np.asarray({y.item()!r}, np.{y.dtype.name})[()]"
    if y.dtype.itemsize > 4:
        return f"np.float64('{y.item()!r}')"
    return Float(y.dtype, int(bits_of(y))).python
