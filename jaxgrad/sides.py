"""The two callables of a comparison, each run over whatever numbers are asked for.

A side is a traced JAX program, or NumPy code that runs unchanged over exact numbers, or opaque: a
kernel, a callback, compiled code, of which only floats can be had.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.tree_util import keystr, tree_flatten_with_path, tree_unflatten

from jaxgrad.errors import ArgumentError, JaxgradError, TraceError
from jaxgrad.interpret import Interpreter, interpret
from jaxgrad.numbers.base import NumberSystem
from jaxgrad.numpy_code import NumberArray
from jaxgrad.program import Leaf, Program, arguments, parameter_names, trace

__all__ = ["Side", "make_side"]


class Side:
    """One callable of a comparison.

    Args:
        name: ``"hand"`` or ``"auto"``.
        function: the callable.
        args: the arguments it is compared at.
        inputs: the leaves of the arguments.
        program: its traced program; None for NumPy code.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        args: Sequence[Any],
        inputs: tuple[Leaf, ...],
        program: Program | None,
    ) -> None:
        self.name = name
        self.function = function
        self.inputs = inputs
        self.program = program
        self.opaque: str | None = None
        self._tree = jax.tree.structure(tuple(args))
        self.outputs, self.out_tree = self._describe()

    def over(self, system: NumberSystem, inputs: list[Any]) -> list[np.ndarray]:
        """The outputs over a number system, an object array for each leaf.

        Raises:
            CannotDecide, UnsupportedPrimitive: as its rules do.
        """
        if self.program is not None:
            return interpret(self.program, system, inputs)
        wrapped = [
            NumberArray(system, value, leaf.dtype) if leaf.differentiable else value
            for value, leaf in zip(inputs, self.inputs, strict=True)
        ]
        result = self.function(*tree_unflatten(self._tree, wrapped))
        interpreter = Interpreter(system)
        return [
            leaf.values if isinstance(leaf, NumberArray) else interpreter.elements(
                np.asarray(leaf), np.float64
            )
            for leaf in jax.tree.leaves(result)
        ]  # fmt: skip

    def floats(self, values: Sequence[Any]) -> list[np.ndarray]:
        """The outputs in floating point, compiled where there is a program."""
        args = tree_unflatten(self._tree, list(values))
        function = jax.jit(self.function) if self.program is not None else self.function
        return [np.asarray(leaf) for leaf in jax.tree.leaves(function(*args))]

    def _describe(self) -> tuple[tuple[Leaf, ...], Any]:
        if self.program is not None:
            return self.program.outputs, self.program.out_tree
        values = [leaf.value for leaf in self.inputs]
        try:
            result = self.function(*tree_unflatten(self._tree, values))
        except Exception as error:
            raise TraceError(
                f"{self.name} runs neither under JAX's tracer nor on NumPy arrays: "
                f"{type(error).__name__}: {error}"
            ) from error
        paths, tree = tree_flatten_with_path(result)
        leaves = tuple(
            Leaf(keystr(path), np.shape(value), np.asarray(value).dtype) for path, value in paths
        )
        return leaves, tree

    def try_exact(self, system: NumberSystem, inputs: list[Any]) -> None:
        """Marks NumPy code that cannot run over exact numbers as opaque."""
        if self.program is not None:
            return
        try:
            self.over(system, inputs)
        except (JaxgradError, TypeError, ValueError, AttributeError) as error:
            self.opaque = f"{type(error).__name__}: {error}"


def make_side(name: str, function: Callable[..., Any], args: Sequence[Any]) -> Side:
    """Traces a callable, or else takes it for NumPy code.

    Args:
        name: ``"hand"`` or ``"auto"``.
        function: any callable of ``args``.
        args: pytrees of arrays.

    Raises:
        ArgumentError: not callable, or arguments that are no arrays of finite numbers.
        TraceError: it runs neither under JAX nor under NumPy.
    """
    if not callable(function):
        raise ArgumentError(
            f"{name} is a {type(function).__name__}, not a callable; pass the function that "
            "returns the gradient, for example jax.grad(cost), not its value"
        )
    if not args:
        raise ArgumentError("compare needs arguments: the point at which to take both gradients")
    inputs = arguments(args, parameter_names(function, len(args)))
    if inputs and not any(leaf.differentiable for leaf in inputs):
        raise ArgumentError(
            "no argument is floating point, so there is nothing to differentiate; "
            f"{inputs[0].path} has dtype {inputs[0].dtype}: convert it with jnp.asarray(x, float)"
        )
    try:
        program: Program | None = trace(function, args, side=name)
    except TraceError:
        program = None
    return Side(name, function, args, inputs, program)
