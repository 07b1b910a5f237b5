"""The root cause: a gradient is a product with one factor for every layer still to come.

In a network with one neuron per layer, write δ_l = ∂C/∂b_l. A change of b_l changes z_l, which
changes a_l, z_(l+1), a_(l+1) and so on up to the output, so

    δ_l = σ'(z_l) · w_(l+1) σ'(z_(l+1)) · … · w_L σ'(z_L) · ∂C/∂a_L.

One factor w_k σ'(z_k) for every layer k *after* l. It is often put the other way round, "the
gradient of a later layer is the accumulated product of the earlier ones", and that is wrong: the
*earlier* a layer, the longer its product. The last layer has none of these factors at all.

A product of many factors is near 1 only by luck. For weights drawn from N(0, 1) that luck can be
bounded: |w σ'(z)| ≤ |w|/4 for every z, and the mean of |w|/4 is below 1/5. So the layers of a deep
network learn at very different speeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
from flint import arb

import jaxgrad
from jaxgrad import Bracket, Enclosure, Evidence, Verdict, decide, enclose, frequency, induction
from jaxgrad.networks import Chain, Dense, Network, affine, layer, output_layer

DEPTHS = range(1, 7)


def _slope(z: jax.Array) -> jax.Array:
    """σ'(z) = σ(z)(1 − σ(z))."""
    s = jax.nn.sigmoid(z)
    return s * (1 - s)


def _bias_gradients(net: Network, params: Any, x: Any, y: Any) -> list[jax.Array]:
    """∂C/∂b_1 … ∂C/∂b_L of the jit-compiled network, by ``jax.grad``."""
    return [b for _, b in jax.grad(net.cost)(params, x, y)]


# ------------------------------------------------------------------------------------------- C1


_TWO_NETWORKS = """\
import jax
from jaxgrad.networks import Chain

def gradient(w):  # three layers, all with z = 0; only the second one depends on w
    params = [(1.0, -1.0), (w, -w / 2), (1.0, -0.5)]
    return [float(b) for _, b in jax.grad(Chain(3).cost)(params, 1.0, 0.0)]

print(gradient(1.0))  # [0.0078125, 0.03125, 0.125]
print(gradient(2.0))  # [0.015625, 0.03125, 0.125]
# Doubling w2, and with it w2 σ'(z2), doubles dC/db_1 and leaves dC/db_3 as it is."""

_PRODUCT_BEFORE = """\
import jax, jax.numpy as jnp
from jaxgrad.networks import Chain

params, x, y = [(1.0, -1.0), (2.0, -1.0), (1.0, -0.5)], 1.0, 0.0
slopes = [jax.grad(jax.nn.sigmoid)(z) for z in Chain(3).preactivations(params, x)]
before = slopes[0] * params[1][0] * slopes[1] * params[2][0] * slopes[2] * 0.5
print(before, jax.grad(Chain(3).cost)(params, x, y)[2][1])  # 0.015625 against 0.125"""


@jaxgrad.claim(
    "the gradient of a later layer is the accumulated product of the earlier ones",
    source="C1: as written",
    expect=Verdict.REFUTED,
)
def product_of_the_earlier(
    watched: int = 3, weights: tuple[float, float] = (1.0, 2.0), earlier: bool = True
) -> Iterator[tuple[str, Evidence]]:
    """Whatever the product is exactly, an earlier layer's factor would have to be in it.

    Three layers, all with z = 0, and w₂ = 1 or 2: the factor w₂ σ'(z₂) of the second layer
    doubles. The gradient of the third layer would have to double too, but stays what it is.
    """
    yield "doubling the factor of an earlier layer", _response(watched, weights)

    # And the formula itself, read as the product of all factors up to layer l.
    def by_hand(params: Any, x: jax.Array, y: jax.Array) -> list[jax.Array]:
        net = Chain(3)
        slopes = [_slope(z) for z in net.preactivations(params, x)]
        products = []
        for number in range(3):
            layers = range(number + 1) if earlier else range(number, 3)
            product = slopes[layers[0]] * (net.forward(params, x) - y)
            for k in layers[1:]:
                product = product * params[k][0] * slopes[k]
            products.append(product)
        return products

    point = [(1.0, -1.0), (2.0, -1.0), (1.0, -0.5)], 1.0, 0.0
    found = jaxgrad.compare(
        by_hand, lambda *args: _bias_gradients(Chain(3), *args), *point, exact=True
    )
    refuted = found.verdict is Verdict.REFUTED
    code = _PRODUCT_BEFORE if refuted else None
    yield "the product over the layers up to l, L = 3", replace(found.evidence, counterexample=code)


