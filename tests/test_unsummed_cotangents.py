"""A cotangent of the shape that its argument was broadcast to: the missing sum is named."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from jaxgrad import check
from jaxgrad.errors import ShapeMismatch


def scaled(given: tuple[int, ...], cotangent: tuple[int, ...]) -> Any:
    """Σ x, with a rule that returns ones of a shape; and an argument."""
    rule = jax.custom_vjp(lambda x: x.sum())
    rule.defvjp(lambda x: (x.sum(), None), lambda _, g: (g * np.ones(cotangent, np.float32),))
    return rule, (np.ones(given, np.float32),)


@pytest.mark.parametrize(
    ("given", "cotangent", "mend"),
    [
        ((3,), (2, 3), "axis=0)"),
        ((), (2, 3), "axis=(0, 1))"),
        ((2, 1), (2, 3), "axis=1).reshape((2, 1))"),
        ((2, 1), (4, 2, 3), "axis=(0, 2)).reshape((2, 1))"),
    ],
)
def test_the_sum_that_is_missing_is_named(
    given: tuple[int, ...], cotangent: tuple[int, ...], mend: str
) -> None:
    f, args = scaled(given, cotangent)
    with pytest.raises(ShapeMismatch) as caught:
        check(f, args)
    assert str(caught.value).endswith(f"is a sum over that: jnp.sum(…, {mend}")


@pytest.mark.parametrize(("given", "cotangent"), [((2,), (2, 3)), ((2, 3), (3,)), ((3,), (1,))])
def test_no_sum_mends_another_shape(given: tuple[int, ...], cotangent: tuple[int, ...]) -> None:
    f, args = scaled(given, cotangent)
    with pytest.raises(ShapeMismatch) as caught:
        check(f, args)
    assert "jnp.sum" not in str(caught.value)
