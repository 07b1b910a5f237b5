"""The list of special points: which they are, in which order, and how many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from special_point_support import LIMIT, found, programs_of, values

from jaxgrad.gradients.special_points.search import SpecialPoint, special_points
from jaxgrad.programs.trace import Leaf, trace


def softmax_network(params: Any, x: Any) -> Any:
    for w, b in params:
        x = jax.nn.relu(x @ w + b)
    return jax.nn.logsumexp(x)


def network(width: int, depth: int) -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    layers = [
        (random.standard_normal((width, width)).astype(np.float32) / width**0.5,
         random.standard_normal(width).astype(np.float32))
        for _ in range(depth)
    ]  # fmt: skip
    return layers, random.standard_normal(width).astype(np.float32)


def network_points(width: int, depth: int, limit: int) -> tuple[list[SpecialPoint], Sequence[Leaf]]:
    layers, x = network(width, depth)
    flat, tree = jax.tree.flatten((layers, x))
    programs = programs_of(lambda *leaves: softmax_network(*jax.tree.unflatten(tree, leaves)), flat)
    return special_points(programs, programs[0].inputs, limit), programs[0].inputs


def test_points_differ_from_each_other_and_from_the_given_one() -> None:
    points, leaves = network_points(3, 2, 500)
    seen = {b"".join(leaf.value.tobytes() for leaf in leaves)}
    for point in points:
        key = b"".join((x + 0).tobytes() for x in point.values)
        assert key not in seen
        seen.add(key)
        for x, leaf in zip(point.values, leaves, strict=True):
            assert (x.shape, x.dtype) == (leaf.shape, leaf.dtype)
            assert np.isfinite(x).all()
    assert len(points) > 100


def test_the_same_call_gives_the_same_points_and_a_limit_the_first_of_them() -> None:
    first, again = (network_points(3, 2, 30)[0] for _ in range(2))
    assert [p.why for p in first] == [p.why for p in again]
    for limit in (0, 1, 5):
        assert len(network_points(3, 2, limit)[0]) == limit


def test_every_kind_of_point_is_among_the_first_of_a_network() -> None:
    whys = [p.why for p in network_points(4, 2, LIMIT + LIMIT // 2)[0]]
    assert sum(why.startswith("every leaf is 0") for why in whys) == 1
    assert any(" = " in why and "args" in why for why in whys)
    assert any(why.endswith("is 1 everywhere") for why in whys)
    assert any("equal" in why for why in whys)


def test_ties_integers_and_units_of_two_leaves() -> None:
    points = values(found(lambda x, y: x * y, jnp.float32(2.25), jnp.float32(-3.5)))
    for expected in ([0, 0], [0, -3.5], [2.25, 0], [-3.5, -3.5], [2.25, 2.25], [3.5, -3.5],
                     [1, -3.5], [2.25, -1], [2, -4]):  # fmt: skip
        assert expected in points


def test_a_leaf_without_entries() -> None:
    leaf = Leaf("x", (0, 3), np.dtype("float32"), np.zeros((0, 3), np.float32))
    program = trace(jnp.sum, (leaf.value,))
    assert special_points([program], [leaf], 10) == []
    scalar = Leaf("y", (), np.dtype("float32"), np.float32(2))
    assert len(special_points([], [leaf, scalar], 10)) == 10
