"""The verdict on NumPy code is that on what NumPy does with views, dtypes, keywords, branches."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy_programs import astype_copies, flatten_copies

from jaxgrad import Verdict, compare
from jaxgrad.errors import EnginesDisagree, UnsupportedPrimitive
from jaxgrad.interpret.sides import make_side
from jaxgrad.numbers.ball import Ball

X = np.array([1.0, 2.0, 3.0], np.float32)
Function = Callable[[Any], Any]


def reshape_is_a_view(x: Any) -> Any:
    np.reshape(x, (3, 1))[0, 0] = 5.0
    return np.add(x, 0)


def transpose_is_a_view(x: Any) -> Any:
    np.atleast_2d(np.squeeze(np.transpose(np.ravel(x))))[0, 0] = 5.0
    return np.add(x, 0)


def initial(x: Any) -> Any:
    return np.add.reduce(x, initial=5.0)


def where(x: Any) -> Any:
    return np.add.reduce(x, where=np.array([True, False, True]))


def initial_maximum(x: Any) -> Any:
    return np.maximum.reduce(x, initial=10.0)


def integers_truncate(x: Any) -> Any:
    z = np.zeros_like(x, dtype=int)
    z[0] = x[0] + 0.5
    return z * np.ones(3)


def sum_of_truths_is_or(x: Any) -> Any:
    np.exp(x)
    return ((x > 0) + (x > -1)) * x


def product_of_truths_is_a_truth(x: Any) -> Any:
    mask = np.greater(x, 0)
    return (mask @ mask) * x


def is_an_array(x: Any) -> Any:
    np.exp(x)
    return x if isinstance(x, np.ndarray) else 2 * x


def written_copy(x: Any) -> Any:
    y = x.copy()
    y[0] = 0
    return y


def list_index(x: Any) -> Any:
    return x[[0, 0, 2]]


def filled(x: Any) -> Any:
    y = np.zeros_like(x)
    y.fill(2)
    return y * x


def object_array(x: Any) -> Any:
    made = np.empty(2, dtype=object)
    made[0], made[1] = np.exp(x[0]), x[1]
    return made


def array_of_entries(x: Any) -> Any:
    return np.array([np.exp(x[0]), x[1]])


def another_shape(x: Any) -> Any:
    return np.ones_like(x, shape=(2,)) * x[0]


def masked(x: Any) -> Any:
    d = np.ones_like(x)
    d[x <= 0] = 0
    return d


def mean_of_mask(x: Any) -> Any:
    return np.greater(x, 0) / 3


def in_place(x: Any) -> Any:
    y = np.asarray(x.shape) is None or x
    np.add(y, 1, out=y)
    y *= 2
    return x


def tenths(x: Any) -> Any:
    return np.multiply(x, 0.1)


def set_first(x: Any) -> Any:
    return x.at[0].set(5.0)


def relu_gradient(x: Any) -> Any:
    return jax.grad(lambda v: jax.nn.relu(v).sum())(x)


# name -> the code, what NumPy computes, what it does not compute, whether equality is proved.
CASES: dict[Function, tuple[Function, Function, Verdict]] = {
    flatten_copies: (lambda x: x, set_first, Verdict.PROVED),
    astype_copies: (lambda x: x, set_first, Verdict.PROVED),
    reshape_is_a_view: (set_first, lambda x: x, Verdict.PROVED),
    transpose_is_a_view: (set_first, lambda x: x, Verdict.PROVED),
    initial: (lambda x: x.sum() + 5, jnp.sum, Verdict.PROVED),
    where: (lambda x: x[0] + x[2], jnp.sum, Verdict.PROVED),
    initial_maximum: (lambda x: jnp.max(x, initial=10.0), jnp.max, Verdict.AGREES),
    sum_of_truths_is_or: (
        lambda x: jnp.where(x > -1, x, 0), lambda x: ((x > 0) * 1.0 + (x > -1)) * x, Verdict.AGREES
    ),
    product_of_truths_is_a_truth: (
        lambda x: jnp.where(jnp.any(x > 0), x, 0), lambda x: 3 * x, Verdict.AGREES
    ),
    is_an_array: (lambda x: x, lambda x: 2 * x, Verdict.PROVED),
    written_copy: (lambda x: x.at[0].set(0.0), lambda x: x, Verdict.PROVED),
    list_index: (
        lambda x: jnp.stack([x[0], x[0], x[2]]), lambda x: jnp.stack([x[0], x[2], x[2]]),
        Verdict.PROVED,
    ),
    filled: (lambda x: 2 * x, lambda x: 0 * x, Verdict.PROVED),
    object_array: (
        lambda x: jnp.stack([jnp.exp(x[0]), x[1]]), lambda x: jnp.stack([x[0], x[1]]),
        Verdict.PROVED,
    ),
    array_of_entries: (
        lambda x: jnp.stack([jnp.exp(x[0]), x[1]]), lambda x: jnp.stack([x[0], x[1]]),
        Verdict.PROVED,
    ),
    another_shape: (lambda x: jnp.ones(2) * x[0], lambda x: jnp.ones(2), Verdict.PROVED),
    masked: (relu_gradient, lambda x: jnp.ones(3) * x, Verdict.PROVED),
    mean_of_mask: (lambda x: relu_gradient(x) / 3, relu_gradient, Verdict.PROVED),
    in_place: (lambda x: 2 * (x + 1), lambda x: x, Verdict.PROVED),
    tenths: (lambda x: x * 0.1, lambda x: x * 0.125, Verdict.PROVED),
}  # fmt: skip


@pytest.mark.parametrize("code", CASES, ids=lambda code: code.__name__)
def test_the_verdict_is_that_on_what_numpy_does(code: Function) -> None:
    right, wrong, verdict = CASES[code]
    given = X.copy()
    assert compare(code, right, given).verdict is verdict
    assert compare(code, wrong, given).verdict is Verdict.REFUTED
    assert np.array_equal(given, X)  # code that writes to its argument had a copy


def test_what_would_be_truncated_is_judged_by_its_floats() -> None:
    wrong = compare(integers_truncate, lambda x: jnp.stack([x[0] + 0.5, 0 * x[0], 0 * x[0]]), X)
    assert wrong.verdict is Verdict.REFUTED
    assert "it would be truncated" in wrong.evidence.text


def test_results_whose_shape_depends_on_the_values_are_not_followed_elsewhere() -> None:
    result = compare(lambda x: x[np.greater(x, 1.5)], lambda x: x[1:], X)
    assert result.verdict is Verdict.AGREES
    assert "at 1 points" in result.evidence.text


def test_random_numbers_are_the_same_in_every_run() -> None:
    state = np.random.get_state()[1].copy()  # type: ignore[index, union-attr]

    def noisy(x: Any) -> Any:
        return np.exp(x) * np.random.standard_normal(3) + random.random()

    assert compare(noisy, noisy, X).verdict is not Verdict.REFUTED
    assert np.array_equal(state, np.random.get_state()[1])  # type: ignore[index, arg-type]


def test_what_is_kept_from_run_to_run_is_refused() -> None:
    kept: list[Any] = []

    def delayed(x: Any) -> Any:
        kept.append(np.exp(x))
        return kept[max(len(kept) - 2, 0)]

    side = make_side("hand", delayed, (X,))
    side.over(Ball(), [Ball().constants(X)])
    with pytest.raises(UnsupportedPrimitive, match="from one run to the next"):
        side.over(Ball(), [Ball().constants(X)])
    with pytest.raises(UnsupportedPrimitive, match="from another run"):
        side.floats([X])


def test_code_that_tells_exact_numbers_from_floats_gets_no_verdict() -> None:
    def asks(x: Any) -> Any:
        e = np.exp(x)
        return e if type(x) is np.ndarray else 2 * e

    def draws(x: Any) -> Any:
        return np.exp(x) + np.random.default_rng().random()

    for code in (asks, draws):
        for other in (jnp.exp, lambda x: 2 * jnp.exp(x)):
            with pytest.raises(EnginesDisagree, match=r"type\(x\).*seed it.*keeps"):
                compare(code, other, X)


def test_code_that_prints_runs() -> None:
    def printing(x: Any) -> Any:
        assert f"{x[0]:.3f}" and str(x) and repr(x[0])
        return np.exp(x)

    assert compare(printing, jnp.exp, X).verdict is Verdict.PROVED


def test_an_array_of_floats_is_judged_by_its_floats_and_named() -> None:
    def allocating(x: Any) -> Any:
        gradient = np.zeros(x.shape)
        for k in range(len(x)):
            gradient[k] = 2 * x[k]
        return gradient

    right, wrong = (compare(allocating, f, X) for f in (lambda x: 2 * x, lambda x: 2.001 * x))
    assert (right.verdict, wrong.verdict) == (Verdict.AGREES, Verdict.UNDECIDED)
    assert "np.zeros_like(x) makes one for exact numbers" in right.evidence.text


def test_a_quotient_by_an_infinity_is_rounded_down_as_numpy_does() -> None:
    """1 // −∞ is −1, and ⌊1/−∞⌋ of real numbers is 0."""

    def rounded(x: Any) -> Any:
        return np.floor_divide(x, -np.inf) * x

    right, wrong = (compare(rounded, f, X) for f in (lambda x: -x, lambda x: 0 * x))
    assert (right.verdict, wrong.verdict) == (Verdict.AGREES, Verdict.REFUTED)


