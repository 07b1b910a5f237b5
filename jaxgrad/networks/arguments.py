"""What a network accepts: sizes, and trees, shapes and dtypes of its arguments."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from jaxgrad.errors import ArgumentError, DtypeMismatch, ShapeMismatch, TreeMismatch, kind_of

__all__ = ["Shape", "check_arrays", "checked_widths", "chosen", "named_parameters", "positive"]

Chosen = TypeVar("Chosen")

Shape = tuple[int, ...]

Named = list[tuple[str, Any, Shape]]
"""(where it stands, the array, the shape it should have)."""


def chosen(name: Any, kind: type[Chosen], known: Mapping[str, Chosen], more: str) -> Chosen:
    """What a name stands for; one of its kind stands for itself, and ``more`` makes one."""
    if isinstance(name, kind):
        return name
    if not isinstance(name, str) or name not in known:
        raise ArgumentError(
            f"unknown {kind.__name__.lower()} {name!r}: known are {', '.join(map(repr, known))}; "
            f"for another one pass {more}"
        )
    return known[name]


def positive(where: str, value: Any) -> int:
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < 1:
        raise ArgumentError(f"{where} is {value!r}: pass an integer >= 1")
    return number


def checked_widths(widths: Any) -> tuple[int, ...]:
    if isinstance(widths, str) or not isinstance(widths, Iterable):
        raise ArgumentError(f"widths is {widths!r}: pass (n_0, ..., n_L), the input's width first")
    checked = tuple(positive(f"widths[{i}]", width) for i, width in enumerate(widths))
    if len(checked) < 2:
        raise ArgumentError(
            f"widths is {checked!r}, a network without a layer: pass at least (n_0, n_1)"
        )
    return checked


def named_parameters(net: str, shapes: Sequence[tuple[Shape, Shape]], params: Any) -> Named:
    """Every w and b of the network with these shapes, once params is a list of pairs."""
    if not isinstance(params, list | tuple):
        raise TreeMismatch(
            f"params is {kind_of(params)}: pass a list of pairs (w, b), one per layer"
        )
    if len(params) != len(shapes):
        raise TreeMismatch(
            f"params has {len(params)} layer(s), {net} has {len(shapes)}: "
            "pass one pair (w, b) per layer, as net.init returns them"
        )
    named = []
    for number, (pair, expected) in enumerate(zip(params, shapes, strict=True), start=1):
        where = f"layer {number} (params[{number - 1}])"
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise TreeMismatch(
                f"{where} is no pair: pass (w, b) with the shapes {expected[0]} and {expected[1]}"
            )
        named += [
            (f"{where}: {name}", *rest) for name, *rest in zip("wb", pair, expected, strict=True)
        ]
    return named


def check_arrays(named: Named) -> None:
    """Hold shapes and dtypes against what is expected; values are never looked at."""
    found = [(where, _array_type(where, leaf, shape)) for where, leaf, shape in named]
    strong = [(where, each.dtype) for where, each in found if not each.weak_type]
    for where, dtype in strong[1:]:
        first_where, first = strong[0]
        if dtype != first:
            raise DtypeMismatch(
                f"{where} has dtype {dtype}, {first_where} has {first}: "
                "convert them to one dtype, by .astype"
            )


def _array_type(where: str, value: Any, shape: Shape) -> Any:
    """The shape and dtype of a leaf, once the shape is right and the dtype is real."""
    try:
        found = jax.typeof(value)
    except TypeError as error:
        raise ArgumentError(
            f"{where} is {kind_of(value)}, not an array: "
            f"pass an array of shape {shape}, e.g. by jnp.asarray"
        ) from error
    if found.shape != shape:
        raise ShapeMismatch(f"{where} has shape {found.shape}, expected {shape}")
    weak_input = where in ("x", "y") and found.weak_type
    if not (jnp.issubdtype(found.dtype, jnp.floating) or weak_input):
        raise ArgumentError(
            f"{where} has dtype {found.dtype}, which has no gradient: "
            f"convert it to a floating dtype, e.g. {where[-1]}.astype(float)"
        )
    return found
