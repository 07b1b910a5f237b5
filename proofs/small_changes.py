"""Small changes: how good "≈" is when a bias moves by Δ.

The gradient of the first bias is found by letting b₁ change a little and following the change:

    Δa₁ ≈ σ'(z₁) Δb₁            through the first neuron,
    Δz₂ ≈ w₂ Δa₁ ≈ σ'(z₁) w₂ Δb₁   through the second weight,
    ΔC ≈ ∂C/∂b₁ Δb₁             through everything up to the cost.

Each line says that a smooth function f of b₁ changes by f'(b₁) Δ and a rest. Taylor's theorem says
what the rest is, f(b₁ + Δ) − f(b₁) − f'(b₁) Δ = ½ f''(ξ) Δ² for some ξ between b₁ and b₁ + Δ, so a
bound of |f''| turns every "≈" into an inequality:

    |f(b₁ + Δ) − f(b₁) − f'(b₁) Δ| ≤ ½ sup|f''| Δ².

Divided by Δ, the error of the difference quotient is of first order. The order is also measured:
halving Δ divides the rest by 2^p, p → 2, in balls so narrow that Δ = 2⁻⁴⁰ is no difficulty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
from flint import arb

import jaxgrad
from jaxgrad import (
    Ball,
    Bracket,
    Evidence,
    Verdict,
    bounds_of,
    costs,
    decide,
    enclose,
    induction,
    precision,
    run_over,
    supremum,
)
from jaxgrad.networks import Chain, layer

Parts = Iterator[tuple[str, Any]]

# max σ''² = 1/108: with s = σ(z), σ'' = s(1 − s)(1 − 2s), whose derivative 6s² − 6s + 1 in s
# vanishes at s = ½ ± √3/6, where s(1 − s) = 1/6 and 1 − 2s = ∓√3/3, so that |σ''| = √3/18.
_CURVATURE_SQUARED = Fraction(1, 108)
_HALF_CURVATURE = ("0.04811252243", "0.04811252244")  # ½ · √3/18 = √3/36

# 400 bits hold a rest of about 2^−80, left by cancelling numbers of about 1, to 300 bits.
_BITS = 400

# Δ = 2⁻¹⁰ … 2⁻⁴⁰: an order is what p tends to, and p − 2 is of the size of Δ itself.
_EXPONENTS = range(10, 41)

# w₁ = ½, x = ½ and this b₁ give z₁ = log(2 + √3) up to rounding, where |σ''| is largest: there the
# rest is as large as the bound allows. Any other place where σ'' ≠ 0 has the same order.
_STEEPEST = 1.3169578969248166 - 0.25


# ----------------------------------------------------------------- A3: through the first neuron


@jaxgrad.claim(
    "|Δa_1 − σ'(z_1) Δb_1| <= √3/36 Δb_1², for all real w_1, x, b_1, Δb_1",
    source="A3: Δa_1 ≈ σ'(z_1) Δb_1",
)
def first_activation(
    square: Fraction = _CURVATURE_SQUARED,
    constant: Bracket = _HALF_CURVATURE,
    order: int = 2,
) -> Parts:
    """The bound, that no smaller one would do, and the order.

    Args:
        square: what max σ''² is said to be.
        constant: where ½ max |σ''| is said to lie.
        order: the order said to be measured.
    """
    identity = jaxgrad.compare(
        lambda w, b, x: _curvature(jax.nn.sigmoid(w * x + b)),
        lambda w, b, x: jax.grad(jax.grad(lambda b: _first_activation(w, b, x)))(b),
        *_scalars(3),
        exact=True,
    )
    yield "d²a_1/db_1² = s(1 − s)(1 − 2s)", identity
    bound = decide(
        lambda s: _curvature(s) ** 2 <= square,
        lambda s: [s > 0, s < 1],
        equality=lambda s: 6 * s**2 - 6 * s + 1 == 0,
    )
    yield "|σ''| <= √3/18, attained where 6s² − 6s + 1 = 0", bound
    half = enclose(lambda: arb(3).sqrt() / 36, claimed=constant, name="√3/36")
    yield "the constant", half
    text = "|Δa_1 − σ'(z_1) Δb_1| <= ½ · √3/18 · Δb_1² by Taylor's theorem"
    yield "the bound", _by_taylor(text, identity, bound, half)

    # ±√3/18 are values of σ'', and the rest is ½ σ''(z₁) Δ² + O(Δ³): a smaller constant would fail.
    largest = supremum(
        lambda z: _curvature(1 / (1 + (-z).exp())) / 2,
        (-10, 10),
        # |σ''| < σ' = e^−|z| σ(|z|)² < e^−|z|
        outside_bounds={"|z| >= 10": lambda: arb(-10).exp()},
        absolute=True,
        claimed=constant,
        name="sup ½|σ''|",
    )
    yield "no smaller constant", largest
    yield _order("a_1", lambda b: _first_activation(jnp.float32(0.5), b, jnp.float32(0.5)), order)


def _first_activation(w: jax.Array, b: jax.Array, x: jax.Array) -> jax.Array:
    return Chain(1).forward([(w, b)], x)


def _curvature(s: Any) -> Any:
    """σ'' where σ = s: (s − s²)' = s'(1 − 2s), s' = s(1 − s)."""
    return s * (1 - s) * (1 - 2 * s)


