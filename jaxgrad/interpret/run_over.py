"""A JAX function, run over another kind of numbers."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxgrad.errors import ArgumentError
from jaxgrad.interpret.rules.structural import is_key
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.arrays import ArraySystem, SystemArray
from jaxgrad.numbers.base import NumberSystem
from jaxgrad.numbers.elements import array_system
from jaxgrad.programs.complex_parts import Pair
from jaxgrad.programs.trace import Leaf, trace

__all__ = ["run_over"]


def run_over(numbers: NumberSystem | ArraySystem, function: Callable[..., Any], *args: Any) -> Any:
    """The values of a JAX function, computed in another kind of numbers.

    The function is traced once, and each operation of its program is carried out in the number
    system: f(x) over balls is an enclosure of the true value, rounded nowhere.

    Args:
        numbers: the number system, such as ``jaxgrad.Ball()``.
        function: takes the arguments, returns a pytree of arrays.
        args: pytrees of arrays.  In place of an array of floats there may be an element of the
            number system, or a NumPy object array of elements, or an array of a system of arrays;
            it is traced as an array of JAX's default float dtype, as are Python's rationals.

    Returns:
        the pytree of results: an element for a scalar, else an object array of elements; over a
        system of arrays what it has for arrays; of complex results a pair (real, imag) of these.

    Raises:
        ArgumentError: the first argument is no number system, or a leaf of the others no number.
        UnsupportedPrimitive: an operation has no meaning there, or no rule.
        CannotDecide: the program asks what these numbers cannot tell.
        TraceError: the function is not made of JAX operations.

    Example:
        >>> from flint import arb
        >>> from jaxgrad import Ball
        >>> bool(run_over(Ball(), jax.grad(jnp.tanh), 0.5).overlaps(1 - arb("0.5").tanh() ** 2))
        True
        >>> bool(run_over(Ball(), lambda x: x**2, arb("0.1")).overlaps(arb("0.01")))
        True

    Source: docs/architecture.md, the way of a check.
    """
    if not isinstance(numbers, NumberSystem | ArraySystem):
        raise ArgumentError(
            f"run_over: {numbers!r:.60} is no number system; give one first, such as jaxgrad.Ball()"
        )
    leaves, tree = jax.tree.flatten(args, is_leaf=lambda leaf: isinstance(leaf, SystemArray))
    given = [_as_numbers(numbers, leaf) for leaf in leaves]
    traced = [
        leaf if exact is None else np.zeros(exact.shape, jnp.result_type(float))
        for leaf, exact in zip(leaves, given, strict=True)
    ]
    program = trace(function, jax.tree.unflatten(tree, traced))
    inputs = [
        _lifted(numbers, leaf) if exact is None else exact
        for leaf, exact in zip(program.inputs, given, strict=True)
    ]
    found = interpret(program, numbers, inputs)
    return jax.tree.unflatten(program.out_tree, list(map(_each_number, found)))


def _each_number(value: Any) -> Any:
    """The number of an array of no axes; of complex numbers a pair of real ones."""
    return Pair(*map(_each_number, value)) if isinstance(value, Pair) else value[()]


def _as_numbers(numbers: NumberSystem | ArraySystem, leaf: Any) -> Any:
    """A leaf that is numbers already as their array; elements are objects to NumPy.  Else None."""
    if isinstance(leaf, SystemArray):
        if not isinstance(numbers, ArraySystem):
            raise ArgumentError(
                f"run_over: {leaf!r} is an array of a system of arrays, and {numbers.name} numbers "
                "come one by one; give the system that it belongs to"
            )
        return leaf
    if isinstance(leaf, Tracer):
        raise ArgumentError(
            "run_over: an argument is traced, as by jax.jit, jax.vmap or jax.grad around it, and "
            f"has no value that {numbers.name} numbers could be made of; leave that out, or give "
            "arrays of a jaxgrad.ArraySystem, which may be traced"
        )
    if is_key(leaf) or np.asarray(leaf).dtype != object:
        return None
    elements = np.asarray(leaf, object)
    for each in elements.flat:
        _require_element(numbers, each)
    if all(isinstance(each, Fraction) for each in elements.flat):  # exact in every system
        return array_system(numbers).lift(elements)
    if isinstance(numbers, ArraySystem):
        raise ArgumentError(
            f"run_over: an argument is {leaf!r:.60}, and {numbers.name} numbers come in whole "
            "arrays; give those that the system makes, or numbers"
        )
    return elements


def _require_element(numbers: NumberSystem | ArraySystem, each: Any) -> None:
    """Refuses what cannot be computed with: a shape without values, text, any other object."""
    arithmetic = all(hasattr(type(each), name) for name in ("__add__", "__mul__"))
    if arithmetic and not isinstance(each, str | bytes):
        return
    shape = hasattr(each, "shape") and hasattr(each, "dtype")
    give = "an array of its shape, such as jnp.ones(shape)" if shape else "numbers"
    raise ArgumentError(
        f"run_over: an argument is {each!r:.60} ({type(each).__name__}), which has no values to "
        f"compute with; give {give}, or elements of {numbers.name} numbers"
    )


def _lifted(numbers: NumberSystem | ArraySystem, leaf: Leaf) -> Any:
    return array_system(numbers).lift(leaf.value) if leaf.differentiable else leaf.value
