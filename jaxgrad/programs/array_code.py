"""A large array as a short expression of its exact numbers, where there is one."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

__all__ = ["MOST_ENTRIES", "large_array"]

# Up to so many numbers are written one by one: of float32 that is about 4000 characters.
MOST_ENTRIES = 200
# So many entries are named that differ from all others.
FEW = 3
# What directions and cotangents are drawn by (``gradients/rules/directions.py``), of one leaf.
DRAWN = (
    "(lambda r: (r.integers(2**29, 2**30, {shape}) / 2**30 * r.choice([-1, 1], {shape}))"
    ".astype({dtype}))(np.random.default_rng({seed}))"
)
SEEDS = (0, 1)


def large_array(array: np.ndarray, dtype: str) -> str:
    """Source whose value is the array, to the last bit.

    Args:
        array: of numbers or booleans.
        dtype: its dtype in source, of NumPy or of ``jax.numpy``.

    Example:
        >>> large_array(np.zeros((64, 64), np.float32), "np.float32")
        'np.full((64, 64), 0.0, np.float32)'
        >>> large_array(np.linspace(0, 1, 500), "np.float64")
        'np.linspace(0.0, 1.0, 500, dtype=np.float64)'
        >>> large_array((np.arange(400) == 17).astype(np.int32), "np.int32")
        'np.where(np.arange(400) == 17, 1, 0).astype(np.int32)'
    """
    written = next((text for text in _expressions(array, dtype) if _is(text, array)), None)
    text = _as_bytes(array, dtype) if written is None else written
    return text if dtype.startswith("np.") else f"jnp.asarray({text})"


def _is(text: str, array: np.ndarray) -> bool:
    """Whether the value of an expression is the array, signs of zeros and NaNs included."""
    try:
        with np.errstate(all="ignore"):
            found = eval(text, {"np": np, "jnp": jnp})
    except (TypeError, ValueError, OverflowError):
        return False
    same = found.dtype == array.dtype and found.shape == array.shape
    return same and found.tobytes() == array.tobytes()


def _expressions(array: np.ndarray, dtype: str) -> Iterator[str]:
    """What it may be: all the same, evenly spaced, the same but for a few, or drawn here."""
    flat = array.reshape(-1)
    values, counts = np.unique(flat, return_counts=True)
    first, last = _number(flat[0]), _number(flat[-1])
    shaped = "" if array.ndim == 1 else f".reshape({array.shape})"
    if len(values) == 1:
        yield f"np.full({array.shape}, {first}, {dtype})"
    if len(values) == len(flat):
        yield f"np.linspace({first}, {last}, {len(flat)}, dtype={dtype}){shaped}"
    common = values[counts.argmax()]
    others = np.flatnonzero(flat != common)
    if 0 < len(others) <= FEW:
        text = _number(common)
        for i in others:
            text = f"np.where(np.arange({len(flat)}){shaped} == {i}, {_number(flat[i])}, {text})"
        yield f"{text}.astype({dtype})"
    if array.dtype.kind == "f" and ((abs(flat) >= 0.5) & (abs(flat) <= 1)).all():
        for seed in SEEDS:
            yield DRAWN.format(shape=array.shape, dtype=dtype, seed=seed)


def _number(value: Any) -> str:
    number = value.item() if value.dtype.kind in "biufc" else float(value)
    return repr(number).replace("inf", "np.inf").replace("nan", "np.nan")


def _as_bytes(array: np.ndarray, dtype: str) -> str:
    """Its bytes as text, which is a quarter as long as its numbers; packed where that is half as
    long again."""
    plain = array.tobytes()
    packed = zlib.compress(plain, 9)
    short = len(packed) < len(plain) / 2
    text = base64.b64encode(packed if short else plain).decode()
    text = f"__import__('base64').b64decode('{text}')"
    if short:
        text = f"__import__('zlib').decompress({text})"
    shaped = "" if array.ndim == 1 else f".reshape({array.shape})"
    return f"np.frombuffer({text}, {dtype}){shaped}.copy()"
