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
from jaxgrad.numbers import owens
from jaxgrad.numbers import special_functions as special
from jaxgrad.numbers.elementary_functions import by_derivative, by_series, cosine, cycle, sine
from jaxgrad.numbers.function import ALL, FUNCTIONS, NO_LIMITS, Domain, define

__all__ = ["DIVISOR", "FUNCTIONS"]

# -- domains --------------------------------------------------------------------------------------
DIVISOR = Domain("a divisor vanishes", lambda u: u != 0)
_POSITIVE = Domain("the argument of a root or logarithm is not positive", lambda u: u > 0)


def _within(name: str, interval: str, holds: Callable[[arb], Any]) -> Domain:
    return Domain(f"the argument of {name} is outside {interval}", holds)


_unit = partial(_within, interval="[-1, 1]", holds=lambda u: abs(u) <= 1)
_open_unit = partial(_within, interval="the open interval (-1, 1)", holds=lambda u: abs(u) < 1)


def _no_pole(u: arb) -> bool:
    """Not one of 0, −1, −2, …, the poles of Γ."""
    return bool(u > 0 or (u.is_finite() and not u.contains_integer()))


def _is_whole(n: arb) -> bool:
    return bool(n.is_exact() and n.is_integer() and n >= 0)


def _beside_poles(name: str) -> Domain:
    return Domain(f"the argument of {name} is a pole, 0, -1, -2, …,", _no_pole)


# -- float64 values -------------------------------------------------------------------------------
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


# -- critical arguments ---------------------------------------------------------------------------
_ZERO = (("the argument of `{}` vanishes", lambda x, *_: x),)
_ENDS = (("`{}` is at the end 1 of its domain", lambda x: 1 - x),
         ("`{}` is at the end −1 of its domain", lambda x: 1 + x))  # fmt: skip


def _jumps(*offsets: float) -> Any:
    """Beside the value at the first point, which is the given one, and beside 0."""
    near = tuple(partial(lambda o, x: x - (np.floor(x[..., :1]) + o), o) for o in offsets)
    there = tuple(partial(lambda o, x: x - o, o) for o in offsets)
    return tuple(("`{}` jumps", jump) for jump in near + there)


# fmt: off
# -- one number, by primitives that are accurate even near zeros -----------------------------------
_inf = math.inf
_elementary = partial(define, arity=1, jumps=None, error="value", elementwise=True, derivatives=ALL)
_own = partial(_elementary, definition=None)

_own("exp", arb.exp, cycle(arb.exp), domain=None, parity=None, limits=(0, _inf), float64=np.exp,
     critical=(), ulps=6, numpy="exp")
_own("log", arb.log, by_derivative(arb.log, lambda x: x.inv()), domain=_POSITIVE, parity=None,
     limits=(None, _inf), float64=np.log, critical=_ZERO, ulps=2, numpy="log")
# At 0 a root has a value, and no derivative.
_own("sqrt", arb.sqrt, None, domain=_POSITIVE, parity=None, limits=(None, _inf), float64=np.sqrt,
     critical=_ZERO, ulps=1, numpy="sqrt")
_own("cbrt", elementary.cube_root, None, domain=None, parity="odd", limits=(-_inf, _inf),
     float64=np.cbrt, critical=_ZERO, ulps=2, numpy="cbrt")
_own("sin", sine, cycle(sine, cosine, lambda c: -sine(c), lambda c: -cosine(c)), domain=None,
     parity="odd", limits=NO_LIMITS, float64=np.sin, critical=(), ulps=1, numpy="sin")
_own("cos", cosine, cycle(cosine, lambda c: -sine(c), lambda c: -cosine(c), sine), domain=None,
     parity="even", limits=NO_LIMITS, float64=np.cos, critical=(), ulps=1, numpy="cos")
_own("tan", arb.tan, by_series(arb_series.tan), parity="odd", limits=NO_LIMITS, float64=np.tan,
     domain=Domain("the argument of tan is a pole", lambda u: u.cos() != 0), critical=(), ulps=2,
     numpy="tan")
_own("asin", arb.asin, by_series(arb_series.asin), domain=_unit("asin"), parity="odd",
     limits=NO_LIMITS, float64=np.arcsin, critical=_ENDS, ulps=2, numpy="arcsin")
_own("acos", arb.acos, by_series(arb_series.acos), domain=_unit("acos"), parity=None,
     limits=NO_LIMITS, float64=np.arccos, critical=_ENDS, ulps=2, numpy="arccos")
_own("atan", arb.atan, by_series(arb_series.atan), domain=None, parity="odd", limits=NO_LIMITS,
     float64=np.arctan, critical=(), ulps=2, numpy="arctan")
_own("erf", arb.erf, by_series(arb_series.erf), domain=None, parity="odd", limits=(-1, 1),
     float64=_each(math.erf), critical=(), ulps=7, numpy="")

# -- the same, made of others where a number system knows no better --------------------------------
_made = partial(_elementary, taylor=None)

_made("expm1", arb.expm1, definition=lambda s, x: s.exp(x) - s.constant(1), domain=None,
      parity=None, limits=(-1, _inf), float64=np.expm1, critical=(), ulps=7, numpy="expm1")
