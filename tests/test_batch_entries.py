"""check(batch=): sums of entries that differ, of which a large one may hide a small one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from jaxgrad import Verdict, check, compare
from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients import batch_settled
from jaxgrad.gradients.batch_points import batch_of
from jaxgrad.gradients.rules import over_batch
from jaxgrad.gradients.rules.batch_derivatives import BatchDerivatives
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.proof import without_rules
from jaxgrad.gradients.single_entries import is_of_single_entries

ALONE: dict[str, Any] = {"special_points": False}


def _sine(factor: Callable[[Any], Any] = lambda x: 1.0) -> Any:
    """sin, with a rule that has a factor."""
    rule = jax.custom_jvp(jnp.sin)
    rule.defjvp(lambda xs, vs: (rule(*xs), factor(*xs) * jnp.cos(*xs) * vs[0]))
    return rule


def _fwd(rule: Any) -> Callable[..., Any]:
    return lambda x, y: 1e7 * jnp.exp(y) + rule(x)


def _rev(rule: Any) -> Callable[..., Any]:
    return lambda x, y: (1e7 * jnp.exp(x), rule(x) * y)


@pytest.mark.parametrize("modes, made", [("fwd", _fwd), ("rev", _rev)])
def test_a_large_derivative_does_not_hide_a_small_one_along_the_drawn_direction(
    modes: str, made: Callable[[Any], Callable[..., Any]]
) -> None:
    function = made(_sine(lambda x: jnp.where(x > 2.5, 1.1, 1.0)))
    at = (np.float32(0.5), np.float32(0.25))
    for last, verdict in ((2.0, Verdict.AGREES), (2.9, Verdict.REFUTED)):
        batch = (np.array([1.0, last], np.float32), np.array([0.5, 0.7], np.float32))
        found = check(function, at, modes=modes, batch=batch, **ALONE)
        assert found.verdict is verdict, found.evidence.text


def _rounded(x: Any) -> Any:
    return np.float32(1 + 2.0**-22)


POINTS = np.linspace(0.1, 1.2, 20, dtype=np.float32)
AT = (np.float32(0.5), np.float32(0.25))


def test_entries_are_asked_for_where_sums_differ() -> None:
    """Each is within what rounding hides, and one that is not is found among them."""
    found = check(_fwd(_sine(_rounded)), AT, modes="fwd", batch=(POINTS, POINTS), **ALONE)
    assert found.verdict is Verdict.AGREES
    assert "by each entry at 20 of them; at some of them" in found.evidence.text
    assert "(" not in found.evidence.text.split("points of the batch")[1]  # none by balls

    def wrong(x: Any) -> Any:
        return jnp.where(abs(x - POINTS[7]) < 1e-3, 1 + 2.0**-14, _rounded(x))

    found = check(_fwd(_sine(wrong)), AT, modes="fwd", batch=(POINTS, POINTS), **ALONE)
    assert found.verdict is Verdict.REFUTED
    assert found.evidence.text.startswith("at point 7 of the 20 of the batch")


def test_without_time_for_the_entries_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_settled, "BUDGET", 0.0)
    function = _fwd(_sine(_rounded))
    found = check(function, AT, modes="fwd", batch=(POINTS, POINTS), budget=0.0, **ALONE)
    assert found.verdict is Verdict.UNDECIDED
    assert "not known to agree at 20 of the 20 points of the batch" in found.evidence.text
    assert "(budget= gives more)" in found.evidence.text
    assert check(function, AT, modes="fwd", batch=(POINTS, POINTS), budget=20.0, **ALONE)


def test_one_mode_is_asked_where_jax_transposes_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backward every entry of a function of one value is there as it is."""
    asked: list[Sequence[BatchDerivatives]] = []
    before = over_batch.modes_of_entries

    def seen(*args: Any) -> Any:
        asked.append(before(*args))
        return asked[-1]

    monkeypatch.setattr(over_batch, "modes_of_entries", seen)
    batch = (POINTS, POINTS)
    assert check(_fwd(_sine(_rounded)), AT, batch=batch, **ALONE).verdict is Verdict.AGREES
    assert asked == [[]]

    crooked = jax.custom_jvp(jnp.sin)

    def rule(xs: Any, vs: Any) -> Any:
        """Forward right, and backward 10 % off beyond 1."""
        slope = jnp.cos(xs[0])
        back = jnp.where(xs[0] > 1, 1.1, 1.0) * slope
        along = jax.custom_derivatives.linear_call(
            lambda s, v: s[0] * v, lambda s, u: s[1] * u, (slope, back), vs[0]
        )
        return crooked(*xs), along

    crooked.defjvp(rule)
    found = check(_rev(crooked), AT, batch=batch, **ALONE)
    assert found.verdict is Verdict.REFUTED
    assert len(asked[1]) == 2


