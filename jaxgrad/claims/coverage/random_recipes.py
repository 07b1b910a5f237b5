"""How the samplers of ``jax.random`` are called, as functions of their parameters.

The key is a constant: what is differentiated is the sample by the parameters, as in a
reparameterised gradient.  Samplers without parameters are moved and scaled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax import random

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

_SIZE = REAL.shape
_WITHOUT_PARAMETERS = "cauchy exponential gumbel laplace logistic maxwell normal"
_OF_ONE = {
    "chisquare dirichlet gamma loggamma lognormal pareto rayleigh t wald": POSITIVE,
}
_OF_TWO = "beta f weibull_min"


def _random() -> dict[str, Recipe]:
    key = random.key(7)

    def moved(sampler: Callable[..., Any]) -> Recipe:
        return Recipe(lambda a, b: a + b * sampler(key, _SIZE), (REAL, POSITIVE))

    def of(sampler: Callable[..., Any], *point: Any) -> Recipe:
        return Recipe(lambda *parameters: sampler(key, *parameters), point)

    found = {name: moved(getattr(random, name)) for name in _WITHOUT_PARAMETERS.split()}
    for names, point in _OF_ONE.items():
        found |= {name: of(getattr(random, name), point) for name in names.split()}
    for name in _OF_TWO.split():
        found[name] = of(getattr(random, name), POSITIVE, POSITIVE_OTHER)
    return found | {
        "ball": moved(lambda k, shape: random.ball(k, 2, shape=shape)[:, 0]),
        "choice": of(lambda k, a: random.choice(k, a, (3,)), REAL),
        "double_sided_maxwell": of(random.double_sided_maxwell, REAL, POSITIVE),
        "generalized_normal": of(lambda k, p: random.generalized_normal(k, p, _SIZE), ABOVE_ONE[0]),
        "multivariate_normal": of(random.multivariate_normal, REAL[:3], SYMMETRIC),
        "orthogonal": Recipe(lambda a: a * random.orthogonal(key, 3)[0], (REAL[:3],)),
        "permutation": of(random.permutation, REAL),
        "triangular": Recipe(
            lambda a, u, b: random.triangular(key, a, a + u * b, a + b), (REAL, UNIT, POSITIVE)
        ),
        "truncated_normal": Recipe(
            lambda a, b: random.truncated_normal(key, a, a + b), (OTHER, POSITIVE)
        ),
        "uniform": Recipe(
            lambda a, b: random.uniform(key, _SIZE, minval=a, maxval=a + b), (REAL, POSITIVE)
        ),
    }


TABLES = {
    "jax.random": Table(
        jax.random,
        special=_random,
        instead={
            "boolean": "bernoulli",
            "integer": "binomial bits categorical geometric multinomial poisson rademacher randint",
            "key": "Key PRNGKey clone fold_in key key_data key_dtype key_impl split wrap_key_data",
        },
    ),
}
