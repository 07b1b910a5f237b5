"""Floats that ``dtypes=`` asks for are judged at the given point at least, or it is UNDECIDED."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check
from jaxgrad.gradients.rules.stages import Stages
from jaxgrad.gradients.rules.unjudged_floats import with_floats
from jaxgrad.numbers.clock import within

X = np.float32(0.3)


def double(x: Any) -> Any:
    return 2 * x


def of_float32_alone(x: Any) -> Any:
    return jax.lax.add(x, jnp.float32(1))


def overflowing(x: Any) -> Any:
    """The sigmoid, in a way that overflows."""
    y = jnp.exp(x)
    return y / (1 + y)


def a_loop_of_unknown_length(x: Any) -> Any:
    return jax.lax.while_loop(lambda y: jnp.abs(y) > 0.5, lambda y: y * 0.9, x)


@pytest.mark.parametrize(
    ("f", "x", "options", "said"),
    [
        (of_float32_alone, X, {}, "floats in float16, fwd and rev (TypeError: lax.add requires"),
        (
            a_loop_of_unknown_length,
            X,
            {"modes": "fwd", "special_points": False},
            "floats in float16, fwd (UnsupportedPrimitive: a `while_loop` makes an unknown number",
        ),
        (double, np.float32(np.inf), {}, "floats in float16 (no derivative there has floats to "),
    ],
    ids=["another dtype", "a loop", "an infinity"],
)
def test_what_was_asked_for_and_not_judged_is_undecided(
    f: Callable[..., Any], x: Any, options: dict[str, Any], said: str
) -> None:
    assert check(f, (x,), **options).verdict.passes
    found = check(f, (x,), dtypes=["float16"], **options)
    assert found.verdict is Verdict.UNDECIDED
    assert f"not judged, though dtypes= asks for it: {said}" in found.evidence.text
    assert all(leaf.verdict.passes for leaf in found.leaves)


def test_without_time_the_given_point_is_judged_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And where that has none either, nothing is known."""
    found = check(double, (X,), dtypes=["float16"], budget=0)
    assert found.verdict.passes and [x.judged for x in found.floats] == [2, 2]  # and under vmap
    assert "floats in float16 at other points" in found.evidence.text
    found = check(overflowing, (np.float32(12),), dtypes=["float16"], budget=0)
    assert found.verdict is Verdict.REFUTED and all(x.given for x in found.floats)
    monkeypatch.setattr(Stages, "here", lambda stages, name: within(0))
    found = check(double, (X,), dtypes=["float16"], budget=0)
    said = "though dtypes= asks for it: floats in float16 (not reached); all else passes: the one-"
    assert found.verdict is Verdict.UNDECIDED and said in found.evidence.text


def _far_from_one(x: Any) -> Any:
    """x, with a rule that is right above 1."""
    rule = jax.custom_jvp(lambda y: 1.0 * y)
    rule.defjvp(lambda p, t: (rule(*p), (p[0] - 1) / (p[0] - 1) * t[0]))
    return rule(x)


@pytest.mark.parametrize("domain", [lambda x: x > 1, lambda x: x < 1, None])
def test_a_point_that_a_dtype_has_not_is_not_judged_in_it(domain: Any) -> None:
    """What is next to 1 is 1 in bfloat16, and 1e6 is beyond float16."""
    if domain is None:
        f, x, dtype = double, 1e6, "float16"
    else:
        sign = 1 if domain(2) else -1
        f, x, dtype = _far_from_one, 1 + sign * 1e-4, "bfloat16"
    asked = {"dtypes": [dtype], "domain": domain}
    with warnings.catch_warnings(action="error"):
        here = check(f, (np.float32(x),), special_points=False, **asked)
        everywhere = check(f, (np.float32(x),), **asked)
    assert here.verdict is Verdict.UNDECIDED and "not in the range of the dtype" in str(here)
    assert everywhere.verdict.passes and everywhere.floats
    assert not any(one.given for one in everywhere.floats)


def test_each_argument_has_to_be_judged() -> None:
    found = check(lambda x, y: 2 * x + y, (X, X), dtypes=["float16"], special_points=False)
    asked = [jnp.dtype("float16")]
    assert with_floats(found, asked) is found and {x.path for x in found.floats} == {"x", "y"}
    lost = tuple(
        replace(x, status="UNKNOWN", reason="lost") if x.path == "y" else x for x in found.floats
    )
    found = with_floats(replace(found, floats=lost), asked)
    assert found.verdict is Verdict.UNDECIDED
    assert "floats in float16, fwd and rev (lost)" in found.evidence.text


def test_no_special_points_are_none_in_floats_either() -> None:
    """eˣ is too large for float16 at 12, and not at 0.5."""
    for x, verdict in ((0.5, Verdict.AGREES), (12.0, Verdict.REFUTED)):
        found = check(overflowing, (np.float32(x),), dtypes=["float16"], special_points=False)
        assert found.verdict is verdict and all(one.given for one in found.floats)
    assert check(overflowing, (X,), dtypes=["float16"]).verdict is Verdict.REFUTED
    # A reference leaves points out by default, and no floats.
    own = {"reference": overflowing, "dtypes": ["float16"]}
    assert check(overflowing, (X,), **own).verdict is Verdict.REFUTED


def test_what_was_judged_passes_beside_what_is_wrong_and_stays_so() -> None:
    assert check(double, (X,), dtypes=["float16", "float32"]).verdict is Verdict.AGREES
    wrong = jax.custom_jvp(double)
    wrong.defjvp(lambda x, t: (double(*x), 3 * t[0]))
    assert check(wrong, (X,), dtypes=["float16"], budget=0).verdict is Verdict.REFUTED
