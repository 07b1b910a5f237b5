"""What a rule has in ``nondiff_argnums`` reaches it as it is given: JAX never traces that."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pasted_code import given_and_true

from jaxgrad import Verdict, check, check_grads
from jaxgrad.errors import GradientMismatch, TraceError

WEIGHTS = np.array([2.0, 3.0], np.float32)


def _weight(n: Any) -> Any:
    """What only a value has: Python asks for it."""
    return 2.0 if np.all(np.real(n) > 1) else 3.0


def _forward(factor: float, weight: Any = _weight) -> Any:
    f = jax.custom_jvp(lambda x, n: weight(n) * x**2, nondiff_argnums=(1,))
    f.defjvp(lambda n, xs, ts: (f(xs[0], n), factor * weight(n) * xs[0] * ts[0]))
    return f


def _backward(factor: float, weight: Any = _weight) -> Any:
    f = jax.custom_vjp(lambda x, n: weight(n) * x**2, nondiff_argnums=(1,))
    f.defvjp(lambda x, n: (f(x, n), x), lambda n, x, g: (factor * weight(n) * x * g,))
    return f


RULES = [_forward, _backward]

HELD = [
    np.float32(2), np.float64(0.5), np.int32(2), np.bool_(True), np.array(2.0, np.float32),
    WEIGHTS, np.array([[2, 3]]), np.array([0.5 + 1j, 2]), 2 + 1j, np.complex64(0.5 + 1j),
    {"w": WEIGHTS, "kind": "mean", "scale": 2.0},
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("n", HELD, ids=repr)
def test_values_reach_f_and_its_rule(rule: Any, n: Any) -> None:
    weight = (lambda n: _weight(n["w"]) * _weight(n["scale"])) if isinstance(n, dict) else _weight
    right, wrong = rule(2, weight), rule(3, weight)
    slope = float(jax.grad(right)(0.5, n))
    found = check(right, (0.5, n))
    assert found.verdict is Verdict.PROVED, found
    assert "held fixed" in found.evidence.text and [x.path for x in found.leaves] == ["x"]
    assert check(right, (0.5, n), argnums=0).verdict is Verdict.PROVED
    with pytest.raises(GradientMismatch) as caught:
        check_grads(wrong, (np.float32(0.5), n))
    given, true = map(float, given_and_true(caught.value, f=wrong))
    assert (given, true) == (1.5 * slope, slope)


@pytest.mark.parametrize("rule", RULES)
def test_an_array_of_jax_reaches_them_too_but_no_value_of_it(rule: Any) -> None:
    n = jnp.asarray(WEIGHTS)
    total = lambda n: n.at[0].set(1.0).sum()  # noqa: E731
    assert check(rule(2, total), (0.5, n)).verdict is Verdict.PROVED
    with pytest.raises(GradientMismatch) as caught:
        check_grads(rule(3, total), (np.float32(0.5), n))
    assert "jnp.asarray(np.array([2.0, 3.0], np.float32))" in str(caught.value)
    assert float(given_and_true(caught.value, f=rule(3, total))[0]) == 6.0
    with pytest.raises(TraceError, match="it asks for the values of its arguments in `_weight`"):
        check(rule(2), (0.5, n))


def test_arrays_that_are_held_are_in_the_dtype_that_is_asked_for() -> None:
    def total(n: Any) -> Any:
        kinds.add(n.dtype.name)
        return n.sum()

    for n in (WEIGHTS, WEIGHTS[0], jnp.asarray(WEIGHTS)):
        kinds: set[str] = set()
        found = check(_backward(2, total), (np.float32(0.5), n), dtypes=["float16"])
        assert found.verdict.passes and found.floats, found
        assert kinds == {"float32", "float16"}


def test_a_domain_and_a_reference_have_them_too() -> None:
    n, domain = np.float64(0.75), lambda x, n: bool(n < 1) and x < n
    found = check(_forward(2), (0.5, n), domain=domain, reference=lambda x, n: 3 * x**2)
    assert found.verdict.passes, found
    assert check(_forward(2), (0.5, n), reference=lambda x, n: x**2).verdict is Verdict.REFUTED


def test_asked_for_by_name_it_is_not_held() -> None:
    with pytest.raises(TraceError):
        check(_forward(2), (0.5, WEIGHTS), argnums=(0, 1))
