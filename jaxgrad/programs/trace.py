"""A callable as a program: its jaxpr, its trees, and names for every leaf."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import keystr, tree_flatten_with_path

from jaxgrad.errors import ArgumentError, NonFiniteInput, kind_of
from jaxgrad.programs.array_constants import with_array_constants
from jaxgrad.programs.jax_errors import errors_named
from jaxgrad.programs.mutable_arrays import without_references
from jaxgrad.programs.pallas_kernels import runnable
from jaxgrad.programs.readers import register_readers
from jaxgrad.programs.rounded_constants import with_rounded_constants
from jaxgrad.programs.vmap_watch import rules_named

__all__ = ["Leaf", "Program", "anew", "arguments", "is_differentiable", "require_function", "trace"]

register_readers()


@dataclass(frozen=True)
class Leaf:
    """One leaf of a tree: its key path, shape, dtype and, for an argument, its value.

    Args:
        path: the key path, e.g. ``params[0][1]``.
        value: the NumPy value of an argument leaf; None for an output.
        held: whether it is held fixed, whatever its dtype.
    """

    path: str
    shape: tuple[int, ...]
    dtype: Any
    value: Any = None
    held: bool = False

    @property
    def real(self) -> bool:
        """Whether the leaf holds floating-point numbers."""
        return is_differentiable(self.dtype)

    @property
    def differentiable(self) -> bool:
        """Whether these are variables."""
        return self.real and not self.held


@dataclass(frozen=True)
class Program:
    """A traced callable.

    Args:
        jaxpr: the closed jaxpr over the flattened arguments.
        inputs: a leaf for each input variable, with the values it was traced with.
        outputs: a leaf for each output.
        out_tree: the tree of the outputs.
        stateful: the same with the references that were taken out of it, if there were any.
    """

    jaxpr: Any
    inputs: tuple[Leaf, ...]
    outputs: tuple[Leaf, ...]
    out_tree: Any
    stateful: Any = None

    @property
    def as_traced(self) -> Any:
        """What JAX runs and differentiates."""
        return self.jaxpr if self.stateful is None else self.stateful


@functools.cache
def is_differentiable(dtype: Any) -> bool:
    """Whether arrays of this dtype hold floating-point numbers, bfloat16 and 8-bit floats included.

    Example:
        >>> is_differentiable(np.dtype("float32")), is_differentiable(np.dtype("int32"))
        (True, False)
    """
    return bool(jnp.issubdtype(dtype, np.floating))


def parameter_names(function: Callable[..., Any], count: int) -> list[str]:
    """The names of the first ``count`` positional parameters, for key paths."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [parameter.name for parameter in parameters if parameter.kind in positional]
    return [names[i] if i < len(names) else f"args[{i}]" for i in range(count)]


def arguments(
    args: Sequence[Any], names: Sequence[str], held: Collection[int] = (), finite: bool = True
) -> tuple[Leaf, ...]:
    """The leaves of the positional arguments, each checked to be finite numbers.

    Args:
        args: pytrees of arrays.
        names: one name for each argument, the start of its leaves' key paths.
        held: which arguments are held fixed.
        finite: whether they have to be, those that are not held.

    Raises:
        ArgumentError: a leaf is not an array of numbers, or is complex; or some arguments are held
            and another one holds nothing that is floating point.
        NonFiniteInput: a floating-point leaf holds NaN or an infinity.

    Example:
        >>> [leaf.path for leaf in arguments([{"w": np.ones(2)}], ["params"])]
        ["params['w']"]
    """
    leaves = []
    for i, (argument, name) in enumerate(zip(args, names, strict=True)):
        paths = tree_flatten_with_path(argument)[0]
        required = finite and i not in held
        own = [_argument_leaf(name + keystr(path), value, required) for path, value in paths]
        if held and i not in held and not any(leaf.real for leaf in own):
            raise ArgumentError(
                f"argnums names argument {i}, {name}, in which nothing is floating point; convert "
                f"it with jnp.asarray({name}, float), or name another one"
            )
        leaves += [replace(leaf, held=True) for leaf in own] if i in held else own
    return tuple(leaves)


