"""One neuron per layer: what the network computes, and its gradient as a product.

Each layer has one weight, one bias and one neuron. It turns the activation of the layer before it
into its own,

    z_l = w_l a_(l−1) + b_l,    a_l = σ(z_l),    a_0 = x,    σ(z) = 1/(1 + e⁻ᶻ),

and the cost of the last activation is C = ½ (a_L − y)². A change of the first bias reaches the
cost through every layer in turn. Layer l multiplies it by σ'(z_l), and the weight w_(l+1) carries
it to the next layer, so that

    ∂C/∂b₁ = σ'(z₁) w₂ σ'(z₂) w₃ σ'(z₃) … w_L σ'(z_L) ∂C/∂a_L.

This page shows that the compiled network is this recurrence (A1), that `jax.grad` of it is this
product (A5), and that the product shrinks at least as fast as 4^(−L) while the weights are small
(A9). "Is" means: both programs are the same polynomial in the inputs and in the values of σ, so
they agree at every real input. For every depth at once there is induction: the network of L layers
is one layer followed by a network of L − 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp

import jaxgrad
from jaxgrad import Evidence, Verdict, closed_form, conjunction, decide, induction
from jaxgrad.networks import Activation, Chain, layer, output_layer

Parts = Iterator[tuple[str, Any]]

_DEPTHS = range(1, 13)

# What an induction over depth uses beside its base and its step.
_COMPOSITION = "networks.Chain composes its layers in a loop over the parameters"
_CHAIN_RULE = "reverse mode multiplies the layers' derivatives in order (the chain rule)"


def _sigmoid(z: jax.Array, one: float = 1.0) -> jax.Array:
    """σ as it is defined, not as JAX writes it."""
    return 1 / (one + jnp.exp(-z))


def _inputs(depth: int) -> tuple[Any, jax.Array, jax.Array]:
    """Parameters, input and target: they fix shapes and dtypes, their values prove nothing."""
    return _drawn(max(depth, *_DEPTHS))[:depth], jnp.float32(0.5), jnp.float32(0.25)


@cache
def _drawn(depth: int) -> Any:
    """Parameters of a network, of which shallower ones take the first layers."""
    return Chain(depth).init(jax.random.key(0))


def _every_depth(base: Any, step: Any, statement: str, *trusts: str) -> Evidence:
    """`induction`, with what it trusts named."""
    evidence = induction(base, step, statement)
    return replace(evidence, trusts=(*evidence.trusts, *trusts)) if evidence.trusts else evidence


# ------------------------------------------------------------------------- A1: what is computed


@jaxgrad.claim(
    "the jit-compiled network computes z_l = w_l a_(l-1) + b_l and a_l = σ(z_l)",
    source="A1: the layers of the network",
)
def recurrence(one: float = 1.0, depths: Iterable[int] = _DEPTHS) -> Parts:
    """The recurrence, written out, against `Chain.preactivations` and `Chain.forward`.

    Both methods run programs under `jax.jit`; what is compared is what they hand to XLA. All of
    z_1 … z_L and a_L are outputs, so no layer can be wrong unseen.
    """

    for depth in depths:
        yield f"L={depth}", _layers(depth, one)

    # For every depth: a network of no layers hands its input on, and one more layer takes whatever
    # activation the layers before it produced. That activation is a variable here.
    def one_layer(w: jax.Array, b: jax.Array, a: jax.Array) -> jax.Array:
        return _sigmoid(w * a + b, one)

    scalars = [jnp.float32(v) for v in (0.5, -0.25, 0.75)]
    first = Chain(1)
    base = jaxgrad.compare(
        lambda w, b, x: one_layer(w, b, x),
        lambda w, b, x: first.forward([(w, b)], x),
        *scalars,
        exact=True,
    )
    step = jaxgrad.compare(one_layer, jax.jit(layer("sigmoid")), *scalars, exact=True)
    statement = "a_L is the recurrence, for every depth L"
    yield "every L", _every_depth(base, step, statement, _COMPOSITION)


def _layers(depth: int, one: float = 1.0) -> jaxgrad.Comparison:
    """(z_1 … z_L, a_L) by hand and by the network."""

    def by_hand(params: Any, x: jax.Array) -> tuple[list[jax.Array], jax.Array]:
        a, zs = x, []
        for w, b in params:
            zs.append(w * a + b)
            a = _sigmoid(zs[-1], one)
        return zs, a

    net = Chain(depth)
    params, x, _ = _inputs(depth)
    return jaxgrad.compare(
        by_hand,
        lambda p, x: (net.preactivations(p, x), net.forward(p, x)),
        params,
        x,
        exact=True,
    )


@jaxgrad.claim(
    "what XLA compiles returns these z_l and a_l in float32, up to rounding, at drawn points",
    source="A1: the compiled program",
    expect=Verdict.AGREES,
)
def compiled(one: float = 1.0, depths: Iterable[int] = _DEPTHS) -> Parts:
    """The identities above say what the program is; this says what its compilation returned.

    The allowance is that of `Comparison.floats`: as many roundings as the program makes, and
    the change that rounding its inputs would cause.
    """
    for depth in depths:
        comparison = _layers(depth, one)
        results = [each for each in comparison.floats if each.side == "auto"]
        unstable = [each for each in results if not each.stable]
        if comparison.verdict is not Verdict.PROVED or unstable:
            reason = str(unstable[0]) if unstable else comparison.evidence.text
            yield f"L={depth}", Evidence(Verdict.UNDECIDED, "reason", reason)
            continue
        digits = min(each.digits for each in results)
        text = f"every z_l and a_L is as accurate as rounding admits, to {digits:.1f} digits"
        trusts = ("Arb balls", "the interpreter's rules")
        yield f"L={depth}", Evidence(Verdict.AGREES, "sampling", text, trusts=trusts)


# ------------------------------------------------------------------------- A5: the gradient


def _product(one: float, dropped: int | None) -> Callable[..., jax.Array]:
    """σ'(z₁) w₂ σ'(z₂) w₃ … σ'(z_L) ∂C/∂a_L as it stands, a factor after another.

    Args:
        one: the 1 of σ' = σ (1 − σ).
        dropped: a layer whose weight is left out, to see that it is missed; None keeps all.
    """

    def product(params: Any, x: jax.Array, y: jax.Array) -> jax.Array:
        a, result = x, jnp.ones_like(x)
        for number, (w, b) in enumerate(params, start=1):
            a = _sigmoid(w * a + b)
            if number > 1 and number != dropped:
                result = result * w
            result = result * a * (one - a)
        return result * (a - y)  # ∂C/∂a_L of C = ½ (a_L − y)²

    return product


@jaxgrad.claim(
    "∂C/∂b_1 = σ'(z_1) w_2 σ'(z_2) w_3 … σ'(z_L) ∂C/∂a_L",
    source="A5: the gradient of the first bias",
)
def first_bias(
    one: float = 1.0, dropped: int | None = None, depths: Iterable[int] = _DEPTHS
) -> Parts:
    """The product against `jax.grad` of the compiled cost."""
    for depth in depths:
        net = Chain(depth)

        def automatic(params: Any, x: jax.Array, y: jax.Array, net: Chain = net) -> jax.Array:
            return jax.grad(net.cost)(params, x, y)[0][1]

        args = _inputs(depth)
        yield (
            f"dC/db_1, L={depth}",
            jaxgrad.compare(_product(one, dropped), automatic, *args, exact=True),
        )


@jaxgrad.claim(
    "likewise ∂C/∂b_l = σ'(z_l) w_(l+1) … σ'(z_L) ∂C/∂a_L and ∂C/∂w_l = a_(l-1) ∂C/∂b_l",
    source="A5: the gradient of every parameter",
)
def every_parameter(sigma: str | Activation = "sigmoid", depths: Iterable[int] = _DEPTHS) -> Parts:
    """`closed_form.gradient`, whose leaves are these products, against `jax.grad`.

    Args:
        sigma: the activation; one with a wrong ``derivative`` makes the formula wrong.
        depths: the values of L.
    """
    for depth in depths:
        net = Chain(depth, activation=sigma)
        found = jaxgrad.compare(
            closed_form.gradient(net), jax.grad(net.cost), *_inputs(depth), exact=True
        )
        leaves = "dC/dw_1, dC/db_1" + (f" … dC/dw_{depth}, dC/db_{depth}" if depth > 1 else "")
        yield f"{leaves}, L={depth}", found


@jaxgrad.claim(
    "both products hold for every depth L, other activations and costs included",
    source="A5: every depth",
)
def every_depth(sigma: str | Activation = "sigmoid") -> Parts:
    """Base: the last layer with the cost. Step: the vjp of one layer, whatever comes after it.

    The induction hypothesis says that ∂C/∂a_l is the product of what lies after layer l. To the
    step it is a number ḡ like any other, a variable, so one identity serves every depth and
    position:

        ∂C/∂b_l = σ'(z_l) ḡ,   ∂C/∂w_l = a_(l−1) σ'(z_l) ḡ,   ∂C/∂a_(l−1) = w_l σ'(z_l) ḡ,

    and the last of these is the ḡ of the layer before. For ReL the identity includes z = 0, where
    JAX and the formula both take the slope 0.

    Args:
        sigma: the first activation; one with a wrong ``derivative`` makes the formula wrong.
    """
    for kind in (sigma, "tanh", "softplus", "relu"):
        for objective in ("quadratic", "cross-entropy"):
            last = _last_layer(kind, objective)
            step = _one_layer(kind)
            name = kind if isinstance(kind, str) else kind.name
            statement = f"the products are jax.grad for every L ({name}, {objective})"
            yield (
                f"every L, {name}, {objective}",
                _every_depth(last, step, statement, _COMPOSITION, _CHAIN_RULE),
            )


def _scalars() -> list[jax.Array]:
    return [jnp.float32(value) for value in (0.5, -0.25, 0.75, 0.375)]


def _last_layer(kind: str | Activation, objective: str) -> jaxgrad.Comparison:
    """(∂C/∂w_L, ∂C/∂b_L, ∂C/∂a_(L−1)), with a_(L−1) a variable."""
    automatic = jax.grad(jax.jit(output_layer(kind, objective)), argnums=(0, 1, 2))
    return jaxgrad.compare(closed_form.base(kind, objective), automatic, *_scalars(), exact=True)


def _one_layer(kind: str | Activation) -> jaxgrad.Comparison:
    """The same three derivatives of a layer in the middle, with ḡ = ∂C/∂a_l a variable."""
    compiled = jax.jit(layer(kind))

    def automatic(w: jax.Array, b: jax.Array, a: jax.Array, cotangent: jax.Array) -> Any:
        return jax.vjp(compiled, w, b, a)[1](cotangent)

    return jaxgrad.compare(closed_form.step(kind), automatic, *_scalars(), exact=True)


# ------------------------------------------------------------------------- A9: it shrinks
#
# Write G = |∂C/∂a_L| > 0 and s = σ(z), which may be any number of (0, 1). Going back from the
# output, the first derivative met is |∂C/∂b_L| = s(1 − s) G ≤ ¼ G; there is no weight in it, so
# equality is possible. Every layer before it multiplies by w σ'(z), and |w| < 1 makes that strictly
# less than ¼. So the statement begins at L = 2.


@jaxgrad.claim(
    "|∂C/∂b_1| < 4^(-L) |∂C/∂a_L| for every L >= 2 when |w_j| < 1 and ∂C/∂a_L ≠ 0",
    source="A9: the product shrinks with depth",
)
def shrinking(quarter: Fraction = Fraction(1, 4), weight: int = 1) -> Parts:
    """The product is that of A5; its size is bounded layer by layer.

    Args:
        quarter: the factor claimed of each layer.
        weight: the bound of |w_j|.
    """
    last = _last_layer("sigmoid", "quadratic")
    step = _one_layer("sigmoid")
    text = "∂C/∂b_1 is the product, for every L"
    product = _every_depth(last, step, text, _COMPOSITION, _CHAIN_RULE)
    yield "the product", product

    # |δ_L| ≤ ¼ G, written without the absolute value of a product's factor: G² = (∂C/∂a_L)².
    at_the_end = decide(
        lambda s, g: (s * (1 - s) * g) ** 2 <= quarter**2 * g**2,
        lambda s, g: [s > 0, s < 1, g**2 > 0],
    )
    yield "|dC/db_L| <= 1/4 |dC/da_L|", at_the_end

    # bound stands for 4^(−(L−l)) G, which is positive; later for ∂C/∂b_(l+1).
    one_back = decide(
        lambda s, w, later, bound: abs(s * (1 - s) * w * later) < quarter * bound,
        lambda s, w, later, bound: [
            s > 0, s < 1, abs(w) < weight, abs(later) <= bound, bound > 0,
        ],
    )  # fmt: skip
    yield "|dC/db_l| < 1/4 of the bound of |dC/db_(l+1)|", one_back
    statement = "|∂C/∂b_1| < 4^(-L) |∂C/∂a_L| for every L >= 2, from L = 1 with <= in place of <"
    base = conjunction(
        {"the product": product, "|dC/db_L| <= 1/4 |dC/da_L|": at_the_end},
        "∂C/∂b_1 is the product, and |∂C/∂b_L| <= 1/4 |∂C/∂a_L|",
        "decision",
    )
    yield "every L >= 2", induction(base, one_back, statement)


@jaxgrad.claim(
    "|∂C/∂b_1| < 4^(-L) |∂C/∂a_L| already at L = 1",
    source="A9: one layer, where equality is attained",
    expect=Verdict.REFUTED,
)
def one_layer_shrinks(z: Fraction = Fraction(0)) -> Evidence:
    """A network of one layer has no weight between b_1 and the cost: at z_1 = 0 the factor is ¼.

    w = 0 and b = z give z_1 = z. The gradient and ∂C/∂a_1 = a_1 − y are computed by JAX; with
    z = 0 every number below is a float, and so are all that appear on the way.
    """
    net, x, y = Chain(1), jnp.float32(0), jnp.float32(0)
    params = [(jnp.float32(0), jnp.float32(float(z)))]
    slope = Fraction(float(jax.grad(net.cost)(params, x, y)[0][1]))
    outer = Fraction(float(net.forward(params, x)))  # ∂C/∂a_1 = a_1 − 0
    code = (
        "import jax, jax.numpy as jnp\nfrom jaxgrad.networks import Chain\n"
        f"net, params = Chain(1), [(jnp.float32(0), jnp.float32({float(z)!r}))]\n"
        "slope = jax.grad(net.cost)(params, jnp.float32(0), jnp.float32(0))[0][1]\n"
        "outer = net.forward(params, jnp.float32(0)) - 0\n"
        "print(slope, outer / 4)"
    )
    holds = abs(slope) < abs(outer) / 4
    text = f"at w_1 = 0, b_1 = {z}, y = 0: ∂C/∂b_1 = {slope} and ¼ ∂C/∂a_1 = {outer / 4}"
    if holds:
        return Evidence(Verdict.UNDECIDED, "reason", f"{text}: no counterexample")
    trusts = ("float arithmetic, exact here: every value is a small binary fraction",)
    return Evidence(Verdict.REFUTED, "counterexample", text, {}, code, trusts)