def _transposed(factor: float) -> Primitive:
    """(v, x) ↦ v cos x as a primitive of its own, which has a factor backward beyond 1."""
    made = Primitive("along_a_sine")

    def value(v: Any, x: Any) -> Any:
        return v * jnp.cos(x)

    def transpose(u: Any, v: Any, x: Any) -> list[Any]:
        return [u * jnp.cos(x) * jnp.where(x > 1, factor, 1.0), None]

    made.def_impl(value)
    made.def_abstract_eval(lambda v, x: x)
    mlir.register_lowering(made, mlir.lower_fun(value, multiple_results=False))
    batching.defbroadcasting(made)
    ad.primitive_transposes[made] = transpose
    return made


def _sine_of_its_own(factor: float) -> Any:
    """sin as a primitive, whose derivative is the one above."""
    along, made = _transposed(factor), Primitive("own_sine")
    made.def_impl(jnp.sin)
    made.def_abstract_eval(lambda x: x)
    mlir.register_lowering(made, mlir.lower_fun(jnp.sin, multiple_results=False))
    batching.defvectorized(made)
    ad.defjvp(made, along.bind)
    return made.bind


def _sine_with_a_rule(factor: float) -> Any:
    along, made = _transposed(factor), jax.custom_jvp(jnp.sin)
    made.defjvp(lambda xs, vs: (made(*xs), along.bind(*vs, *xs)))
    return made


@pytest.mark.parametrize("made", [_sine_of_its_own, _sine_with_a_rule])
@pytest.mark.parametrize("modes", ["rev", ("fwd", "rev")], ids=["rev", "both"])
def test_a_primitive_with_a_transpose_of_its_own_is_asked_for_entries_in_both_modes(
    made: Callable[[float], Any], modes: Any
) -> None:
    batch = (POINTS, POINTS)
    right = check(_rev(made(1.0)), AT, modes=modes, batch=batch, **ALONE)
    assert right.verdict.passes, right.evidence.text
    found = check(_rev(made(1.1)), AT, modes=modes, batch=batch, **ALONE)
    assert found.verdict is Verdict.REFUTED, found.evidence.text
    assert "rev: the derivative of f[1] with respect to x" in str(found)


def test_a_rule_that_works_entry_by_entry_is_asked_for_all_of_them_at_once() -> None:
    points = np.random.default_rng(0).normal(size=(50, 30)).astype(np.float32)
    found = check(_sine(_rounded), (points[0],), modes="fwd", batch=(points,), **ALONE)
    assert found.verdict is Verdict.AGREES and "by each entry" not in found.evidence.text
    assert "the formulas differ" in found.evidence.text


def test_rounded_constants_are_forgiven_as_at_the_given_point() -> None:
    """To seven digits, of which float32 holds so many; of float64 they are seen."""

    def slope(x: Any) -> Any:
        inner = jnp.tanh(0.79788456 * (x + 0.044715 * x**3))
        return 0.5 * (1 + inner) + 0.5 * x * (1 - inner**2) * (0.79788456 + 0.1070322243 * x * x)

    rule = jax.custom_jvp(lambda x: jax.nn.gelu(x, approximate=True))
    rule.defjvp(lambda xs, vs: (rule(*xs), slope(*xs) * vs[0]))
    points = np.linspace(-3.3, 3.1, 80, dtype=np.float32).reshape(20, 4)
    found = check(rule, (points[0],), modes="rev", batch=(points,), **ALONE)
    assert found.verdict is Verdict.AGREES, found.evidence.text
    found = check(rule, (points[0],), modes="rev", batch=(points,), exact=True, **ALONE)
    assert found.verdict is Verdict.REFUTED


