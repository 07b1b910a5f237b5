"""Float64 values at many points at once: at each they are what NumPy computes for it alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import objects
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.samples import Sampled, Samples, dense

# Where a function is to be looked at, if 0.375 and −0.75 are outside of its domain.
ARGUMENTS: dict[str, list[tuple[float, ...]]] = {
    **{name: [(0.375,), (2.5,)] for name in ("log", "sqrt", "lgamma", "digamma")},
    "acosh": [(1.5,), (4.0,)],
    "atan2": [(0.375, -0.75), (-1.5, 2.0)],
    "rem": [(5.5, -2.0), (-5.5, 2.0)],
    "pow": [(0.375, -0.75), (2.5, 3.0)],
    "igamma": [(0.375, 2.5), (2.5, 0.375)],
    "igammac": [(0.375, 2.5), (2.5, 0.375)],
    "regularized_incomplete_beta": [(0.375, 2.5, 0.25), (2.5, 0.375, 0.75)],
    "polygamma": [(1.0, 0.375), (2.0, 1.5)],
    "zeta": [(2.5, 0.375), (1.5, 2.0)],
    **{
        name: [(k / 4,) for k in range(-11, 12)]
        for name in ("floor", "ceil", "round_half_even", "round_half_away")
    },
}


def _sampled(values: Any) -> Sampled:
    return Sampled(np.asarray(values, np.float64))


def _close(value: float, ball: arb) -> bool:
    return bool(abs(arb(value) - ball) <= 1e-12 * (1 + abs(ball)))


@pytest.mark.parametrize("name", [name for name, known in FUNCTIONS.items() if known.float64])
def test_every_function_is_that_of_the_balls(name: str) -> None:
    points = ARGUMENTS.get(name, [(0.375,), (-0.75,)])
    columns = [_sampled(column) for column in zip(*points, strict=True)]
    found = Samples().function(name, *columns).values
    for value, point in zip(found, points, strict=True):
        assert _close(float(value), _by_balls(name, *map(arb, point))), point


def _by_balls(name: str, *xs: arb) -> arb:
    return Ball().function(name, *xs)


def test_methods_are_the_functions_of_their_names() -> None:
    x = [0.375, 2.5]
    for name in ("exp", "tanh", "log1p", "expm1", "log", "sqrt", "logistic"):
        for value, point in zip(getattr(Samples(), name)(_sampled(x)).values, x, strict=True):
            assert _close(float(value), getattr(Ball(), name)(arb(point))), name


def test_a_pole_has_no_value() -> None:
    found = Samples().function("lgamma", _sampled([0.0, -1.0, 3.0])).values
    assert np.isnan(found[:2]).all() and _close(found[2], arb(2).log())
    assert Samples().function("erf", _sampled([])).values.shape == (0,)
    with pytest.raises(UnsupportedPrimitive, match="nothing is not known over the sampled numbers"):
        Samples().function("nothing", _sampled([1.0]))


X, Y = np.array([-1.5, 0.0, 2.0, 2.0]), np.array([2.0, 0.0, -1.5, 2.0])

PAIRS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "sum": (lambda s, x, y: x + y, np.add),
    "difference": (lambda s, x, y: x - y, np.subtract),
    "product": (lambda s, x, y: x * y, np.multiply),
    "quotient": (lambda s, x, y: s.divide(x, y + s.constant(3)), lambda x, y: x / (y + 3)),
    "maximum": (lambda s, x, y: s.maximum(x, y), np.maximum),
    "minimum": (lambda s, x, y: s.minimum(x, y), np.minimum),
    "power": (lambda s, x, y: s.power(x, 3), lambda x, y: x**3),
    "absolute": (lambda s, x, y: s.absolute(-x), lambda x, y: np.abs(x)),
    "sign": (lambda s, x, y: s.sign(x), lambda x, y: np.sign(x)),
    "lt": (lambda s, x, y: s.compare("lt", x, y), np.less),
    "le": (lambda s, x, y: s.compare("le", x, y), np.less_equal),
    "gt": (lambda s, x, y: s.compare("gt", x, y), np.greater),
    "ge": (lambda s, x, y: s.compare("ge", x, y), np.greater_equal),
    "eq": (lambda s, x, y: s.compare("eq", x, y), np.equal),
    "ne": (lambda s, x, y: s.compare("ne", x, y), np.not_equal),
    "selection": (
        lambda s, x, y: s.select(s.compare("lt", x, y), x, y + y),
        lambda x, y: np.where(x < y, 2 * y, x),
    ),
    "number": (lambda s, x, y: s.number(s.compare("le", x, y)), lambda x, y: 1.0 * (x <= y)),
    "not": (lambda s, x, y: s.logical_not(s.compare("lt", x, y)), np.greater_equal),
    "and": (
        lambda s, x, y: s.logical_and(s.compare("le", x, y), s.compare("ge", x, y)), np.equal
    ),
    "or": (
        lambda s, x, y: s.logical_or(s.compare("lt", x, y), s.compare("gt", x, y)), np.not_equal
    ),
    "finite": (
        lambda s, x, y: s.is_finite(s.select(s.compare("lt", x, y), y, s.constant(math.inf))),
        np.greater_equal,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_each_point_is_alone(name: str) -> None:
    operation, reference = PAIRS[name]
    found = operation(Samples(), _sampled(X), _sampled(Y)).values
    assert found.tolist() == reference(X, Y).tolist()


def test_a_truth_is_known_where_it_is_the_same_at_every_point() -> None:
    system = Samples()
    for truths, known in (([1, 1], True), ([0, 0], False), ([1, 0], None), ([0, 1], None)):
        assert system.known(Sampled(np.array(truths, bool))) is known
    assert system.known(system.truth(True)) is True
    assert system.known(system.truth(False)) is False
    assert not system.certainly_differ(_sampled([1.0]), _sampled([2.0]))


# Numbers that differ from point to point, and numbers that do not.
MOVING = objects([_sampled(k + np.arange(5.0)) for k in range(6)], (2, 3))
STILL = objects([_sampled(k - 2.5) for k in range(6)], (3, 2))
MIXED = objects([_sampled(k if k % 2 else np.arange(5.0) - k) for k in range(6)], (3, 2))


@pytest.mark.parametrize("right", [STILL, MIXED], ids=["still", "mixed"])
@pytest.mark.parametrize("left", [MOVING, STILL.T, MIXED.T], ids=["moving", "still", "mixed"])
def test_a_matrix_product_at_each_point(left: Any, right: Any) -> None:
    found = Samples().matmul(left, right)
    assert found.shape == (2, 2)
    for k in range(5):
        a, b, c = (_at(array, k) for array in (left, right, found))
        assert c.tolist() == (a @ b).tolist()


def _at(array: Any, point: int) -> np.ndarray:
    values = [np.broadcast_to(x.values, 5 if np.ndim(x.values) == 0 else np.shape(x.values))
              for x in array.reshape(-1)]  # fmt: skip
    return np.array([x[min(point, x.size - 1)] for x in values]).reshape(array.shape)


def test_the_values_of_an_array() -> None:
    assert dense(MOVING).shape == (2, 3, 5)
    assert dense(MIXED).shape == (3, 2, 5)
    assert dense(STILL).tolist() == [[[-2.5], [-1.5]], [[-0.5], [0.5]], [[1.5], [2.5]]]
    assert dense(MIXED)[0].tolist() == [[0, 1, 2, 3, 4], [1] * 5]
    assert dense(np.empty((0, 2), object)).shape == (0, 2, 1)
