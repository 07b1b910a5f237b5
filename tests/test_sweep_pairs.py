"""Every pair of two narrow floats is visited once, and a planted error at one of them is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from float_support import numbers_of
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxgrad
from jaxgrad.errors import ArgumentError, JaxgradError, TraceError
from jaxgrad.evidence import sweep_pairs as module
from jaxgrad.evidence.float_formats import Float, format_of
from jaxgrad.verdict import Verdict

E5M2, E4M3 = "float8_e5m2", "float8_e4m3fn"
NARROW = (E5M2, E4M3)


def test_counts_are_those_of_numpy() -> None:
    first, second = map(format_of, NARROW)
    found = jaxgrad.sweep_pairs(
        lambda x, y: x.astype(jnp.float32) * y.astype(jnp.float32),
        NARROW,
        lambda x, y, z: z.astype(jnp.float32) <= 1.5,
    )
    x, y = (numbers_of(each).astype(np.float64) for each in (first, second))
    with np.errstate(invalid="ignore"):
        product = x[:, None] * y[None, :]
        fails = ~(product <= 1.5)
    assert (found.checked, found.numbers) == (2**16, first.numbers * second.numbers)
    assert found.failures == fails.sum()
    assert found.nan_outputs == np.isnan(product).sum() == 4
    i, j = np.argwhere(fails)[0]
    failing = found.failing
    assert failing is not None
    assert (float(failing.x.value), float(failing.y.value)) == (x[i], y[j])
    assert found.verdict is Verdict.REFUTED and not found


@settings(max_examples=5)
@given(st.integers(0, 2**16 - 1), st.integers(0, 2**8 - 1))
def test_an_error_at_one_pair_is_found(first: int, second: int) -> None:
    formats = format_of("bfloat16"), format_of(E5M2)
    values = [
        np.float32(format.value(b)) for format, b in zip(formats, (first, second), strict=True)
    ]

    def f(x: Any, y: Any) -> Any:
        bits = [
            jax.lax.bitcast_convert_type(each, kind).astype(jnp.int32)
            for each, kind in ((x, jnp.uint16), (y, jnp.uint8))
        ]
        return (bits[0] == first) & (bits[1] == second)

    found = jaxgrad.sweep_pairs(f, ("bfloat16", E5M2), lambda x, y, z: ~z)
    if np.isnan(values).any():
        assert found.verdict is Verdict.PROVED and found.failures == 0
        assert repr(found).startswith("<SweptPairs PROVED: the predicate holds at all 16320500 p")
        return
    assert found.failures == 1 and found.failing is not None
    assert (found.failing.x.bits, found.failing.y.bits) == (first, second)
    assert found.counterexample is not None
    exec(found.counterexample, {})  # what is shown runs


def add(x: Any, y: Any) -> Any:
    return x + y


def commutes(x: Any, y: Any, z: Any) -> Any:
    return z == y + x


def test_a_predicate_sees_each_pair_alone() -> None:
    found = jaxgrad.sweep_pairs(add, (E5M2, E5M2), lambda x, y, z: jnp.all(z == z) | (z == z))
    assert (found.failures, found.nan_outputs) == (2, 2)
    assert found.failing is not None
    assert found.failing.x == Float(np.dtype(jnp.float8_e5m2), 0x7C)


def test_what_is_kept_is_taken_up(tmp_path: Path) -> None:
    plain = jaxgrad.sweep_pairs(add, (E5M2, E5M2), commutes, tile=2**8)
    for part in ((0, 2), (1, 2), (0, 2)):
        shared = jaxgrad.sweep_pairs(
            add, (E5M2, E5M2), commutes, tile=2**8, keep=tmp_path, part=part
        )
        assert str(shared) == str(plain)
        assert shared.evidence == plain.evidence
    assert len(list(tmp_path.iterdir())) == 2
    with pytest.raises(ArgumentError, match="tallies of another sweep"):
        jaxgrad.sweep_pairs(add, (E4M3, E4M3), lambda x, y, z: z == z, tile=2**8, keep=tmp_path)


def test_a_visit_too_few_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module._PairFormat, "numbers", 62501)
    with pytest.raises(JaxgradError, match="visited 62500 pairs of 62501"):
        jaxgrad.sweep_pairs(add, (E5M2, E5M2), commutes)


@pytest.mark.parametrize(
    ("f", "dtypes", "holds", "options", "text"),
    [
        (add, "float16", commutes, {}, "give two, such as"),
        (add, ("float32", "float16"), commutes, {}, "float32 and float16 are too many"),
        (add, (E5M2, "float64"), commutes, {}, "too many values"),
        (3, NARROW, commutes, {}, "f is 3, not a function"),
        (add, NARROW, None, {}, "holds is None, not a function"),
        (add, (E5M2, E5M2), lambda x, y, z: x == y, {}, "holds does not look at z"),
        (add, (E5M2, E5M2), lambda x, y, z: z, {}, "holds returned float8_e5m2.1., not booleans"),
        (
            lambda x, y: x[None],
            NARROW,
            commutes,
            {},
            "for a scalar float8_e5m2 and a float8_e4m3fn",
        ),
        (add, (E5M2, E5M2), commutes, {"tile": 3}, "tile must be a power of two"),
        (add, (E5M2, E5M2), commutes, {"part": (0, 2)}, "several processes meet in a folder"),
        (add, (E5M2, E5M2), commutes, {"devices": [1]}, "sweep_pairs: devices is"),
    ],
)
def test_arguments_that_are_none(
    f: Any, dtypes: Any, holds: Any, options: dict[str, Any], text: str
) -> None:
    with pytest.raises(ArgumentError, match=text):
        jaxgrad.sweep_pairs(f, dtypes, holds, **options)


def test_what_cannot_be_traced_is_named() -> None:
    def branches(x: Any, y: Any) -> Any:
        return x if x > y else y

    calls: list[Callable[[], Any]] = [
        lambda: jaxgrad.sweep_pairs(branches, (E5M2, E5M2), commutes),
        lambda: jaxgrad.sweep_pairs(add, (E5M2, E5M2), lambda x, y, z: z if z > 1 else x),
    ]
    for call, name in zip(calls, ("f", "holds"), strict=True):
        with pytest.raises((TraceError, ArgumentError), match=f"^sweep_pairs: {name} "):
            call()
