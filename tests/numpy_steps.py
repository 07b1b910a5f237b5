"""Random NumPy code: steps that read and write a few arrays, and views of them, in any order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

Store = list[Any]
# A step takes the arrays and three numbers that say which ones and where, and may add an array.
Step = Callable[[Store, int, int, int], Any]


def _pick(arrays: Store, k: int) -> Any:
    return arrays[k % len(arrays)]


def _axis(x: Any, k: int) -> int:
    return k % max(np.ndim(x), 1)


def _unary(f: Callable[[Any], Any]) -> Step:
    return lambda arrays, i, j, k: f(_pick(arrays, i))


def _binary(f: Callable[[Any, Any], Any]) -> Step:
    return lambda arrays, i, j, k: f(_pick(arrays, i), _pick(arrays, j))


def _along(f: Callable[[Any, int], Any]) -> Step:
    return lambda arrays, i, j, k: f(_pick(arrays, i), _axis(_pick(arrays, i), k))


def _write(f: Callable[[Any, Any, int], Any]) -> Step:
    def step(arrays: Store, i: int, j: int, k: int) -> None:
        f(_pick(arrays, i), _pick(arrays, j), k)

    return step


def _set(x: Any, index: Any, value: Any) -> None:
    x[index] = value


def _iadd(x: Any, y: Any, k: int) -> None:
    x += y


def _isub(x: Any, y: Any, k: int) -> None:
    x -= y


def _imul(x: Any, y: Any, k: int) -> None:
    x *= y


def _ior(x: Any, y: Any, k: int) -> None:
    x |= y


STEPS: dict[str, Step] = {
    # views and copies
    "T": _unary(lambda x: x.T),
    "ravel": _unary(np.ravel),
    "x.ravel": _unary(lambda x: x.ravel()),
    "flatten": _unary(lambda x: x.flatten()),
    "reshape": _unary(lambda x: np.reshape(x, -1)),
    "x.reshape": _unary(lambda x: x.reshape(2, -1)),
    "squeeze": _unary(np.squeeze),
    "atleast_2d": _unary(np.atleast_2d),
    "row": lambda arrays, i, j, k: _pick(arrays, i)[k % len(_pick(arrays, i))],
    "slice": lambda arrays, i, j, k: _pick(arrays, i)[k % 2 :: 1 + k % 3],
    "columns": lambda arrays, i, j, k: _pick(arrays, i)[..., :: -1 if k % 2 else 2],
    "newaxis": _unary(lambda x: x[:, None]),
    "list index": lambda arrays, i, j, k: _pick(arrays, i)[[0, k % len(_pick(arrays, i))]],
    "mask index": _unary(lambda x: x[x > 0]),
    "swapaxes": _along(lambda x, a: np.swapaxes(x, 0, a)),
    "moveaxis": _along(lambda x, a: np.moveaxis(x, a, 0)),
    "flip": _along(np.flip),
    "diagonal": _unary(lambda x: np.einsum("ii->i", x)),
    "copy": _unary(lambda x: x.copy()),
    "np.copy": _unary(np.copy),
    "astype": _unary(lambda x: x.astype(np.float64)),
    "astype, not copied": _unary(lambda x: x.astype(np.float64, copy=False)),
    "astype bool": _unary(lambda x: x.astype(bool)),
    "asarray": _unary(np.asarray),
    "array": _unary(np.array),
    "split": _unary(lambda x: np.array_split(x, 2)[1]),
    "roll": _along(lambda x, a: np.roll(x, 1, axis=a)),
    "repeat": _along(lambda x, a: np.repeat(x, 2, axis=a)),
    "concatenate": _binary(lambda x, y: np.concatenate([x, y])),
    "append": _binary(np.append),
    "stack": _binary(lambda x, y: np.stack([x, y])),
    "pad": _unary(lambda x: np.pad(x, 1)),
    "tril": _unary(np.tril),
    "take": lambda arrays, i, j, k: np.take(_pick(arrays, i), [0, k % 2], axis=0),
    "zeros_like": _unary(np.zeros_like),
    "ones_like bool": _unary(lambda x: np.ones_like(x, dtype=bool)),
    "full_like": lambda arrays, i, j, k: np.full_like(_pick(arrays, i), k / 4),
    "list of rows": _unary(lambda x: np.array([x[0], x[-1]])),
    # arithmetic
    "add": _binary(np.add),
    "subtract": _binary(np.subtract),
    "multiply": _binary(np.multiply),
    "multiply by a constant": lambda arrays, i, j, k: _pick(arrays, i) * (k / 8),
    "subtract from an integer": lambda arrays, i, j, k: k - _pick(arrays, i),
    "divide": _unary(lambda x: 1 / (4 + np.abs(x))),
    "matmul": _binary(np.matmul),
    "dot": _binary(np.dot),
    "outer": _binary(np.outer),
    "negative": _unary(np.negative),
    "square": _unary(lambda x: x**2),
    "tanh": _unary(np.tanh),
    "maximum": _binary(np.maximum),
    "minimum": _binary(np.minimum),
    "sign": _unary(np.sign),
    "floor": _unary(np.floor),
    "clip": _unary(lambda x: np.clip(x, -1, 0.5)),
    # truth values
    "greater": _binary(np.greater),
    "less_equal": lambda arrays, i, j, k: _pick(arrays, i) <= k / 8,
    "equal": _binary(lambda x, y: x == y),
    "invert": _unary(np.invert),
    "and": _binary(np.logical_and),
    "or": _binary(lambda x, y: x | y),
    "xor": _binary(np.logical_xor),
    "where": _binary(lambda x, y: np.where(x > y, x, y)),
    "where mask": _binary(lambda x, y: np.where(x, y, 1.5)),
    # reductions
    "sum": _along(lambda x, a: x.sum(axis=a)),
    "total": _unary(np.sum),
    "sum, kept": _along(lambda x, a: np.sum(x, axis=a, keepdims=True)),
    "sum where": _unary(lambda x: np.sum(x, where=x > 0, initial=1)),
    "mean": _along(np.mean),
    "max": _along(np.max),
    "prod": _along(np.prod),
    "any": _along(np.any),
    "all": _along(np.all),
    "cumsum": _along(np.cumsum),
    "sort": _unary(np.sort),
    "argmax": _along(lambda x, a: np.argmax(x, axis=a) * 0.5),
    # in place
    "set": _write(lambda x, y, k: _set(x, k % len(x), y)),
    "set all": _write(lambda x, y, k: _set(x, ..., y)),
    "set a number": _write(lambda x, y, k: _set(x, (0,) * np.ndim(x), k / 8)),
    "set where": _write(lambda x, y, k: _set(x, x > k / 8, 0)),
    "set rows": _write(lambda x, y, k: _set(x, [0, k % len(x)], y)),
    "set from its own": _write(lambda x, y, k: _set(x, slice(1, None), x[:-1])),
    "iadd": _write(_iadd),
    "isub": _write(_isub),
    "imul": _write(_imul),
    "ior": _write(_ior),
    "iadd a slice": _write(lambda x, y, k: _iadd(x[k % 2 :], y, k)),
    "add.at": _write(lambda x, y, k: np.add.at(x, [0, 0, k % len(x)], y)),
    "out": _write(lambda x, y, k: np.add(x, y, out=x)),
    "maximum out": _write(lambda x, y, k: np.maximum(y, 0, out=x)),
    "sum out": _write(lambda x, y, k: np.sum(y, axis=0, out=x)),
    "out where": _write(lambda x, y, k: np.multiply(x, 2, out=x, where=y > 0)),
    "copyto": _write(lambda x, y, k: np.copyto(x, y)),
    "x.sort": _write(lambda x, y, k: x.sort()),
    "fill": _write(lambda x, y, k: x.fill(k)),
    "put": _write(lambda x, y, k: np.put(x, [k % x.size], y)),
}

# Arrays stay small however often they are stacked.
LARGEST = 64
# So that sums and products of numbers in eighths are exact in float64, for the most part.
LARGE = 1e6

Code = list[tuple[str, int, int, int]]


def codes(length: int) -> st.SearchStrategy[Code]:
    number = st.integers(0, 7)
    step = st.tuples(st.sampled_from(list(STEPS)), number, number, number)
    return st.lists(step, min_size=1, max_size=length)


def runnable(code: Code, args: tuple[Any, ...]) -> Code:
    """The steps that NumPy takes: no wrong shapes, nothing infinite, no array too large."""
    kept: Code = []
    for step in code:
        with np.errstate(all="ignore"):
            try:
                arrays = run([*kept, step], *(np.copy(x) for x in args))
            except (TypeError, ValueError, IndexError, ZeroDivisionError):
                continue
        if all(np.size(x) <= LARGEST and np.all(np.abs(np.float64(1) * x) < LARGE) for x in arrays):
            kept.append(step)
    return kept


def run(code: Code, *args: Any) -> Store:
    """The arrays after the steps."""
    arrays = list(args)
    for name, i, j, k in code:
        made = STEPS[name](arrays, i, j, k)
        if made is not None:
            arrays.append(made)
    return arrays