def _response(watched: int, weights: tuple[float, float]) -> Evidence:
    """How ∂C/∂b of the watched layer answers to the second layer's factor; all numbers exact."""
    found = []
    for w in weights:
        params = [(1.0, -1.0), (w, -w / 2), (1.0, -0.5)]
        found.append(_bias_gradients(Chain(3), params, 1.0, 0.0)[watched - 1])
    ratio = Fraction(float(found[1])) / Fraction(float(found[0]))
    expected = Fraction(weights[1]) / Fraction(weights[0])
    text = f"w_2 σ'(z_2) is multiplied by {expected}, dC/db_{watched} by {ratio}"
    if ratio == expected:
        return Evidence(Verdict.UNDECIDED, "reason", f"{text}: this shows nothing")
    return Evidence(
        Verdict.REFUTED,
        "counterexample",
        text,
        counterexample=_TWO_NETWORKS,
        trusts=("XLA's float32 arithmetic, exact on these powers of two",),
    )


@jaxgrad.claim(
    "the gradient at layer l is the product over the layers after l",
    source="C1: corrected",
)
def product_of_the_later(shift: int = 1, factor: int = 1) -> Iterator[tuple[str, Any]]:
    """For depths 1 to 6 as one identity for all l, then for every depth by induction.

    Induction runs from the last layer, whose product over no layer is 1, towards the first.
    Base: δ_L = σ'(z_L) ∂C/∂a_L. Step: δ_l = σ'(z_l) w_(l+1) δ_(l+1), which puts the factor of the
    layer after l, and no other, in front of what the layers after it have gathered.
    """
    drawn = Chain(max(DEPTHS)).init(jax.random.key(0))
    for depth in DEPTHS:
        net = Chain(depth)

        def by_hand(params: Any, x: jax.Array, y: jax.Array, net: Chain = net) -> list[jax.Array]:
            slopes = [_slope(z) for z in net.preactivations(params, x)]
            deltas = []
            for first in range(net.depth):
                delta = slopes[first] * (net.forward(params, x) - y)
                for k in range(first + shift, net.depth):
                    delta = delta * params[k][0] * slopes[k]
                deltas.append(delta)
            return deltas

        def by_jax(params: Any, x: jax.Array, y: jax.Array, net: Chain = net) -> list[jax.Array]:
            return _bias_gradients(net, params, x, y)

        point = drawn[:depth], jnp.float32(0.5), jnp.float32(1)
        yield f"L = {depth}", jaxgrad.compare(by_hand, by_jax, *point, exact=True)
    yield "every L", _every_depth(factor)


def _every_depth(factor: int) -> Evidence:
    neuron, last = layer("sigmoid"), output_layer("sigmoid", "quadratic")
    base_by_jax = jax.jit(jax.grad(last, argnums=1))

    def base_by_hand(w: jax.Array, b: jax.Array, a: jax.Array, y: jax.Array) -> jax.Array:
        z = affine(w, b, a)
        return _slope(z) * (jax.nn.sigmoid(z) - y)

    @jax.jit
    def step_by_jax(w: Any, b: Any, a: Any, w_next: Any, b_next: Any, delta: Any) -> jax.Array:
        # b_l → z_(l+1); what comes back for an arbitrary δ_(l+1) is δ_l.
        _, backward = jax.vjp(lambda b: affine(w_next, b_next, neuron(w, b, a)), b)
        return backward(delta)[0]

    def step_by_hand(w: Any, b: Any, a: Any, w_next: Any, b_next: Any, delta: Any) -> jax.Array:
        return factor * _slope(affine(w, b, a)) * w_next * delta

    numbers = [jnp.float32(i) for i in (1, -2, 0.5, 3, -1, 2)]
    return induction(
        jaxgrad.compare(base_by_hand, base_by_jax, *numbers[:4], exact=True),
        jaxgrad.compare(step_by_hand, step_by_jax, *numbers, exact=True),
        "δ_l = σ'(z_l) ∂C/∂a_L times w_k σ'(z_k) for k = l+1 … L, for every l and L",
    )