def _argument_leaf(path: str, value: Any, finite: bool) -> Leaf:
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        return Leaf(path, value.shape, value.dtype, value)
    try:
        aval = jax.typeof(value)
    except TypeError as error:
        raise ArgumentError(
            f"argument {path} is {kind_of(value)}, which is not an array of numbers; "
            "pass arrays or Python numbers, and close over everything else" + _registered(value)
        ) from error
    if jnp.issubdtype(aval.dtype, np.complexfloating):
        raise ArgumentError(
            f"argument {path} has dtype {aval.dtype}, and is asked for as real numbers here; "
            "pass real and imaginary parts as two arrays"
        )
    # Cast to what JAX will trace with: a float64 NumPy array is float32 while x64 is off.
    concrete = _values(path, value).astype(aval.dtype)
    if finite and is_differentiable(aval.dtype):
        bad = np.argwhere(~np.isfinite(concrete.astype(np.float64)))
        if len(bad):
            index = tuple(int(i) for i in bad[0])
            raise NonFiniteInput(
                f"argument {path}{list(index) if index else ''} is {concrete[index]}; "
                "derivatives are compared at real numbers, so replace it by a finite value "
                f"({len(bad)} such entr{'y' if len(bad) == 1 else 'ies'} in this leaf)"
            )
    return Leaf(path, aval.shape, aval.dtype, concrete)


def _values(path: str, value: Any) -> np.ndarray:
    """The numbers of an array; of its shape alone, or of one that is deleted, there are none."""
    try:
        found = np.asarray(value)
        if found.dtype == object:  # what NumPy makes of an object that it does not know
            raise TypeError(f"{kind_of(value)} is not made of numbers")
    except (TypeError, ValueError, RuntimeError) as error:
        first = (str(error).splitlines() or [""])[0]
        raise ArgumentError(
            f"argument {path} ({type(value).__name__}) has no values to look at ({first:.100}); "
            f"give an array of numbers of its shape, such as jnp.ones({path}.shape)"
        ) from error
    return found


def _registered(value: Any) -> str:
    """What to do with an object of a class of the caller's that holds arrays."""
    known = ("__dict__", "__dataclass_fields__")
    if not any(hasattr(value, name) for name in known) or hasattr(value, "dtype"):
        return ""
    return ", or register the class as a pytree (jax.tree_util.register_dataclass)"


def require_function(function: Any, side: str) -> None:
    """Refuses what returns no value when it is called.

    Args:
        function: what may be one.
        side: what it is called in the message.

    Raises:
        ArgumentError: it is no function, or written with ``async`` or ``yield``.
    """
    if not callable(function):
        raise ArgumentError(f"{side} is {function!r:.60}, not a function: give it uncalled")
    kinds = {
        "`async def`": inspect.iscoroutinefunction(function),
        "`yield`": inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function),
    }
    for kind, found in kinds.items():
        if found:
            raise ArgumentError(
                f"{side} is written with {kind}, so that a call returns no numbers; write it with "
                "`def` and `return`"
            )


def anew(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as another object: what JAX traced of one before, it does not trace again.

    A rule may have been mended since then, or a global number changed.

    Example:
        >>> scale = 1.0
        >>> def scaled(x):
        ...     return scale * x
        >>> before, scale = jax.jit(anew(scaled))(1.0), 2.0
        >>> print(before, jax.jit(anew(scaled))(1.0))
        1.0 2.0
    """

    @functools.wraps(function)
    def called(*args: Any) -> Any:
        return function(*args)

    return called


def trace(
    function: Callable[..., Any],
    args: Sequence[Any],
    side: str = "the function",
    held: Collection[int] = (),
    finite: bool = True,
) -> Program:
    """Traces a callable to its jaxpr.

    Args:
        function: takes the arguments ``args``, returns a pytree of arrays.
        args: pytrees of arrays; floating-point leaves become real variables, all other leaves
            are held fixed at their values.
        side: what to call the function in an error message.
        held: which arguments are held fixed, the floating-point leaves in them, too.
        finite: whether the arguments have to be real numbers.

    Raises:
        ArgumentError, NonFiniteInput: see :func:`arguments`; or it is no function, or one that is
            written with ``async`` or ``yield``.
        NoDerivative: JAX has no derivative of something that the function differentiates.
        TreeMismatch, ShapeMismatch, DtypeMismatch: a custom rule returns the wrong structure, one
            for batches included.
        TraceError: the function is not made of JAX operations, or calls are nested too deeply.
        Exception: what the function itself raises, as it is.

    Example:
        >>> program = trace(jax.grad(lambda x: x**2), (3.0,))
        >>> [leaf.path for leaf in program.inputs], len(program.outputs)
        (['x'], 1)
    """
    require_function(function, side)
    inputs = arguments(args, parameter_names(function, len(args)), held, finite)
    with errors_named(side, function, args), rules_named(function, args):
        jaxpr, shapes = jax.make_jaxpr(anew(function), return_shape=True)(*args)
    paths, out_tree = tree_flatten_with_path(shapes)
    outputs = tuple(Leaf(keystr(path), tuple(s.shape), s.dtype) for path, s in paths)
    traced = with_array_constants(with_rounded_constants(runnable(jaxpr)))
    read = without_references(traced)
    return Program(read, inputs, outputs, out_tree, None if read is traced else traced)
