"""From a staircase of sigmoids to the rectified linear unit: how close are they?

A unit that may be on in many copies, each with its threshold one half-step higher than the one
before, has as its expected number of active copies the stepped sigmoid

    S(x) = Σ_{i≥1} σ(x − i + ½),    σ(x) = 1/(1 + e⁻ˣ).

It is the midpoint rule, with steps of width 1, for the integral of σ(x − t) over t ≥ 0, and that
integral is softplus(x) = log(1 + eˣ). So S ≈ softplus, and S' ≈ softplus' = σ (claims F1, F2).
Cheaper still is a unit that draws one normal number N and returns max(0, x + N) (claim F3).

"≈" is a number here: the largest difference over all real x, and where it is attained. A search
by balls proves both: Taylor bounds with ball coefficients discard every interval in which the
difference cannot be largest, Newton's method encloses the critical point in the one that is left,
and an inequality takes care of the rest of the line.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import flint
import jax
import jax.numpy as jnp
from flint import arb, arb_series

import jaxgrad
from jaxgrad import Bracket, Supremum, supremum, upper_bound

Parts = Iterator[tuple[str, Any]]

_TERMS = 70  # sigmoids that are summed; those left out are below e^(20 − 70 + ½) up to x = 20
_POINT = jnp.float32(0.75)  # fixes shape and dtype; an identity holds for every real x


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + (-x).exp())


def _softplus(x: Any) -> Any:
    return (1 + x.exp()).log()


def _slope(x: Any) -> Any:
    """σ' = σ (1 − σ)."""
    s = _sigmoid(x)
    return s * (1 - s)


def _staircase(term: Callable[[Any], Any], x: arb_series, half: arb, power: int) -> arb_series:
    """Σ_{i≥1} of term(x − i + ½), if |term(z)| ≤ q/(1 − q)^power, q = e^(Re z), for Re z < 0.

    That holds for σ with power 1 and for σ' with power 2, as |1 + e^z| ≥ 1 − q. By Cauchy's
    estimate on a disc of radius 1 the Taylor coefficients at a real z are at most the bound at
    z + 1. For the i = _TERMS + 1 + k left out, k = 0, 1, …, they are thus at most e^(−k) q over
    (1 − q)^power, with the q computed below.
    """
    at = x.coeffs()[0] if x.coeffs() else arb(0)
    q = (at - _TERMS + half).exp().upper()
    rest = q / (1 - q) ** power / (1 - arb(-1).exp())
    total = arb_series([arb(0, rest)] * flint.ctx.cap)
    for i in range(1, _TERMS + 1):
        total += term(x - i + half)
    return total


def _periodic_tail(gap: Callable[[Any], Any]) -> Callable[[], arb]:
    """|gap| right of 20, for the gap of S and softplus and for that of S' and σ.

    Moved by 1 the staircase gains one step, so S(x + 1) − S(x) = σ(x + ½), while softplus gains the
    mean of σ over [x, x + 1]. Both are in [1 − e^(−x), 1], so from x to x + 1 the gap changes by at
    most e^(−x). The derivatives gain σ'(x + ½) and σ(x + 1) − σ(x), both in [0, e^(−x)]. So beyond
    [20, 21] the gap is what it is there, up to e^(−20) (1 + e^(−1) + e^(−2) + …).
    """
    return lambda: upper_bound(gap, (20, 21), absolute=True) + arb(-20).exp() / (1 - arb(-1).exp())


def _largest(gap: Callable[[Any], Any], claimed: Bracket, at: Bracket) -> Supremum:
    """sup |gap| over the real line.

    Left of −20 both functions are positive, and below e^x since σ(z) and σ'(z) are below e^z and
    e^(−1/2) + e^(−3/2) + … < 1.
    """
    tails = {"x <= -20": lambda: arb(-20).exp(), "x >= 20": _periodic_tail(gap)}
    return supremum(
        gap,
        (-20, 20),
        outside_bounds=tails,
        absolute=True,
        claimed=claimed,
        claimed_at=[at],
        name="largest difference",
    )


# --------------------------------------------------------------------------- F1: S and softplus


