"""The simple fix: large weights, and biases that keep every neuron where σ is steepest.

In a network with one neuron per layer the gradient loses a factor w σ'(z) with each layer, and
σ'(z) is at most ¼. The fix proposed is to take w = 100 and to choose b so that σ' is as large as
it can be, at z = 0:

    b = −100 a    gives    z = w a + b = 100 a − 100 a = 0    and    w σ'(z) = 100 · ¼ = 25.

Since σ(0) = ½, every activation after the first layer is ½, so the biases are b₁ = −100 x and
b₂ = b₃ = … = −50. Nothing vanishes any more. But with δ_l = ∂C/∂b_l the chain rule says

    δ_l = σ'(z_l) w_(l+1) δ_(l+1) = ¼ · 100 · δ_(l+1) = 25 δ_(l+1),

so going back one layer multiplies the gradient by 25: it explodes instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp

import jaxgrad
from jaxgrad import Evidence, Verdict, induction
from jaxgrad.networks import Chain, layer, output_layer

DEPTHS = range(1, 13)


# ------------------------------------------------------------------------------------------- B1


def _one_neuron(a: jax.Array, weight: float, bias: float) -> list[jax.Array]:
    """z and w σ'(z) of the jit-compiled neuron with w = weight and b = bias · a."""
    neuron, params = Chain(1), [(jnp.full_like(a, weight), bias * a)]
    (z,) = neuron.preactivations(params, a)
    # The derivative of the neuron's output with respect to its input a is w σ'(w a + b).
    return [z, jax.grad(neuron.forward, argnums=1)(params, a)]


@jaxgrad.claim(
    "w = 100 and b = -100 a give z = 0 and w σ'(z) = 25, whatever a is",
    source="B1: initialise w = 100, choose b so that z = 0",
)
def large_weight(
    weight: float = 100.0, bias: float = -100.0, factor: float = 25.0
) -> jaxgrad.Comparison:
    """Both are the same polynomials in a: 0 and 25."""

    def by_hand(a: jax.Array) -> list[jax.Array]:
        return [jnp.zeros_like(a), jnp.full_like(a, factor)]

    return jaxgrad.compare(
        by_hand, lambda a: _one_neuron(a, weight, bias), jnp.float32(0.3), exact=True
    )


@jaxgrad.claim(
    "in floats z may miss 0, but w σ'(z) is exactly 25 all the same, for every a in [-1, 1]",
    source="B1: in floats",
)
def large_weight_in_floats(
    factor: float = 25.0, exponent: int = 6, dtypes: Sequence[str] = ("float16", "float32")
) -> Iterator[tuple[str, Evidence]]:
    """A stored b is −100 a rounded to p bits, while a compiled w a + b may round only once.

    |100 a| < 2⁷, where neighbouring floats are at most 2^(7−p) apart, so b is off by at most
    2^(6−p). Rounded twice, z = 0; rounded once, z is that error rounded, hence |z| ≤ 2^(6−p), for
    2^(6−p) is a float itself. At every such z, ``jax.grad`` has 100 σ'(z) = 25 to the last bit.
    """
    slope = jax.jit(jax.grad(jax.nn.sigmoid))
    for dtype in dtypes:
        # nmant counts the stored bits of the significand, one less than p.
        off = 2.0 ** (exponent - (int(jnp.finfo(dtype).nmant) + 1))
        found = jaxgrad.sweep(
            lambda z: 100 * slope(z),
            jnp.dtype(dtype),
            lambda z, product, off=off: (jnp.abs(z) > off) | (product == factor),
        ).evidence
        argument = "arithmetic that rounds to nearest, once or twice"
        yield f"{dtype}, |z| ≤ {off}", replace(found, trusts=(*found.trusts, argument))


# ------------------------------------------------------------------------------------------- B2


def _fixed(depth: int, x: jax.Array) -> list[tuple[jax.Array, jax.Array]]:
    """The parameters of the fix: w = 100, b₁ = −100 x, all other b = −100 · ½."""
    w = jnp.full_like(x, 100)
    return [(w, -100 * x)] + [(w, jnp.full_like(x, -50))] * (depth - 1)


def _bias_gradients(depth: int, x: jax.Array, y: jax.Array) -> list[jax.Array]:
    """∂C/∂b₁ … ∂C/∂b_L of the jit-compiled network, by ``jax.grad``."""
    return [b for _, b in jax.grad(Chain(depth).cost)(_fixed(depth, x), x, y)]


def _geometric(depth: int, ratio: Any, last: Any) -> list[Any]:
    """δ₁ … δ_L when each is ``ratio`` times the one after it and δ_L = ``last``."""
    values = [last]
    for _ in range(depth - 1):
        values.append(ratio * values[-1])
    return values[::-1]


@jaxgrad.claim(
    "then the gradient of every layer is 25 times that of the layer after it",
    source="B2: the gradient explodes",
)
def exploding(ratio: float = 25.0) -> Iterator[tuple[str, jaxgrad.Comparison]]:
    """At the last layer z_L = 0, so δ_L = σ'(0)(σ(0) − y) = (½ − y)/4 for the quadratic cost."""
    for depth in DEPTHS:

        def by_hand(x: jax.Array, y: jax.Array, depth: int = depth) -> list[jax.Array]:
            return _geometric(depth, ratio, (0.5 - y) / 4)

        def by_jax(x: jax.Array, y: jax.Array, depth: int = depth) -> list[jax.Array]:
            return _bias_gradients(depth, x, y)

        point = jnp.float32(0.3), jnp.float32(0.75)
        yield f"L = {depth}", jaxgrad.compare(by_hand, by_jax, *point, exact=True)