# ----------------------------------------------------------------- A4: through the second weight


@jaxgrad.claim(
    "Δz_2 = w_2 Δa_1, and |Δz_2 − σ'(z_1) w_2 Δb_1| <= √3/36 |w_2| Δb_1², for all real arguments",
    source="A4: Δz_2 ≈ w_2 Δa_1 ≈ σ'(z_1) w_2 Δb_1",
)
def second_preactivation(square: Fraction = _CURVATURE_SQUARED, order: int = 2) -> Parts:
    """The first "≈" is an equality, since z₂ is affine in a₁; the second is A3 times w₂."""

    def changed(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda w, b, v, c, x, d: (
            function([(w, b + d), (v, c)], x) - function([(w, b), (v, c)], x)
        )

    net = Chain(2)
    change_of_a = changed(lambda params, x: Chain(1).forward(params[:1], x))
    yield (
        "Δz_2 = w_2 Δa_1",
        jaxgrad.compare(
            lambda w, b, v, c, x, d: v * change_of_a(w, b, v, c, x, d),
            changed(lambda params, x: net.preactivations(params, x)[1]),
            *_scalars(6),
            exact=True,
        ),
    )

    def second(w: jax.Array, b: jax.Array, v: jax.Array, c: jax.Array, x: jax.Array) -> jax.Array:
        return jax.grad(jax.grad(lambda b: net.preactivations([(w, b), (v, c)], x)[1]))(b)

    identity = jaxgrad.compare(
        lambda w, b, v, c, x: v * _curvature(jax.nn.sigmoid(w * x + b)),
        second,
        *_scalars(5),
        exact=True,
    )
    yield "d²z_2/db_1² = w_2 s(1 − s)(1 − 2s)", identity
    bound = decide(
        lambda s, w: (w * _curvature(s)) ** 2 <= w**2 * square, lambda s, w: [s > 0, s < 1]
    )
    yield "|w_2 σ''| <= √3/18 |w_2|", bound
    text = "|Δz_2 − σ'(z_1) w_2 Δb_1| <= ½ · √3/18 · |w_2| Δb_1² by Taylor's theorem"
    yield "the bound", _by_taylor(text, identity, bound)

    def z_2(b: jax.Array) -> jax.Array:
        half = jnp.float32(0.5)
        return net.preactivations([(half, b), (jnp.float32(-0.75), half)], half)[1]

    yield _order("z_2", z_2, order)


# ----------------------------------------------------------------- A2: up to the cost
#
# With D_l = ∂a_l/∂b₁ and H_l = ∂²a_l/∂b₁², differentiating a_l = σ(w_l a_(l−1) + b_l) twice gives
#
#     D_l = σ' w_l D_(l−1),    H_l = σ'' (w_l D_(l−1))² + σ' w_l H_(l−1),    D_1 = σ', H_1 = σ'',
#
# and C = ½ (a_L − y)² gives ∂²C/∂b₁² = D_L² + (a_L − y) H_L. Let m = √3/18 bound |σ''| and let
# |w_l| ≤ 1. Then |D_L| ≤ 4^(−L), and |H_L| ≤ (16/3) m q (1 − q) with q = 4^(−L): at L = 1 that is
# (16/3) m (1/4)(3/4) = m, and the step is
#
#     m q² + ¼ (16/3) m q (1 − q) = (16/3) m (q/4)(1 − q/4).
#
# For a target in [0, 1] the factor |a_L − y| is at most 1. The bound of the error is then of the
# size 4^(−L), as the bound of ∂C/∂b₁ is (claim A9).

_GROWTH = Fraction(16, 3)


@jaxgrad.claim(
    "|ΔC/Δb_1 − ∂C/∂b_1| <= K_L |Δb_1|, K_L = ½ (q² + (16/3)(√3/18) q(1 − q)), q = 4^(-L), for "
    "every L, all real x, b_j, w_1 and Δb_1, all |w_j| <= 1 (j >= 2) and y in [0, 1]",
    source="A2: ∂C/∂b_1 ≈ ΔC/Δb_1",
)
def cost(
    growth: Fraction = _GROWTH,
    square: Fraction = _CURVATURE_SQUARED,
    order: int = 2,
    one_layer: Bracket = ("0.07936252243", "0.07936252244"),
) -> Parts:
    """The second derivative of the cost, its bound for every depth, and the order.

    Args:
        growth: the factor 16/3 in the bound of H_L.
        square: what max σ''² is said to be.
        order: the order said to be measured.
        one_layer: where K_1 = ½ (1/16 + √3/18) = 1/32 + √3/36 is said to lie.
    """
    for depth in (1, 2, 3):
        yield f"∂²C/∂b_1², L={depth}", _second_derivative(depth)
    start, step = _derivatives_of_first_layer(), _derivatives_of_one_layer()
    text = "D_L and H_L are the derivatives of a_L, for every L"
    recurrence = induction(start, step, text)
    yield "the recurrence of D_L and H_L, every L", recurrence
    outermost = _derivatives_of_cost()
    yield "∂²C/∂b_1² = D_L² + (a_L − y) H_L", outermost

    first, further, last = _bounds(growth, square)
    yield "|D_1| <= 1/4 and |H_1| <= √3/18", first
    text = "|D_L| <= q and |H_L| <= (16/3)(√3/18) q(1 − q) with q = 4^(-L), for every L"
    bounds = induction(first, further, text)
    yield "the bound of D_L and H_L, every L", bounds
    yield "|∂²C/∂b_1²| <= 2 K_L", last

    constants = []
    for depth, claimed in ((1, one_layer), (2, None), (12, None)):
        constants.append(_constant(depth, growth, claimed))
        yield f"K_{depth}", constants[-1]
    text = "|ΔC − ∂C/∂b_1 Δb_1| <= K_L Δb_1² by Taylor's theorem; divide by |Δb_1|"
    yield "the bound", _by_taylor(text, recurrence, outermost, bounds, last, *constants)

    for depth in (1, 3, 12):
        yield _order(f"C, L={depth}", _cost_along_first_bias(depth), order)


def _second_derivative(depth: int) -> jaxgrad.Comparison:
    """∂²C/∂b₁² by the recurrence and by `jax.grad` of `jax.grad`."""
    net = Chain(depth)

    def by_hand(params: Any, x: jax.Array, y: jax.Array) -> jax.Array:
        (w, b), *rest = params
        a = jax.nn.sigmoid(w * x + b)
        d, h = a * (1 - a), _curvature(a)
        for w, b in rest:
            a = jax.nn.sigmoid(w * a + b)
            d, h = _next(w, a, d, h)
        return d * d + (a - y) * h

    def automatic(params: Any, x: jax.Array, y: jax.Array) -> jax.Array:
        (w, first), *rest = params
        return jax.grad(jax.grad(lambda b: net.cost([(w, b), *rest], x, y)))(first)

    params = net.init(jax.random.key(depth))
    return jaxgrad.compare(by_hand, automatic, params, *_scalars(2), exact=True)


def _next(w: Any, s: Any, d: Any, h: Any) -> tuple[Any, Any]:
    """(D, H) of a layer with σ(z) = s from those of the layer before it."""
    return s * (1 - s) * w * d, _curvature(s) * (w * d) ** 2 + s * (1 - s) * w * h


def _derivatives_of_first_layer() -> jaxgrad.Comparison:
    def automatic(w: jax.Array, b: jax.Array, x: jax.Array) -> Any:
        along = jax.grad(lambda b: jax.jit(layer("sigmoid"))(w, b, x))
        return along(b), jax.grad(along)(b)

    def by_hand(w: jax.Array, b: jax.Array, x: jax.Array) -> Any:
        s = jax.nn.sigmoid(w * x + b)
        return s * (1 - s), _curvature(s)

    return jaxgrad.compare(by_hand, automatic, *_scalars(3), exact=True)


def _derivatives_of_one_layer() -> jaxgrad.Comparison:
    """One layer fed by a curve a(t) with a'(0) = D and a''(0) = H, all of a(0), D, H variables."""

    def automatic(w: jax.Array, b: jax.Array, a: jax.Array, d: jax.Array, h: jax.Array) -> Any:
        along = jax.grad(lambda t: jax.jit(layer("sigmoid"))(w, b, a + t * d + t * t / 2 * h))
        now = jnp.zeros_like(a)
        return along(now), jax.grad(along)(now)

    def by_hand(w: jax.Array, b: jax.Array, a: jax.Array, d: jax.Array, h: jax.Array) -> Any:
        return _next(w, jax.nn.sigmoid(w * a + b), d, h)

    return jaxgrad.compare(by_hand, automatic, *_scalars(5), exact=True)


def _derivatives_of_cost() -> jaxgrad.Comparison:
    """The cost along the same curve."""

    def automatic(a: jax.Array, d: jax.Array, h: jax.Array, y: jax.Array) -> jax.Array:
        quadratic = costs.cost("quadratic").value
        along = jax.grad(lambda t: quadratic(a + t * d + t * t / 2 * h, y))
        return jax.grad(along)(jnp.zeros_like(a))

    return jaxgrad.compare(
        lambda a, d, h, y: d * d + (a - y) * h, automatic, *_scalars(4), exact=True
    )


def _bounds(growth: Fraction, square: Fraction) -> tuple[Evidence, Evidence, Evidence]:
    """The bounds at the first layer, from one layer to the next, and of ∂²C/∂b₁²."""
    quarter, limit = Fraction(1, 4), growth
    first = decide(
        lambda s, m: [abs(s * (1 - s)) <= quarter, abs(_curvature(s)) <= limit * 3 * m / 16],
        # m is √3/18 or anything above it, so that a counterexample may be rational
        lambda s, m: [s > 0, s < 1, m > 0, m**2 >= square],
    )
    # slope stands for σ' and bend for σ''.
    further = decide(
        lambda slope, bend, w, d, h, m, q: [
            abs(slope * w * d) <= q / 4,
            abs(bend * w**2 * d**2 + slope * w * h) <= limit * m * (q / 4) * (1 - q / 4),
        ],
        lambda slope, bend, w, d, h, m, q: [
            abs(slope) <= quarter, abs(bend) <= m, abs(w) <= 1,
            abs(d) <= q, abs(h) <= limit * m * q * (1 - q), q > 0, q < 1,
        ],
    )  # fmt: skip
    last = decide(
        lambda e, d, h, m, q: abs(d**2 + e * h) <= q**2 + limit * m * q * (1 - q),
        lambda e, d, h, m, q: [
            abs(e) <= 1, abs(d) <= q, abs(h) <= limit * m * q * (1 - q), m > 0, q > 0, q < 1,
        ],
    )  # fmt: skip
    return first, further, last


def _constant(depth: int, growth: Fraction, claimed: Bracket | None) -> Any:
    def value() -> arb:
        q = 1 / arb(4) ** depth
        return q**2 / 2 + growth.numerator * arb(3).sqrt() * q * (1 - q) / (36 * growth.denominator)

    return enclose(value, claimed=claimed, name=f"K_{depth}")


def _cost_along_first_bias(depth: int) -> Callable[[jax.Array], jax.Array]:
    """C as a function of b₁; every other parameter is drawn and then held."""
    net = Chain(depth)
    (w, _), *rest = net.init(jax.random.key(depth))
    return lambda b: net.cost([(w, b), *rest], jnp.float32(0.5), jnp.float32(0.25))


# ----------------------------------------------------------------- what the three have in common


def _scalars(count: int) -> list[jax.Array]:
    """Values that only fix shapes and dtypes."""
    return [jnp.float32(value) for value in (0.5, -0.25, 0.75, 0.375, -0.5, 0.125)[:count]]


def _by_taylor(text: str, *parts: Any) -> Evidence:
    """What follows from the parts and Taylor's theorem; nothing if one of them is not proved."""
    for part in parts:
        if part.verdict is not Verdict.PROVED:
            reason = f"it rests on a part that is {part.verdict}: {part.evidence.text}"
            return Evidence(Verdict.UNDECIDED, "reason", reason)
    trusts = [each for part in parts for each in part.evidence.trusts]
    enclosures = {k: v for part in parts for k, v in part.evidence.enclosures.items()}
    every = tuple(dict.fromkeys([*trusts, "Taylor's theorem with Lagrange's form of the rest"]))
    return Evidence(Verdict.PROVED, "decision", text, enclosures, trusts=every)


def _order(
    name: str, function: Callable[[jax.Array], jax.Array], claimed: int
) -> tuple[str, Evidence]:
    """p with rest(Δ) = 2^p rest(Δ/2), enclosed at each Δ: a measurement at these Δ.

    The program that JAX traces is run over balls, so neither cancellation nor rounding disturbs.
    The order is said to be the integer that every p is nearest to.
    """
    with precision(_BITS):
        rests = _rests(function, [*_EXPONENTS, _EXPONENTS[-1] + 1])
        orders = [(big / small).log() / arb(2).log() for big, small in pairwise(rests)]
        near = all(abs(p - claimed) < 0.5 for p in orders)
        far = any(abs(p - claimed) > 0.5 for p in orders)
    part = f"order of the rest of {name}, Δ = 2^-{_EXPONENTS[0]} … 2^-{_EXPONENTS[-1]}"
    if not near and not far:
        return part, Evidence(Verdict.UNDECIDED, "reason", "the balls are too wide to tell")
    verdict, relation = (Verdict.PROVED, "is") if near else (Verdict.REFUTED, "is not")
    enclosures = {
        f"order at Δ = 2^-{k}": bounds_of(p).decimals(10)
        for k, p in zip(_EXPONENTS, orders, strict=True)
        if k % 10 == 0
    }
    text = f"at b_1 = {_STEEPEST!r} the order {relation} nearest to {claimed} at {len(orders)} Δ"
    trusts = ("Arb", "the interpreter's rules", "JAX's tracing")
    return part, Evidence(verdict, "enclosure", text, enclosures, trusts=trusts)


def _rests(function: Callable[[jax.Array], jax.Array], exponents: Iterable[int]) -> list[arb]:
    """f(b + Δ) − f(b) − f'(b) Δ with f' by `jax.grad`, for each Δ = 2^−exponent."""
    b = jnp.float32(_STEEPEST)
    at, steps = arb(float(b)), [1 / arb(2) ** k for k in exponents]
    here, slope = run_over(Ball(), function, at), run_over(Ball(), jax.grad(function), at)
    return [run_over(Ball(), function, at + step) - here - slope * step for step in steps]
