"""Of a rule that is linear in its cotangent, or tangent, for some leaves, these are not accused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pasted_code import numbers_printed_by

from jaxgrad.errors import GradientMismatch
from jaxgrad.gradients.check_grads import check, check_grads
from jaxgrad.gradients.outcome import GradientCheck
from jaxgrad.verdict import Verdict

V = np.array([0.3, -0.5, 0.8], np.float32)

_SLOPES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "linear": lambda y, z, g: g * y * (1 - jnp.tanh(z) ** 2),
    "without the cotangent": lambda y, z, g: y * (1 - jnp.tanh(z) ** 2),
    "clipped": lambda y, z, g: jnp.clip(g, -1, 1) * y * (1 - jnp.tanh(z) ** 2),
}


def _of_two(x_slope: str, y_slope: str) -> Callable[..., Any]:
    f = jax.custom_vjp(lambda x, y: jnp.sum(jnp.tanh(x * y)))

    def back(saved: Any, g: Any) -> Any:
        x, y = saved
        return _SLOPES[x_slope](y, x * y, g), _SLOPES[y_slope](x, x * y, g)

    f.defvjp(lambda x, y: (jnp.sum(jnp.tanh(x * y)), (x, y)), back)
    return f


@pytest.mark.parametrize("wrong", ["without the cotangent", "clipped"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_leaf_that_is_linear_is_not_accused(wrong: str, place: int) -> None:
    slopes = ["linear", "linear"]
    slopes[place] = wrong
    found = check(_of_two(*slopes), (V, 0.5 * V + 1), modes="rev")
    name = "xy"[place]
    assert found.verdict is Verdict.REFUTED
    verdicts = [leaf.verdict for leaf in found.leaves]
    assert verdicts[place] is Verdict.REFUTED and verdicts[1 - place] is Verdict.UNDECIDED
    assert f"not linear in its cotangent for {name}: L(" in found.evidence.text
    assert f"the cotangent L of {name}[0] is not linear" in found.leaves[place].text
    assert found.leaves[1 - place].text == f"not judged, since the rule for {name} is wrong"
    assert check(_of_two("linear", "linear"), (V, 0.5 * V + 1), modes="rev").verdict.passes


def _product(*xs: Any) -> Any:
    return xs[0] * xs[1] * xs[2]


def test_several_leaves_are_listed_as_in_a_sentence() -> None:
    squared = jax.custom_vjp(_product)
    squared.defvjp(lambda *xs: (_product(*xs), None), lambda _, g: (g**2,) * 3)
    found = check(squared, (0.5, 0.75, 1.5))
    assert "in its cotangent for args[0], args[1] and args[2]: L(" in found.evidence.text


def test_each_leaf_that_is_not_linear_has_its_own_numbers() -> None:
    wrong = "without the cotangent"
    found = check(_of_two(wrong, wrong), (np.ones(3, np.float32), V), modes="rev")
    assert "not linear in its cotangent for x and y: L(" in found.evidence.text
    slopes = 1 - np.tanh(V.astype(float)) ** 2
    for leaf, name, slope in zip(found.leaves, "xy", (V[0] * slopes[0], slopes[0]), strict=True):
        assert f"the cotangent L of {name}[0] is not linear" in leaf.text
        number = float(leaf.text.partition("L(-1·g) is [")[2].split()[0])
        assert number == pytest.approx(slope, rel=1e-6)


# -- forward rules ---------------------------------------------------------------------------------

_TANGENTS: dict[str, Callable[[Any], Any]] = {
    "linear": lambda t: t,
    "squared": lambda t: t * t,
    "clipped": lambda t: jnp.clip(t, -4, 4),
    "its size": abs,
}
A, B = np.float32(0.5), np.float32(0.75)


def _forward(*tangents: str, more: Callable[..., Any] = lambda *_: 0.0) -> Callable[..., Any]:
    f = jax.custom_jvp(lambda x, y: x * y)

    def rule(xs: Any, ts: Any) -> Any:
        s, t = (_TANGENTS[name](t) for name, t in zip(tangents, ts, strict=True))
        return f(*xs), xs[1] * s + xs[0] * t + more(*ts)

    f.defjvp(rule)
    return f


@pytest.mark.parametrize("wrong", ["squared", "clipped", "its size"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_tangent_in_which_a_forward_rule_is_linear_is_not_accused(wrong: str, place: int) -> None:
    tangents = ["linear", "linear"]
    tangents[place] = wrong
    f, name = _forward(*tangents), "xy"[place]
    with pytest.raises(GradientMismatch) as caught:
        check_grads(f, (A, B), modes="fwd")
    found = caught.value.check
    assert isinstance(found, GradientCheck)
    first = found.evidence.text.splitlines()[0]
    assert f"a forward rule is not linear in its tangent for {name}: L(" in first
    like = {"squared": "is of degree 2", "clipped": "clipping", "its size": "as of |g|"}[wrong]
    assert like in first
    assert found.leaves[place].verdict is Verdict.REFUTED
    assert found.leaves[1 - place].verdict is Verdict.UNDECIDED
    assert found.leaves[1 - place].text == f"not judged, since the rule for {name} is wrong"
    g = found.leaves[place].text.partition("g = ")[2].partition(" the tangent")[0].split(", ")
    assert float(g[1 - place]) == 0 != float(g[place])
    left, right = numbers_printed_by(caught.value, f=f)
    assert left != right


def test_each_tangent_in_which_it_is_not_linear_has_its_own_numbers() -> None:
    found = check(_forward("squared", "its size"), (A, B), modes="fwd")
    assert "not linear in its tangent for x and y: L(" in found.evidence.text
    assert [leaf.verdict for leaf in found.leaves] == [Verdict.REFUTED] * 2
    first, second = (leaf.text.partition("L(-1·g) is ")[2] for leaf in found.leaves)
    assert first != second


def test_a_rule_that_is_linear_in_each_tangent_alone_is_wrong_in_all() -> None:
    found = check(_forward("linear", "linear", more=lambda s, t: s * t), (A, B), modes="fwd")
    assert "a forward rule is not linear in its tangent: L(" in found.evidence.text
    assert [leaf.verdict for leaf in found.leaves] == [Verdict.REFUTED] * 2
    assert found.leaves[0].text == found.leaves[1].text
    assert check(_forward("linear", "linear"), (A, B), modes="fwd").verdict.passes
