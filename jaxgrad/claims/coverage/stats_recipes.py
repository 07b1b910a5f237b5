"""How the functions of ``jax.scipy.stats`` are called, by all that they are differentiable by."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import jax.scipy.stats as stats
import numpy as np

from jaxgrad.claims.coverage.recipe import (
    ABOVE_ONE,
    OTHER,
    POSITIVE,
    POSITIVE_OTHER,
    REAL,
    SYMMETRIC,
    UNIT,
    Recipe,
    Table,
)

__all__ = ["TABLES"]

_COUNTS = np.array([2, 0, 1, 3])
_HALF = UNIT[::-1] / 2 + 0.25
_SHARES = UNIT / UNIT.sum()

# Distribution -> the point of its densities, the arguments by which they are differentiated.
_CONTINUOUS: dict[str, tuple[np.ndarray, ...]] = {
    "beta": (UNIT, POSITIVE, POSITIVE_OTHER),
    "cauchy": (REAL, OTHER, POSITIVE),
    "chi2": (POSITIVE, POSITIVE_OTHER),
    "dirichlet": (_SHARES, POSITIVE),
    "expon": (ABOVE_ONE, UNIT, POSITIVE),
    "gamma": (POSITIVE, POSITIVE_OTHER),
    "gennorm": (REAL, ABOVE_ONE),
    "gumbel_l": (REAL, OTHER, POSITIVE),
    "gumbel_r": (REAL, OTHER, POSITIVE),
    "laplace": (REAL, OTHER, POSITIVE),
    "logistic": (REAL, OTHER, POSITIVE),
    "multivariate_normal": (REAL[:3], OTHER[:3], SYMMETRIC),
    "norm": (REAL, OTHER, POSITIVE),
    "pareto": (ABOVE_ONE, POSITIVE),
    "t": (REAL, POSITIVE, OTHER, POSITIVE_OTHER),
    "truncnorm": (UNIT, UNIT - 2, POSITIVE + 1),
    "uniform": (UNIT, UNIT - 1, ABOVE_ONE),
    "vonmises": (UNIT, POSITIVE),
    "wrapcauchy": (POSITIVE, _HALF),
}
# The same of the functions of a whole number, with those that are not differentiated by it.
_DISCRETE: dict[str, tuple[np.ndarray, ...]] = {
    "bernoulli": (UNIT,),
    "betabinom": (np.full(4, 5.0), POSITIVE, POSITIVE_OTHER),
    "binom": (np.full(4, 5.0), UNIT),
    "geom": (UNIT,),
    "multinomial": (_SHARES,),
    "nbinom": (POSITIVE, UNIT),
    "poisson": (POSITIVE,),
}
# By whose parameters JAX has no derivative.
_BY_THE_FIRST_ALONE = {("beta", name) for name in ("cdf", "logcdf", "logsf", "sf")}
# Of a probability.
_QUANTILES = ("isf", "ppf")


def _recipe(family: str, name: str, function: Callable[..., Any]) -> Recipe:
    if family in _CONTINUOUS:
        first, *others = _CONTINUOUS[family]
        if name in _QUANTILES:
            first = UNIT
        if (family, name) in _BY_THE_FIRST_ALONE:
            return Recipe(lambda x: function(x, *others), (first,))
        return Recipe(function, (first, *others))
    if name == "entropy":
        return Recipe(function, _DISCRETE[family])
    first = {"multinomial": _COUNTS, "bernoulli": _COUNTS % 2}.get(family, _COUNTS + 1)
    if family == "multinomial":
        return Recipe(lambda p: function(_COUNTS, _COUNTS.sum(), p), _DISCRETE[family])
    if name in _QUANTILES:
        return Recipe(lambda p: function(_HALF, p), _DISCRETE[family])
    return Recipe(lambda *ps: function(first, *ps), _DISCRETE[family])


def _family(name: str) -> Table:
    space: ModuleType = getattr(stats, name)
    functions = [f for f in dir(space) if not f.startswith("_") and callable(getattr(space, f))]
    return Table(space, special=lambda: {f: _recipe(name, f, getattr(space, f)) for f in functions})


def _kde(way: str) -> Recipe:
    def found(data: Any, points: Any) -> Any:
        density = stats.gaussian_kde(data)
        if way == "integrate_box_1d":
            return density.integrate_box_1d(points[1], points[0])
        if way == "integrate_gaussian":
            return density.integrate_gaussian(points[0], points[0] ** 2)
        return getattr(density, way)(points)

    return Recipe(found, (REAL, OTHER))


def _stats() -> dict[str, Recipe]:
    ways = ("evaluate", "integrate_box_1d", "integrate_gaussian", "logpdf")
    return {f"gaussian_kde({way})": _kde(way) for way in ways}


TABLES = {
    "jax.scipy.stats": Table(
        stats,
        plain={"real": "sem"},
        special=_stats,
        instead={"integer": "mode rankdata"},
    ),
    **{f"jax.scipy.stats.{name}": _family(name) for name in sorted({**_CONTINUOUS, **_DISCRETE})},
}
