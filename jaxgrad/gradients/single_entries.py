"""Is every result of a program made of one entry of an input at most?  Seen from its operations.

The derivative of what works entry by entry, along a direction that moves all of them, is then no
sum: each of its numbers is a derivative by one entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jaxgrad.interpret.rules.elementwise import ELEMENTWISE, IDENTITY
from jaxgrad.programs.evaluated import evaluated
from jaxgrad.programs.jaxprs import called

__all__ = ["is_of_single_entries"]

# Of which entry a number is made: of none, of several, or of the one with this number.
_NONE, _SEVERAL = -1, -2

# What gives each entry by those of the same place.
_BY_ENTRIES = frozenset((
    *ELEMENTWISE, *IDENTITY, "select_n", "clamp", "convert_element_type", "integer_pow",
    "is_finite", "not", "and", "or", "xor", "eq", "ne", "lt", "le", "gt", "ge", "square",
))  # fmt: skip


def is_of_single_entries(program: Any, place: int) -> bool:
    """Whether each number that a program returns depends on at most one entry of an input.

    Args:
        program: a closed jaxpr.
        place: which input.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> program = jax.make_jaxpr(lambda x, u: (jnp.cos(x) * u[::-1], x @ u))
        >>> found = program(jnp.ones(3), jnp.ones(3))
        >>> is_of_single_entries(found, 1)
        False
        >>> one = jax.make_jaxpr(lambda x, u: jnp.cos(x) * u[::-1])(jnp.ones(3), jnp.ones(3))
        >>> is_of_single_entries(one, 1)
        True
    """
    shapes = [tuple(variable.aval.shape) for variable in program.jaxpr.invars]
    given = [np.full(shape, _NONE) for shape in shapes]
    given[place] = np.arange(given[place].size).reshape(shapes[place])
    return all(np.all(each != _SEVERAL) for each in _entries(program, given))


def _entries(program: Any, given: Sequence[np.ndarray]) -> list[np.ndarray]:
    return evaluated(program, given, _applied, lambda value, _: np.full(np.shape(value), _NONE))


def _applied(equation: Any, given: list[np.ndarray]) -> list[np.ndarray]:
    shapes = [tuple(variable.aval.shape) for variable in equation.outvars]
    if all(np.all(each == _NONE) for each in given):
        return [np.full(shape, _NONE) for shape in shapes]
    inner, name = called(equation), equation.primitive.name
    if inner is not None:
        return _entries(inner, given)
    if name in IDENTITY and len(shapes) == len(given):
        return given
    if name in _BY_ENTRIES and len(shapes) == 1:
        found = _met(given)
        return [np.broadcast_to(found, shape) for shape in shapes]
    if name in _MOVES:
        return [_MOVES[name](given, equation.params, *shapes)]
    return [np.full(shape, _SEVERAL) for shape in shapes]


def _met(given: Sequence[np.ndarray]) -> np.ndarray:
    """What is made of numbers of the same place, or of one that is the same for all."""
    found, *others = np.broadcast_arrays(*given)
    for other in others:
        apart = (found != other) & (found != _NONE) & (other != _NONE)
        found = np.where(apart, _SEVERAL, np.where(found == _NONE, other, found))
    return found


def _repeated(given: Sequence[np.ndarray], params: Any, shape: tuple[int, ...]) -> np.ndarray:
    places, (x, *_) = params["broadcast_dimensions"], given
    sizes = [x.shape[places.index(k)] if k in places else 1 for k in range(len(shape))]
    return np.broadcast_to(x.reshape(sizes), shape)


def _cut(given: Sequence[np.ndarray], params: Any, _: tuple[int, ...]) -> np.ndarray:
    strides = params["strides"] or [1] * given[0].ndim
    ends = zip(params["start_indices"], params["limit_indices"], strides, strict=True)
    return given[0][tuple(slice(*each) for each in ends)]


_Move = Callable[[Sequence[np.ndarray], Any, tuple[int, ...]], np.ndarray]

# What puts numbers elsewhere, or repeats them.
_MOVES: dict[str, _Move] = {
    **dict.fromkeys(
        ("reshape", "squeeze", "expand_dims"),
        lambda given, _, shape: given[0].reshape(shape),
    ),
    "broadcast_in_dim": _repeated,
    "transpose": lambda given, params, _: given[0].transpose(params["permutation"]),
    "rev": lambda given, params, _: np.flip(given[0], params["dimensions"]),
    "slice": _cut,
    "concatenate": lambda given, params, _: np.concatenate(given, params["dimension"]),
}