def test_a_comparison_says_that_formulas_differ_at_a_batch() -> None:
    points = (np.linspace(0.2, 3, 40, dtype=np.float32),)

    def by_hand(x: Any) -> Any:
        return jnp.where(x > 1, 1 + 2.0**-23, 1.0) * jnp.sin(x) * jnp.exp(x)

    found = compare(by_hand, lambda x: jnp.sin(x) * jnp.exp(x), points[0][0], batch=points, **ALONE)
    assert found.verdict is Verdict.AGREES
    assert found.evidence.text.count("the formulas differ, by no more than the rounding") == 1
    found = compare(
        by_hand, lambda x: jnp.sin(x) * jnp.exp(x), points[0][0], batch=points, exact=True, **ALONE
    )
    assert found.verdict is Verdict.REFUTED


@pytest.mark.parametrize(
    "factor, verdict",
    [(1.0, Verdict.PROVED), (1 + 2.0**-23, Verdict.AGREES), (1.01, Verdict.REFUTED)],
)
def test_a_stopped_maximum_is_the_identity(factor: float, verdict: Verdict) -> None:
    """Of a softmax JAX stops the gradient of the maximum, which no derivative depends on."""
    soft = jax.custom_vjp(lambda x: jax.nn.softmax(x))

    def back(values: Any, u: Any) -> Any:
        return (np.float32(factor) * values * (u - (values * u).sum()),)

    soft.defvjp(lambda x: 2 * (jax.nn.softmax(x),), back)
    points = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    found = check(soft, (points[0],), modes="rev", batch=(points,), **ALONE)
    assert found.verdict is verdict, found.evidence.text
    assert "not known to be that of the function" not in found.evidence.text
    assert ("every stop_gradient the identity" in found.evidence.text) == (factor == 1)


# -- which entries a number is made of ---------------------------------------------------------
ONE = {
    "past a barrier": lambda x, u: jax.lax.optimization_barrier((u, jnp.sum(x)))[0],
    "by its own": lambda x, u: jnp.cos(x) * u,
    "turned": lambda x, u: jnp.flip(u * x).reshape(2, 3).T,
    "some of them": lambda x, u: jnp.concatenate([u[1:3], u[::2] * 2]),
    "repeated": lambda x, u: jnp.broadcast_to(u, (4, 6)) * x[:, None][:4],
    "in a function of its own": lambda x, u: jax.jit(lambda a: jnp.where(x > 0, a, 3 * a))(u),
    "none": lambda x, u: jnp.sum(x),
}
MORE = {
    "a sum": lambda x, u: jnp.sum(u),
    "neighbours": lambda x, u: u[1:] + u[:-1],
    "a product": lambda x, u: jnp.outer(x, x) @ u,
    "a loop": lambda x, u: jax.lax.fori_loop(0, 3, lambda _, c: c * x, u),
}


@pytest.mark.parametrize("name", [*ONE, *MORE])
def test_of_how_many_entries_a_number_is_made(name: str) -> None:
    program = jax.make_jaxpr({**ONE, **MORE}[name])(jnp.ones(6), jnp.ones(6))
    assert is_of_single_entries(program, 1) == (name in ONE)


@given(st.sampled_from([*ONE, *MORE]), st.integers(0, 5))
def test_an_entry_of_such_a_program_moves_with_one_alone(name: str, entry: int) -> None:
    """No number that another entry moves is moved by this one."""
    function = {**ONE, **MORE}[name]
    x, u = jnp.linspace(0.5, 2, 6), jnp.linspace(1, 3, 6)
    seen = [np.asarray(function(x, u.at[k].add(1.0)) != function(x, u)) for k in range(6)]
    others = np.any([mask for k, mask in enumerate(seen) if k != entry], 0)
    if name in ONE:
        assert not np.any(seen[entry] & others)


@pytest.mark.parametrize("mode, count", [("fwd", 4), ("rev", 6)])
def test_the_entries_are_those_of_the_jacobian(mode: str, count: int) -> None:
    """A wrong entry of a dense one is apart in its own row alone."""
    matrix = np.random.default_rng(1).normal(size=(6, 4)).astype(np.float32)
    wrong = matrix.copy()
    wrong[2, 1] *= 1.5
    rule = jax.custom_jvp(lambda x: jnp.asarray(matrix) @ x)
    rule.defjvp(lambda xs, vs: (rule(*xs), jnp.asarray(wrong) @ vs[0]))
    points = np.random.default_rng(2).normal(size=(3, 4)).astype(np.float32)
    primal = Primal(rule, (points[0],))
    rules = DerivativePrograms(primal, 1, ("fwd", "rev"))
    meant = without_rules(rules)
    assert meant is not None
    batch = batch_of((points,), primal.inputs, primal.function, None)
    found = BatchDerivatives(rules, meant, mode, batch)
    assert len(found.directions) == count
    lying = found.by_entries(np.array([2, 0]))
    assert lying.apart.all() and (lying.least < 3).all()
    assert len(lying.apart) == 2


