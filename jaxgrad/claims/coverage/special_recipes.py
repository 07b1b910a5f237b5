"""How the functions of ``jax.scipy.special`` are called."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxgrad.claims.coverage.recipe import ABOVE_ONE, POSITIVE, REAL, UNIT, Recipe, Table
from jaxgrad.programs.real_parts import Parts, of_parts

__all__ = ["TABLES"]


def _special_special() -> dict[str, Recipe]:
    special = jax.scipy.special
    return {
        "bernoulli": Recipe(lambda a: a * special.bernoulli(3)[2], (REAL,)),
        "bessel_jn": Recipe(lambda a: special.bessel_jn(a, v=2, n_iter=10), (POSITIVE,)),
        "betainc": Recipe(lambda a: special.betainc(1.5, 2.5, a), (UNIT,)),
        "expn": Recipe(lambda a: special.expn(2, a), (POSITIVE,)),
        "hyp1f1": Recipe(lambda a: special.hyp1f1(1.5, 2.25, a), (UNIT,)),
        "hyp2f1": Recipe(lambda a: special.hyp2f1(1.5, 2.0, 3.25, a), (UNIT / 2,)),
        "multigammaln": Recipe(lambda a: special.multigammaln(a, 2), (ABOVE_ONE,)),
        "polygamma": Recipe(lambda a: special.polygamma(2, a), (POSITIVE,)),
        "sph_harm_y": Recipe(
            of_parts(
                lambda a, b: special.sph_harm_y(
                    jnp.array([2]), jnp.array([1]), a[:1], b[:1], n_max=2
                )
            ),
            (UNIT, POSITIVE),
        ),
        "wofz": Recipe(lambda a, b: of_parts(special.wofz)(Parts(a, b)), (REAL, POSITIVE)),
        "zeta": Recipe(lambda a: special.zeta(2.5, a), (POSITIVE[:1],)),
    }


TABLES = {
    "jax.scipy.special": Table(
        jax.scipy.special,
        plain={
            "positive": "digamma entr exp1 expi factorial gamma gammaln loggamma i0 i0e i1 i1e "
            "spence gammasgn",
            "real": "erf erfc erfcx dawsn expit log_ndtr log_softmax logsumexp ndtr sici softmax "
            "fresnel",
            "unit": "erfinv erfcinv logit ndtri",
            "positive_pair": "beta betaln boxcox boxcox1p gammainc gammaincc kl_div poch "
            "rel_entr xlog1py xlogy comb owens_t",
        },
        special=_special_special,
    ),
}