_made("log1p", arb.log1p, definition=lambda s, x: s.log(s.constant(1) + x),
      domain=Domain(_POSITIVE.fails, lambda u: u > -1), parity=None, limits=(None, _inf),
      float64=np.log1p, critical=(("the argument of `{}` is −1", lambda x: 1 + x),), ulps=3,
      numpy="log1p")
_made("logistic", elementary.logistic, domain=None, parity=None, limits=(0, 1), float64=None,
      definition=lambda s, x: s.divide(s.constant(1), s.constant(1) + s.exp(-x)), critical=(),
      ulps=3, numpy="")
_made("tanh", arb.tanh, domain=None, parity="odd", limits=(-1, 1), float64=np.tanh, critical=(),
      definition=lambda s, x: s.constant(2) * s.logistic(s.constant(2) * x) - s.constant(1),
      ulps=5, numpy="tanh")

# -- names for what others make --------------------------------------------------------------------
_composed = partial(_made, ball=None, domain=None, parity=None, float64=None)

_composed("exp2", definition=lambda s, x: s.exp(x * s.log(s.constant(2))), limits=(0, _inf),
          critical=(), ulps=6, numpy="exp2")
_composed("log2", definition=lambda s, x: s.divide(s.log(x), s.log(s.constant(2))),
          limits=(None, _inf), critical=_ZERO, ulps=2, numpy="log2")
_composed("rsqrt", definition=lambda s, x: s.divide(s.constant(1), s.sqrt(x)), limits=(None, 0),
          critical=_ZERO, ulps=2, numpy="")

# -- one number, less accurately near zeros --------------------------------------------------------
_coarse = partial(_own, error="one")

_coarse("sinh", arb.sinh, cycle(arb.sinh, arb.cosh), domain=None, parity="odd",
        limits=(-_inf, _inf), float64=np.sinh, critical=(), ulps=25, numpy="sinh")
_coarse("cosh", arb.cosh, cycle(arb.cosh, arb.sinh), domain=None, parity="even", limits=NO_LIMITS,
        float64=np.cosh, critical=(), ulps=25, numpy="cosh")
_coarse("asinh", arb.asinh, by_derivative(arb.asinh, lambda x: (x * x + 1).rsqrt()), domain=None,
        parity="odd", limits=(-_inf, _inf), float64=np.arcsinh, critical=(), ulps=7,
        numpy="arcsinh")
_coarse("acosh", arb.acosh, by_derivative(arb.acosh, lambda x: (x * x - 1).rsqrt()), parity=None,
        domain=Domain("the argument of acosh is below 1", lambda u: u >= 1), limits=(None, _inf),
        float64=np.arccosh, critical=(("`{}` is at the end 1 of its domain", lambda x: x - 1),),
        ulps=7, numpy="arccosh")
_coarse("atanh", arb.atanh, by_derivative(arb.atanh, lambda x: (1 - x * x).inv()),
        domain=_open_unit("atanh"), parity="odd", limits=NO_LIMITS, float64=np.arctanh,
        critical=_ENDS, ulps=63, numpy="arctanh")
_coarse("erfc", arb.erfc, by_series(arb_series.erfc), domain=None, parity=None, limits=(2, 0),
        float64=_each(math.erfc), critical=(), ulps=66, numpy="")
_coarse("erf_inv", arb.erfinv, elementary.erf_inv_coefficients, domain=_open_unit("erf_inv"),
        parity="odd", limits=NO_LIMITS, float64=_scipy("erfinv"), critical=_ENDS, ulps=12, numpy="")
_coarse("lgamma", special.lgamma, special.lgamma_coefficients, domain=_beside_poles("lgamma"),
        parity=None, limits=(None, _inf), float64=_each(math.lgamma), critical=_ZERO, ulps=79,
        numpy="")
_coarse("digamma", arb.digamma, special.digamma_coefficients, domain=_beside_poles("digamma"),
        parity=None, limits=(None, _inf), float64=_scipy("digamma"), critical=_ZERO, ulps=7,
        numpy="")
# Germs know both sides of the kinks at 0.  JAX's derivative of the second is 0.5 for |x| up to the
# spacing of floats at 1; that of the first is made of the second.
_coarse("bessel_i0e", special.bessel_i0e, None, domain=None, parity="even", limits=(0, 0),
        float64=_scipy("i0e"), critical=_ZERO, ulps=3, numpy="", derivatives=1)
_coarse("bessel_i1e", special.bessel_i1e, None, domain=None, parity="odd", limits=(0, 0),
        float64=_scipy("i1e"), critical=_ZERO, ulps=12, numpy="", derivatives=0)

# -- steps; the primitive `round` is either of the last two ----------------------------------------
_steps = partial(_own, taylor=None, jumps="steps", domain=None, parity=None, limits=(-_inf, _inf))

_steps("floor", arb.floor, float64=np.floor, critical=_jumps(0.0, 1.0), ulps=0, numpy="floor")
_steps("ceil", arb.ceil, float64=np.ceil, critical=_jumps(0.0, 1.0), ulps=0, numpy="ceil")
_steps("round_half_even", elementary.round_half_even, float64=np.round, ulps=None, numpy="",
       critical=_jumps(-0.5, 0.5), elementwise=False)
