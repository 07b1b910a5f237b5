"""The tests of a primitive's rule: balls, polynomials and JAX agree on its examples."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numbers_support import Checked, gradient, vector
from rule_example import Example
from rule_examples import primitive_names

__all__ = ["GENERIC", "rule_tests"]

# A program is traced once and looked at here; each further point is cheap.
POINTS = settings(max_examples=4, deadline=None)

GENERIC = {
    "real": np.array([0.75, -1.25, 2.0, -0.5]),
    "positive": np.array([0.75, 1.25, 2.0, 0.5]),
    "unit": np.array([0.75, -0.25, 0.5, -0.125]),
    "above_one": np.array([1.75, 1.25, 2.0, 3.5]),
}


@st.composite
def _points(draw: Any, example: Example) -> tuple[np.ndarray, np.ndarray]:
    return draw(vector(example.domain)), draw(vector())


def rule_tests(examples: dict[str, Example]) -> tuple[Callable[..., None], ...]:
    """The tests of the values, of the comparison itself and of the gradients of examples."""
    # Some primitives exist in one release of JAX only.
    here = {name: example for name, example in examples.items() if example.here}

    @functools.cache
    def checked_value(name: str) -> Checked:
        return Checked(here[name].function, np.ones(4), np.ones(4))

    @functools.cache
    def checked_gradient(name: str) -> Checked:
        return Checked(gradient(here[name].function), np.ones(4), np.ones(4))

    def require_comparison(name: str, checked: Checked) -> None:
        """At a point where nothing ties, every entry is compared: none is lost to a NaN ball."""
        point = GENERIC[here[name].domain], GENERIC["real"][::-1]
        assert checked.check(*point) == sum(leaf.size for leaf in checked.floats(*point)) > 0

    @functools.cache  # once for each name, since at drawn points nothing has to be finite
    def require_gradients(name: str) -> None:
        require_comparison(name, checked_gradient(name))

    @pytest.mark.parametrize("name", here)
    @POINTS
    @given(data=st.data())
    def value(name: str, data: st.DataObject) -> None:
        checked = checked_value(name)
        assert name in primitive_names(checked.program.jaxpr)
        point = data.draw(_points(here[name]))
        if here[name].exact:
            checked.check_exact(*point)
        else:
            checked.check(*point)

    @pytest.mark.parametrize("name", here)
    def compared(name: str) -> None:
        require_comparison(name, checked_value(name))
        assert (checked_value(name).polynomials is not None) == here[name].polynomial

    @pytest.mark.parametrize("name", [n for n, example in here.items() if example.gradient])
    @POINTS
    @given(data=st.data())
    def gradients(name: str, data: st.DataObject) -> None:
        require_gradients(name)
        checked_gradient(name).check(*data.draw(_points(here[name])))

    return value, compared, gradients
