"""Predicates of floats: asked of each float by itself, refused where they look at the others."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxgrad.errors import ArgumentError
from jaxgrad.evidence.dependence import reads
from jaxgrad.evidence.packed import packed, unpacked
from jaxgrad.programs.jax_errors import errors_named
from jaxgrad.programs.raised_by import place

__all__ = ["Predicate", "of_each", "of_each_pair", "require_elementwise"]

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


def of_each_pair(name: str, predicate: Callable[..., Any]) -> Callable[..., Any]:
    """As :func:`of_each`, of the arguments x and y of a function, and its result.

    Args:
        name: what the predicate is called, for messages.
        predicate: (x, y, z) of shape (n,) -> bool of shape (n,).

    Raises:
        ArgumentError: when it is traced, if it does not return one bool for each pair.

    Example:
        >>> x = jnp.arange(3.0)
        >>> of_each_pair("holds", lambda x, y, z: z == x + y)(x, x, 2 * x).tolist()
        [True, True, True]
    """

    def alone(*each: jax.Array) -> jax.Array:
        return _checked(name, predicate(*(x[None] for x in each)), 1)[0]

    return jax.vmap(alone)


def require_elementwise(
    predicates: Mapping[str, Predicate], x: jax.Array, y: jax.Array, *, about_outputs: str
) -> None:
    """Refuse a predicate whose answer for one float depends on the others, or on none.

    The predicates are asked of all floats at once and have to answer as for each alone; turned by
    half the array, their answers have to turn along.  So it has to be with outputs that are drawn
    from all of the dtype, too: beside a clause that always holds of f nothing is seen of another.

    Args:
        predicates: (x, y) of shape (n,) -> bool of shape (n,), by what each is called in messages.
        x: inputs of shape (n,), mixed up, n a power of two.
        y: outputs of shape (n,).
        about_outputs: the one that is refused if it does not read y.

    Raises:
        ArgumentError: one looks at other floats, at places, or at no output.

    Example:
        >>> x = jnp.arange(8.0)
        >>> require_elementwise({"holds": lambda x, y: x == y}, x, x, about_outputs="holds")
    """
    asked = _asked_together(predicates)
    asked(x, y)
    for name, predicate in predicates.items():
        if not _reads_output(name, predicate, x, y) and name == about_outputs:
            raise ArgumentError(
                f"{name} does not look at y, so it says nothing of the function: compare y with "
                "something"
            )
    alone = _answers(lambda name, each, x, y: of_each(name, each)(x, y), predicates)
    for outputs in (y, _any_outputs(y)):
        _require_the_same(list(predicates), asked, alone, x, outputs)


def _any_outputs(y: jax.Array) -> jax.Array:
    """As many numbers of a dtype, drawn from all that it has, with NaN of one kind alone."""
    numbers = np.random.default_rng(0).integers(0, 256, (y.size, y.dtype.itemsize), np.uint8)
    if y.dtype == bool:
        return jnp.asarray(numbers[:, 0] % 2 == 0)
    if y.dtype.itemsize * 8 != _width(y.dtype):  # 4 bits in a byte, of which not all are any
        return jnp.roll(y, 1)
    drawn = numbers.view(y.dtype)[:, 0]
    if jnp.issubdtype(y.dtype, jnp.floating):
        with np.errstate(invalid="ignore"):  # which a NaN of some dtypes is
            drawn = np.where(np.isnan(drawn), np.asarray(np.nan, y.dtype), drawn)
    return jnp.asarray(drawn)


def _width(dtype: Any) -> int:
    floating = jnp.issubdtype(dtype, jnp.floating)
    return int((jnp.finfo if floating else jnp.iinfo)(dtype).bits)


def _require_the_same(
    names: Sequence[str],
    asked: Callable[[jax.Array, jax.Array], np.ndarray],
    asked_alone: Callable[[jax.Array, jax.Array], np.ndarray],
    x: jax.Array,
    y: jax.Array,
) -> None:
    half = x.shape[0] // 2
    together, alone = asked(x, y), asked_alone(x, y)
    turned = asked(*(jnp.asarray(np.roll(np.asarray(values), half)) for values in (x, y)))
    for k, name in enumerate(names):

        def again(x: jax.Array, y: jax.Array, k: int = k) -> np.ndarray:
            return asked(x, y)[k]

        if not np.array_equal(np.roll(together[k], half), turned[k]) or _others_matter(
            alone[k], together[k], x, y, again
        ):
            raise ArgumentError(
                f"{name} answers differently for a float when the other floats differ: it has to "
                "answer for each float by itself, so leave reductions (any, all, sum), neighbours "
                "and indices out"
            )


def _answers(
    of_one: Callable[[str, Predicate, jax.Array, jax.Array], Any],
    predicates: Mapping[str, Predicate],
) -> Callable[[jax.Array, jax.Array], np.ndarray]:
    """(x, y) -> bool (predicates, n), by one compiled program.

    Args:
        of_one: name, predicate, x, y -> the answers of a predicate.
        predicates: by name.
    """

    @jax.jit
    def compiled(x: jax.Array, y: jax.Array) -> list[jax.Array]:
        return packed([of_one(name, each, x, y) for name, each in predicates.items()])

    return lambda x, y: unpacked(compiled(x, y), len(predicates))


def _asked_together(
    predicates: Mapping[str, Predicate],
) -> Callable[[jax.Array, jax.Array], np.ndarray]:
    """All predicates as one compiled program: asked operation by operation, each is compiled.

    One by one and as they are where that cannot be, so that what one raises is its own.
    """
    compiled = _answers(lambda name, each, x, y: _checked(name, each(x, y), x.size), predicates)

    def asked(x: jax.Array, y: jax.Array) -> np.ndarray:
        try:
            return compiled(x, y)
        except Exception:  # whatever a predicate raises, which it does again
            found = {name: _asked(name, each, x, y) for name, each in predicates.items()}
            for name, answers in found.items():
                if isinstance(answers, Tracer):
                    _reads_output(name, predicates[name], x, y)  # refuses what it closes over
            return np.array([np.asarray(answers) for answers in found.values()])

    return asked


def _asked(name: str, predicate: Predicate, x: jax.Array, y: jax.Array) -> Any:
    """The answers for all floats, or an error that says why there are none."""
    with errors_named(name, predicate, (x, y)):
        try:
            found = predicate(x, y)
        except ValueError as error:
            if "truth value of an array" not in str(error):
                raise
            raise ArgumentError(f"{name} asks for the truth of a whole array{place(error)}: "
                                f"{_WITHOUT_TRUTHS}") from error  # fmt: skip
    return _checked(name, found, x.size)


_WITHOUT_TRUTHS = "use jax.numpy, with jnp.where for `if` and & and | for `and` and `or`"


def _reads_output(name: str, predicate: Predicate, x: jax.Array, y: jax.Array) -> bool:
    try:
        return reads(name, predicate, x, y)[1]
    except jax.errors.JAXTypeError as error:
        raise ArgumentError(
            f"{name} cannot be compiled ({str(error).splitlines()[0]}): {_WITHOUT_TRUTHS}"
        ) from error


def _others_matter(
    alone: np.ndarray,
    together: np.ndarray,
    x: jax.Array,
    y: jax.Array,
    asked: Callable[[jax.Array, jax.Array], np.ndarray],
) -> bool:
    """Whether answers change when the other floats are away, or become the same as this one.

    Answers for a float alone may differ by the rounding of another compiled program; those among
    as many copies of it come from the same one.
    """
    differ = np.flatnonzero(alone != together)
    if differ.size > _ROUNDED * alone.size:
        return True
    for k in differ[:_ASKED_AGAIN]:
        copies = (jnp.full_like(values, values[k]) for values in (x, y))
        if bool(asked(*copies)[k]) != bool(together[k]):
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