def test_what_is_nan_on_both_sides_is_not_decided() -> None:
    for nothing in (
        lambda x: jnp.arcsin(x * jnp.nan), lambda x: x + 0 * jnp.sin(jnp.inf + x),
        lambda x: np.heaviside(np.nan, x),
    ):  # fmt: skip
        assert compare(nothing, nothing, X).verdict is Verdict.UNDECIDED
        assert compare(nothing, lambda x: 0 * x, X).verdict is Verdict.REFUTED


def test_an_error_of_the_callers_own_is_left_as_it_is() -> None:
    def faulty(x: Any) -> Any:
        return jnp.exp(x).no_such_method()

    with pytest.raises(AttributeError, match="no_such_method"):
        compare(faulty, faulty, X)
    with pytest.raises(TypeError, match="JAX arrays are immutable"):
        compare(lambda x: jnp.exp(x).__setitem__(0, 1), jnp.exp, X)


def test_an_argument_that_is_a_scalar_stays_one() -> None:
    def scalar(z: Any) -> Any:
        e = np.exp(z)
        return e if isinstance(z, float) and np.isscalar(z) else 2 * z

    assert compare(scalar, jnp.exp, 0.5).verdict is Verdict.PROVED
    assert compare(scalar, jnp.exp, np.float64(0.5)).verdict is Verdict.PROVED


def test_in_double_the_codes_constants_are_doubles() -> None:
    side = make_side("hand", tenths, (X,))
    assert side.program is None
    double = side.in_double()
    point = [np.asarray(X, np.float64)]
    system = Ball()
    for each, tenth in ((side, np.float32(0.1)), (double, 0.1)):
        (found,) = each.over(system, [system.constants(point[0])])
        assert found[0] == system.constant(tenth)
    assert double.floats(point)[0].dtype == np.float64
    assert math.isclose(double.floats(point)[0][0], 0.1, rel_tol=2**-52)
