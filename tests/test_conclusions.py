"""What is said where the rules of a function are wrong, or nothing is proved of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.errors import GradientMismatch
from jaxgrad.gradients.check_grads import check_grads
from jaxgrad.gradients.outcome import GradientCheck
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.proof import prove_rules
from jaxgrad.verdict import Verdict


def square(value: Callable[[Any], Any]) -> Callable[..., Any]:
    """x ↦ x², whose forward-mode rule returns a function of x for the value."""
    squared = jax.custom_jvp(lambda x: x**2)
    squared.defjvp(lambda p, t: (value(p[0]), 2 * p[0] * t[0]))
    return squared


@pytest.mark.parametrize("modes, said", [("fwd", "fwd then fwd"), ("rev", "rev then rev")])
def test_a_value_that_is_wrong_within_two_rules_is_told_by_the_modes(modes: str, said: str) -> None:
    """No rule of the function itself returns it: that of another one does, within its rule."""

    def nested(value: Any) -> Any:
        inner, outer = (jax.custom_jvp(lambda x: x**2) for _ in range(2))
        inner.defjvp(lambda p, t: (value(p[0]), 2 * p[0] * t[0]))
        outer.defjvp(lambda p, t: (inner(p[0]), 2 * p[0] * t[0]))
        return outer

    wrong = nested(lambda x: 1.5 * x**2)
    with pytest.raises(GradientMismatch, match=rf"wrong: {said} returns 0\.8437\d+ as the value"):
        check_grads(wrong, (0.75,), order=2, modes=modes)
    assert check_grads(wrong, (0.75,), modes=modes).verdict.passes
    assert check_grads(nested(lambda x: x**2), (0.75,), order=2, modes=modes).verdict.passes


def _under_vmap(factor: float) -> Any:
    twisted = jax.custom_batching.custom_vmap(lambda x: x**2)
    twisted.def_vmap(lambda size, batched, x: (factor * x**2, True))
    return square(twisted)


REFUTED = {
    "value": lambda factor: square(lambda x: factor * x**2),
    "value at one point": lambda factor: square(lambda x: jnp.where(x == 0, 1.0 - factor, x**2)),
    "value under vmap": _under_vmap,
}


@pytest.mark.parametrize("name", REFUTED)
def test_each_leaf_that_is_refuted_has_the_program_that_shows_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GradientCheck, "assert_agrees", lambda self: None)
    found = check_grads(REFUTED[name](1.5), (0.75,))
    assert found.verdict is Verdict.REFUTED and found.leaves
    assert found.counterexample is not None
    for leaf in found.leaves:
        assert leaf.verdict is Verdict.REFUTED
        assert leaf.counterexample == found.counterexample
        assert "value" in leaf.text
    assert check_grads(REFUTED[name](1.0), (0.75,)).verdict.passes


def test_a_derivative_that_jax_has_not_is_no_proof() -> None:
    def slope(x: Any) -> Any:
        once = (lambda turn: turn[0] < 1, lambda turn: (turn[0] + 1, 3 * turn[1]), (0, x**2))
        return jax.lax.while_loop(*once)[1]

    cube = jax.custom_vjp(lambda x: x**3)
    cube.defvjp(lambda x: (x**3, x), lambda x, g: (slope(x) * g,))
    primal = Primal(cube, (np.float32(0.75),))
    assert prove_rules(DerivativePrograms(primal, 1, ("rev",))) is not None
    second = DerivativePrograms(primal, 2, ("rev",))
    assert not second.nested and second.missing
    assert prove_rules(second) is None
