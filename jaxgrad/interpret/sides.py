"""The two callables of a comparison, each run over whatever numbers are asked for.

A side is a traced JAX program, or NumPy code that runs unchanged over exact numbers, or opaque: a
kernel, a callback, compiled code, of which only floats can be had.
"""

from __future__ import annotations

import copy
import functools
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from jax.tree_util import keystr, tree_flatten_with_path, tree_unflatten

from jaxgrad.errors import ArgumentError, JaxgradError, TraceError, UnsupportedPrimitive, kind_of

# These fill the table of NumPy's functions.
from jaxgrad.interpret.numpy_code import functions as numpy_functions  # noqa: F401
from jaxgrad.interpret.numpy_code import order as numpy_order  # noqa: F401
from jaxgrad.interpret.numpy_code import products as numpy_products  # noqa: F401
from jaxgrad.interpret.numpy_code.code import NumberArray, NumberScalar
from jaxgrad.interpret.numpy_code.elements import UNWRITTEN, dtype_of, has_exact, laid_out, lift
from jaxgrad.interpret.walker import Interpreter, interpret
from jaxgrad.numbers.base import NumberSystem
from jaxgrad.numbers.ring import RingFull
from jaxgrad.programs.held import (
    as_given,
    held_objects,
    hidden,
    is_held,
    paths_of_held,
    revealing,
    with_number,
)
from jaxgrad.programs.jax_errors import first_line
from jaxgrad.programs.raised_by import is_raised_by_caller
from jaxgrad.programs.real_parts import are_complex, has_parts, of_parts, parted, returns_complex
from jaxgrad.programs.returned import require_keyless, require_numbers
from jaxgrad.programs.trace import Leaf, Program, anew, arguments, parameter_names, trace
from jaxgrad.programs.traced_values import require_known_constants

__all__ = ["Side", "make_side"]


