"""The rectified linear unit: a slope of 0 or 1, and what that does to a gradient.

ReL(x) = max(0, x) has slope 0 for x < 0 and slope 1 for x > 0. At the kink x = 0 it has none: every
line through 0 with a slope in [0, 1] stays below its graph, and a program has to pick one (F6).

In a network of such units each factor σ'(z) of the gradient is 0 or 1. "So the gradient does not
vanish" is a step too far (F7): a slope of 0 stops the gradient altogether, and where all slopes
are 1 what is left is the product of the weights, which is as free to vanish as before.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxgrad
from jaxgrad import (
    Evidence,
    Sweep,
    Verdict,
    closed_form,
    conjunction,
    decide,
    float_dtypes,
    induction,
    is_negative,
    is_positive,
    is_subnormal,
    is_zero,
)
from jaxgrad.networks import Chain, Dense, layer, output_layer

Parts = Iterator[tuple[str, Any]]

_POINT = jnp.float32(0.75)  # fixes shape and dtype; an identity holds for every real x
_CHAIN_RULE = "reverse mode multiplies the layers' derivatives in order (the chain rule)"

# float8_e8m0fnu has powers of two only: neither 0 nor anything negative for ReL to return.
_DTYPES = float_dtypes(zero=True)
_CALL = "jax.jit(jax.grad(jax.nn.relu))"


# ------------------------------------------------------------------ F6: the slope at every float


@functools.cache
def _every_slope(dtype: np.dtype, live: float) -> Sweep:
    """jax.grad(jax.nn.relu) at every float: 0 up to 0, ``live`` = 1 above, subnormals apart."""
    return jaxgrad.sweep(
        jax.jit(jax.grad(jax.nn.relu)),
        dtype,
        lambda x, slope: is_subnormal(x) | jnp.where(is_positive(x), slope == live, is_zero(slope)),
        count={
            "positive, not 1": lambda x, slope: is_positive(x) & (slope != 1),
            "negative, not 0": lambda x, slope: is_negative(x) & ~is_zero(slope),
        },
    )


@jaxgrad.claim(
    "ReL'(x) = 0 for x < 0 and 1 for x > 0, at every float that is not subnormal; at ±0 it is 0",
    source="F6: the slope at every float",
)
def slope_of_floats(live: float = 1.0, dtypes: Sequence[np.dtype] = _DTYPES) -> Parts:
    """Subnormal floats are told apart by their bits and left to the next claim."""
    for dtype in dtypes:
        swept = _every_slope(dtype, live)
        evidence = swept.evidence
        if evidence.verdict is Verdict.PROVED:
            above = swept.counts["positive, not 1"].total
            below = swept.counts["negative, not 0"].total
            text = (
                f"0 or 1, as x < 0 or x > 0, at every {dtype.name} that is not subnormal. Of the "
                f"{swept.subnormals // 2} positive subnormals {above} have slope 0, of the "
                f"negative ones {below} have a slope other than 0. {evidence.text}"
            )
            evidence = Evidence(Verdict.PROVED, "exhaustion", text, trusts=evidence.trusts)
        yield dtype.name, evidence


@jaxgrad.claim(
    "ReL'(x) = 1 for every float x > 0, the subnormal ones included",
    source="F6: subnormal floats",
    expect=Verdict.REFUTED,
)
def slope_of_subnormal_floats(dtypes: Sequence[np.dtype] | None = None) -> Parts:
    """XLA reads a subnormal float32 or bfloat16 as 0, and the slope that JAX picks at 0 is 0.

    Where a backend keeps the subnormals of a dtype, the statement is true of it and not listed.
    """
    if dtypes is None:
        dtypes = [d for d in _DTYPES if _every_slope(d, 1.0).counts["positive, not 1"].total]
    for dtype in dtypes:
        swept = _every_slope(dtype, 1.0)
        name = "positive, not 1"
        text = f"slope 0 {swept.counts[name]}" if swept.counts[name].total else None
        shown = "float(x) > 0 and y == 0  # as Python and as XLA see them"
        yield dtype.name, swept.never(name, text, call=_CALL, asserted=shown, last=True)


@jaxgrad.claim(
    "at 0 jax.nn.relu takes the slope 0 and jnp.maximum(x, 0) the slope ½, both in the "
    "subdifferential [0, 1]",
    source="F6: the slope at 0",
)
def slope_at_zero(of_relu: float = 0.0, of_maximum: float = 0.5) -> Parts:
    """A slope g is in the subdifferential at 0 if g x ≤ ReL(x) for every real x.

    The two functions have the same values, and over ℝ their programs' gradients differ at 0 only.
    """
    for name, function, at_zero in (
        ("jax.nn.relu(x)", jax.nn.relu, of_relu),
        ("jnp.maximum(x, 0)", lambda x: jnp.maximum(x, 0), of_maximum),
    ):

        def by_hand(x: jax.Array, at_zero: float = at_zero) -> jax.Array:
            return jnp.where(x > 0, 1.0, jnp.where(x == 0, at_zero, 0.0))

        gradient = jax.grad(jax.jit(function))
        yield (
            f"{name}, every real x",
            jaxgrad.compare(by_hand, gradient, jnp.float32(0), exact=True),
        )
        yield f"{name}, g = {at_zero:g}", _is_subgradient(Fraction(at_zero))


def _is_subgradient(g: Fraction) -> Evidence:
    """g x ≤ ReL(x) for every real x, on each side of 0."""
    sides = {
        "g x ≤ x for x ≥ 0": decide(lambda x: g * x <= x, where=lambda x: x >= 0),
        "g x ≤ 0 for x ≤ 0": decide(lambda x: g * x <= 0, where=lambda x: x <= 0),
    }
    return conjunction(sides, f"{g} is in the subdifferential: {', '.join(sides)}", "decision")


# ------------------------------------------------------------------------- F7: as it is written


def _halving(depth: int, weight: float) -> tuple[Chain, Any, Any, Any]:
    """One neuron per layer with a_l = 1 throughout: b = 1 − w, x = 1; and y = 0, so ∂C/∂a_L = 1."""
    w, one = jnp.float32(weight), jnp.float32(1)
    return Chain(depth, "relu"), [(w, one - w)] * depth, one, jnp.float32(0)


def _small_weights(depth: int, weight: float) -> Evidence:
    """∂C/∂b_1 = w^(L−1) ∂C/∂a_L from the compiled network, with every unit live."""
    net, *args = _halving(depth, weight)
    gradient = [float(b) for _, b in jax.grad(net.cost)(*args)]
    if gradient != [weight**k for k in reversed(range(depth))] or weight >= 1:
        text = f"w = {weight:g}: ∂C/∂b_1 is {gradient[0]:g} and ∂C/∂b_L is {gradient[-1]:g}"
        return Evidence(Verdict.UNDECIDED, "reason", f"no counterexample: {text}")
    return Evidence(
        Verdict.REFUTED,
        "counterexample",
        f"w = {weight:g}, b = {1 - weight:g}, x = 1: every unit is live (z_l = 1), and the first "
        f"of {depth} layers has ∂C/∂b_1 = {gradient[0]:.4g}, exactly {weight:g}^{depth - 1} of "
        "the last",
        counterexample=_halving_code(depth, weight),
    )


def _halving_code(depth: int, weight: float) -> str:
    return (
        "import jax, jax.numpy as jnp\n"
        "from jaxgrad.networks import Chain\n"
        f"net, w, one = Chain({depth}, 'relu'), jnp.float32({weight!r}), jnp.float32(1)\n"
        f"params = [(w, one - w)] * {depth}\n"
        "gradient = jax.grad(net.cost)(params, one, jnp.float32(0))\n"
        f"assert gradient[0][1] == {weight!r} ** {depth - 1} and gradient[-1][1] == 1"
    )


def _dead_unit(depth: int, bias: float) -> Evidence:
    """One layer with z < 0, and not a single layer up to it has any gradient."""
    one, zero = jnp.float32(1), jnp.float32(0)
    params = [(one, zero)] * (depth - 2) + [(one, jnp.float32(bias)), (one, zero)]
    net = Chain(depth, "relu")
    gradient = jax.grad(net.cost)(params, jnp.float32(1), jnp.float32(5))
    lost = [float(each) for pair in gradient[: depth - 1] for each in pair]
    if any(lost):
        text = f"b_{depth - 1} = {bias:g} leaves a gradient of {lost}"
        return Evidence(Verdict.UNDECIDED, "reason", f"no counterexample: {text}")
    return Evidence(
        Verdict.REFUTED,
        "counterexample",
        f"w = 1, b = 0 but b_{depth - 1} = {bias:g}, x = 1: z_{depth - 1} < 0, and ∂C/∂w_l and "
        f"∂C/∂b_l are exactly 0 for l = 1 … {depth - 1}: no step on this example changes them",
        counterexample=(
            "import jax, jax.numpy as jnp\n"
            "from jaxgrad.networks import Chain\n"
            "one, zero = jnp.float32(1), jnp.float32(0)\n"
            f"params = [(one, zero)] * {depth - 2} + [(one, jnp.float32({bias!r})), (one, zero)]\n"
            f"gradient = jax.grad(Chain({depth}, 'relu').cost)(params, one, jnp.float32(5))\n"
            f"assert all(w == 0 and b == 0 for w, b in gradient[: {depth - 1}])"
        ),
    )


def _every_depth_halves(weight: float) -> Evidence:
    """By induction: a_l = 1 in every layer, and each layer passes on w times what it gets."""
    w, one = jnp.float32(weight), jnp.float32(1)

    def by_jax(later: jax.Array) -> tuple[jax.Array, jax.Array]:
        a, back = jax.vjp(jax.jit(lambda a: layer("relu")(w, one - w, a)), one)
        return a, back(later)[0]

    def last(y: jax.Array) -> jax.Array:
        return jax.grad(jax.jit(output_layer("relu", "quadratic")), argnums=1)(w, one - w, one, y)

    step = jaxgrad.compare(lambda later: (one, weight * later), by_jax, _POINT, exact=True)
    base = jaxgrad.compare(lambda y: 1 - y, last, _POINT, exact=True)
    found = induction(base, step, f"∂C/∂b_1 = w^(L−1) ∂C/∂a_L at every depth ({_CHAIN_RULE})")
    if found.verdict is not Verdict.PROVED or abs(weight) >= 1:
        return Evidence(Verdict.UNDECIDED, "reason", f"no counterexample: {found.text}")
    return Evidence(
        Verdict.REFUTED,
        "counterexample",
        f"w = {weight:g}, b = {1 - weight:g}, x = 1: {found.text}",
        counterexample=_halving_code(40, weight),
        trusts=found.trusts,
    )


@jaxgrad.claim(
    "a network of rectified linear units has no vanishing gradient",
    source="F7: as written",
    expect=Verdict.REFUTED,
)
def never_vanishes(
    weight: float = 0.5, bias: float = -2.0, depths: Sequence[int] = (10, 40)
) -> Parts:
    """It vanishes at once where a unit is dead, and like w^L where all live and the w are small."""
    yield "a dead unit, L=4", _dead_unit(4, bias)
    for depth in depths:
        yield f"small weights, L={depth}", _small_weights(depth, weight)
    yield "small weights, every L", _every_depth_halves(weight)


# -------------------------------------------------------------------------------- F7: corrected
#
# What is true: no factor of the gradient but the weights is other than 0 or 1. With [z > 0] for the
# indicator, 1 where z > 0 and else 0, one neuron per layer gives
#
#     ∂C/∂b_l = [z_l > 0] w_(l+1) [z_(l+1) > 0] w_(l+2) … w_L [z_L > 0] ∂C/∂a_L,
#
# and with several neurons there is one such product for each path of neurons from layer l to the
# output. A path is live where all its z are positive; then its product is that of its weights.


def _indicator(z: jax.Array, live: float) -> jax.Array:
    return jnp.where(z > 0, live, 0.0)


def _along_the_chain(net: Chain, live: float) -> Any:
    """∂C/∂b_1 … ∂C/∂b_L of a `Chain`, each product written out."""

    def by_hand(params: Any, x: jax.Array, y: jax.Array) -> list[jax.Array]:
        zs = net.preactivations(params, x)
        result = []
        for first in range(net.depth):
            along = _indicator(zs[first], live)
            for (w, _), z in zip(params[first + 1 :], zs[first + 1 :], strict=True):
                along = along * w * _indicator(z, live)
            result.append(along * (jnp.maximum(zs[-1], 0) - y))
        return result

    return by_hand


def _over_all_paths(net: Dense, live: float) -> Any:
    """∂C/∂b^l_i as a sum over the paths i = j_l, j_(l+1), …, j_L of neurons to the output."""

    def by_hand(params: Any, x: jax.Array, y: jax.Array) -> list[jax.Array]:
        zs = net.preactivations(params, x)
        errors = jnp.maximum(zs[-1], 0) - y  # ∂C/∂a^L of the quadratic cost

        def path_product(first: int, path: Sequence[int]) -> jax.Array:
            along = _indicator(zs[first][path[0]], live)
            for k in range(1, len(path)):
                w, _ = params[first + k]
                along = along * w[path[k], path[k - 1]] * _indicator(zs[first + k][path[k]], live)
            return along * errors[path[-1]]

        result = []
        for first in range(net.depth):
            later = [range(width) for width in net.widths[first + 2 :]]
            result.append(
                jnp.stack(
                    [
                        sum(
                            (path_product(first, (i, *rest)) for rest in product(*later)),
                            jnp.zeros(()),
                        )
                        for i in range(net.widths[first + 1])
                    ]
                )
            )
        return result

    return by_hand


def _biases(net: Chain | Dense) -> Any:
    return lambda *args: [b for _, b in jax.grad(net.cost)(*args)]


@jaxgrad.claim(
    "along a live path the gradient is exactly the product of the weights: "
    "∂C/∂b_l = Σ over paths of ∏ w ∏ [z > 0] ∂C/∂a_L",
    source="F7: corrected",
)
def live_paths(
    live: float = 1.0,
    depths: Sequence[int] = range(1, 9),
    widths: Sequence[Sequence[int]] = ((2, 3, 2), (2, 2, 3, 2), (1, 3, 3, 3, 1)),
) -> Parts:
    """Every indicator is a variable with [z > 0]² = [z > 0]: one identity for all patterns."""
    drawn = Chain(max(depths, default=1)).init(jax.random.key(0))
    for depth in depths:
        net = Chain(depth, "relu")
        args = drawn[:depth], jnp.float32(0.5), jnp.float32(0.25)
        outcome = jaxgrad.compare(_along_the_chain(net, live), _biases(net), *args, exact=True)
        yield f"one neuron per layer, L={depth}", outcome
    for each in widths:
        net = Dense(each, "relu")
        x, y = jnp.linspace(0.5, 1, each[0]), jnp.linspace(1, 2, each[-1])
        args = net.init(jax.random.key(0)), x, y
        yield (
            f"Dense{tuple(each)}",
            jaxgrad.compare(_over_all_paths(net, live), _biases(net), *args, exact=True),
        )
    yield "one neuron per layer, every L", _live_at_every_depth(live)


def _live_at_every_depth(live: float) -> Evidence:
    """One more layer in front multiplies what arrives by w [z > 0]."""

    def by_hand(w: jax.Array, b: jax.Array, a: jax.Array, later: jax.Array) -> Any:
        through = _indicator(w * a + b, live) * later
        return through, w * through

    def by_jax(w: jax.Array, b: jax.Array, a: jax.Array, later: jax.Array) -> Any:
        _, db, da = jax.vjp(jax.jit(layer("relu")), w, b, a)[1](later)
        return db, da

    last = jax.grad(jax.jit(output_layer("relu", "quadratic")), argnums=(0, 1, 2))
    args = [jnp.float32(value) for value in (1.5, -0.25, 0.75, 0.5)]
    base = jaxgrad.compare(closed_form.base("relu", "quadratic"), last, *args, exact=True)
    return induction(
        base,
        jaxgrad.compare(by_hand, by_jax, *args, exact=True),
        f"for every depth ({_CHAIN_RULE})",
    )