# ------------------------------------------------------------------------------------------- C2


def _mean_factor() -> arb:
    """E|w|/4 = √(2/π)/4 for w ~ N(0, 1), a bound of the mean of |w σ'(z)|."""
    return (arb(2) / arb.pi()).sqrt() / 4


@jaxgrad.claim(
    "P(|w_2 σ'(z_2) … w_L σ'(z_L)| ≥ 1) ≤ (E|w|/4)^(L-1), E|w|/4 = 0.1994711402…, for w ~ N(0, 1)",
    source="C2: the bound",
)
def balance_is_unlikely(
    quarter: Fraction = Fraction(1, 4),
    mean_factor: Bracket = ("0.199471140200", "0.199471140201"),
    one: Fraction = Fraction(1),
) -> Iterator[tuple[str, Evidence | Enclosure | jaxgrad.Comparison]]:
    """Four steps, each of them checked where it is more than a word.

    1. |w_2 σ'(z_2) … w_L σ'(z_L)| ≤ |w_2|/4 · … · |w_L|/4, whatever the z_j are. They depend on
       the weights, and this is the reason to get rid of them first.
    2. The mean of the right side is the product of the means, (E|w|/4)^(L−1): the w_j are
       independent.
    3. E|w| = 2∫₀^∞ w e^(−w²/2)/√(2π) dw = √(2/π), since −e^(−w²/2) has the derivative
       w e^(−w²/2).
    4. Markov: P(X ≥ 1) ≤ E X for X ≥ 0, because [X ≥ 1] ≤ X.
    """
    # Step 1 by induction: p ≥ 0 is the product so far, q its bound; s = σ(z), σ'(z) = s(1 − s).
    yield (
        "1. the bound of the product",
        induction(
            decide(
                lambda w, s: w * s * (1 - s) <= w * quarter, lambda w, s: [w >= 0, s > 0, s < 1]
            ),
            decide(
                lambda p, q, w, s: p * w * s * (1 - s) <= q * w * quarter,
                lambda p, q, w, s: [p >= 0, q >= p, w >= 0, s > 0, s < 1],
            ),
            "|w_2 σ'(z_2) … w_L σ'(z_L)| ≤ |w_2| … |w_L| / 4^(L-1) for every L ≥ 2",
        ),
    )
    yield (
        "3. the antiderivative",
        jaxgrad.compare(
            lambda w: w * jnp.exp(-w * w / 2),
            jax.grad(lambda w: -jnp.exp(-w * w / 2)),
            jnp.float32(1),
            exact=True,
        ),
    )
    yield "3. E|w|/4", enclose(_mean_factor, 10, claimed=mean_factor, name="E|w|/4")
    # i stands for [X ≥ 1]: it is 0 or 1, and where it is 1, X ≥ 1.
    yield (
        "4. Markov",
        decide(
            lambda i, X: i * one <= X, lambda i, X: [X >= 0, i * (i - 1) == 0, i * (X - 1) >= 0]
        ),
    )
    for depth in (2, 5, 10, 20):
        name = f"bound of P, L = {depth}"
        yield name, enclose(lambda depth=depth: _mean_factor() ** (depth - 1), 10, name=name)