class Side:
    """One callable of a comparison.

    NumPy code may write to its arguments and draw from NumPy's global generator: every run has
    copies of its own and the same draws.

    Args:
        name: ``"hand"`` or ``"auto"``.
        function: the callable.
        args: the arguments it is compared at.
        inputs: the leaves of the arguments.
        program: its traced program; None for NumPy code.
        untraced: why there is none, of code that JAX cannot trace.
        held: which arguments are held fixed.

    Raises:
        TraceError: NumPy code that does not run.
        Exception: what the code raises by a statement of its own, as it is.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        args: Sequence[Any],
        inputs: tuple[Leaf, ...],
        program: Program | None,
        untraced: TraceError | None = None,
        held: Collection[int] = (),
    ) -> None:
        self.name, self.held = name, held
        self.untraced = untraced
        self.function = function
        self.inputs = inputs
        self.program = program
        self.opaque: str | None = None
        self.returns_jax = program is not None
        self._args = tuple(args)
        self._originals, self._tree = jax.tree.flatten(self._args)
        self._draws = random.getstate(), np.random.get_state()
        self.outputs, self.out_tree = self._describe()
        self.in_parts = has_parts(self._args) or are_complex(self.out_tree)

    @property
    def named_held(self) -> list[str]:
        """The key paths of the arguments that are held fixed, with the values of single numbers."""
        names = parameter_names(self.function, len(self._args))
        held = [with_number(x.path, x.value) for x in self.inputs if not x.differentiable]
        return [*held, *held_objects(self._args, names)]

    def over(self, system: NumberSystem, inputs: list[Any]) -> list[np.ndarray]:
        """The outputs over a number system, an object array for each leaf.

        Raises:
            CannotDecide, UnsupportedPrimitive: as its rules do, and where NumPy code does not run
                over exact numbers.
        """
        if self.program is not None:
            return interpret(self.program, system, inputs)
        given = zip(inputs, self.inputs, self._originals, strict=True)
        try:
            result = self._call([_as_exact(system, *each) for each in given])
        except (JaxgradError, RingFull):
            raise
        except Exception as error:
            if self.returns_jax and self.untraced is not None:  # it hands exact numbers to JAX
                raise UnsupportedPrimitive(str(self.untraced)) from error
            first = error.__cause__ or error  # NumPy says "a sequence" of what it cannot convert
            raise UnsupportedPrimitive(f"{type(first).__name__}: {first}") from error
        leaves, tree = jax.tree.flatten(result)
        if tree != self.out_tree:
            raise UnsupportedPrimitive(f"{self.name} returns {tree} in place of {self.out_tree}")
        pairs = zip(leaves, self.outputs, strict=True)
        return [self._elements(system, leaf, expected) for leaf, expected in pairs]

    def _elements(self, system: NumberSystem, leaf: Any, expected: Leaf) -> np.ndarray:
        if has_exact(leaf):
            values = lift(system, leaf, dtype_of(leaf))
        else:
            array = np.asarray(leaf)
            if array.dtype == object:  # np.zeros_like of an array of exact entries
                array = array.astype(np.float64)
            dtype = bool if array.dtype == bool else np.float64
            values = Interpreter(system).elements(array, dtype)
        name = f"{self.name}{expected.path}"
        if values.shape != expected.shape:
            raise UnsupportedPrimitive(
                f"{name} has shape {values.shape} here and {expected.shape} at the given point"
            )
        if any(x is UNWRITTEN for x in values.flat):
            raise UnsupportedPrimitive(f"{name} holds {UNWRITTEN}")
        return values

    def floats(self, values: Sequence[Any]) -> list[np.ndarray]:
        """The outputs in floating point, compiled where there is a program.

        NumPy code runs as it is, on copies.

        Raises:
            UnsupportedPrimitive: NumPy code returns what it kept from a run over exact numbers; or
                JAX does not compile the program.
        """
        if self.program is not None:
            args = tree_unflatten(self._tree, list(values))
            try:
                result = self._compiled(*args)
            except Exception as error:  # whatever JAX, a callback or a primitive's lowering raises
                raise UnsupportedPrimitive(
                    f"{self.name} cannot be run where it is compiled: {first_line(error)}"
                ) from error
        else:
            given = zip(values, self.inputs, self._originals, strict=True)
            result = self._call([_as_float(*each) for each in given])
        leaves = jax.tree.leaves(result)
        if any(map(has_exact, leaves)):
            raise UnsupportedPrimitive(f"{self.name} returns what it kept from another run")
        return [np.asarray(leaf) for leaf in leaves]

    def called(self) -> list[np.ndarray] | None:
        """What the function returns where it is called as it was given, compiled only if that is.

        None where it raises, or returns what it does not when it is traced.
        """
        try:
            with np.errstate(all="ignore"):  # of NumPy's arrays
                leaves = jax.tree.leaves(self._call(self._originals))
            found = [np.asarray(leaf) for leaf in leaves]
        except Exception:
            return None
        shapes = [leaf.shape for leaf in self.outputs]
        return found if [leaf.shape for leaf in found] == shapes else None

    @functools.cached_property
    def _compiled(self) -> Callable[..., Any]:
        return jax.jit(anew(self.function))

    def in_double(self) -> Side:
        """The same NumPy code, told that every real argument is float64.

        Its :meth:`floats` at float64 values and its :meth:`over` then read the same program: the
        dtype decides what the code's own constants are rounded to.
        """
        if self.program is not None:
            return self
        side = copy.copy(self)
        side.inputs = tuple(
            replace(leaf, dtype=np.dtype(np.float64), value=np.float64(leaf.value))
            if leaf.real else leaf
            for leaf in self.inputs
        )  # fmt: skip
        return side

    def _call(self, leaves: list[Any]) -> Any:
        kept = random.getstate(), np.random.get_state()
        random.setstate(self._draws[0])
        np.random.set_state(self._draws[1])
        try:
            return self.function(*tree_unflatten(self._tree, leaves))
        finally:
            random.setstate(kept[0])
            np.random.set_state(kept[1])

    def _describe(self) -> tuple[tuple[Leaf, ...], Any]:
        if self.program is not None:
            require_keyless(self.name, self.program.outputs)
            return self.program.outputs, self.program.out_tree
        given = zip((leaf.value for leaf in self.inputs), self.inputs, self._originals, strict=True)
        try:
            result = self._call([_as_float(*each) for each in given])
        except Exception as error:
            if is_raised_by_caller(error):
                error.add_note(f"Raised while jaxgrad ran {self.name} on NumPy arrays.")
                raise
            raise TraceError(self._runs_nowhere(error)) from error
        require_numbers(self.name, result)
        paths, tree = tree_flatten_with_path(result)
        self.returns_jax = any(isinstance(value, jax.Array) for _, value in paths)
        leaves = tuple(
            Leaf(keystr(path), np.shape(value), np.asarray(value).dtype) for path, value in paths
        )
        return leaves, tree

    def _runs_nowhere(self, error: Exception) -> str:
        message = f"{self.name} runs neither under JAX's tracer nor on NumPy arrays: "
        if self.untraced is None:
            return f"{message}{type(error).__name__}: {error}"
        if isinstance(
            error, jax.errors.JAXTypeError | jax.errors.JAXIndexError
        ):  # from a tracer of its own: it is JAX code
            return str(self.untraced)
        return f"{message}{type(error).__name__}: {error}; and {self.untraced}"

    def try_exact(self, system: NumberSystem, inputs: list[Any]) -> None:
        """Marks NumPy code that cannot run over exact numbers as opaque."""
        if self.program is not None:
            return
        try:
            self.over(system, inputs)
        except JaxgradError as error:
            self.opaque = str(error)


def _as_exact(system: NumberSystem, value: Any, leaf: Leaf, original: Any) -> Any:
    """An argument over a number system, for NumPy code to do with as it likes."""
    if not leaf.real:
        return _as_float(value, leaf, original)
    if isinstance(original, float | np.generic):
        taken_for = np.float64 if isinstance(original, float) else np.dtype(leaf.dtype).type
        return NumberScalar(system, value.copy(), leaf.dtype, taken_for)
    return NumberArray(system, laid_out(value.copy(), leaf.value), leaf.dtype)


def _as_float(value: Any, leaf: Leaf, original: Any) -> Any:
    """An argument as NumPy has it: an array of its own, or a scalar where a scalar was given."""
    if isinstance(original, int | str) or not isinstance(value, np.ndarray | np.generic):
        return original if not leaf.real and np.ndim(value) == 0 else value
    if isinstance(original, float):
        return np.float64(value)
    if isinstance(original, np.generic):
        return np.asarray(value)[()]
    return np.array(value)


def make_side(
    name: str, function: Callable[..., Any], args: Sequence[Any], held: Collection[int] = ()
) -> Side:
    """Traces a callable, or else takes it for NumPy code.

    Args:
        name: ``"hand"`` or ``"auto"``.
        function: any callable of ``args``.
        args: pytrees of arrays; leaves that are none are held fixed.
        held: which arguments are held fixed.

    Raises:
        ArgumentError: not callable, or arguments that are no arrays of finite numbers, or results
            that are no numbers.
        TraceError: it runs neither under JAX nor under NumPy.
        NoDerivative, TreeMismatch, ShapeMismatch, DtypeMismatch: what it differentiates has no
            derivative, or a derivative rule that returns the wrong structure.
        Exception: what it raises itself, as it is.
    """
    if not callable(function):
        raise ArgumentError(
            f"{name} is {kind_of(function)}, not a callable; pass the function that "
            "returns the gradient, for example jax.grad(cost), not its value"
        )
    if not args:
        raise ArgumentError("compare needs arguments: the point at which to take both gradients")
    args = parted(hidden(args))
    function = revealing(function, args)
    function = of_parts(function) if has_parts(args) else function
    inputs = arguments(args, parameter_names(function, len(args)), held)
    if not any(leaf.differentiable for leaf in inputs):
        raise ArgumentError(
            "no argument is floating point, so there is nothing to differentiate; "
            f"{_what_is_held(function, args, inputs)}"
        )
    traced = as_given(function, args, held)
    numpy_side = functools.partial(_numpy_side, name, function, args, inputs, held)
    if traced is not function and not _is_traceable(function, args, held):
        exactly = numpy_side()
        if exactly is not None:
            return exactly
    try:
        program = trace(traced, args, name, held)
        if returns_complex([leaf.dtype for leaf in program.outputs]):
            traced = of_parts(traced)
            program = trace(traced, args, name, held)
        require_known_constants(name, program.jaxpr.consts)
        return Side(name, traced, args, inputs, program, held=held)
    except TraceError as error:
        return Side(name, function, args, inputs, None, error, held)
    except JaxgradError:
        raise
    except Exception:  # what NumPy code does to a tracer: x[0] = 0, x.fill(0), x[[0, 1]]
        side = numpy_side()
        if side is None:
            raise
        return side


def _is_traceable(function: Any, args: Sequence[Any], held: Collection[int]) -> bool:
    """Whether JAX can trace a function to which numbers that are held come as arrays.

    Of NumPy code it could trace more with Python's numbers for them, and would round these in it.
    """
    try:
        trace(function, args, held=held)
    except TraceError:
        return False
    except Exception:  # that a static argument is traced, or what comes again with its number
        return True
    return True


def _what_is_held(function: Any, args: Sequence[Any], inputs: Sequence[Leaf]) -> str:
    """What the first leaf is, where nothing is floating point."""
    if inputs:
        own = inputs[0]
        return f"{own.path} has dtype {own.dtype}: convert it with jnp.asarray(x, float)"
    objects = [leaf for leaf in jax.tree.leaves(tuple(args), is_leaf=is_held) if is_held(leaf)]
    if not objects:
        return "there is no array in them"
    [path, *_] = paths_of_held(args, parameter_names(function, len(args)))
    kind = kind_of(objects[0].value)
    return f"argument {path} is {kind}: convert numbers with jnp.asarray(x, float)"


def _numpy_side(
    name: str,
    function: Any,
    args: Sequence[Any],
    inputs: tuple[Leaf, ...],
    held: Collection[int],
) -> Side | None:
    """The callable as NumPy code; None if it is not that."""
    try:
        side = Side(name, function, args, inputs, None, held=held)
    except Exception:
        return None
    return None if side.returns_jax else side
