"""What a wrong derivative may be like: a multiple of the right one, its transpose and so on.

Each of these is a linear map of what the derivative is taken along: a transposed array gives along
v what the right one gives along vᵀ.  So any of them is held against the truth at one number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

__all__ = ["Likeness", "by_leaf", "by_result", "by_symmetry", "decimal", "times", "where"]

Moved = Callable[[np.ndarray], np.ndarray]

# Of a multiple that is called by its name; with a larger denominator it is told in decimals.
LARGEST_DENOMINATOR = 64
MOST_LEAVES = 8  # of the same shape


@dataclass(frozen=True)
class Likeness:
    """One way to be wrong.

    Args:
        words: what the rules give, with ``{}`` for ``minus`` or nothing.
        moved: of a direction v the one along which the right derivative is the same number.
        leaf: the leaf of which v is moved in truth.
    """

    words: str
    moved: Moved
    leaf: int


def by_leaf(
    shapes: Sequence[tuple[int, ...]], others: Sequence[str], leaf: int, what: str
) -> Iterator[Likeness]:
    """What a derivative may be like that is another one of the arguments' derivatives.

    Args:
        shapes: of all leaves.
        others: what to call the right derivative by each.
        leaf: which argument the derivative is by.
        what: what to call the right derivative by this one.

    Example:
        >>> names = ["the derivative with respect to x", "the derivative with respect to y"]
        >>> for found in by_leaf([(2, 2), (2, 2)], names, 0, "the derivative"):
        ...     print(found.words.format(""))
        the transpose of the derivative
        the derivative with respect to y
        the derivative in reverse along axis 0
        the derivative summed over axis 0
        the derivative in reverse along axis 1
        the derivative summed over axis 1
    """
    shape = shapes[leaf]
    if len(shape) >= 2 and shape[-1] == shape[-2] > 1:
        yield Likeness(f"{{}}the transpose of {what}", _transposed, leaf)
    same = [i for i, other in enumerate(shapes) if other == shape and i != leaf]
    for other in same[:MOST_LEAVES]:
        yield Likeness(f"{{}}{others[other]}", lambda v: v, other)
    for axis, size in enumerate(shape):
        if size > 1:
            reverse = f"{{}}{what} in reverse along axis {axis}"
            yield Likeness(reverse, lambda v, axis=axis: np.flip(v, axis), leaf)
            # ⟨T summed and broadcast, v⟩ = ⟨T, v summed and broadcast⟩
            summed = f"{{}}{what} summed over axis {axis}"
            yield Likeness(summed, lambda v, axis=axis: _summed(v, axis), leaf)


def by_result(shape: tuple[int, ...], name: str, leaf: int) -> Iterator[Likeness]:
    """The same of the cotangent that a rule is given for a leaf of the result.

    Args:
        shape: of the leaf.
        name: what to call it.
        leaf: which one.

    Example:
        >>> for found in by_result((3,), "f", 0):
        ...     print(found.words.format(""))
        the derivative of f[0] alone, as where the sum over axis 0 is left out
        the derivative for the cotangent summed over axis 0
    """
    if len(shape) >= 2 and shape[-1] == shape[-2] > 1:
        words = (
            "{}the derivative for the transpose of the cotangent, as with a sum over the wrong axis"
        )
        yield Likeness(words, _transposed, leaf)
    for axis, size in enumerate(shape):
        if size > 1:
            place = ", ".join([":"] * axis + ["0"])
            first = (
                f"{{}}the derivative of {name}[{place}] alone, as where the sum over axis {axis} "
                "is left out"
            )
            yield Likeness(first, lambda u, axis=axis: _first(u, axis), leaf)
            summed = f"{{}}the derivative for the cotangent summed over axis {axis}"
            yield Likeness(summed, lambda u, axis=axis: _summed(u, axis), leaf)


def by_symmetry(leaf: int) -> Iterator[tuple[Likeness, str]]:
    """What a derivative by a matrix may be like that is right for symmetric ones alone.

    Args:
        leaf: the matrix.

    Returns:
        each with the matrix that the function is of then, of which ``x`` is the one it is given.

    Example:
        >>> for found, _ in by_symmetry(0):
        ...     print(found.words)
        the symmetric part of the derivative
        the derivative by the lower triangle, of which the upper one is the transpose
        the derivative by the upper triangle, of which the lower one is the transpose
    """
    part = "the symmetric part of the derivative"
    yield Likeness(part, _symmetric_part, leaf), "(x + x.mT) / 2"
    for of, this, other in ((np.tril, "lower", "upper"), (np.triu, "upper", "lower")):
        words = f"the derivative by the {this} triangle, of which the {other} one is the transpose"
        strict = -1 if of is np.tril else 1
        matrix = f"jnp.{of.__name__}(x) + jnp.{of.__name__}(x, {strict}).mT"
        yield (
            Likeness(words, lambda v, of=of, k=strict: of(v) + _transposed(of(v, k)), leaf),
            matrix,
        )


def _symmetric_part(v: np.ndarray) -> np.ndarray:
    return (v + _transposed(v)) / 2


def _transposed(v: np.ndarray) -> np.ndarray:
    return np.swapaxes(v, -1, -2)


def _summed(v: np.ndarray, axis: int) -> np.ndarray:
    """The sum over an axis, at each index of it."""
    return np.broadcast_to(v.sum(axis, keepdims=True), v.shape)


def _first(v: np.ndarray, axis: int) -> np.ndarray:
    """The array in the first index of an axis, and 0 elsewhere."""
    kept = np.zeros_like(v)
    place = (slice(None),) * axis + (0,)
    kept[place] = v[place]
    return kept


def times(ratio: float) -> tuple[Fraction | None, str]:
    """A multiple as a small fraction, if it is near one, and in words.

    Example:
        >>> [times(x)[1] for x in (2.0, -1.0, 0.5, -2.0, 0.75, 3.0)]
        ['twice', 'minus', 'half', 'minus twice', '3/4 of', '3 times']
        >>> times(0.8414709848)
        (None, '0.841470985 times')
        >>> times(float("inf"))
        (None, 'more than 1e308 times')
        >>> decimal(1 + 1e-12)
        'as good as 1 times'
    """
    if not math.isfinite(ratio):
        return None, decimal(ratio)
    found = Fraction(ratio).limit_denominator(LARGEST_DENOMINATOR)
    if not found or abs(float(found) / ratio - 1) > 2.0**-20:
        return None, decimal(ratio)
    size, sign = abs(found), "minus " if found < 0 else ""
    if size == 1:
        return found, sign.strip()
    names = {Fraction(2): "twice", Fraction(1, 2): "half"}
    default = f"{size} times" if size.denominator == 1 else f"{size} of"
    return found, sign + names.get(size, default)


def decimal(ratio: float) -> str:
    """A multiple that is no small fraction, in words."""
    if not math.isfinite(ratio):
        return "more than 1e308 times"
    text = f"{ratio:.9g}"
    return f"{'as good as ' if text == '1' else ''}{text} times"


def where(points: int) -> str:
    """At how many points it is so.

    Example:
        >>> where(3)
        ', at 3 points of 3'
    """
    return f", at {points} points of {points}"