_steps("round_half_away", elementary.round_half_away, float64=_round_half_away, ulps=None, numpy="",
       critical=_jumps(-0.5, 0.5), elementwise=False)

# -- several numbers -------------------------------------------------------------------------------
_several = partial(define, definition=None, parity=None, limits=NO_LIMITS, jumps=None, error="one",
                   elementwise=True, derivatives=ALL)

# atan2(0, 0) is 0 in every dtype.
_several("atan2", elementary.angle, None, arity=2, domain=None, jumps="somewhere", ulps=2,
         critical=(("the first argument of `{}` vanishes", lambda y, x: y),
                   ("the second argument of `{}` vanishes", lambda y, x: x)),
         float64=np.arctan2, error="value", numpy="arctan2")
_several("rem", elementary.remainder, None, arity=2, jumps="somewhere", ulps=0,
         domain=Domain(DIVISOR.fails, lambda x, y: y != 0),
         critical=(("the divisor of `{}` vanishes", lambda x, y: y),
                   ("the dividend of `{}` vanishes", lambda x, y: x)),
         float64=np.fmod, numpy="fmod")
# An exponent that is an integer is a repeated product.
_several("pow", elementary.power, None, arity=2, ulps=6, elementwise=False,
         domain=Domain("the base of a power is not positive", lambda x, y: x > 0),
         critical=(("the base of `{}` vanishes", lambda x, y: x),
                   ("the exponent of `{}` vanishes", lambda x, y: y)), float64=np.power, numpy="")
_several("polygamma", special.polygamma, {1: special.polygamma_coefficients}, arity=2, ulps=2,
         domain=Domain("the order of a polygamma function is no whole number or its argument is a "
                       "pole", lambda n, x: _is_whole(n) and _no_pole(x)),
         critical=_ZERO, float64=_scipy("polygamma"), numpy="")
_several("zeta", special.zeta, {0: special.zeta_in_first, 1: special.zeta_in_second}, arity=2,
         domain=Domain("an argument of zeta(s, q) is outside s > 1, q > 0",
                       lambda s, q: s > 1 and q > 0),
         critical=_ZERO, float64=_scipy("zeta"), ulps=1, numpy="")

# XLA computes these with e^(a log x − x − log Γ(a)) or the like, whose exponent is small although
# the terms are not.
_of_exponents = partial(_several, error="exponents", numpy="")
_igamma = partial(_of_exponents, arity=2, domain=Domain(
    "an incomplete gamma function has no positive order or a negative argument",
    lambda a, x: a > 0 and x >= 0))

_igamma("igamma", special.igamma, {0: special.igamma_in_order}, float64=_scipy("gammainc"),
        critical=_ZERO, ulps=22)
_igamma("igammac", special.igammac, None, float64=_scipy("gammaincc"), critical=_ZERO, ulps=18)
_igamma("igamma_grad_a", special.igamma_grad_a, {0: special.igamma_grad_a_in_order}, float64=None,
        critical=(), ulps=62)
_of_exponents("regularized_incomplete_beta", special.betainc, {2: special.betainc_in_last}, arity=3,
              domain=Domain("an argument of the incomplete beta function is outside a > 0, b > 0, "
                            "0 <= x <= 1", lambda a, b, x: a > 0 and b > 0 and x >= 0 and x <= 1),
              float64=_scipy("betainc"), critical=(), ulps=155)

# -- what JAX has a program for, and no primitive --------------------------------------------------
_program = partial(_several, float64=None, critical=(), ulps=None, numpy="", elementwise=False)

_program("erfi", arb.erfi, by_series(arb_series.erfi), arity=1, domain=None, parity="odd")
_program("expi", arb.ei, by_series(arb_series.ei), arity=1,
         domain=Domain("the argument of expi vanishes", lambda u: u != 0))
_program("sine_integral", arb.si, by_series(arb_series.si), arity=1, domain=None, parity="odd")
_program("cosine_integral", arb.ci, by_series(arb_series.ci), arity=1,
         domain=Domain("the argument of the cosine integral vanishes", lambda u: u > 0))
_program("expn", special.expn, {1: special.expn_in_second}, arity=2,
         domain=Domain("the argument of expn is not positive", lambda n, x: x > 0))
_program("hyp1f1", special.hyp1f1, {2: special.hyp1f1_in_last}, arity=3, error="terms",
         domain=Domain("the parameter b of hyp1f1 is a pole, 0, -1, -2, …,",
                       lambda a, b, x: _no_pole(b)))
_program("hyp2f1", special.hyp2f1, {3: special.hyp2f1_in_last}, arity=4, error="terms",
         domain=Domain("an argument of hyp2f1 is not below 1 or its parameter c is a pole",
                       lambda a, b, c, x: x < 1 and _no_pole(c)))
_program("owens_t", owens.owens_t, {0: owens.owens_t_in_first, 1: owens.owens_t_in_second}, arity=2,
         domain=None)
# fmt: on
