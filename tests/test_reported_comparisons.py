"""Comparisons whose verdict was once wrong, or that ended without one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from numpy_programs import astype_copies, flatten_copies

import jaxgrad
from jaxgrad import Verdict
from jaxgrad.errors import ArgumentError

X3 = np.array([1.0, 2.0, 3.0], np.float32)

X32 = np.arange(6, dtype=np.float32).reshape(3, 2) + 1

PASSES = (Verdict.PROVED, Verdict.AGREES)

NOT_PROVED = (Verdict.AGREES, Verdict.REFUTED, Verdict.UNDECIDED)

FAILS = (Verdict.REFUTED, Verdict.UNDECIDED)


def _huber(x: Any) -> Any:
    return jnp.where(jnp.abs(x) <= 1.0, 0.5 * x * x, jnp.abs(x) - 0.5)


def _transposed(x: Any) -> Any:
    return lax.reshape(x, (2, 3), (1, 0))


def _wrapping(x: Any) -> Any:
    return (jnp.where(x > 0, jnp.int8(100), jnp.int8(-3)) ** 2).astype(jnp.float32)


def _changes_a_view(x: Any) -> Any:
    np.exp(x)
    z = np.reshape(x, (3, 1))
    z[0, 0] = 5.0
    return x * 1


def _counts_two(x: Any) -> Any:
    np.exp(x)
    return ((x > 0) + (x > -1)) * x


def _asks_its_type(x: Any) -> Any:
    np.exp(x)
    return x if isinstance(x, np.ndarray) else 2 * x


def _reduces_from(start: float) -> Callable[[Any], Any]:
    def total(x: Any) -> Any:
        np.exp(x)
        return np.add.reduce(x, initial=start)

    return total


def _truncates(x: Any) -> Any:
    z = np.zeros_like(x, dtype=int)
    z[0] = np.exp(x)[0]
    return z * 1.0


def _copies_first(x: Any) -> Any:
    y = x.copy()
    y[0] = 0
    return y


def _set_first(value: float) -> Callable[[Any], Any]:
    return lambda x: x.at[0].set(value)


def _isnan(function: Any) -> Callable[[Any], Any]:
    return lambda x: jnp.where(jnp.isnan(function(x)), 5.0, 1.0)


def _one(x: Any) -> Any:
    return 1.0 + 0 * x


def _both_signs_of_log(x: Any) -> Any:
    return (jnp.log(x) >= 0) * 1.0 + (jnp.log(x) < 0) * 1.0


def _huber_slope(x: Any) -> Any:
    return jnp.where(jnp.abs(x) <= 1.0, x, jnp.sign(x))


COMPARED: dict[str, tuple[Any, ...]] = {
    # A primitive that transposes while it reshapes.
    "reshape against another": (_transposed, lambda x: x.reshape(2, 3), (X32,), FAILS),
    "reshape": (_transposed, lambda x: x.T.reshape(2, 3), (X32,), PASSES),
    "derivative of prod": (
        lambda x: x[:, ::-1],
        jax.grad(lambda x: jnp.sum(jnp.prod(x, axis=1))),
        (X32,),
        PASSES,
    ),
    "ravel in Fortran order": (
        lambda x: jnp.ravel(x, order="F"), lambda x: x.T.reshape(-1), (X32,), PASSES
    ),
    # NaN is no real number.
    "sqrt of a negative": (_isnan(lambda x: jnp.sqrt(-1 - x * x)), _one, (0.5,), FAILS),
    "log of a negative": (_isnan(jnp.log), _one, (-1.0,), FAILS),
    "signs of log": (_both_signs_of_log, _one, (-1.0,), FAILS),
    "arcsin of 2": (_isnan(jnp.arcsin), _one, (2.0,), FAILS),
    "arctanh of 2": (_isnan(jnp.arctanh), _one, (2.0,), FAILS),
    "root of a negative": (_isnan(lambda x: x**0.3), _one, (-1.0,), FAILS),
    "log of a negative, asked elsewhere": (_isnan(jnp.log), _one, (2.0,), NOT_PROVED),
    "signs of log, asked elsewhere": (_both_signs_of_log, _one, (2.0,), PASSES),
    # Integers wrap around.
    "int8 squared": (_wrapping, lambda x: jnp.where(x > 0, 10000.0, 9.0), (-0.5,), NOT_PROVED),
    "int8 squared, wrapping": (_wrapping, lambda x: jnp.where(x > 0, 10000.0, 9.0), (0.5,), FAILS),
    "int32 cubed": (
        lambda x: (jnp.where(x > 0, 2000, 1) ** 3).astype(jnp.float32),
        lambda x: jnp.where(x > 0, 8e9, 1.0),
        (-0.5,),
        NOT_PROVED,
    ),
    # NumPy's own meaning of NumPy code.
    "flatten copies": (flatten_copies, _set_first(5.0), (X3,), FAILS),
    "flatten copies, rightly": (flatten_copies, lambda x: x, (X3,), PASSES),
    "astype copies": (astype_copies, lambda x: x, (X3,), PASSES),
    "reshape is a view": (_changes_a_view, lambda x: x, (X3,), FAILS),
    "or of booleans": (_counts_two, lambda x: 2 * x, (X3,), FAILS),
    "type of an array": (_asks_its_type, lambda x: 2 * x, (X3,), FAILS),
    "initial of reduce": (_reduces_from(5.0), jnp.sum, (X3,), FAILS),
    "initial of reduce, rightly": (
        _reduces_from(5.0), lambda x: jnp.sum(x) + 5, (X3,), (*PASSES, Verdict.UNDECIDED)
    ),
    "integers truncate": (_truncates, lambda x: x.at[:].set(0).at[0].set(2.7), (X3,), FAILS),
    "a copy first": (
        _copies_first, _set_first(0.0), (X3,), PASSES
    ),
    # Every drawn point was a multiple of 1/8.
    "round to eighths": (lambda x: jnp.round(x * 8) / 8, lambda x: x, (0.5,), (Verdict.REFUTED,)),
    "floor to 256ths": (
        lambda x: jnp.floor(x * 256) / 256, lambda x: x, (0.5,), (Verdict.REFUTED,)
    ),
    "modulo an eighth": (
        lambda x: jnp.mod(x, 0.125) * 1e6, lambda x: 0 * x, (0.5,), (Verdict.REFUTED,)
    ),
    # Crashes and hangs.
    "indicators of two": (
        lambda x, y: jnp.where((x == 0) & (y == 0), 1.0, 0.0),
        lambda x, y: 0 * x,
        (0.5, 0.5),
        (Verdict.AGREES,),
    ),
    "booleans": (lambda x: x > 0, lambda x: x > 0, (1.0,), (*PASSES, Verdict.UNDECIDED)),
    "rounded NaN": (
        lambda x: lax.round(jnp.log(x), lax.RoundingMethod.AWAY_FROM_ZERO),
        lambda x: lax.round(jnp.log(x), lax.RoundingMethod.AWAY_FROM_ZERO),
        (-1.0,),
        FAILS,
    ),
    "maximum of open booleans": (
        lambda x: jnp.max(jnp.stack([jnp.sin(x) ** 2 + jnp.cos(x) ** 2 > 1] * 2)) * x,
        lambda x: 0 * x,
        (0.7,),
        NOT_PROVED,
    ),
    "a loop without end": (
        lambda x: lax.while_loop(lambda c: c > 0, lambda c: c * 0.5, x),
        lambda x: x * 0,
        (0.5,),
        NOT_PROVED,
    ),
    "Huber's slope": (_huber_slope, jax.grad(_huber), (0.3,), PASSES),
    "complex inside": (lambda x: jnp.real(jnp.exp(1j * x)), jnp.cos, (0.5,), PASSES),
    # Numbers that are none, at the given point.
    "NaN against 0": (
        jax.grad(lambda x: jnp.linalg.norm(x) ** 2),
        jax.grad(lambda x: jnp.sum(x * x)),
        (jnp.zeros(2),),
        (Verdict.REFUTED,),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPARED)
def test_compare(name: str) -> None:
    hand, auto, args, expected = COMPARED[name]
    assert jaxgrad.compare(hand, auto, *args).verdict in expected


@pytest.mark.parametrize("nothing", [None, {}, ()], ids=str)
def test_nothing_compared_is_no_theorem(nothing: Any) -> None:
    with pytest.raises(ArgumentError):
        jaxgrad.compare(lambda x: nothing, lambda x: nothing, 1.0)


def test_what_is_left_out_of_a_proof_is_said_truly() -> None:
    text = str(jaxgrad.compare(lambda x: jnp.exp(jnp.log(x)), lambda x: x, 2.0))
    assert "PROVED" in text and "positive" in text and "vanishes (x)" not in text


@pytest.mark.parametrize(
    "rounded",
    [
        lambda x: x.astype(jnp.float16).astype(x.dtype),
        lambda x: x.astype(jnp.bfloat16).astype(jnp.float16).astype(x.dtype),
        lambda x: lax.reduce_precision(x, 8, 3),
    ],
)
def test_of_casts_it_is_said_that_a_formula_has_no_roundings(rounded: Callable[..., Any]) -> None:
    """In floats the two sides are 2⁻¹¹ apart, or more, which ``floats`` asks of each."""
    said = "; roundings to fewer bits in {} are read as the identity"
    x = jnp.array([0.1, 0.7], jnp.float32)
    found = jaxgrad.compare(lambda x: 2 * rounded(x), lambda x: x + x, x)
    assert found.verdict is Verdict.PROVED
    assert found.evidence.text.endswith(said.format("hand"))
    both = jaxgrad.compare(lambda x: 2 * rounded(x), lambda x: rounded(x) + rounded(x), x)
    assert both.evidence.text.endswith(said.format("hand and auto"))
    half = jaxgrad.compare(lambda x: 2 * x, lambda x: x + x, x.astype(jnp.float16))
    assert half.verdict is Verdict.PROVED and "roundings" not in half.evidence.text
    wrong = jaxgrad.compare(lambda x: 3 * rounded(x), lambda x: x + x, x)
    assert wrong.verdict is Verdict.REFUTED


def test_of_casts_it_is_said_where_points_agree_as_well() -> None:
    x = jnp.array([0.1, 0.7], jnp.float32)
    hand = lambda x: jnp.sort(x.astype(jnp.float16).astype(x.dtype))  # noqa: E731
    found = jaxgrad.compare(hand, lambda x: jnp.sort(x)[::-1][::-1] * jnp.float32(1 + 2**-23), x)
    assert found.verdict is Verdict.AGREES
    assert "; roundings to fewer bits in hand are read as the identity" in found.evidence.text
