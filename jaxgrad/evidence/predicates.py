"""Predicates of floats: asked of each float by itself, refused where they look at the others."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import ArgumentError
from jaxgrad.evidence.dependence import reads
from jaxgrad.programs.jax_errors import errors_named
from jaxgrad.programs.raised_by import place

__all__ = ["Predicate", "of_each", "require_elementwise"]

Predicate = Callable[[Any, Any], Any]

# How many mixed-up floats show whether a predicate looks at more than one of them: the masks of a
# tile that fails anywhere differ from its entries' own, so that a thousand leave little to chance.
# A power of two, so that no entry is in the remainder of a vectorised loop.
SAMPLE = 2**10

# How many of the entries that differ are asked again, which takes one evaluation each.
_ASKED_AGAIN = 8

# The part of all answers that rounding may change: it changes those only in which numbers are
# compared that are next to each other, and of two compiled programs few round differently at all.
_ROUNDED = 1 / 8


def of_each(name: str, predicate: Predicate) -> Predicate:
    """A predicate as it answers for each float alone: mapped over arrays of one float.

    Whatever a reduction over all of x and y would hide, it is a reduction over one float here.

    Args:
        name: what the predicate is called, for messages.
        predicate: (x, y) of shape (n,) -> bool of shape (n,).

    Raises:
        ArgumentError: when it is traced, if it does not return one bool for each float.

    Example:
        >>> x = jnp.arange(3.0)
        >>> of_each("holds", lambda x, y: x < y)(x, x[::-1]).tolist()
        [True, False, False]
    """

    def alone(x: jax.Array, y: jax.Array) -> jax.Array:
        return _checked(name, predicate(x[None], y[None]), 1)[0]

    return jax.vmap(alone)


def require_elementwise(
    name: str, predicate: Predicate, x: jax.Array, y: jax.Array, *, about_outputs: bool
) -> None:
    """Refuse a predicate whose answer for one float depends on the others, or on none.

    The predicate is called on all floats at once and has to answer as for each alone; turned by
    half the array, its answers have to turn along.

    Args:
        name: what the predicate is called, for messages.
        predicate: (x, y) of shape (n,) -> bool of shape (n,).
        x: inputs of shape (n,), mixed up, n a power of two.
        y: outputs of shape (n,).
        about_outputs: whether a predicate that does not read y is refused.

    Raises:
        ArgumentError: it looks at other floats, at places, or at no output.

    Example:
        >>> x = jnp.arange(8.0)
        >>> require_elementwise("holds", lambda x, y: x == y, x, x, about_outputs=True)
    """
    size = x.shape[0]
    together = _checked(name, _asked(name, predicate, x, y), size)
    if not _reads_output(name, predicate, x, y) and about_outputs:
        raise ArgumentError(
            f"{name} does not look at y, so it says nothing of the function: compare y with "
            "something"
        )
    half = (jnp.asarray(np.roll(np.asarray(values), size // 2)) for values in (x, y))
    turned = _checked(name, predicate(*half), size)
    if np.array_equal(np.roll(together, size // 2), turned) and not _others_matter(
        predicate, x, y, together
    ):
        return
    raise ArgumentError(
        f"{name} answers differently for a float when the other floats differ: it has to answer "
        "for each float by itself, so leave reductions (any, all, sum), neighbours and indices out"
    )


def _asked(name: str, predicate: Predicate, x: jax.Array, y: jax.Array) -> Any:
    """The answers for all floats, or an error that says why there are none."""
    with errors_named(name, predicate, (x, y)):
        try:
            return predicate(x, y)
        except ValueError as error:
            if "truth value of an array" not in str(error):
                raise
            raise ArgumentError(f"{name} asks for the truth of a whole array{place(error)}: "
                                f"{_WITHOUT_TRUTHS}") from error  # fmt: skip


_WITHOUT_TRUTHS = "use jax.numpy, with jnp.where for `if` and & and | for `and` and `or`"


def _reads_output(name: str, predicate: Predicate, x: jax.Array, y: jax.Array) -> bool:
    try:
        return reads(name, predicate, x, y)[1]
    except jax.errors.JAXTypeError as error:
        raise ArgumentError(
            f"{name} cannot be compiled ({str(error).splitlines()[0]}): {_WITHOUT_TRUTHS}"
        ) from error


def _others_matter(predicate: Predicate, x: jax.Array, y: jax.Array, together: np.ndarray) -> bool:
    """Whether answers change when the other floats are away, or become the same as this one.

    Answers for a float alone may differ by the rounding of another compiled program; those among
    as many copies of it come from the same one.
    """
    alone = np.asarray(of_each("", predicate)(x, y))
    differ = np.flatnonzero(alone != together)
    if differ.size > _ROUNDED * alone.size:
        return True
    for k in differ[:_ASKED_AGAIN]:
        copies = (jnp.full_like(values, values[k]) for values in (x, y))
        if bool(np.asarray(predicate(*copies))[k]) != bool(together[k]):
            return True
    return False


def _checked(name: str, result: Any, size: int) -> Any:
    """A predicate's result, if it is one bool for each float."""
    if isinstance(result, jax.Array | np.ndarray):
        if result.dtype == bool and result.shape == (size,):
            return result
        said = f"{result.dtype.name}{list(result.shape)}"
    elif inspect.iscoroutine(result):
        result.close()  # else Python warns that it was never awaited
        said = "a coroutine"
    else:
        said = "None (a forgotten `return`?)" if result is None else f"{result!r:.60}"
    raise ArgumentError(
        f"{name} returned {said}, not booleans of shape [{size}]: it gets the arrays x and y and "
        "has to compare them elementwise, with one answer for each float"
    )
