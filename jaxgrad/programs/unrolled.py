"""A program without the loops, calls and branches that no input has a part in.

What a kernel computes of the place of its block in the grid is the same whatever the numbers in the
block are: it is computed once, and not with every evaluation of the kernel.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer

from jaxgrad.programs.evaluated import bind, evaluated
from jaxgrad.programs.jaxprs import inner_jaxpr, while_parts

__all__ = ["unrolled"]

# Longer programs keep their loops.
MOST_EQUATIONS = 20_000
_CALLS = ("jit", "closed_call", "call")


_ENTRIES = lax.GatherDimensionNumbers(
    offset_dims=(), collapsed_slice_dims=(0,), start_index_map=(0,)
)


class _TooLong(Exception):
    pass


def unrolled(closed: Any) -> Any:
    """The same program, with all that is known of it done; as it is where that is too long.

    Args:
        closed: a closed jaxpr.

    Example:
        >>> loop = lambda x: jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, -c[1]), x)
        >>> closed = jax.make_jaxpr(lambda x: loop((0, x)))(1.0)
        >>> [equation.primitive.name for equation in unrolled(closed).eqns]
        ['neg', 'neg', 'neg']
    """
    inputs = [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in closed.in_avals]
    try:
        return jax.make_jaxpr(_Unrolling(closed).run)(*inputs)
    except _TooLong:
        return closed


class _Memory:
    """An array of which blocks were written, one after the other, and not read as a whole since.

    Args:
        base: what was there before.
    """

    def __init__(self, base: Any) -> None:
        self.shape, self.dtype = base.shape, base.dtype
        self._base, self._blocks = base, {}
        # Of each entry which block it is in, 0 for the base, and where in that.
        self._of = np.zeros(self.shape, np.int64)
        self._at = np.arange(math.prod(self.shape)).reshape(self.shape)

    def written(self, block: Any, window: tuple[slice, ...]) -> _Memory:
        """The array with a block in a window."""
        new = copy.copy(self)
        new._blocks, new._of, new._at = dict(self._blocks), self._of.copy(), self._at.copy()
        number = max(self._blocks, default=0) + 1
        new._blocks[number] = block
        new._of[window], new._at[window] = number, np.arange(block.size).reshape(block.shape)
        new._blocks = {k: x for k, x in new._blocks.items() if k in new._of}
        return new

    def read(self, window: tuple[slice, ...]) -> Any:
        """What is in a window: a block that was written there, or entries of several."""
        of, at = self._of[window], self._at[window]
        numbers = np.unique(of)
        if not numbers.any():
            return _block(self._base, window)
        block = self._blocks.get(numbers[0]) if len(numbers) == 1 else None
        if block is not None and np.array_equal(at.reshape(-1), np.arange(block.size)):
            return block.reshape(of.shape)
        parts = {k: (self._blocks[k] if k else self._base).reshape(-1) for k in numbers.tolist()}
        first, ends = {}, 0
        for k, part in parts.items():
            first[k], ends = ends, ends + part.size
        places = at + np.vectorize(first.get, otypes=[np.int64])(of) if of.size else at
        flat = lax.concatenate([jnp.asarray(part) for part in parts.values()], 0)
        return lax.gather(flat, places.astype(np.int32)[..., None], _ENTRIES, (1,), mode="fill")


class _Unrolling:
    def __init__(self, closed: Any) -> None:
        self._closed, self._met = closed, 0

    def run(self, *inputs: Any) -> list[Any]:
        return [_whole(x) for x in self._evaluated(self._closed, inputs)]

    def _evaluated(self, program: Any, inputs: Sequence[Any]) -> list[Any]:
        return evaluated(program, inputs, self._apply, _as_array)

    def _apply(self, equation: Any, values: list[Any]) -> Sequence[Any]:
        self._met += 1
        if self._met > MOST_EQUATIONS:
            raise _TooLong
        name, params = equation.primitive.name, equation.params
        if name == "dynamic_slice" and all(map(_is_known, values[1:])):
            return [self._sliced(values[0], values[1:], params["slice_sizes"])]
        if name == "dynamic_update_slice" and all(map(_is_known, values[2:])):
            memory = values[0] if isinstance(values[0], _Memory) else _Memory(values[0])
            block = _whole(values[1])
            return [memory.written(block, _window(memory.shape, values[2:], block.shape))]
        if name in _CALLS:
            return self._evaluated(inner_jaxpr(params), values)
        if name == "cond" and _is_known(values[0]):
            branches = params["branches"]
            return self._evaluated(
                branches[int(np.clip(values[0], 0, len(branches) - 1))], values[1:]
            )
        if name == "while":
            return self._loop(equation, values)
        values = [_whole(x) for x in values]
        if not all(map(_is_known, values)):
            return bind(equation, values)
        with jax.ensure_compile_time_eval():
            return [np.asarray(x) for x in bind(equation, values)]

    def _sliced(self, array: Any, starts: Sequence[Any], sizes: tuple[int, ...]) -> Any:
        window = _window(array.shape, starts, sizes)
        return array.read(window) if isinstance(array, _Memory) else _block(array, window)

    def _loop(self, equation: Any, values: list[Any]) -> Sequence[Any]:
        """Turn by turn while it is known whether it goes on, and what is left of it as a loop."""
        params = equation.params
        test_constants, constants, carry = while_parts(params, values)
        while True:
            (condition,) = self._evaluated(params["cond_jaxpr"], [*test_constants, *carry])
            if not _is_known(condition) or np.ndim(condition):
                rest = (*test_constants, *constants, *carry)
                return bind(equation, [_whole(x) for x in rest])
            if not condition:
                return carry
            carry = self._evaluated(params["body_jaxpr"], [*constants, *carry])


def _window(shape: Any, starts: Sequence[Any], sizes: Sequence[int]) -> tuple[slice, ...]:
    """Where a block of these sizes lies, moved into the array as XLA does."""
    firsts = [
        min(max(int(start), 0), n - size)
        for start, n, size in zip(starts, shape, sizes, strict=True)
    ]
    return tuple(slice(first, first + size) for first, size in zip(firsts, sizes, strict=True))


def _block(array: Any, window: tuple[slice, ...]) -> Any:
    limits = [place.indices(n)[:2] for place, n in zip(window, array.shape, strict=True)]
    if all(pair == (0, n) for pair, n in zip(limits, array.shape, strict=True)):
        return array
    return lax.slice(array, [first for first, _ in limits], [last for _, last in limits])


def _whole(value: Any) -> Any:
    return value.read((slice(None),) * len(value.shape)) if isinstance(value, _Memory) else value


def _is_known(value: Any) -> bool:
    return not isinstance(value, Tracer | _Memory)


def _as_array(value: Any, atom: Any) -> Any:
    return value if not _is_known(value) else np.asarray(value, atom.aval.dtype)
