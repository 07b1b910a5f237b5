"""The real functions: one entry each, with all that is known of it.

Errors in units in the last place (ulps) are, of the elementary functions, the largest over all
float32 inputs on XLA's CPU backend, rounded up to the next integer: exp 5.5, expm1 6.2, log 1.2,
log1p 2.5, tanh 4.9, logistic 2.5, erf 6.7, erfc 66, rsqrt 1.7, tan 1.4, sinh 25. Of the special
functions, and of atanh, they are twice the largest error among 600 drawn inputs in float32 and
float64, beyond what rounding the inputs once would change (their zeros are ill-conditioned),
rounded up: lgamma 39.5, digamma 3.4, erf_inv 5.9, bessel_i0e 1.1, bessel_i1e 5.6, igamma 10.6,
igammac 8.8, igamma_grad_a 30.9, regularized_incomplete_beta 77.3, zeta 0.5, atanh 31.3. A
polygamma is a sum of zetas.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from flint import arb, arb_series

from jaxgrad.numbers import elementary_functions as elementary
from jaxgrad.numbers import special_functions as special
from jaxgrad.numbers.domains import (
    INCOMPLETE_GAMMA,
    POSITIVE,
    Domain,
    has_pole,
    is_whole,
    no_pole,
    outside_closed_unit,
    outside_open_unit,
)
from jaxgrad.numbers.expansions import by_derivative, by_series, cycle, minus
from jaxgrad.numbers.function import ALL, FUNCTIONS, NO_LIMITS, define

__all__ = ["FUNCTIONS"]


# -- float64 values --------------------------------------------------------------------------------
def _each(function: Callable[[float], float]) -> Callable[[Any], Any]:
    """A function of one number for arrays; NaN at a pole."""

    def number(x: float) -> float:
        try:
            return function(x)
        except (ValueError, OverflowError):
            return math.nan

    return np.vectorize(number, otypes=[np.float64])


def _scipy(name: str) -> Callable[..., Any]:
    """A function of scipy.special, which takes long to import and comes with JAX."""
    return lambda *xs: getattr(importlib.import_module("scipy.special"), name)(*xs)


def _round_half_away(x: Any) -> Any:
    return np.sign(x) * np.floor(np.abs(x) + 0.5)


# -- critical arguments ----------------------------------------------------------------------------
_AT_ZERO = (("the argument of `{}` vanishes", lambda x, *_: x),)
_AT_ENDS = (
    ("`{}` is at the end 1 of its domain", lambda x: 1 - x),
    ("`{}` is at the end −1 of its domain", lambda x: 1 + x),
)
# At integers: beside the value at the first point, and at 0.
_AT_INTEGERS = (
    ("`{}` jumps", lambda x: x - np.floor(x[..., :1])),
    ("`{}` jumps", lambda x: x - (np.floor(x[..., :1]) + 1.0)),
    ("`{}` jumps", lambda x: x - 0.0),
    ("`{}` jumps", lambda x: x - 1.0),
)

# fmt: off
# -- one number, by primitives that compute it well ------------------------------------------------
_elementary = partial(
    define, arity=1, jumps=None, error="value", elementwise=True, derivatives=ALL
)
_own = partial(_elementary, definition=None)

_own("exp", ball=arb.exp, taylor={0: cycle(arb.exp)}, domain=None, parity=None,
     limits=(0, math.inf), float64=np.exp, critical=(), ulps=6, numpy=("exp",))
_own("log", ball=arb.log, taylor={0: by_derivative(arb.log, lambda x: x.inv())}, domain=POSITIVE,
     parity=None, limits=(None, math.inf), float64=np.log, critical=_AT_ZERO, ulps=2,
     numpy=("log",))
# At 0 a root has a value, and no derivative.
_own("sqrt", ball=arb.sqrt, taylor={}, domain=POSITIVE, parity=None, limits=(None, math.inf),
     float64=np.sqrt, critical=_AT_ZERO, ulps=1, numpy=("sqrt",))
_own("cbrt", ball=elementary.cube_root, taylor={}, domain=None, parity="odd",
     limits=(-math.inf, math.inf), float64=np.cbrt, critical=_AT_ZERO, ulps=2, numpy=("cbrt",))
_own("sin", ball=arb.sin, taylor={0: cycle(arb.sin, arb.cos, minus(arb.sin), minus(arb.cos))},
     domain=None, parity="odd", limits=NO_LIMITS, float64=np.sin, critical=(), ulps=1,
     numpy=("sin",))
_own("cos", ball=arb.cos, taylor={0: cycle(arb.cos, minus(arb.sin), minus(arb.cos), arb.sin)},
     domain=None, parity="even", limits=NO_LIMITS, float64=np.cos, critical=(), ulps=1,
     numpy=("cos",))
_own("tan", ball=arb.tan, taylor={0: by_series(arb_series.tan)},
     domain=Domain("the argument of tan is a pole", lambda u: u.cos() != 0), parity="odd",
     limits=NO_LIMITS, float64=np.tan, critical=(), ulps=2, numpy=("tan",))
_own("asin", ball=arb.asin, taylor={0: by_series(arb_series.asin)},
     domain=outside_closed_unit("asin"), parity="odd", limits=NO_LIMITS, float64=np.arcsin,
     critical=_AT_ENDS, ulps=2, numpy=("arcsin",))
_own("acos", ball=arb.acos, taylor={0: by_series(arb_series.acos)},
     domain=outside_closed_unit("acos"), parity=None, limits=NO_LIMITS, float64=np.arccos,
     critical=_AT_ENDS, ulps=2, numpy=("arccos",))
_own("atan", ball=arb.atan, taylor={0: by_series(arb_series.atan)}, domain=None, parity="odd",
     limits=NO_LIMITS, float64=np.arctan, critical=(), ulps=2, numpy=("arctan",))
_own("erf", ball=arb.erf, taylor={0: by_series(arb_series.erf)}, domain=None, parity="odd",
     limits=(-1, 1), float64=_each(math.erf), critical=(), ulps=7, numpy=())

# -- the same, made of others where a number system knows no better --------------------------------
_elementary("expm1", definition=lambda s, x: s.exp(x) - s.constant(1), ball=arb.expm1, taylor={},
            domain=None, parity=None, limits=(-1, math.inf), float64=np.expm1, critical=(), ulps=7,
            numpy=("expm1",))
_elementary("log1p", definition=lambda s, x: s.log(s.constant(1) + x), ball=arb.log1p, taylor={},
            domain=Domain(POSITIVE.fails, lambda u: u > -1), parity=None,
            limits=(None, math.inf), float64=np.log1p,
            critical=(("the argument of `{}` is −1", lambda x: 1 + x),), ulps=3, numpy=("log1p",))
_elementary("logistic", ball=elementary.logistic, taylor={}, domain=None, parity=None,
            definition=lambda s, x: s.divide(s.constant(1), s.constant(1) + s.exp(-x)),
            limits=(0, 1), float64=None, critical=(), ulps=3, numpy=())
_elementary("tanh", ball=arb.tanh, taylor={}, domain=None, parity="odd",
            definition=lambda s, x: s.constant(2) * s.logistic(s.constant(2) * x) - s.constant(1),
            limits=(-1, 1), float64=np.tanh, critical=(), ulps=5, numpy=("tanh",))

# -- names for what others make --------------------------------------------------------------------
_composed = partial(_elementary, ball=None, taylor={}, domain=None, parity=None, float64=None)

_composed("exp2", definition=lambda s, x: s.exp(x * s.log(s.constant(2))), limits=(0, math.inf),
          critical=(), ulps=6, numpy=("exp2",))
_composed("log2", definition=lambda s, x: s.divide(s.log(x), s.log(s.constant(2))),
          limits=(None, math.inf), critical=_AT_ZERO, ulps=2, numpy=("log2",))
_composed("rsqrt", definition=lambda s, x: s.divide(s.constant(1), s.sqrt(x)), limits=(None, 0),
          critical=_AT_ZERO, ulps=2, numpy=())

# -- one number, less well near the zeros ----------------------------------------------------------
_of_one = partial(_own, error="one")

_of_one("sinh", ball=arb.sinh, taylor={0: cycle(arb.sinh, arb.cosh)}, domain=None, parity="odd",
        limits=(-math.inf, math.inf), float64=np.sinh, critical=(), ulps=25, numpy=("sinh",))
_of_one("cosh", ball=arb.cosh, taylor={0: cycle(arb.cosh, arb.sinh)}, domain=None, parity="even",
        limits=NO_LIMITS, float64=np.cosh, critical=(), ulps=25, numpy=("cosh",))
_of_one("asinh", ball=arb.asinh,
        taylor={0: by_derivative(arb.asinh, lambda x: (x * x + 1).rsqrt())}, domain=None,
        parity="odd", limits=(-math.inf, math.inf), float64=np.arcsinh, critical=(), ulps=7,
        numpy=("arcsinh",))
_of_one("acosh", ball=arb.acosh,
        taylor={0: by_derivative(arb.acosh, lambda x: (x * x - 1).rsqrt())},
        domain=Domain("the argument of acosh is below 1", lambda u: u >= 1), parity=None,
        limits=(None, math.inf), float64=np.arccosh,
        critical=(("`{}` is at the end 1 of its domain", lambda x: x - 1),), ulps=7,
        numpy=("arccosh",))
_of_one("atanh", ball=arb.atanh,
        taylor={0: by_derivative(arb.atanh, lambda x: (1 - x * x).inv())},
        domain=outside_open_unit("atanh"), parity="odd", limits=NO_LIMITS, float64=np.arctanh,
        critical=_AT_ENDS, ulps=63, numpy=("arctanh",))
_of_one("erfc", ball=arb.erfc, taylor={0: by_series(arb_series.erfc)}, domain=None, parity=None,
        limits=(2, 0), float64=_each(math.erfc), critical=(), ulps=66, numpy=())
_of_one("erf_inv", ball=arb.erfinv, taylor={0: elementary.erf_inv_coefficients},
        domain=outside_open_unit("erf_inv"), parity="odd", limits=NO_LIMITS,
        float64=_scipy("erfinv"), critical=_AT_ENDS, ulps=12, numpy=())
_of_one("lgamma", ball=special.lgamma, taylor={0: special.lgamma_coefficients},
        domain=has_pole("lgamma"), parity=None, limits=(None, math.inf),
        float64=_each(math.lgamma), critical=_AT_ZERO, ulps=79, numpy=())
_of_one("digamma", ball=arb.digamma, taylor={0: special.digamma_coefficients},
        domain=has_pole("digamma"), parity=None, limits=(None, math.inf),
        float64=_scipy("digamma"), critical=_AT_ZERO, ulps=7, numpy=())
# The derivative of the second is 0.5 in JAX for |x| up to the spacing of floats at 1; that of the
# first is made of the second.
_of_one("bessel_i0e", ball=special.bessel_i0e, taylor={0: special.bessel_coefficients(0)},
        domain=None, parity="even", limits=(0, 0), float64=_scipy("i0e"), critical=_AT_ZERO,
        ulps=3, numpy=(), derivatives=1)
_of_one("bessel_i1e", ball=special.bessel_i1e, taylor={0: special.bessel_coefficients(1)},
        domain=None, parity="odd", limits=(0, 0), float64=_scipy("i1e"), critical=_AT_ZERO,
        ulps=12, numpy=(), derivatives=0)

# -- steps -----------------------------------------------------------------------------------------
_steps = partial(define, arity=1, definition=None, taylor={}, domain=None, parity=None,
                 jumps="steps", limits=(-math.inf, math.inf), error="value", derivatives=ALL)

_steps("floor", ball=arb.floor, float64=np.floor, critical=_AT_INTEGERS, ulps=0,
       numpy=("floor",), elementwise=True)
_steps("ceil", ball=arb.ceil, float64=np.ceil, critical=_AT_INTEGERS, ulps=0, numpy=("ceil",),
       elementwise=True)
# The primitive `round` is either of them.
_steps("round_half_even", ball=elementary.round_half_even, float64=np.round, critical=(),
       ulps=None, numpy=(), elementwise=False)
_steps("round_half_away", ball=elementary.round_half_away, float64=_round_half_away, critical=(),
       ulps=None, numpy=(), elementwise=False)

# -- several numbers -------------------------------------------------------------------------------
_of_several = partial(define, definition=None, parity=None, limits=NO_LIMITS, derivatives=ALL)
_of_two = partial(_of_several, arity=2, jumps=None, error="one", elementwise=True, numpy=())

# atan2(0, 0) is 0 in every dtype.
_of_several("atan2", arity=2, ball=elementary.angle, taylor={}, domain=None, jumps="somewhere",
            float64=np.arctan2, ulps=2, error="value", numpy=("arctan2",), elementwise=True,
            critical=(("the first argument of `{}` vanishes", lambda y, x: y),
                      ("the second argument of `{}` vanishes", lambda y, x: x)))
_of_several("rem", arity=2, ball=elementary.remainder, taylor={}, jumps="somewhere",
            domain=Domain("a divisor vanishes", lambda x, y: y != 0), float64=np.fmod, ulps=0,
            error="one", numpy=("fmod",), elementwise=True,
            critical=(("the divisor of `{}` vanishes", lambda x, y: y),
                      ("the dividend of `{}` vanishes", lambda x, y: x)))
# An exponent that is an integer is a repeated product.
_of_several("pow", arity=2, ball=elementary.power, taylor={}, jumps=None,
            domain=Domain("the base of a power is not positive", lambda x, y: x > 0),
            float64=np.power, ulps=6, error="one", numpy=(), elementwise=False,
            critical=(("the base of `{}` vanishes", lambda x, y: x),
                      ("the exponent of `{}` vanishes", lambda x, y: y)))
_of_two("polygamma", ball=special.polygamma, taylor={1: special.polygamma_coefficients},
        domain=Domain(
            "the order of a polygamma function is no whole number or its argument is a pole",
            lambda n, x: is_whole(n) and no_pole(x)),
        float64=_scipy("polygamma"), critical=_AT_ZERO, ulps=2)
_of_two("zeta", ball=special.zeta,
        taylor={0: special.zeta_in_first, 1: special.zeta_in_second},
        domain=Domain("an argument of zeta(s, q) is outside s > 1, q > 0",
                      lambda s, q: s > 1 and q > 0),
        float64=_scipy("zeta"), critical=_AT_ZERO, ulps=1)

# XLA computes these with e^(a log x − x − log Γ(a)) or the like, whose exponent is small although
# the terms are not.
_of_exponents = partial(_of_several, jumps=None, error="exponents", elementwise=True, numpy=())

_of_exponents("igamma", arity=2, ball=special.igamma, taylor={0: special.igamma_in_order},
              domain=INCOMPLETE_GAMMA, float64=_scipy("gammainc"), critical=_AT_ZERO, ulps=22)
_of_exponents("igammac", arity=2, ball=special.igammac, taylor={}, domain=INCOMPLETE_GAMMA,
              float64=_scipy("gammaincc"), critical=_AT_ZERO, ulps=18)
_of_exponents("igamma_grad_a", arity=2, ball=special.igamma_grad_a,
              taylor={0: special.igamma_grad_a_in_order}, domain=INCOMPLETE_GAMMA, float64=None,
              critical=(), ulps=62)
_of_exponents("regularized_incomplete_beta", arity=3, ball=special.betainc,
              taylor={2: special.betainc_in_last},
              domain=Domain("an argument of the incomplete beta function is outside a > 0, b > 0, "
                            "0 <= x <= 1",
                            lambda a, b, x: a > 0 and b > 0 and x >= 0 and x <= 1),
              float64=_scipy("betainc"), critical=(), ulps=155)

# -- functions that JAX has as programs of its own -------------------------------------------------
_program = partial(_of_several, jumps=None, float64=None, critical=(), ulps=None, error="one",
                   numpy=(), elementwise=False)

_program("erfi", arity=1, ball=arb.erfi, taylor={0: by_series(arb_series.erfi)}, domain=None,
         parity="odd")
_program("expi", arity=1, ball=arb.ei, taylor={0: by_series(arb_series.ei)},
         domain=Domain("the argument of expi vanishes", lambda u: u != 0))
_program("sine_integral", arity=1, ball=arb.si, taylor={0: by_series(arb_series.si)}, domain=None,
         parity="odd")
_program("cosine_integral", arity=1, ball=arb.ci, taylor={0: by_series(arb_series.ci)},
         domain=Domain("the argument of the cosine integral vanishes", lambda u: u > 0))
_program("expn", arity=2, ball=special.expn, taylor={1: special.expn_in_second},
         domain=Domain("the argument of expn is not positive", lambda n, x: x > 0))
_program("hyp1f1", arity=3, ball=special.hyp1f1, taylor={2: special.hyp1f1_in_last},
         domain=Domain("the parameter b of hyp1f1 is a pole, 0, -1, -2, …,",
                       lambda a, b, x: no_pole(b)))
_program("hyp2f1", arity=4, ball=special.hyp2f1, taylor={3: special.hyp2f1_in_last},
         domain=Domain("an argument of hyp2f1 is not below 1 or its parameter c is a pole",
                       lambda a, b, c, x: x < 1 and no_pole(c)))
# fmt: on