@jaxgrad.claim(
    "the factor is 25 between any two neighbouring layers, at every depth",
    source="B2: every depth",
)
def exploding_at_every_depth(ratio: float = 25.0, rest: float = 0.5) -> Evidence:
    """By induction from the last layer to the first.

    Base: fed a, with w = 100 and b = −100 a, the last layer has δ_L = (½ − y)/4.

    Step: take two neighbouring layers, the first fed any a, and any gradient g = ∂C/∂a_(l+1) that
    the layers after them send back. Both have z = 0, hence a_(l+1) = ½ again, and with
    δ_(l+1) = g/4 the layer before has δ_l = 25 δ_(l+1).
    """
    neuron, last = layer("sigmoid"), output_layer("sigmoid", "quadratic")

    @jax.jit
    def base_by_jax(a: jax.Array, y: jax.Array) -> jax.Array:
        return jax.grad(last, argnums=1)(jnp.full_like(a, 100), -100 * a, a, y)

    @jax.jit
    def step_by_jax(a: jax.Array, g: jax.Array) -> list[jax.Array]:
        w, half = jnp.full_like(a, 100), jnp.full_like(a, 0.5)

        def two_layers(first: jax.Array, second: jax.Array) -> jax.Array:
            return neuron(w, second, neuron(w, first, a))

        output, backward = jax.vjp(two_layers, -100 * a, -100 * half)
        return [output, *backward(g)]

    def step_by_hand(a: jax.Array, g: jax.Array) -> list[jax.Array]:
        return [jnp.full_like(a, rest), ratio * g / 4, g / 4]

    point = jnp.float32(0.3), jnp.float32(0.75)
    return induction(
        jaxgrad.compare(lambda a, y: (0.5 - y) / 4, base_by_jax, *point, exact=True),
        jaxgrad.compare(step_by_hand, step_by_jax, *point, exact=True),
        f"δ_l = {ratio:g} δ_(l+1) for every l of a network of any depth",
    )


@jaxgrad.claim(
    "in floating point too: jax.grad returns these numbers to the last bit",
    source="B2: in floats",
)
def exploding_floats(ratio: int = 25) -> Iterator[tuple[str, Evidence]]:
    """Every intermediate number is exact while 25^(L−1) fits the significand.

    With x = 1 and y = 0 each product is an integer times a power of two, and 25⁵ < 2²⁴ < 25⁶ for
    float32, 25¹¹ < 2⁵³ < 25¹² for float64: depths up to 6 and 12. A float is a rational number, so
    the comparison is one of rationals and has no tolerance.
    """
    for dtype, deepest in ((jnp.float32, 6), (jnp.float64, 12)):
        with jax.enable_x64(True):
            outcome = _exact_floats(dtype, deepest, ratio)
        yield jnp.dtype(dtype).name, outcome


@jaxgrad.claim(
    "and an error in b_1, such as rounding it, grows 25-fold with each layer on the way forward",
    source="B2: errors explode too",
)
def exploding_errors(ratio: float = 25.0) -> Iterator[tuple[str, jaxgrad.Comparison]]:
    """∂z_L/∂b₁ = 25^(L−1), for the factors on the way forward are the same w_(l+1) σ'(z_l).

    So the fix does not survive floating point: where −100 x is rounded, a deep network of this kind
    has its last z far from 0, where σ' is next to nothing and the gradient vanishes after all.
    """
    for depth in (2, 6, 12):

        def by_hand(x: jax.Array, depth: int = depth) -> jax.Array:
            return _geometric(depth, ratio, jnp.ones_like(x))[0]

        def by_jax(x: jax.Array, depth: int = depth) -> jax.Array:
            (w, first), *others = _fixed(depth, x)

            def last(b: jax.Array) -> jax.Array:
                return Chain(depth).preactivations([(w, b), *others], x)[-1]

            return jax.grad(last)(first)

        yield f"L = {depth}", jaxgrad.compare(by_hand, by_jax, jnp.float32(0.3), exact=True)


def _exact_floats(dtype: Any, deepest: int, ratio: int) -> Evidence:
    name = jnp.dtype(dtype).name
    for depth in range(1, deepest + 1):
        found = _bias_gradients(depth, jnp.ones((), dtype), jnp.zeros((), dtype))
        expected = _geometric(depth, ratio, Fraction(1, 8))
        for number, (value, truth) in enumerate(zip(found, expected, strict=True), start=1):
            if Fraction(float(value)) != truth:
                returned = f"jax.grad returns {float(value)!r} for dC/db_{number}"
                text = f"L = {depth}: {returned}, not {truth}"
                return Evidence(
                    Verdict.REFUTED, "counterexample", text, counterexample=_code(depth, name)
                )
    return Evidence(
        Verdict.PROVED,
        "exhaustion",
        f"L = 1 … {deepest}, x = 1, y = 0: every dC/db_l that jax.grad returns in {name} equals "
        f"{ratio}^(L-l)/8 exactly",
        trusts=("the programs that XLA compiled, as they ran here",),
    )


def _code(depth: int, dtype: str) -> str:
    """Python that prints the gradients, the first layer first."""
    return (
        "import jax, jax.numpy as jnp\n"
        "from jaxgrad.networks import Chain\n"
        'jax.config.update("jax_enable_x64", True)\n'
        f"w, one = jnp.full((), 100, jnp.{dtype}), jnp.ones((), jnp.{dtype})\n"
        f"params = [(w, -100 * one)] + [(w, -50 * one)] * {depth - 1}\n"
        f"print([float(b) for _, b in jax.grad(Chain({depth}).cost)(params, one, 0 * one)])"
    )
