"""check_grads() at kinks, jumps and ends of domains: what is right there, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

from benchmarks.cases import with_rule
from jaxgrad.errors import GradientMismatch, UndecidedError
from jaxgrad.gradients.check_grads import check, check_grads
from jaxgrad.gradients.rules.directions import drawn
from jaxgrad.gradients.rules.truth import Truth
from jaxgrad.programs.trace import trace
from jaxgrad.verdict import Verdict


@pytest.mark.parametrize(
    ("function", "point"),
    [(jax.nn.relu, 0.0), (abs, 0.0), (jax.nn.relu6, 0.0), (jax.nn.relu6, 6.0)],
)
def test_a_kink_is_accepted_and_reported(function: Callable[..., Any], point: float) -> None:
    found = check_grads(function, (point,))
    assert found.verdict is Verdict.AGREES
    assert found.leaves[0].kinks == 2
    assert "at a kink in 2 of 2" in str(found)


def test_kinks_of_a_composition_are_told_from_a_wrong_rule() -> None:
    x = np.zeros(2, np.float32)
    weights = np.array([[1.0, -2.0], [-3.0, 0.5]], np.float32)

    def network(rule: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x: jnp.array([1.0, -0.75]) @ rule(weights @ x)

    assert check_grads(network(jax.nn.relu), (x,)).verdict.passes
    steep = with_rule(lambda x: jnp.maximum(x, 0.0), lambda xs, ts: 5 * (xs[0] >= 0) * ts[0])
    with pytest.raises(GradientMismatch):
        check_grads(network(steep), (x,))
    with pytest.raises(GradientMismatch):  # differentiable, and autodiff says 0
        check_grads(lambda x: jax.nn.relu(x) - jax.nn.relu(-x), (0.0,))


@pytest.mark.parametrize(
    "function", [lambda x: jnp.sort(x), lambda x: jax.lax.top_k(x, 2)[0], lambda x: jnp.median(x)]
)
def test_a_permutation_at_a_tie_is_a_generalised_derivative(function: Callable[..., Any]) -> None:
    tied, apart = np.ones(3, np.float32), np.array([3.0, 1.0, 2.0], np.float32)
    for x in (tied, apart):
        assert check_grads(function, (x,), special_points=False).verdict.passes
    doubled = with_rule(function, lambda xs, ts: 2 * jax.jvp(function, xs, ts)[1])
    with pytest.raises(GradientMismatch):
        check_grads(doubled, (tied,), special_points=False)


def _product(slope_of_b: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    product = jax.custom_jvp(lambda a, b: a * b)
    product.defjvp(lambda p, t: (p[0] * p[1], t[0] * slope_of_b(p[1]) + t[1] * p[0]))
    return product


@pytest.mark.parametrize(
    "smaller",
    [
        jnp.minimum,
        lambda x, y: jnp.where(x < y, x, y),
        lambda x, y: jnp.sort(jnp.stack([x, y])),
        lambda x, y: jnp.min(jnp.stack([x, y])),
    ],
)  # fmt: skip
def test_where_there_is_no_hessian_none_is_the_only_right_one(smaller: Callable[..., Any]) -> None:
    """min(a, ab) has a derivative at a = 0, b = 1, and a second one along every line."""
    asked: Any = {"order": 2, "special_points": False}
    right, wrong = _product(lambda b: b), _product(_with_slope(3.0))
    found = check_grads(lambda a, b: smaller(a, a * b), (0.0, 1.0), **asked)
    assert found.verdict is Verdict.AGREES
    assert check_grads(lambda a, b: smaller(a, right(a, b)), (0.0, 1.0), **asked)
    with pytest.raises(GradientMismatch, match="derivative 2"):
        check_grads(lambda a, b: smaller(a, wrong(a, b)), (0.25, 0.5), **asked)


def test_what_no_branch_has_is_wrong_where_there_is_no_hessian() -> None:
    wrong = _product(_with_slope(3.0))
    with pytest.raises(GradientMismatch, match="derivative 2"):
        check_grads(
            lambda a, b: jnp.minimum(a, wrong(a, b)), (0.0, 1.0), order=2, special_points=False
        )


def _with_slope(slope: float) -> Callable[[Any], Any]:
    same = jax.custom_jvp(lambda b: b)
    same.defjvp(lambda p, t: (p[0], slope * t[0]))
    return same


def _open_from_one_side(x: Any, y: Any) -> Any:
    """Germs do not tell which way mod(m, m) goes at a tie of min(x, 2y), from one side."""
    smaller = jnp.minimum(x, 2 * y)
    return smaller + jnp.mod(jnp.max(smaller), jnp.max(smaller))


def test_a_side_that_nothing_decides_leaves_the_other_to_refute_nothing() -> None:
    x = np.array([0.0, 2.0, 0.5], np.float32)
    with pytest.raises(UndecidedError, match="floor at a jump"):
        check_grads(_open_from_one_side, (x, np.float32(1.0)), modes="fwd", special_points=False)
    doubled = with_rule(_open_from_one_side, lambda xs, ts: 2.0 * ts[0] + 0 * ts[1])
    with pytest.raises(GradientMismatch):  # beside the tie nothing is open
        check_grads(doubled, (x, np.float32(2.0)), modes="fwd", special_points=False)


@pytest.mark.parametrize("function", [jnp.sqrt, jnp.arccosh, lambda x: jnp.log(x) ** 2])
def test_at_the_end_of_a_domain_the_side_that_is_there_refutes(function: Any) -> None:
    """Of x√(x − 1) and the like at 1, which is not defined to the left."""
    times = with_rule(lambda x: (x - 1) * function(x - 1 + (function is not jnp.sqrt)),
                      lambda xs, ts: 5.0 * ts[0])  # fmt: skip
    with pytest.raises(GradientMismatch):
        check_grads(times, (1.0,), special_points=False)


def test_where_single_numbers_move_without_a_jump_it_is_none_of_a_rule() -> None:
    """mod(x, a) and the indicator of it jump together on one side of x = 0, where both move."""

    def f(z: Any) -> Any:
        rest = jnp.mod(z[0], z[1])
        return rest + (rest != 0)

    z = np.array([0.0, -1.0], np.float32)
    assert check_grads(f, (z,), special_points=False).verdict.passes
    wrong = with_rule(f, lambda xs, ts: 3.0 * ts[0][0])
    with pytest.raises(GradientMismatch):
        check_grads(wrong, (z,), special_points=False)


@pytest.mark.parametrize("beyond", [6.0, 13.0])
def test_a_tie_of_a_quotient_is_seen_from_both_sides(beyond: float) -> None:
    """q² up to 6 and 6q beyond, with a kink where 3/q is 1/2 exactly."""
    function = with_rule(
        lambda q: jnp.where(3.0 / q > 0.5, q * q, 6 * q),
        lambda xs, ts: jnp.where(3.0 / xs[0] > 0.5, 2 * xs[0], beyond) * ts[0],
    )
    if beyond == 6:
        assert check_grads(function, (6.0,), special_points=False).verdict.passes
    else:
        with pytest.raises(GradientMismatch, match=r"13\.0+ by the rules"):
            check_grads(function, (6.0,), special_points=False)


def _tenth_of_relu(slope: float) -> Callable[[Any], Any]:
    return with_rule(
        lambda x: jnp.maximum(x, 0) / 10, lambda xs, ts: jnp.where(xs[0] >= 0, ts[0] * slope, 0)
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float16, jnp.bfloat16])
@pytest.mark.parametrize("slope", [0.1, 0.115])
def test_a_constant_of_a_rule_is_rounded_at_a_kink_as_elsewhere(dtype: Any, slope: float) -> None:
    """x/10 has the slope 1/10, which no dtype has; the function of two numbers has four kinks.

    In bfloat16 a chain of a few roundings would hide a slope of 0.102.
    """
    rule = _tenth_of_relu(slope)
    weights = jnp.array([[1.0, -2.0], [-3.0, 0.5]], dtype)
    cases = [
        (rule, np.zeros((), dtype)),
        (lambda x: jnp.array([1.0, -0.75], dtype) @ rule(weights @ x), np.zeros(2, dtype)),
    ]
    for function, x in cases:
        if slope == 0.1:
            assert check_grads(function, (x,)).verdict.passes
        else:
            with pytest.raises(GradientMismatch):
                check_grads(function, (x,))


TIED = np.float32([1, 1, 0, -1, -1, 0, 1, 1, 0, -1, -1, 0, 1])


def sorted_by_rule(factor: float) -> Any:
    """A sort whose rule is wrong by a factor where something ties."""
    function = jax.custom_vjp(lambda x: jnp.sort(x))

    def forward(x: Any) -> Any:
        order = jnp.argsort(x)
        return x[order], (order, jnp.any(x[order][1:] == x[order][:-1]))

    def backward(kept: Any, g: Any) -> Any:
        order, tie = kept
        return (jnp.zeros_like(g).at[order].set(g) * jnp.where(tie, factor, 1.0),)

    function.defvjp(forward, backward)
    return function


def test_of_many_that_tie_no_difference_is_seen_that_is_none() -> None:
    """The ends of what a sum of kinks may be are the derivatives from neither side."""
    asked: Any = {"modes": "rev", "special_points": False}
    for function in (jnp.sort, sorted_by_rule(1.0)):
        found = check(function, (TIED,), **asked)
        assert found.verdict is Verdict.AGREES and "the formulas differ" not in found.evidence.text
    assert check(sorted_by_rule(1.03), (TIED,), **asked).verdict is Verdict.REFUTED


def test_limits_nearby_hold_the_order_of_the_entries() -> None:
    """Of a sum of which several terms have kinks, too; a stable sort takes that order."""
    x = np.zeros(12, np.float32)
    truth = Truth(trace(lambda x: (jnp.sort(x), jax.lax.top_k(x, 3)[0]), (x,)), [x], 1)
    u, line = drawn([(12,), (3,)], 1), drawn([(12,)])
    moved = line.leaves[0]
    for order in (moved, moved[::-1]):
        held, several = truth.limits(line, u)
        total = order @ u.leaves[0] + order[::-1][:3] @ u.leaves[1]
        assert several
        assert held.overlaps(arb(float(total)) + arb(0, 1e-9))
    assert not held.contains(arb(float(abs(u.leaves[0]).sum() + abs(u.leaves[1]).sum())))


TRIMMED: list[Callable[[jax.Array], jax.Array]] = [
    lambda x: jnp.mean(jnp.sort(x)[1:-1]),
    lambda x: jnp.sum(jax.nn.relu(jnp.sort(x)[1:-1])),
]


@pytest.mark.parametrize("function", TRIMMED)
def test_a_kink_along_no_line_is_one(function: Callable[[jax.Array], jax.Array]) -> None:
    """Every line is straight, and the derivatives along them do not add up."""
    doubled = with_rule(function, lambda xs, ts: 2.5 * jax.jvp(function, xs, ts)[1])
    for size in (4, 6):
        x = np.ones(size, np.float32)
        assert check(function, (x,), special_points=False).verdict.passes
        wrong = check(doubled, (x,), special_points=False)
        # Six numbers have more orders than are looked at.
        assert wrong.verdict is (Verdict.REFUTED if size == 4 else Verdict.UNDECIDED)


def test_a_wrong_rule_where_entries_of_a_sort_tie() -> None:
    weights = jnp.array([1.0, 2.0])
    flat_at_ties = with_rule(
        lambda x: jnp.sum(jnp.sort(x) * weights),
        lambda xs, ts: jnp.where(xs[0][0] == xs[0][1], 0.0, weights[jnp.argsort(xs[0])] @ ts[0]),
    )
    assert check(flat_at_ties, (np.float32([0.5, 2.0]),)).verdict is Verdict.REFUTED


def test_a_kink_beside_what_has_no_conservative_derivative() -> None:
    """|x|^1.5 is differentiable, and its slope at a tie of |x| is not known of either branch."""

    def function(x: jax.Array) -> jax.Array:
        return jnp.abs(x) + jnp.abs(x) ** 1.5

    steep = with_rule(
        function, lambda xs, ts: jnp.where(xs[0] == 0, 5.0, jax.grad(function)(*xs)) * ts[0]
    )
    for point in (0.0, 0.7):
        assert check(function, (point,)).verdict.passes
        assert check(steep, (point,)).verdict is Verdict.REFUTED


SORTED: dict[str, Callable[[jax.Array], jax.Array]] = {
    "every second, weighed": lambda x: jnp.sort(x)[::2] * jnp.arange(1.0, 7.0),
    "rows": lambda x: jnp.sort(x.reshape(3, 4), axis=0),
}


@pytest.mark.parametrize("name", SORTED)
def test_any_order_of_entries_that_tie_is_one(name: str) -> None:
    function, x = SORTED[name], np.zeros(12, np.float32)
    assert check(function, (x,), special_points=False).verdict.passes
    tripled = with_rule(function, lambda xs, ts: 3 * jax.jvp(function, xs, ts)[1])
    assert check(tripled, (x,), special_points=False).verdict is Verdict.REFUTED
