"""Where differences are hidden by rounding, entries that are 0 are settled by other means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.gradients.compare import compare
from jaxgrad.verdict import Verdict


def _zero_and_product(x: Any) -> Any:
    """The probabilities of a softmax sum to 1, so that the sum of their slopes is 0."""
    return jnp.stack([jnp.sum(jax.jacobian(jax.nn.softmax)(x)[0]), x[0] * x[1]])


def _attention(queries: Any, keys: Any, values: Any) -> Any:
    scores = queries @ keys.T / np.float32(np.sqrt(queries.shape[-1]))
    seen = jnp.tril(jnp.ones(scores.shape, bool))
    return jnp.sum(jnp.sin(jax.nn.softmax(jnp.where(seen, scores, -jnp.inf)) @ values))


def _of_attention() -> tuple[Any, tuple[np.ndarray, ...]]:
    """A first query sees one key alone, and its slope is 0."""
    draw = np.random.default_rng(3)
    points = tuple(draw.normal(size=(2, 2)).astype(np.float32) for _ in range(3))
    return jax.grad(_attention, (0, 1, 2)), points


ZEROS: dict[str, Callable[[], tuple[Any, tuple[np.ndarray, ...]]]] = {
    "sum": lambda: (_zero_and_product, (np.array([0.3, 0.4], np.float32),)),
    "attention": _of_attention,
}


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(
    ("factor", "verdict"), [(1 + 2**-23, Verdict.AGREES), (1.01, Verdict.REFUTED)]
)
@pytest.mark.parametrize("name", ZEROS)
def test_a_zero_beside_a_hidden_difference_is_settled(
    name: str, factor: float, verdict: Verdict, batch: bool
) -> None:
    function, given = ZEROS[name]()

    def scaled(*args: Any) -> Any:
        by = jnp.where(args[0].reshape(-1)[0] > 3, factor, 1) if batch else factor
        return jax.tree.map(lambda x: x * jnp.asarray(by, x.dtype), function(*args))

    beyond = tuple(np.stack([x, x + np.float32(5)]) for x in given)
    options: dict[str, Any] = {"batch": beyond} if batch else {}
    found = compare(scaled, function, *given, special_points=False, **options)
    assert found.verdict is verdict, found
    assert ("rounding" in str(found)) is verdict.passes