@jaxgrad.claim(
    "Σ_{i≥1} σ(x − i + ½) ≈ log(1 + e^x): they differ by at most 0.0105777015936, and by that much "
    "near x = 0.0000190099428",
    source="F1: the stepped sigmoid",
    picture="jaxgrad.claims.pictures.steps:steps",
)
def stepped_sum(
    claimed: Bracket = ("0.0105777015935", "0.0105777015936"),
    at: Bracket = ("0.0000190099427", "0.0000190099429"),
    half: str = "0.5",
) -> Parts:
    """The difference S − softplus is near −σ'(x)/24, the first term of the midpoint rule's error.

    It is negative and largest near 0, where σ' is. Far to the right it does not tend to 0 but to a
    function of period 1, so small that it does not matter here.
    """

    def gap(x: arb_series) -> Any:
        return _staircase(_sigmoid, x, arb(half), power=1) - _softplus(x)

    yield "every real x", _largest(gap, claimed, at)

    def by_hand(x: jax.Array) -> jax.Array:
        return sum((jax.nn.sigmoid(x - i + float(half)) for i in range(1, 6)), jnp.zeros_like(x))

    compiled = jax.jit(lambda x: jaxgrad.activations.stepped_sigmoid(x, terms=5))
    yield "the compiled sum, 5 terms", jaxgrad.compare(by_hand, compiled, _POINT, exact=True)


# ------------------------------------------------------------------------ F2: their derivatives


@jaxgrad.claim(
    "softplus' = σ, and Σ_{i≥1} σ'(x − i + ½) ≈ σ(x): they differ by at most 0.00413160861576, and "
    "by that much at x = 1.28046651104",
    source="F2: the derivatives",
)
def derivatives(
    claimed: Bracket = ("0.00413160861575", "0.00413160861576"),
    at: Bracket = ("1.28046651104", "1.28046651105"),
    one: float = 1.0,
) -> Parts:
    """Whoever trains with softplus gets σ as its slope; with the staircase almost so."""
    softplus = jax.jit(jax.nn.softplus)
    yield (
        "softplus'",
        jaxgrad.compare(lambda x: 1 / (one + jnp.exp(-x)), jax.grad(softplus), _POINT, exact=True),
    )

    def by_hand(x: jax.Array) -> jax.Array:
        steps = [jax.nn.sigmoid(x - i + 0.5) for i in range(1, 6)]
        return sum((s * (one - s) for s in steps), jnp.zeros_like(x))

    compiled = jax.jit(lambda x: jaxgrad.activations.stepped_sigmoid(x, terms=5))
    yield (
        "the compiled sum, 5 terms",
        jaxgrad.compare(by_hand, jax.grad(compiled), _POINT, exact=True),
    )

    def gap(x: arb_series) -> Any:
        return _staircase(_slope, x, arb(1) / 2, power=2) - _sigmoid(x)

    yield "every real x", _largest(gap, claimed, at)


# --------------------------------------------------------------------- F3: max(0, x + N(0, 1))
#
# With φ(n) = e^(−n²/2)/√(2π) the density of N and Φ its distribution function,
#
#     E max(0, x + N) = ∫_{−x}^∞ (x + n) φ(n) dn.
#
# An antiderivative is x Φ(n) − φ(n): Φ' = φ is what Φ means, and φ' = −n φ. At ∞ it is x, at −x it
# is x Φ(−x) − φ(x) = x − x Φ(x) − φ(x), so that
#
#     E max(0, x + N) = x Φ(x) + φ(x),
#
# and for a noise of standard deviation s, since max(0, s u) = s max(0, u), s times that at x/s.


def _density(n: jax.Array) -> jax.Array:
    return jnp.exp(-n * n / 2) / math.sqrt(2 * math.pi)


@jax.custom_jvp
def _distribution(n: jax.Array) -> jax.Array:
    return (1 + jax.lax.erf(n / math.sqrt(2))) / 2


