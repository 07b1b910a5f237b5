"""Random programs and their gradients: balls, polynomials and JAX agree, at ties too."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numbers_support import Checked, gradient, vector
from program_strategies import BINARY, SIZE, UNARY, RandomProgram, programs

POINTS = 3


@st.composite
def _points(draw: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Points with ties, and one at which nothing ties."""
    tied = [(draw(vector(size=SIZE)), draw(vector(size=SIZE))) for _ in range(POINTS - 1)]
    return [*tied, (np.array([0.375, -1.125, 2.0]), np.array([-0.75, 0.625, 1.5]))]


@settings(max_examples=30, deadline=None)
@given(program=programs, points=_points())
def test_a_random_program(program: RandomProgram, points: Any) -> None:
    _require_comparison(Checked(program, np.ones(SIZE), np.ones(SIZE)), points)


@settings(max_examples=30, deadline=None)
@given(program=programs, points=_points())
def test_the_gradient_of_a_random_program(program: RandomProgram, points: Any) -> None:
    _require_comparison(Checked(gradient(program), np.ones(SIZE), np.ones(SIZE)), points)


def _require_comparison(checked: Checked, points: Any) -> None:
    """At the last point, where nothing ties, whatever JAX has a number for is compared."""
    compared = [checked.check(*point) for point in points]
    numbers = sum(int(np.isfinite(leaf).sum()) for leaf in checked.floats(*points[-1]))
    assert compared[-1] == numbers


def test_every_step_is_compared_somewhere() -> None:
    """No step is lost to polynomials that cannot decide or balls that are not finite."""
    point = np.array([0.375, -1.125, 2.0]), np.array([-0.75, 0.625, 1.5])
    for name in (*UNARY, *BINARY):
        program = RandomProgram(((name, 0, 1),), "sum")
        checked = Checked(gradient(program), np.ones(SIZE), np.ones(SIZE))
        assert checked.polynomials is not None, name
        assert checked.check(*point) == 2 * SIZE, name