@jaxgrad.claim(
    "drawn networks keep below that bound",
    source="C2: measured",
    expect=Verdict.AGREES,
)
def balance_measured(
    power: int = 1,
    threshold: float = 1.0,
    draws: int = 2**16,
    depths: Sequence[int] = (2, 3, 4, 5),
) -> Iterator[tuple[str, Evidence]]:
    """Weights, biases and the input from N(0, 1); the product is ∂a_L/∂a_1, by ``jax.grad``.

    The whole confidence interval has to lie below the bound. It is exact (Clopper-Pearson), but it
    is a measurement all the same, so the verdict is AGREES and never PROVED.
    """
    for depth in depths:
        whole, tail = Chain(depth), Chain(depth - 1)

        def balanced(key: jax.Array, whole: Chain = whole, tail: Chain = tail) -> jax.Array:
            for_params, for_input = jax.random.split(key)
            params = whole.init(for_params, jnp.float32)
            first = jax.nn.sigmoid(
                whole.preactivations(params, jax.random.normal(for_input, (), jnp.float32))[0]
            )
            product = jax.grad(tail.forward, argnums=1)(params[1:], first)
            return jnp.abs(product) >= threshold

        measured = frequency(
            balanced,
            jax.random.key(depth),
            draws,
            bound=lambda depth=depth: _mean_factor() ** (power * (depth - 1)),
            name=f"P(|product| ≥ 1), L = {depth}",
        )
        yield f"L = {depth}", measured.evidence


# ------------------------------------------------------------------------------------------- C3


_DRAWN = (Chain(5), Chain(10), Dense((8,) * 7), Dense((30,) * 11))


@jaxgrad.claim(
    "in most drawn networks the first and the last layer's speeds differ by more than a factor 10",
    source="C3: layers learn at very different speeds",
    picture="jaxgrad.claims.pictures.layers:layers",
    expect=Verdict.AGREES,
)
def different_speeds(
    factor: float = 10.0, draws: int = 2**10, networks: Sequence[Network] = _DRAWN
) -> Iterator[tuple[str, Evidence]]:
    """The speed of a layer is ‖∂C/∂b^l‖, the size of the step that gradient descent takes there.

    Counted are the networks in which the two speeds are within the factor of each other; the whole
    confidence interval has to lie below ½. All is drawn from N(0, 1), but the target from [0, 1].
    """
    for net in networks:
        yield _name(net), _alike(net, factor, draws, arb("0.5"))


@jaxgrad.claim(
    "depth is what does it: five layers of 100 neurons each learn at about one speed",
    source="C3: where it does not hold",
    expect=Verdict.AGREES,
)
def equal_speeds(factor: float = 10.0, draws: int = 2**8, width: int = 100) -> Evidence:
    """A sum over many neurons makes up for the small σ': with N(0, 1) weights ‖w‖ grows like √n.

    Counted are the networks whose two speeds are *not* within the factor; the whole confidence
    interval has to lie below 1/10.
    """
    return _alike(Dense((width,) * 6), factor, draws, arb("0.1"), invert=True)


def _alike(
    net: Network, factor: float, draws: int, bound: arb, *, invert: bool = False
) -> Evidence:
    def event(key: jax.Array) -> jax.Array:
        first, last = _speeds(net, key)
        alike = (first < factor * last) & (last < factor * first)
        return ~alike if invert else alike

    name = f"P(speeds differ {'more' if invert else 'less'} than {factor:g}-fold), {_name(net)}"
    return frequency(event, jax.random.key(0), draws, bound=lambda: bound, name=name).evidence


def _speeds(net: Network, key: jax.Array) -> tuple[jax.Array, jax.Array]:
    """‖∂C/∂b‖ of the first and of the last layer of a drawn network."""
    for_params, for_input, for_target = jax.random.split(key, 3)
    params = net.init(for_params, jnp.float32)
    x = jax.random.normal(for_input, net.input_shape, jnp.float32)
    y = jax.random.uniform(for_target, net.shapes[-1][1], jnp.float32)
    deltas = _bias_gradients(net, params, x, y)
    first, last = (jnp.sqrt(jnp.sum(delta * delta)) for delta in (deltas[0], deltas[-1]))
    return first, last


def _name(net: Network) -> str:
    width = net.widths[0] if isinstance(net, Dense) else 1
    return f"{len(net.shapes)} layers of {width}"
