"""Order statistics where much ties: any order of equal numbers is as good, of many as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check


def ruled(f: Callable[[Any], Any], backward: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    rule = jax.custom_vjp(f)
    rule.defvjp(lambda v: (f(v), v), lambda v, g: (backward(v, g),))
    return rule


def quantile(ranks: Any, off: float = 1.0) -> Callable[[Any], Any]:
    """A quarter of the second number and the rest of the third; of equal ones by their ranks."""

    def backward(v: Any, g: Any) -> Any:
        order = jnp.lexsort((jnp.array(ranks), v))
        return jnp.zeros_like(v).at[order[1]].add(0.25 * off * g).at[order[2]].add(0.75 * g)

    return ruled(lambda v: 0.25 * jnp.sort(v)[1] + 0.75 * jnp.sort(v)[2], backward)


def upper_median(ranks: Any) -> Callable[[Any], Any]:
    def backward(v: Any, g: Any) -> Any:
        order = jnp.lexsort((jnp.array(ranks), v))
        return jnp.zeros_like(v).at[order[len(ranks) // 2]].set(g)

    return ruled(lambda v: jnp.sort(v)[len(ranks) // 2], backward)


@pytest.mark.parametrize(
    ("rule", "ranks"), [(quantile, [4, 5, 1, 2, 0, 3]), (upper_median, [3, 2, 0, 7, 4, 6, 5, 1])]
)
def test_no_order_of_equal_numbers_is_refuted(rule: Any, ranks: list[int]) -> None:
    found = check(rule(ranks), (np.ones(len(ranks), np.float32),))
    assert found.verdict is not Verdict.REFUTED, found


def test_one_that_is_wrong_is() -> None:
    found = check(quantile([2, 0, 1], off=1.2), (np.ones(3, np.float32),), special_points=False)
    assert found.verdict is Verdict.REFUTED
    apart = np.array([3, 1, 2, 5, 4, 0], np.float32)
    assert check(quantile([4, 5, 1, 2, 0, 3], off=1.2), (apart,)).verdict is Verdict.REFUTED