# -- differences that grow elsewhere -------------------------------------------------------------
def _gated(one: Any, other: Any, small: Any) -> Any:
    """Open where two numbers are near 3, to which no search along one of them comes."""
    return jnp.where((abs(one - 3) < 1e-3) & (abs(other - 3) < 1e-3), small, 1.0)


def _root(x: Any, one: Any, other: Any) -> Any:
    return jnp.sqrt(x * x + _gated(one, other, 1e-6))


def _forgotten(x: Any, one: Any, other: Any) -> Any:
    """Its slope, of which 1e-6 is forgotten where it matters for small numbers alone."""
    return x / jnp.sqrt(x * x + _gated(one, other, 0.0))


GATES = np.array([0.5, 3.0, 1.0], np.float32)
FAR = (np.array([1.7, 3.0, 1.9], np.float32), GATES, GATES)
INNOCENT = (np.float32(1.7), np.float32(0.5), np.float32(0.25))


@pytest.mark.parametrize("special", [True, False])
def test_a_hidden_difference_in_a_batch_is_pursued_by_a_comparison(special: bool) -> None:
    """From the point of the batch, unless nobody may leave the points that are given."""
    sides: tuple[Any, ...] = (_forgotten, jax.grad(_root), *INNOCENT)
    assert compare(*sides, special_points=special).verdict is Verdict.AGREES
    found = compare(*sides, batch=FAR, special_points=special)
    if special:
        assert found.verdict is Verdict.REFUTED
        assert "at a point towards which a difference grows that is hidden in the" in str(found)
    else:
        assert found.verdict is Verdict.AGREES and "the formulas differ" in found.evidence.text


@pytest.mark.parametrize("special", [True, False])
def test_a_hidden_difference_in_a_batch_is_pursued_by_a_check(special: bool) -> None:
    rule = jax.custom_jvp(_root)
    rule.defjvp(lambda xs, vs: (rule(*xs), _forgotten(*xs) * vs[0]))
    assert check(rule, INNOCENT, special_points=special).verdict is Verdict.AGREES
    found = check(rule, INNOCENT, batch=FAR, special_points=special)
    if special:
        assert found.verdict is Verdict.REFUTED
        assert found.evidence.text.startswith("at point 1 of the 3 of the batch, or from there: ")
    else:
        assert found.verdict is Verdict.AGREES and "the formulas differ" in found.evidence.text


# -- small entries beside large ones ---------------------------------------------------------------
@pytest.mark.parametrize("count, off", [(4, 1e-3), (4, 0.0), (80, 1e-3), (80, 0.0)])
def test_an_entry_that_intervals_of_a_sum_are_too_wide_for_is_found(count: int, off: float) -> None:
    """A result of 1e8 beside one of 1e-3, both of every entry of x."""

    def value(x: Any) -> Any:
        return {"large": 1e8 * jnp.sum(jnp.sin(x)) * jnp.exp(x), "small": 1e-3 * jnp.sin(x)}

    function = jax.custom_vjp(value)

    def back(x: Any, u: Any) -> Any:
        (right,) = jax.vjp(value, x)[1](u)
        wrong = jnp.where(x[0] > 1.3, off * 1e-3 * jnp.cos(x[0]) * u["small"][0], 0.0)
        return (right.at[0].add(wrong),)

    function.defvjp(lambda x: (function(x), x), back)
    points = np.random.default_rng(3).uniform(-1, 1, (3, count)).astype(np.float32)
    points[1, 0] = 1.4
    found = check(function, (points[0],), modes="rev", batch=(points,), **ALONE)
    assert found.verdict.passes == (not off), found.evidence.text
    assert not off or found.verdict is Verdict.REFUTED


def test_entries_that_cannot_be_had_leave_their_points_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(derivatives: BatchDerivatives, where: Any) -> Any:
        raise UnsupportedPrimitive("no time for a long program")

    monkeypatch.setattr(BatchDerivatives, "by_entries", fails)
    found = check(_fwd(_sine(_rounded)), AT, modes="fwd", batch=(POINTS, POINTS), **ALONE)
    assert found.verdict is Verdict.UNDECIDED
    assert "(no time for a long program)" in found.evidence.text
