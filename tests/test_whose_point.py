"""domain=: which points of this package's choice are looked at, and that wrong rules show there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.cases import with_rule
from jaxgrad import Verdict, check, check_grads, compare
from jaxgrad.errors import ArgumentError, GradientMismatch, TraceError
from jaxgrad.gradients.domain import Domain, halved

P = np.array([0.5, 0.25, 0.25], np.float32)


def entropy(p: Any) -> Any:
    return -jnp.sum(jnp.where(p > 0, p * jnp.log(jnp.where(p > 0, p, 1.0)), 0.0))


def entropy_with(slope: Callable[[Any], Any]) -> Any:
    return with_rule(entropy, lambda xs, ts: jnp.sum(slope(xs[0]) * ts[0]))


def slope(p: Any) -> Any:
    return -jnp.log(jnp.where(p > 0, p, 1.0)) - 1


def positive(p: Any) -> Any:
    return p > 0


def simplex(p: Any) -> Any:
    return jnp.all(p > 0) & (jnp.abs(p.sum() - 1) < 1e-5)


def test_an_entropy() -> None:
    right, wrong = entropy_with(slope), entropy_with(lambda p: slope(p) + 1)
    assert check(right, (P,)).verdict is Verdict.REFUTED  # at p = 0, where it is infinite
    found = check_grads(right, (P,), domain=positive)
    assert found.special_points
    assert not any("= 0.0" in why for why in found.special_points)
    assert check(wrong, (P,), domain=positive).verdict is Verdict.REFUTED


def test_a_simplex() -> None:
    """Points near the given one are left; wrong rules are found where they are wrong at these."""
    right = entropy_with(slope)
    found = check_grads(right, (P,), domain=simplex)
    assert any("drawn near the given point" in why for why in found.special_points)
    rounded = entropy_with(lambda p: slope(jnp.round(p * 64) / 64))
    found = check(rounded, (P,), domain=simplex)
    assert found.verdict is Verdict.REFUTED
    assert found.special_points[0] in found.evidence.text
    assert check(rounded, (P,), domain=simplex, special_points=False).verdict.passes


LOW, HIGH = np.float32(-1.0), np.float32(2.0)
X = np.float32(0.5)


def _triangular_factor(x: Any) -> Any:
    return jax.lax.linalg.hessenberg(x[None, None])[0]


def log_density(x: Any, low: Any, high: Any) -> Any:
    """That of the uniform distribution to a power, between its bounds."""
    return jnp.log(jnp.abs(x - low)) + jnp.log(jnp.abs(high - x)) - 3 * jnp.log(abs(high - low))


def by(factor: Callable[..., Any]) -> Any:
    """Right where the factor is 1."""
    return with_rule(
        log_density,
        lambda xs, ts: jax.jvp(log_density, xs, tuple(t * factor(*xs) for t in ts))[1],
    )


def between(x: Any, low: Any, high: Any) -> Any:
    return (low < x) & (x < high)


def test_a_rule_that_is_wrong_outside_alone() -> None:
    wrong = by(lambda x, low, high: jnp.where(high < low, 2.0, 1.0))
    args = (X, LOW, HIGH)
    everywhere = check(wrong, args)
    assert everywhere.verdict is Verdict.REFUTED
    found = check_grads(wrong, args, domain=between)
    assert len(found.special_points) >= 10


@pytest.mark.parametrize(
    "factor",
    [
        lambda x, low, high: jnp.where(x == 0, 2.0, 1.0),
        lambda x, low, high: jnp.where(low == -2, 2.0, 1.0),
        lambda x, low, high: jnp.where(high - low == 4, 2.0, 1.0),
    ],
)
def test_a_rule_that_is_wrong_at_a_special_point_inside(factor: Callable[..., Any]) -> None:
    found = check(by(factor), (X, LOW, HIGH), domain=between)
    assert found.verdict is Verdict.REFUTED
    assert check(by(factor), (X, LOW, HIGH), special_points=False).verdict.passes


@settings(max_examples=15, deadline=None)
@given(low=st.integers(-4, 3), width=st.integers(1, 4), at=st.integers(-8, 8))
def test_where_a_rule_is_wrong_decides(low: int, width: int, at: int) -> None:
    """Wrong at one integer, which is a special point: refuted if and only if that is inside."""
    f = with_rule(lambda x: x**2, lambda xs, ts: (2 * xs[0] + (xs[0] == at)) * ts[0])
    high, given = low + width, np.float32(low + 0.375)
    found = check(f, (given,), domain=lambda x: (low <= x) & (x <= high))
    assert found.verdict is (Verdict.REFUTED if low <= at <= high else Verdict.AGREES), found


def definite(a: Any) -> Any:
    return (a[0, 0] > 0) & (jnp.linalg.det(a) > 0)


def test_positive_definite() -> None:
    f = with_rule(
        lambda a: jnp.log(jnp.abs(a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0])),
        lambda xs, ts: (
            jnp.where(definite(xs[0]), 1.0, 2.0) * jnp.trace(jnp.linalg.solve(xs[0], ts[0]))
        ),
    )
    a = np.array([[2.0, 0.5], [0.5, 1.0]], np.float32)
    assert check(f, (a,)).verdict is Verdict.REFUTED
    assert check(f, (a,), domain=definite).verdict.passes
    cholesky = lambda a: jnp.isfinite(jnp.linalg.cholesky(a))  # noqa: E731
    assert check(f, (a,), domain=cholesky).verdict.passes


def test_floats_are_asked_inside_alone() -> None:
    def asked(**more: Any) -> Any:
        return check(jax.nn.sigmoid, (X,), dtypes=["float32"], modes="rev", **more)

    found = asked()
    assert found.verdict is Verdict.REFUTED  # 0 for large arguments
    assert "at a point, not the given one (domain=" in found.evidence.text
    assert asked(domain=lambda x: jnp.abs(x) < 4).verdict.passes
    assert asked(domain=lambda x: jnp.abs(x) < 50).verdict is Verdict.REFUTED


def test_with_a_reference_and_argnums() -> None:
    f = lambda x, y: jnp.round(x) * y  # noqa: E731
    domain = lambda x, y: (x > 0) & (y > 0)  # noqa: E731
    found = check(
        f, (X, HIGH), domain=domain, argnums=1, reference=lambda x, y: y * 0.0 + y * jnp.round(x),
        special_points=True,
    )  # fmt: skip
    assert found.verdict.passes
    assert all(not why.startswith("x") for why in found.special_points)


# -- compare -------------------------------------------------------------------------------------


def test_drawn_points_are_inside() -> None:
    left = lambda x: jnp.abs(x) + 0 * jnp.exp(x)  # noqa: E731
    right = lambda x: jnp.where(x < 0, -2 * x, x)  # noqa: E731
    assert compare(left, right, X).verdict is Verdict.REFUTED
    found = compare(left, right, X, domain=lambda x: x > 0)
    assert found.verdict is Verdict.AGREES
    assert found.evidence.text.startswith("at 4 points")
    wrong = lambda x: jnp.where(x > 0.5, x + 1e-3, x)  # noqa: E731
    assert compare(left, wrong, X, domain=lambda x: x > 0).verdict is Verdict.REFUTED


def test_a_narrow_domain_is_reached_from_the_given_point() -> None:
    left = lambda p: jnp.arcsin(p[0]) * p[1]  # noqa: E731
    right = lambda p: jnp.arctan(p[0] / jnp.sqrt(1 - p[0] ** 2)) * p[1]  # noqa: E731
    found = compare(left, right, P, domain=simplex)
    assert found.evidence.text.startswith("at 4 points"), found
    wrong = lambda p: right(p) * jnp.where(p[1] == 0.25, 1.0, 1.001)  # noqa: E731
    refuted = compare(left, wrong, P, domain=simplex)
    assert refuted.verdict is Verdict.REFUTED
    assert "disjoint at a point drawn by compare, not the given one (domain=, argnums= or " in (
        refuted.evidence.text
    )
    alone = compare(left, wrong, P, domain=lambda p: p == P)
    assert alone.verdict.passes
    assert alone.evidence.text.startswith("at the given point alone, as none drawn was in the dom")


def test_the_given_point_alone() -> None:
    left = lambda x: jnp.abs(x)  # noqa: E731
    right = lambda x: jnp.where(x < 0.25, 7, x)  # noqa: E731
    assert compare(left, right, X).verdict is Verdict.REFUTED
    found = compare(left, right, X, special_points=False)
    assert found.verdict is Verdict.AGREES
    assert found.evidence.text.startswith("at the given point alone, to ")
    assert compare(left, right, np.float32(0.125), special_points=False).verdict is Verdict.REFUTED
    assert compare(jnp.cos, jax.grad(jnp.sin), X, special_points=False).verdict is Verdict.PROVED


# -- domains that are none -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "kind", "text"),
    [
        (lambda x: x > 1, ArgumentError, r"outside of its own domain: .*\(p.sum\(\) - 1\) < 1e-6"),
        (lambda x: [x > 0, x > 1], ArgumentError, "outside of its own domain"),
        (lambda x: x, ArgumentError, "domain returns float32, which is no boolean; .* `lambda x: "),
        (lambda x: None, ArgumentError, "domain returns nothing"),
        (lambda x: 0 < x < 1, TraceError, "domain cannot be traced .* with & in place of `and`"),
        (lambda x: bool(np.all(np.asarray(x) > 0)), TraceError, "domain cannot be traced"),
        (lambda: True, ArgumentError, "domain is called with 1 argument, which it does not take"),
        (lambda x: jnp.sin(x) ** 2 + jnp.cos(x) ** 2 <= 1, ArgumentError, "not decided .* is open"),
        (lambda x: _triangular_factor(1j * x).imag > 0, ArgumentError, "not decided .*complex"),
        (3, ArgumentError, "domain is 3, not a function"),
    ],
)  # fmt: skip
def test_no_domain(domain: Any, kind: type[Exception], text: str) -> None:
    for ask in (
        lambda: check(jnp.sin, (X,), domain=domain),
        lambda: check_grads(jnp.sin, (X,), domain=domain),
        lambda: compare(jnp.sin, jnp.sin, X, domain=domain),
    ):
        with pytest.raises(kind, match=text):
            ask()


def test_what_a_domain_raises_goes_on() -> None:
    def domain(x: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine") as caught:
        check(jnp.sin, (X,), domain=domain)
    assert caught.value.__notes__[-1] == "Raised while jaxgrad ran domain."


def test_open_is_outside() -> None:
    domain = Domain(lambda x: x * (jnp.sin(x) ** 2 + jnp.cos(x) ** 2) <= 1, (X,))
    assert domain.holds([np.float32(0.75)])
    assert not domain.holds([np.float32(1.0)])
    assert not Domain(lambda x: jnp.log(x) < 0, (X,)).holds([np.float32(-1.0)])


def test_a_domain_that_is_large_is_not_asked_for_ever() -> None:
    f = with_rule(lambda x: jnp.sum(x**2), lambda xs, ts: jnp.sum(2 * xs[0] * ts[0]))
    big = lambda x: jnp.sum(jnp.outer(x, jnp.arange(20_000.0)) ** 2) >= 0  # noqa: E731
    found = check(f, (P,), domain=big)
    assert found.verdict.passes
    assert "domain= is too large to be asked at more points" in found.evidence.text


def test_halving_ends_at_the_given_point() -> None:
    points = list(halved([np.float32(1), 3], [np.float32(2), 3]))
    assert len(points) == 23
    assert points[-1][0] == np.nextafter(np.float32(1), np.float32(2))
    assert all(point[1] == 3 for point in points)
    assert not list(halved([np.float32(1)], [np.float32(1)]))


# -- whose point it is ---------------------------------------------------------------------------


@jax.custom_vjp
def clipped_at_0(x: Any) -> Any:
    return 2 * x


clipped_at_0.defvjp(
    lambda x: (2 * x, x), lambda x, g: (jnp.where(x == 0, jnp.clip(2 * g, -3, 3), 2 * g),)
)


def at_0(value: Any, slope: Any, moved: Any = lambda t: t) -> Any:
    """The sine, of which these are wrong at 0 alone."""
    f = jax.custom_jvp(jnp.sin)

    @f.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        (x,), (t,) = primals, tangents
        wrong = jnp.cos(x) * slope * moved(t)
        return jnp.sin(x) + jnp.where(x == 0, value, 0), jnp.where(x == 0, wrong, jnp.cos(x) * t)

    return f


@pytest.mark.parametrize(
    ("f", "more", "words"),
    [
        (at_0(0, 2), {}, " at a special point of the program, x = 0.0, where "),
        (at_0(1, 1), {}, " at a special point of the program, x = 0.0, where "),
        (at_0(0, 1, jax.lax.stop_gradient), {"order": 2}, " at order 2 at x = 0.0, where "),
        (clipped_at_0, {"modes": "rev"}, " at x = 0.0, where "),
        (entropy_with(lambda p: slope(jnp.round(p * 64) / 64)), {}, ", drawn near the given point"),
    ],
)
def test_a_verdict_at_another_point_says_so_in_its_first_line(
    f: Any, more: dict[str, Any], words: str
) -> None:
    args = (np.full(3, 0.375, np.float32),) if "drawn" in words else (X,)
    with pytest.raises(GradientMismatch) as caught:
        check_grads(f, args, **more)
    first = str(caught.value).splitlines()[0]
    assert words in first
    assert "drawn" in words or "not the given one" in first
    assert "(domain=, argnums= or special_points=False keep to yours)" in first
    assert check(f, args, special_points=False, **more).verdict.passes
    if "drawn" not in words:
        with pytest.raises(GradientMismatch) as caught:
            check_grads(f, (np.float32(0.0),), **more)
        assert "special_points" not in str(caught.value)


def test_a_domain_of_what_is_not_finite() -> None:
    assert check(jnp.tanh, (np.float32(np.inf),), domain=lambda x: x > 1).verdict.passes
    some = np.array([0.5, np.nan], np.float32)
    assert check(lambda x: x[0] ** 2, (some,), domain=lambda x: x[0] < 1).verdict.passes
    # No comparison of NaN holds.
    with pytest.raises(ArgumentError, match=r"outside of its own domain: .* is False there"):
        check(lambda x: x[0] ** 2, (some,), domain=lambda x: x < 1)


@pytest.mark.parametrize(("end", "verdict"), [(5.5, Verdict.REFUTED), (4.25, Verdict.AGREES)])
def test_the_piece_before_the_end_of_a_domain(end: float, verdict: Verdict) -> None:
    """Wrong beyond 4.4, where nothing else of the program ties before 1000."""

    def f(x: Any) -> Any:
        return jnp.where(x < 3, x**2, jnp.where(x < 1000, 6 * x - 9, 0.0))

    def slope(x: Any) -> Any:
        wrong = jnp.where(jnp.sin(x / 3) < 0.9945, 1.0, 1.1)  # on (4.4, 5.03)
        return jnp.where(x < 3, 2 * x, jnp.where(x < 1000, 6 * wrong, 0.0))

    rule = with_rule(f, lambda xs, ts: slope(xs[0]) * ts[0])
    found = check(rule, (np.float32(0.7),), domain=lambda x: (x > 0.3) & (x < end))
    assert found.verdict is verdict, found


@pytest.mark.parametrize(("most", "verdict"), [(1, Verdict.AGREES), (10, Verdict.REFUTED)])
def test_a_rule_within_counts_where_the_domain_lets_the_function_come(
    most: float, verdict: Verdict
) -> None:
    square = with_rule(
        lambda x: x * x, lambda xs, ts: jnp.where(xs[0] > 3.3, 1.9, 2.0) * xs[0] * ts[0]
    )

    def layer(w: Any, x: Any) -> Any:
        return jnp.sum(square(w @ x))

    args = (np.eye(3, dtype=np.float32), np.array([0.125, 0.25, 0.375], np.float32))
    found = check(layer, args, domain=lambda w, x: (abs(w) <= most) & (abs(x) <= most))
    assert found.verdict is verdict, found
    assert [rule.verdict for rule in found.rules] == [Verdict.REFUTED]