@_distribution.defjvp
def _(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    """Φ' = φ."""
    (n,), (tangent,) = primals, tangents
    return _distribution(n), _density(n) * tangent


@jaxgrad.claim(
    "E max(0, x + N) = x Φ(x) + φ(x) for N ~ N(0, 1), and its derivative is Φ(x)",
    source="F3: the closed form",
)
def expectation(sign: float = 1.0) -> Parts:
    """The two steps of the derivation that are derivatives, and the derivative of one draw."""

    def antiderivative(n: jax.Array, x: jax.Array) -> jax.Array:
        return x * _distribution(n) - sign * _density(n)

    def integrand(n: jax.Array, x: jax.Array) -> jax.Array:
        return (x + n) * _density(n)

    yield (
        "d/dn (x Φ(n) − φ(n)) = (x + n) φ(n)",
        jaxgrad.compare(integrand, jax.grad(antiderivative), _POINT, _POINT, exact=True),
    )

    def mean(x: jax.Array) -> jax.Array:
        return x * _distribution(x) + sign * _density(x)

    yield (
        "d/dx (x Φ(x) + φ(x)) = Φ(x)",
        jaxgrad.compare(_distribution, jax.grad(mean), _POINT, exact=True),
    )

    # One draw has derivative 1 where x + N > 0, else 0. Its mean is P(N > −x) = Φ(x) as well.
    def indicator(x: jax.Array, n: jax.Array) -> jax.Array:
        return jnp.where(x + n > 0, sign, 0.0)

    one_draw = jax.grad(jax.jit(lambda x, n: jax.nn.relu(x + n)))
    yield (
        "d/dx max(0, x + n) = [x + n > 0]",
        jaxgrad.compare(indicator, one_draw, _POINT, -2 * _POINT, exact=True),
    )


def _normal_density(x: Any) -> Any:
    return (-x * x / 2).exp() / (2 * arb.pi()).sqrt()


def _normal_distribution(x: Any) -> Any:
    return (-x / arb(2).sqrt()).erfc() / 2


def _mean(x: Any, deviation: Any) -> Any:
    """E max(0, x + N(0, deviation²))."""
    z = x / deviation
    return x * _normal_distribution(z) + deviation * _normal_density(z)


def _largest_of(gap: Callable[[Any], Any], claimed: Bracket, *at: Bracket) -> Supremum:
    """sup |gap| over the real line, where beyond ±10 |gap| ≤ e^(−10).

    Softplus exceeds max(0, x) by log(1 + e^(−|x|)) ≤ e^(−|x|). The mean exceeds it by
    s φ(z) − |x| Φ(−|z|), z = x/s, which is in [0, φ(x)] for s ≤ 1. Φ and σ differ from the step
    [x > 0] by at most φ(x) and e^(−|x|). And φ(x) ≤ e^(−x²/2) ≤ e^(−|x|) for |x| ≥ 2.
    """
    return supremum(
        gap,
        (-10, 10),
        outside_bounds={"|x| >= 10": lambda: arb(-10).exp()},
        absolute=True,
        claimed=claimed,
        claimed_at=at,
        name="largest difference",
    )


@jaxgrad.claim(
    "log(1 + e^x) ≈ E max(0, x + N(0, 1)): they differ by at most 0.294204900159, at x = 0",
    source="F3: noise of variance 1",
)
def unit_noise(
    claimed: Bracket = ("0.294204900158", "0.294204900159"),
    at: Bracket = ("-0.00000000001", "0.00000000001"),
) -> Supremum:
    """Both are even but for the same x/2, so the difference is even; it is log 2 − 1/√(2π) at 0."""
    return _largest_of(lambda x: _softplus(x) - _mean(x, arb(1)), claimed, at)


@jaxgrad.claim(
    "log(1 + e^x) ≈ E max(0, x + N(0, σ(x))): they differ by at most 0.418678571631, at "
    "x = -0.20812346666",
    source="F3: noise of variance σ(x)",
)
def sigmoid_noise(
    claimed: Bracket = ("0.418678571630", "0.418678571631"),
    at: Bracket = ("-0.208123466660", "-0.208123466659"),
) -> Supremum:
    """The variance that Nair and Hinton (2010) give the noise, σ(x) ≤ 1."""
    return _largest_of(lambda x: _softplus(x) - _mean(x, _sigmoid(x).sqrt()), claimed, at)


@jaxgrad.claim(
    "E d/dx max(0, x + N(0, 1)) = Φ(x) ≈ σ(x): they differ by at most 0.117402063616, at "
    "x = ±1.32454661618",
    source="F3: the expected derivative",
)
def expected_derivative(
    claimed: Bracket = ("0.117402063615", "0.117402063616"),
    at: Bracket = ("1.32454661617", "1.32454661619"),
) -> Supremum:
    """Φ − σ is odd, so that the largest difference is attained on both sides, at ± the same x."""
    lower, upper = at
    mirrored = f"-{upper}", f"-{lower}"
    return _largest_of(lambda x: _normal_distribution(x) - _sigmoid(x), claimed, at, mirrored)
