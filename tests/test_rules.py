"""Every primitive rule, on its examples: balls, polynomials and JAX agree."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numbers_support import Checked, gradient, vector
from rule_examples import EXAMPLES, Example, primitive_names

# Some primitives exist in one release of JAX only.
HERE = {name: example for name, example in EXAMPLES.items() if example.here}
# A program is traced once and looked at here; each further point is cheap.
POINTS = settings(max_examples=4, deadline=None)

GENERIC = {
    "real": np.array([0.75, -1.25, 2.0, -0.5]),
    "positive": np.array([0.75, 1.25, 2.0, 0.5]),
    "unit": np.array([0.75, -0.25, 0.5, -0.125]),
    "above_one": np.array([1.75, 1.25, 2.0, 3.5]),
}


@functools.cache
def _checked(name: str) -> Checked:
    return Checked(HERE[name].function, np.ones(4), np.ones(4))


@functools.cache
def _gradient(name: str) -> Checked:
    return Checked(gradient(HERE[name].function), np.ones(4), np.ones(4))


@st.composite
def _points(draw: Any, example: Example) -> tuple[np.ndarray, np.ndarray]:
    return draw(vector(example.domain)), draw(vector())


@pytest.mark.parametrize("name", HERE)
@POINTS
@given(data=st.data())
def test_the_value_is_jaxs_own(name: str, data: st.DataObject) -> None:
    checked = _checked(name)
    assert name in primitive_names(checked.program.jaxpr)
    point = data.draw(_points(HERE[name]))
    if HERE[name].exact:
        checked.check_exact(*point)
    else:
        checked.check(*point)


@pytest.mark.parametrize("name", HERE)
def test_every_entry_is_compared_where_nothing_ties(name: str) -> None:
    checked, example = _checked(name), HERE[name]
    point = GENERIC[example.domain], GENERIC["real"][::-1]
    assert checked.check(*point) == sum(leaf.size for leaf in checked.floats(*point))
    assert (checked.polynomials is not None) == example.polynomial


@pytest.mark.parametrize("name", [n for n, example in HERE.items() if example.gradient])
@POINTS
@given(data=st.data())
def test_the_gradient_is_jaxs_own(name: str, data: st.DataObject) -> None:
    _gradient(name).check(*data.draw(_points(HERE[name])))
