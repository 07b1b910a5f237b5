"""The discrete Fourier transforms as sums of products with cosines and sines.

The numbers cos 2πk/n are no constants of the program, which would be floats: they are computed in
it, of exact quotients and 4 arctan 1, so that whichever numbers run it hold them.

    FFT    Xₖ = Σⱼ xⱼ exp(−2πi jk/n)
    IFFT   xⱼ = 1/n Σₖ Xₖ exp(2πi jk/n)
    RFFT   the first n/2 + 1 of FFT of real numbers
    IRFFT  the real xⱼ of which these are; parts that none can have are not read

Source: Cooley and Tukey 1965; the conventions of XLA's operation ``Fft``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.programs.complex_parts import Pair, complex_rule

__all__: list[str] = []


@complex_rule("fft")
def _fft(equation: Any, values: Sequence[Any]) -> list[Any]:
    (value,), kind = values, int(equation.params["fft_type"])
    lengths = equation.params["fft_lengths"]
    if not all(lengths):
        raise UnsupportedPrimitive("`fft` of no numbers has no rule; leave them out")
    ndim = len(value.shape)
    *others, last = range(ndim - len(lengths), ndim)
    if kind in (0, 1):
        for axis in (*others, last):
            value = _transformed(value, axis, inverse=kind == 1)
        return [value]
    if kind == 2:
        value = _of_reals(value, last)
        for axis in others:
            value = _transformed(value, axis, inverse=False)
        return [value]
    for axis in others:
        value = _transformed(value, axis, inverse=True)
    return [_to_reals(value, last, lengths[-1])]


def _transformed(value: Pair, axis: int, inverse: bool) -> Pair:
    n = value.shape[axis]
    cosines, sines = _turns(np.outer(range(n), range(n)), n, value.real.dtype)
    sines = sines if inverse else -sines
    (a, b), times = value, _Times(axis)
    found = Pair(times(a, cosines) - times(b, sines), times(a, sines) + times(b, cosines))
    return Pair(found.real / n, found.imag / n) if inverse and n else found


def _of_reals(value: Any, axis: int) -> Pair:
    n = value.shape[axis]
    cosines, sines = _turns(np.outer(range(n), range(n // 2 + 1)), n, value.dtype)
    times = _Times(axis)
    return Pair(times(value, cosines), -times(value, sines))


def _to_reals(value: Pair, axis: int, n: int) -> Any:
    # Each but the first, and of an even number but the last, stands for itself and its conjugate.
    count = n // 2 + 1
    twice = np.full((count, 1), 2)
    twice[0] = 1
    if n % 2 == 0:
        twice[-1] = 1
    cosines, sines = _turns(np.outer(range(count), range(n)), n, value.real.dtype)
    twice, times = twice.astype(value.real.dtype), _Times(axis)
    return (times(value.real, twice * cosines) - times(value.imag, twice * sines)) / n


class _Times:
    """Multiplies matrices along an axis.

    Args:
        axis: the axis that is summed over, and stays where it was.
    """

    def __init__(self, axis: int) -> None:
        self._axis = axis

    def __call__(self, value: Any, matrix: Any) -> Any:
        product = lax.dot_general(value, matrix, (((self._axis,), (0,)), ((), ())))
        return jnp.moveaxis(product, -1, self._axis)


def _turns(numerators: np.ndarray, n: int, dtype: Any) -> tuple[Any, Any]:
    """cos 2πk/n and sin 2πk/n, for each numerator k."""
    if not numerators.size:
        nothing = jnp.zeros(numerators.shape, dtype)
        return nothing, nothing
    quarters = 4 * (numerators % n)
    # The sine is the cosine of a quarter turn less.
    return _cosines(quarters, 4 * n, dtype), _cosines((quarters - n) % (4 * n), 4 * n, dtype)


def _cosines(numerators: np.ndarray, n: int, dtype: Any) -> Any:
    """cos 2πk/n for each numerator k, each angle computed once."""
    angles, places = np.unique(numerators, return_inverse=True)
    factors, roots = _known_cosines(angles, n)
    values = jnp.asarray(factors.astype(dtype))
    for root, (above, below) in _ROOTS.items():
        if (roots == root).any():
            quotient = lax.full((), above, dtype) / lax.full((), below, dtype)
            values = jnp.where(roots == root, values * lax.sqrt(quotient), values)
    if (roots == _NONE).any():
        eighth = lax.atan(lax.full((), 1, dtype))
        turned = jnp.asarray((8 * angles).astype(dtype)) / lax.full((), n, dtype) * eighth
        values = jnp.where(roots == _NONE, lax.cos(turned), values)
    return values[places.reshape(-1)].reshape(numerators.shape)


# Of a turn in 24 steps: step -> a factor of the cosine, and of which root.
_OF_ONE, _OF_A_HALF, _OF_THREE_QUARTERS, _NONE = range(4)
_ROOTS = {_OF_A_HALF: (1, 2), _OF_THREE_QUARTERS: (3, 4)}
_KNOWN = {
    0: (1, _OF_ONE), 2: (1, _OF_THREE_QUARTERS), 3: (1, _OF_A_HALF), 4: (0.5, _OF_ONE),
    6: (0, _OF_ONE), 8: (-0.5, _OF_ONE), 9: (-1, _OF_A_HALF), 10: (-1, _OF_THREE_QUARTERS),
    12: (-1, _OF_ONE),
}  # fmt: skip


def _known_cosines(numerators: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Those that are rational, or a root of a rational number: the factor, and of which root."""
    found = [(0.0, _NONE)] * len(numerators)
    for i, k in enumerate(numerators.tolist()):
        step, rest = divmod(24 * k, n)
        if not rest:
            found[i] = _KNOWN.get(min(step, 24 - step), found[i])
    factors, roots = zip(*found, strict=True)
    return np.array(factors), np.array(roots)
