"""Calls on optimal transport: ott-jax."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

from benchmarks.library_cases import Call, drawn, imported

__all__ = ["ott"]

X = np.array([0.3, -0.7, 1.2], np.float32)
Y = np.array([0.5, 0.1, -0.4], np.float32)
ROWS = np.array([[0.3, -0.7, 1.2], [0.1, 0.9, -0.2]], np.float32)
MASSES = np.array([0.25, 0.5, 0.25], np.float32)
OTHERS = np.array([0.5, 0.375, 0.125], np.float32)
POSITIVE = np.array([[2.0, 0.5], [0.5, 1.0]], np.float32)


def ott() -> Iterator[Call]:
    """Its mathematics, its costs, and the losses that its solvers give."""
    yield from _mathematics()
    yield from _square_roots()
    yield from _costs()
    yield from _solvers()


def _mathematics() -> Iterator[Call]:
    utils = imported("ott.math.utils")

    yield Call("math.utils.norm", utils.norm, (X,))
    yield Call("math.utils.norm, ord=1", lambda x: utils.norm(x, ord=1), (X,))
    yield Call("math.utils.norm, axis=-1", lambda x: utils.norm(x, axis=-1), (ROWS,))
    yield Call("math.utils.logsumexp", utils.logsumexp, (X,))
    yield Call("math.utils.logsumexp by b", lambda x, b: utils.logsumexp(x, b=b), (X, MASSES))
    yield Call("math.utils.softmin by x", lambda x: utils.softmin(x, np.float32(0.5)), (X,))
    yield Call("math.utils.softmin", utils.softmin, (X, 0.5), domain=lambda x, gamma: gamma > 0)
    yield Call("math.utils.lambertw", utils.lambertw, (0.4,), domain=lambda z: z > -1 / np.e)
    yield Call("math.utils.safe_log", utils.safe_log, (0.4,), domain=lambda x: x > 0)
    for name in ("kl", "gen_js"):
        yield Call(
            f"math.utils.{name}", getattr(utils, name), (MASSES, OTHERS),
            domain=lambda p, q: jnp.all(p > 0) & jnp.all(q > 0),
        )  # fmt: skip


def _square_roots() -> Iterator[Call]:
    roots = imported("ott.math.matrix_square_root")

    def symmetric(a: Any) -> Any:
        return (a + a.T) / 2

    yield Call("math.sqrtm", lambda a: roots.sqrtm(symmetric(a))[0], (POSITIVE,))
    yield Call("math.sqrtm_only", lambda a: roots.sqrtm_only(symmetric(a)), (POSITIVE,))
    yield Call("math.inv_sqrtm_only", lambda a: roots.inv_sqrtm_only(symmetric(a)), (POSITIVE,))


def _costs() -> Iterator[Call]:
    costs = imported("ott.geometry.costs")
    regularizers = imported("ott.geometry.regularizers")

    for name, cost in (
        ("Euclidean", costs.Euclidean()),
        ("SqEuclidean", costs.SqEuclidean()),
        ("PNormP(1.5)", costs.PNormP(1.5)),
        ("Cosine", costs.Cosine()),
        ("SoftDTW", costs.SoftDTW(gamma=0.5)),
    ):
        yield Call(f"costs.{name}", cost, (X, Y))
    gaussian = np.concatenate([X[:2], POSITIVE.ravel()])
    other = np.concatenate([Y[:2], np.eye(2, dtype=np.float32).ravel()])
    yield Call("costs.Bures", costs.Bures(2), (gaussian, other))
    regularized: Any = costs.RegTICost(regularizers.L1(), lam=0.5)
    yield Call("costs.RegTICost.h_legendre", regularized.h_legendre, (X,))


def _solvers() -> Iterator[Call]:
    soft_sort = imported("ott.tools.soft_sort")

    for name, implicit in (("implicit", True), ("unrolled", False)):
        yield Call(f"Sinkhorn.reg_ot_cost, {name}", _sinkhorn(implicit), (drawn(3, 2), drawn(2, 2)))
    yield Call("soft_sort.sort", soft_sort.sort, (X,))
    yield Call("soft_sort.ranks", soft_sort.ranks, (X,))


def _sinkhorn(implicit: bool) -> Callable[[Any, Any], Any]:
    pointcloud = imported("ott.geometry.pointcloud")
    linear_problem = imported("ott.problems.linear.linear_problem")
    implicit_differentiation = imported("ott.solvers.linear.implicit_differentiation")
    sinkhorn = imported("ott.solvers.linear.sinkhorn")

    how = implicit_differentiation.ImplicitDiff() if implicit else None

    def cost(x: Any, y: Any) -> Any:
        problem = linear_problem.LinearProblem(pointcloud.PointCloud(x, y, epsilon=0.5))
        options: dict[str, Any] = {} if implicit else {"min_iterations": 20, "max_iterations": 20}
        return sinkhorn.Sinkhorn(implicit_diff=how, **options)(problem).reg_ot_cost

    return cost
