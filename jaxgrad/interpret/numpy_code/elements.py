"""What NumPy code computes with, as elements of a number system, cast as NumPy casts it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.base import CannotDecide, NumberSystem, objects
from jaxgrad.programs.trace import is_differentiable

__all__ = [
    "UNWRITTEN",
    "Exact",
    "dtype_of",
    "exact_in",
    "fill_in",
    "has_exact",
    "kind",
    "known",
    "known_integers",
    "laid_out",
    "lift",
    "lock",
    "require_writable",
    "shadow",
]


class Exact:
    """Elements of a number system, with the dtype that the code is told.

    Args:
        system: the numbers.
        values: an object array of elements, or of truth values where the dtype is ``bool``.
        dtype: the dtype that NumPy would have made of them.
    """

    def __init__(self, system: NumberSystem, values: np.ndarray, dtype: Any) -> None:
        self.system = system
        self.values = values
        self.dtype = np.dtype(dtype)


class _Unwritten:
    def __repr__(self) -> str:
        return "an entry of np.empty_like that was never written"


UNWRITTEN = _Unwritten()
"""What np.empty_like holds: it has no operation, so that whatever reads it stops."""


def kind(dtype: Any) -> str:
    """NumPy's kind of a dtype; ``"f"`` of the short floats, too.

    Example:
        >>> kind(np.float32), kind(bool), kind(np.int8)
        ('f', 'b', 'i')
    """
    return "f" if is_differentiable(np.dtype(dtype)) else np.dtype(dtype).kind


def has_exact(value: Any) -> bool:
    """Whether a value is exact, or an object array or a sequence that holds something exact."""
    if isinstance(value, Exact):
        return True
    if isinstance(value, list | tuple):
        return any(map(has_exact, value))
    if isinstance(value, np.ndarray) and value.dtype == object:
        return any(isinstance(x, Exact) for x in value.flat)
    return False


def exact_in(*values: Any) -> Exact:
    """The first exact number among values, lists and object arrays of them."""
    for value in values:
        if isinstance(value, Exact):
            return value
        if has_exact(value):
            return exact_in(*(value.flat if isinstance(value, np.ndarray) else value))
    raise UnsupportedPrimitive("exact numbers where NumPy code has parameters")


def dtype_of(value: Any) -> Any:
    """The dtype with which a value is promoted; ``int`` or ``float`` for a Python number."""
    if isinstance(value, Exact):
        return value.dtype
    if type(value) in (int, float):
        return type(value)
    array = np.asarray(value)
    if array.dtype == object and array.size:
        # NumPy would have found one dtype for what the code put together.
        return np.result_type(*(x.dtype if isinstance(x, Exact) else x for x in array.flat))
    return array.dtype


def shadow(value: Any) -> Any:
    """Zeros of the same shape and dtype, from which NumPy itself tells what a call makes of it."""
    if isinstance(value, list | tuple) and has_exact(value):
        return type(value)(map(shadow, value))
    if not has_exact(value):
        return value
    array: Any = value.values if isinstance(value, Exact) else value
    zeros = np.zeros_like(array, dtype=dtype_of(value), subok=False)
    # What is no array to NumPy, though it has a shape: a scalar.
    return zeros if isinstance(value, np.ndarray) else zeros[()]


def lift(system: NumberSystem, value: Any, dtype: Any) -> np.ndarray:
    """A value as an object array of elements, cast to a dtype as NumPy casts.

    The very array of an exact one that needs no cast, so that views stay views.

    Raises:
        UnsupportedPrimitive: numbers of another run, or numbers that would have to be truncated.
    """
    target = kind(dtype)
    if isinstance(value, Exact):
        if value.system is not system:
            raise UnsupportedPrimitive("an array that the code kept from one run to the next")
        found = _cast(system, value.values, kind(value.dtype), target)
        if found is None:
            raise UnsupportedPrimitive(f"an exact number does not turn into {np.dtype(dtype)}")
        if target == "f" and np.dtype(dtype) != value.dtype:
            found = system.stored_as(dtype, found)
        return found if found is value.values else laid_out(found, value.values)
    array = np.asarray(value)
    if array.dtype == object:
        entries = (lift(system, x, dtype)[()] for x in array.flat)
        return laid_out(objects(entries, array.shape), array)
    with np.errstate(all="ignore"):
        array = array.astype(dtype)
    if target == "b":
        return laid_out(system.map(lambda p: system.truth(bool(p)), array), array)
    return laid_out(system.constants(array), array)


def laid_out(values: np.ndarray, like: Any) -> np.ndarray:
    """New entries in the order in memory of ``like``, which decides what of them is a view."""
    if values.ndim < 2 or (values.flags.c_contiguous and like.flags.c_contiguous):
        return values
    made = np.empty_like(like, dtype=object, subok=False)
    made[...] = values
    return made


def _cast(system: NumberSystem, values: np.ndarray, source: str, target: str) -> np.ndarray | None:
    if source == target or (source in "iu" and target == "f"):
        return values
    if source == "b" and target in "fiu":
        return system.map(system.number, values)
    if target == "b":
        zero = system.constant(0)
        return system.map(lambda x: system.compare("ne", x, zero), values)
    return None


def _owner(values: np.ndarray) -> np.ndarray:
    while isinstance(values.base, np.ndarray):
        values = values.base
    return values


def lock(values: np.ndarray) -> None:
    """Lets nobody write to the entries from now on, through whichever view."""
    _owner(values).flags.writeable = False


def require_writable(values: np.ndarray) -> None:
    """Refuses to write to entries that are locked.

    Raises:
        UnsupportedPrimitive: np.asarray has handed them out as a copy, where NumPy shares them.
    """
    if not _owner(values).flags.writeable:
        raise UnsupportedPrimitive(
            "writing to an array after np.asarray of it, which share their entries in NumPy; "
            "leave np.asarray out, or write to a copy"
        )


def known(value: Exact) -> np.ndarray:
    """Truth values or integers as NumPy's own array, a copy.

    Raises:
        CannotDecide: one of them depends on a comparison that is open.
    """
    system, dtype = value.system, value.dtype
    if kind(dtype) == "b":
        found: list[Any] = [system.known(p) for p in value.values.flat]
    elif kind(dtype) in "iu":
        found = [system.exact_value(x) for x in value.values.flat]
    else:
        raise UnsupportedPrimitive(f"{dtype} values, which depend on a real variable, in a choice")
    if any(x is None for x in found):
        raise CannotDecide("a selection by a comparison that is open")
    made = np.empty_like(value.values, dtype=dtype, subok=False)
    made[...] = np.array([dtype.type(x) for x in found], dtype).reshape(made.shape)
    return made


def known_integers(name: str, values: Sequence[Any]) -> list[Any]:
    """The exact ones among values as NumPy's own arrays, with which NumPy wraps around by itself.

    Raises:
        UnsupportedPrimitive: one depends on a comparison that is open.
    """
    try:
        return [known(x) if isinstance(x, Exact) else x for x in values]
    except CannotDecide as error:
        raise UnsupportedPrimitive(
            f"np.{name} on integers that depend on a real variable, which wrap around"
        ) from error


def fill_in(system: NumberSystem, values: np.ndarray, dtype: Any) -> np.ndarray:
    """Lifts the zeros that NumPy itself puts into object arrays, as np.diag and np.pad do.

    The array itself where there are none, so that a view stays one.  Assigned to an entry, as in
    np.insert, an array of one number is that number; an array of objects holds the array.
    """
    # Truth values of a number system may be Python's own; zeros are not.
    of_truths = kind(dtype) == "b"
    plain = (int, np.integer) if of_truths else (bool, int, float, np.generic)

    def as_it_is(x: Any) -> bool:
        return not isinstance(x, (np.ndarray, *plain)) or (of_truths and type(x) is bool)

    def entry(x: Any) -> Any:
        if isinstance(x, np.ndarray):
            return x.item()
        return x if as_it_is(x) else lift(system, x, dtype)[()]

    if all(map(as_it_is, values.flat)):
        return values
    return laid_out(objects(map(entry, values.flat), values.shape), values)
