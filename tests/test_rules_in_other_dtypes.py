"""A rule that asks for its dtype is judged in each dtype of ``dtypes=``, not only as given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check
from jaxgrad.errors import DtypeMismatch

X = np.float32(0.3)


def sine(wrong_in: str, factor: float = -1, form: str = "jvp") -> Callable[..., Any]:
    """sin, whose rule has a factor in one dtype."""

    def slope(x: Any) -> Any:
        return jnp.cos(x) * (factor if x.dtype == wrong_in else 1)

    if form == "jvp":
        f = jax.custom_jvp(jnp.sin)
        f.defjvps(lambda t, out, x: t * slope(x))
        return f
    f = jax.custom_vjp(jnp.sin)
    f.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (g * slope(x),))
    return f


@pytest.mark.parametrize("form", ["jvp", "vjp"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_a_rule_that_is_wrong_in_one_dtype(dtype: str, form: str) -> None:
    f = sine(dtype, form=form)
    assert check(f, (X,)).verdict is Verdict.PROVED  # as it is given
    found = check(f, (X,), dtypes=[dtype])
    assert found.verdict is Verdict.REFUTED
    first = found.evidence.text.splitlines()[0]
    assert first.startswith(f"with every floating-point leaf in {dtype}: the derivative rules are")
    assert f"np.{dtype}(" in str(found.counterexample) or dtype == "bfloat16"
    right = sine(dtype, factor=1, form=form)
    assert check(right, (X,), dtypes=[dtype]).verdict is Verdict.PROVED
    other = "bfloat16" if dtype == "float16" else "float16"
    assert check(f, (X,), dtypes=[other]).verdict is Verdict.PROVED
    assert check(f, (X,), dtypes=[other, dtype]).verdict is Verdict.REFUTED


def test_a_rule_that_returns_another_dtype_there() -> None:
    """In float32 it is right, and of bfloat16 it says why it has no derivative."""
    f = jax.custom_jvp(jax.scipy.special.erf)
    slope = np.float32(2 / np.sqrt(np.pi))
    f.defjvps(lambda t, out, x: slope * jnp.exp(-x * x) * t)
    assert check(f, (X,), dtypes=["float32"]).verdict is Verdict.PROVED
    found = check(f, (X,), dtypes=["float32", "bfloat16"])
    assert found.verdict is Verdict.UNDECIDED
    assert found.evidence.text.startswith(
        "with every floating-point leaf in bfloat16: it cannot be judged (DtypeMismatch: a custom "
        "derivative rule of f returns the wrong structure: "
    )
    assert "; as given: the custom rules give the same polynomial" in found.evidence.text
    assert all(x.dtype == "float32" for x in found.floats if x.status != "UNKNOWN")
    assert check(f, (X,), dtypes=["bfloat16", "float32"]).verdict is Verdict.UNDECIDED
    g = jax.custom_jvp(jax.scipy.special.erf)
    g.defjvps(lambda t, out, x: slope * jnp.exp(-x * x) * t * (-1 if x.dtype == "float64" else 1))
    assert check(g, (X,), dtypes=["bfloat16", "float64"]).verdict is Verdict.REFUTED
    with pytest.raises(DtypeMismatch):
        check(f, (jnp.bfloat16(0.3),))


@pytest.mark.parametrize("kind", [AssertionError, KeyError, NotImplementedError, TypeError])
@pytest.mark.parametrize("where", ["function", "rule"])
def test_what_refuses_a_dtype_says_so_as_it_likes(kind: type[Exception], where: str) -> None:
    def taken(x: Any, here: str) -> Any:
        if here == where and x.dtype != jnp.float32:
            raise kind("float32 only")
        return x

    f = jax.custom_vjp(lambda x: jnp.sin(taken(x, "function")))
    f.defvjp(
        lambda x: (jnp.sin(taken(x, "function")), x),
        lambda x, g: (g * jnp.cos(taken(x, "rule")),),
    )
    assert check(f, (X,), dtypes=["float32"]).verdict is Verdict.PROVED
    found = check(f, (X,), dtypes=["float16"])
    assert found.verdict is Verdict.UNDECIDED
    assert kind.__name__ in found.evidence.text and "float32 only" in found.evidence.text
    assert "the custom rules give the same polynomial" in found.evidence.text


def test_a_formula_that_is_wrong_there_is_not_said_to_be_right() -> None:
    """In float16 its floats are 0 at a special point, where a wrong sign makes a sum of it."""

    def f(x: Any) -> Any:
        rows = jax.lax.scan(lambda c, _: (sine("float16")(c), c), x, None, length=20)[1]
        return rows.sum()

    found = check(f, (np.float32([0.3, -1.2]),), modes="rev", dtypes=["float16"])
    assert found.verdict is Verdict.REFUTED
    assert "with every floating-point leaf in float16: the derivative rules are wrong" in str(found)


def test_where_it_is_wrong_only_elsewhere() -> None:
    def slope(x: Any) -> Any:
        return jnp.where(x > 2, jnp.cos(x) * (2 if x.dtype == jnp.float16 else 1), jnp.cos(x))

    f = jax.custom_jvp(lambda x: jnp.where(x > 2, jnp.sin(x), jnp.sin(x)))
    f.defjvps(lambda t, out, x: t * slope(x))
    assert check(f, (X,)).verdict is not Verdict.REFUTED
    found = check(f, (X,), dtypes=["float16"])
    assert found.verdict is Verdict.REFUTED
    assert "with every floating-point leaf in float16: " in found.evidence.text


def test_a_point_that_the_dtype_does_not_hold() -> None:
    far = np.float32(1e6)
    found = check(sine("float16", factor=1), (far,), dtypes=["float16"])
    assert found.verdict is Verdict.PROVED
    assert found.evidence.text.endswith("; in float16, which does not hold this point, at others")
    assert check(sine("float16"), (far,), dtypes=["float16"]).verdict is Verdict.REFUTED
    assert "does not hold" not in check(sine(""), (far,), dtypes=["bfloat16"]).evidence.text


def test_a_domain_decides_where_it_is_asked() -> None:
    """1e6 is no float16, and of the powers of two in the domain the least is taken."""
    options: dict[str, Any] = {"dtypes": ["float16"], "domain": lambda x: x > 1e3}
    found = check(sine("float16"), (np.float32(1e6),), **options)
    assert found.verdict is Verdict.REFUTED and "np.float16(1024.0)" in str(found.counterexample)
    found = check(sine(""), (np.float32(1e6),), **options)
    assert found.verdict.passes and "does not hold this point" in found.evidence.text
    nowhere = check(sine(""), (np.float32(1e6),), **{**options, "domain": lambda x: x > 1e5})
    assert nowhere.verdict is Verdict.UNDECIDED


def test_the_domain_holds_there_too() -> None:
    def slope(x: Any) -> Any:
        wrong = (x > 2) & (x.dtype == jnp.float16)
        return jnp.where(wrong, 2 * jnp.cos(x), jnp.cos(x))

    f = jax.custom_jvp(lambda x: jnp.where(x > 2, jnp.sin(x), jnp.sin(x)))
    f.defjvps(lambda t, out, x: t * slope(x))
    inside = check(f, (X,), dtypes=["float16"], domain=lambda x: abs(x) < 1)
    assert inside.verdict.passes
    assert check(f, (X,), dtypes=["float16"]).verdict is Verdict.REFUTED
