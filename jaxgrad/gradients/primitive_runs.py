"""A program run by JAX primitive by primitive, each as it stands in the program."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.programs.compiled_loops import bound_alone
from jaxgrad.programs.implementations import is_read_by_implementation

__all__ = ["OPENED", "NotRun", "as_it_is", "bound", "is_key", "running", "typed"]

# Calls that are gone into: compiled as a whole, each new program would be compiled anew.
OPENED = frozenset((
    "jit", "closed_call", "eval_jaxpr", "call", "remat2", "remat_opt", "checkpoint",
    "custom_jvp_call", "custom_vjp_call",
))  # fmt: skip
"""Calls whose own primitives are run."""


# JAX runs these on arrays of its own alone.
_OF_JAXS_ARRAYS = frozenset({"layout_constraint"})


class NotRun(Exception):
    """A program cannot be run at some arguments, whatever JAX or a callback says of them."""


@contextlib.contextmanager
def running() -> Iterator[None]:
    """A run of a program, and nothing else, within a block.

    Raises:
        NotRun: the run raised something.
    """
    try:
        yield
    except NotRun:
        raise
    except Exception as error:  # whatever JAX or a callback raises
        first = (str(error).strip().splitlines() or [""])[0]
        raise NotRun(f"{type(error).__name__}: {first}") from error


def typed(value: Any, atom: Any) -> Any:
    """A constant in the dtype that the program has it in: NumPy's int64 is an int32 to JAX."""
    dtype = getattr(atom.aval, "dtype", None)
    if dtype is None or is_key(value):
        return value
    # JAX's literals are Python's numbers that have a dtype, and more bits than it holds.
    is_number = isinstance(value, bool | int | float | complex)
    if not is_number and getattr(value, "dtype", dtype) == dtype:
        return value
    return np.asarray(value).astype(dtype)


def bound(equation: Any, arguments: list[Any]) -> list[Any]:
    """What the primitive of an equation returns."""
    parameters = equation.primitive.get_bind_params(equation.params)
    bound = bound_alone(equation.primitive, parameters)

    def compiled(*arguments: Any) -> Any:
        return jax.jit(bound)(*arguments)

    ways = [bound, compiled]
    if is_read_by_implementation(equation):  # which is what runs if it is not compiled
        ways.reverse()
    if equation.primitive.name in _OF_JAXS_ARRAYS:
        arguments = list(map(jnp.asarray, arguments))
    with equation.ctx.manager:
        try:
            outputs = ways[0](*arguments)
        except NotImplementedError:  # a package's own primitive, made for one of them alone
            outputs = ways[1](*arguments)
    return list(outputs) if equation.primitive.multiple_results else [outputs]


@contextlib.contextmanager
def as_it_is() -> Iterator[None]:
    """On the CPU, whose errors are known, and without JAX's own errors at a NaN."""
    with (
        jax.default_device(jax.devices("cpu")[0]),
        jax.debug_nans(False),
        jax.debug_infs(False),
        np.errstate(all="ignore"),
    ):
        yield


def is_key(value: Any) -> bool:
    """Whether it holds keys of a random generator, or other numbers that are no numbers."""
    return hasattr(value, "dtype") and jnp.issubdtype(value.dtype, jax.dtypes.extended)
