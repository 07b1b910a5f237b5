"""JAX's derivatives of a function in one dtype, compiled once and run at many points."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import tree_structure, tree_unflatten

from jaxgrad.errors import JaxgradError, NoDerivative
from jaxgrad.gradients.floats.arithmetic import Arithmetic
from jaxgrad.gradients.rules.derivative_programs import Derivatives
from jaxgrad.gradients.rules.derived import Derived
from jaxgrad.gradients.rules.directions import Direction, Unit, drawn
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.programs.held import cast_held
from jaxgrad.programs.jaxprs import operations
from jaxgrad.programs.trace import Leaf

__all__ = [
    "Compiled",
    "compile_derivatives",
    "in_dtype",
    "precise_enough",
    "refusals",
    "representable",
    "signs",
]

# Each output leaf of up to this many entries has a gradient of its own for every entry, and each
# input leaf a unit direction for every entry; larger ones have one drawn vector of ±1.
FEW_ENTRIES = 16
# Trees of up to this many leaves are taken leaf by leaf, a compilation for each, so that no leaf is
# weighed by a 0 that would make NaN of an infinite slope; larger ones all leaves at once.
FEW_LEAVES = 4
# Numbers that one call may hold at once: 2^24 float64 are 128 MiB.
MOST_NUMBERS = 2**24


def precise_enough(dtype: Any) -> contextlib.AbstractContextManager[Any]:
    """A block in which JAX has the dtype: float64 needs its 64 bits switched on."""
    if dtype is not None and np.dtype(dtype) == np.float64:
        return jax.enable_x64(True)
    return contextlib.nullcontext()


def in_dtype(
    primal: Primal,
    dtype: Any,
    values: Sequence[np.ndarray] | None = None,
    domain: Callable[..., Any] | None = None,
) -> Primal:
    """The function traced anew with every floating-point leaf in a dtype, those that are held, too;
    None for their own.

    Args:
        primal: the function.
        dtype: of its floating-point leaves.
        values: of those by which is differentiated, rounded to the dtype; the given ones if None.
        domain: of the function in that dtype.

    Raises:
        Exception: what the function raises that does not take this dtype, or JAX of it.
    """
    if _is_own(primal, dtype):
        return primal
    if domain is None and values is None and dtype in primal.casts:
        return primal.casts[dtype]
    places = iter(primal.point if values is None else values)
    given = [next(places) if x.differentiable else x.value for x in primal.program.inputs]
    leaves = [
        representable(value, dtype) if leaf.real else value
        for leaf, value in zip(primal.program.inputs, given, strict=True)
    ]
    args = tree_unflatten(tree_structure(primal.args), leaves)
    args = cast_held(args, functools.partial(representable, dtype=dtype))
    held = primal.held_arguments
    cast = Primal(primal.function, args, primal.reference, held=held, domain=domain)
    if domain is None and values is None:
        primal.casts[dtype] = cast
    return cast


def refusals(primal: Primal, dtype: Any) -> tuple[type[Exception], ...]:
    """What a function, or a rule of it, may raise where it is asked for its floats in a dtype.

    Of a dtype that is not its own nobody knows whether it takes it, and it may say so as it likes.
    """
    return (JaxgradError, TypeError, ValueError) if _is_own(primal, dtype) else (Exception,)


def _is_own(primal: Primal, dtype: Any) -> bool:
    real = [leaf for leaf in primal.program.inputs if leaf.real]
    return dtype is None or all(np.dtype(leaf.dtype) == np.dtype(dtype) for leaf in real)


def representable(values: Any, dtype: Any) -> np.ndarray:
    """The nearest finite floats of a dtype, 0 for those that XLA would flush.

    Example:
        >>> representable(np.array([1e-40, 0.1, 1e9]), np.float16).tolist()
        [0.0, 0.0999755859375, 65504.0]
    """
    limits = jnp.finfo(dtype)
    numbers = np.asarray(values).astype(np.float64)
    bounded = np.clip(numbers, float(limits.min), float(limits.max)).astype(dtype)
    normal = np.abs(bounded.astype(np.float64)) >= float(limits.smallest_normal)
    return np.where(normal, bounded, np.zeros((), dtype))


@dataclass(frozen=True)
class Compiled:
    """A derivative program, its seeds, and what its arithmetic is like.

    Args:
        mode: ``"fwd"`` or ``"rev"``.
        primal: the function in the dtype.
        slopes: of the point and the seed.
        seeds: directions (fwd) or cotangents (rev).
        leaf: the only input leaf that moves (fwd) or output leaf that is weighed (rev), or None.
    """

    mode: str
    primal: Primal
    slopes: Derived
    seeds: tuple[Direction, ...]
    leaf: int | None

    @cached_property
    def arithmetic(self) -> Arithmetic:
        """What rounding is in it."""
        return Arithmetic.of(self.slopes.program)

    @cached_property
    def cost(self) -> int:
        """About how many operations one evaluation takes."""
        return operations(self.slopes.program.jaxpr.jaxpr)

    def arrays(self, seed: Direction) -> tuple[np.ndarray, ...]:
        """A seed as the arguments that the program takes."""
        leaves = seed.leaves if self.leaf is None else [seed.leaves[self.leaf]]
        like = self.slopes.args[1]
        return tuple(np.asarray(v, x.dtype) for v, x in zip(leaves, like, strict=True))

    def single(self, point: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The compiled program at one point: for each output shape (1, seeds, …)."""
        rows = [self._jitted(tuple(point), self.arrays(seed)) for seed in self.seeds]
        return [np.asarray([leaf], np.float64) for leaf in zip(*rows, strict=True)]

    @cached_property
    def _jitted(self) -> Callable[..., Any]:
        return jax.jit(lambda x, w: jax.tree.leaves(self.slopes.function(x, w)))

    def batch(self, points: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
        """The same under vmap over points and seeds: for each output shape (points, seeds, …)."""
        rows = max(1, MOST_NUMBERS // (self.cost * len(self.seeds)))
        seeds = tuple(map(np.stack, zip(*map(self.arrays, self.seeds), strict=True)))
        function = jax.jit(jax.vmap(jax.vmap(self.slopes.function, (None, 0)), (0, None)))
        parts = []
        for start in range(0, len(points), rows):
            chosen = list(points[start : start + rows])
            missing = min(rows, len(points)) - len(chosen)  # so that all calls compile once
            stacked = tuple(map(np.stack, zip(*chosen, *[chosen[-1]] * missing, strict=True)))
            found = jax.tree.leaves(function(stacked, seeds))
            parts.append([np.asarray(leaf, np.float64)[: len(chosen)] for leaf in found])
        return [np.concatenate(leaf) for leaf in zip(*parts, strict=True)]

    def entry(
        self, seed: Direction, output: int, index: tuple[int, ...]
    ) -> tuple[Direction, Direction]:
        """The direction and the cotangent of one number that the program returns."""
        if self.mode == "fwd":
            return seed, Unit([leaf.shape for leaf in self.primal.outputs], output, index)
        return Unit([leaf.shape for leaf in self.primal.inputs], output, index), seed


def compile_derivatives(primal: Primal, mode: str) -> list[Compiled]:
    """The derivative programs of one mode whose numbers make up the Jacobian, or samples of it.

    None in forward mode where a ``custom_vjp`` rule stands in its way.
    """
    programs, found = Derivatives(primal), []
    for leaf, seeds in _seeds(primal.inputs if mode == "fwd" else primal.outputs):
        try:
            slopes = programs.slopes(mode, leaf)
        except NoDerivative:
            if mode == "fwd":
                return []
            raise
        found.append(Compiled(mode, primal, slopes, seeds, leaf))
    return found


def _seeds(leaves: Sequence[Leaf]) -> Iterator[tuple[int | None, tuple[Direction, ...]]]:
    """The only leaf that moves or is weighed, if it is one, and what along."""
    shapes = [leaf.shape for leaf in leaves]
    if len(leaves) > FEW_LEAVES:
        yield None, (signs(shapes, None),)
        return
    for i, shape in enumerate(shapes):
        few = math.prod(shape) <= FEW_ENTRIES
        units = tuple(Unit(shapes, i, index) for index in np.ndindex(shape)) if few else ()
        if math.prod(shape):
            yield i, units or (signs(shapes, i),)


def signs(shapes: Sequence[tuple[int, ...]], leaf: int | None) -> Direction:
    """A drawn vector of ±1, which every dtype holds."""
    return Direction([np.sign(part) for part in drawn(shapes, 0, leaf).leaves])
