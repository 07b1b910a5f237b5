"""Several neurons per layer: the gradient as a product of matrices, and how large it can be.

Layer l has a matrix of weights w^l, a vector of biases b^l, and as many neurons as b^l has entries:

    z^l = w^l a^(l−1) + b^l,    a^l = σ(z^l),    a^0 = x.

Write δ^l for the gradient ∂C/∂z^l, and Σ'(z) for the diagonal matrix with σ'(z) on its diagonal. A
change of z^l is multiplied by Σ'(z^l) to become one of a^l and by w^(l+1) to become one of z^(l+1);
the gradient takes the same way back, through the transposed matrices:

    δ^L = Σ'(z^L) ∇_a C,    δ^l = Σ'(z^l) (w^(l+1))ᵀ δ^(l+1).

Written out from layer l to the last layer L, that is the formula of claim E1,

    δ^l = Σ'(z^l) (w^(l+1))ᵀ Σ'(z^(l+1)) (w^(l+2))ᵀ … Σ'(z^L) ∇_a C.

Since z^l = w^l a^(l−1) + b^l, it gives all the gradients: ∂C/∂b^l = δ^l and
∂C/∂w^l = δ^l (a^(l−1))ᵀ. For a cost of the logits (cross-entropy after softmax) the last step
Σ'(z^L) ∇_a C is ∂C/∂z^L = softmax(z^L) Σᵢ yᵢ − y, and the rest is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxgrad
from jaxgrad import Evidence, Verdict, closed_form, conjunction, decide, induction
from jaxgrad.networks import Dense, affine, layer, output_layer

Parts = Iterator[tuple[str, Any]]

# Narrow and wide, shallow and deep, widths that grow, shrink and stay.
_WIDTHS = ((2, 3, 2), (3, 2, 4, 1), (2, 2, 2, 2, 2), (6, 5, 6), (4, 4, 4, 4, 4, 4))
_PAIRS = tuple((n, m) for n in range(1, 7) for m in range(1, 7))

_CHAIN_RULE = "reverse mode multiplies the layers' derivatives in order (the chain rule)"
_NORMS = "the definition of ‖w‖₂ and the Cauchy–Schwarz inequality"


def _numbers(*shape: int, seed: int = 0) -> jax.Array:
    """An array of this shape. The identities hold for all values; these fix shape and dtype."""
    return jnp.asarray(np.random.default_rng([seed, *shape]).normal(size=shape), jnp.float32)


def _inputs(net: Dense) -> tuple[Any, jax.Array, jax.Array]:
    """Parameters, an input and a target for a network."""
    params = [(_numbers(*w, seed=1), _numbers(*b, seed=2)) for w, b in net.shapes]
    return params, _numbers(net.widths[0], seed=3), _numbers(net.widths[-1], seed=4)


# --------------------------------------------------------------------- E1: the gradient, exactly


@jaxgrad.claim(
    "δ^l = Σ'(z^l) (w^(l+1))ᵀ Σ'(z^(l+1)) … Σ'(z^L) ∇_a C, and ∂C/∂w^l = δ^l (a^(l−1))ᵀ",
    source="E1: the gradient of networks of given widths",
)
def product_of_matrices(
    recurrence: Callable[[Dense], Any] = closed_form.gradient,
    written_out: Callable[[Dense], Any] = closed_form.matrix_product,
    widths: Sequence[Sequence[int]] = _WIDTHS,
    activations: Sequence[str] = tuple(jaxgrad.activations.ACTIVATIONS),
    costs: Sequence[str] = tuple(jaxgrad.costs.COSTS),
) -> Parts:
    """Both forms against `jax.grad` of the compiled cost, for every layer's weights and biases.

    The recurrence gives ∂C/∂w^l and ∂C/∂b^l; the product of matrices, multiplied from the left to
    the right as it is written, gives ∂C/∂b^l once more.
    """
    for each, kind, objective in product(widths, activations, costs):
        net = Dense(each, kind, objective)

        def by_hand(*args: Any, net: Dense = net) -> Any:
            return recurrence(net)(*args), written_out(net)(*args)

        def by_jax(*args: Any, net: Dense = net) -> Any:
            gradient = jax.grad(net.cost)(*args)
            return gradient, [b for _, b in gradient]

        outcome = jaxgrad.compare(by_hand, by_jax, *_inputs(net), exact=True)
        yield f"Dense{tuple(each)} {kind} {objective}", outcome


# For every depth: the gradient of a network of L layers is that of its last layer, taken back
# through one layer after another. What arrives from the layers behind is any vector whatever, so
# in the step it is a variable. Two identities for each pair of widths are the whole proof.


def _at_last_layer(kind: str, objective: str, formula: Any) -> Callable[[int, int], Any]:
    """∂C/∂w, ∂C/∂b and ∂C/∂a of the last layer, n neurons fed by m, against `jax.grad`."""
    automatic = jax.grad(jax.jit(output_layer(kind, objective)), argnums=(0, 1, 2))

    def compared(n: int, m: int) -> Any:
        arrays = _numbers(n, m), _numbers(n), _numbers(m), _numbers(n, seed=1)
        return jaxgrad.compare(formula(kind, objective), automatic, *arrays, exact=True)

    return compared


def _through_one_layer(kind: str, formula: Any) -> Callable[[int, int], Any]:
    """∂C/∂w, ∂C/∂b and ∂C/∂a of a layer for any ∂C/∂σ(z), against `jax.vjp` of the layer."""
    one = jax.jit(layer(kind))

    def automatic(w: jax.Array, b: jax.Array, a: jax.Array, cotangent: jax.Array) -> Any:
        return jax.vjp(one, w, b, a)[1](cotangent)

    def compared(n: int, m: int) -> Any:
        arrays = _numbers(n, m), _numbers(n), _numbers(m), _numbers(n, seed=1)
        return jaxgrad.compare(formula(kind), automatic, *arrays, exact=True)

    return compared


def _one_factor(kind: str) -> Callable[[int, int], Any]:
    """δ^l = Σ'(z^l) (w^(l+1))ᵀ δ^(l+1) for any δ^(l+1), m neurons before n.

    The map from z^l to z^(l+1) is z ↦ w σ(z) + b, so its vjp takes δ^(l+1) to δ^l.
    """
    sigma = jaxgrad.activations.activation(kind)

    def by_hand(w: jax.Array, b: jax.Array, z: jax.Array, later: jax.Array) -> jax.Array:
        return jnp.diag(sigma.derivative(z)) @ w.T @ later

    def by_jax(w: jax.Array, b: jax.Array, z: jax.Array, later: jax.Array) -> jax.Array:
        return jax.vjp(jax.jit(lambda z: affine(w, b, sigma.function(z))), z)[1](later)[0]

    def compared(n: int, m: int) -> Any:
        arrays = _numbers(n, m), _numbers(n), _numbers(m), _numbers(n, seed=1)
        return jaxgrad.compare(by_hand, by_jax, *arrays, exact=True)

    return compared


def _every_pair(
    compared: Callable[[int, int], Any], pairs: Sequence[tuple[int, int]], what: str
) -> Evidence:
    """One comparison for each pair (n, m): a layer of n neurons fed by m."""
    outcomes = {f"{what}, width {m} to {n}": compared(n, m) for n, m in pairs}
    largest = max(max(pair) for pair in pairs)
    statement = f"{what}: the same polynomial for each of {len(pairs)} pairs of widths ≤ {largest}"
    return conjunction(outcomes, statement, "identity")


@jaxgrad.claim(
    "the same at every depth, for networks all of whose widths are at most 6",
    source="E1: the gradient at every depth",
)
def every_depth(
    base: Callable[..., Any] = closed_form.base,
    step: Callable[..., Any] = closed_form.step,
    activations: Sequence[str] = tuple(jaxgrad.activations.ACTIVATIONS),
    costs: Sequence[str] = tuple(jaxgrad.costs.COSTS),
    pairs: Sequence[tuple[int, int]] = _PAIRS,
) -> Parts:
    """By induction from the last layer to the first; all 36 pairs of widths 1 … 6 are compared."""
    for kind in activations:
        steps = {
            "one layer": _every_pair(_through_one_layer(kind, step), pairs, "one layer"),
            "one factor": _every_pair(_one_factor(kind), pairs, "one factor Σ'(z) wᵀ"),
        }
        text = " and ".join(evidence.text for evidence in steps.values())
        taken = conjunction(steps, text, "identity")
        for objective in costs:
            last = _every_pair(_at_last_layer(kind, objective, base), pairs, "last layer")
            yield (
                f"{kind} {objective}",
                induction(last, taken, f"for every depth ({_CHAIN_RULE})"),
            )


# ------------------------------------------------------- E2: does every sigmoid network do badly?
#
# "So every network of sigmoids has extremely unstable gradients." No. The factor of one layer is
# Σ'(z) wᵀ. Where z = 0, σ' is ¼, and a weight matrix w = 4 I makes the factor exactly I. To keep
# z = 0 in every layer, feed a^0 = ½ and take b = −4 · ½ = −2: then z^l = 0, and a^l = σ(0) = ½
# again.


def _steady(depth: int, width: int, weight: float) -> tuple[Dense, Any, jax.Array, jax.Array]:
    """w = weight · I and b = −weight/2 throughout, x = ½, and y = −½ so that ∇_a C = a − y = 1."""
    layers = [(weight * jnp.eye(width), jnp.full(width, -weight / 2))] * depth
    return Dense((width,) * (depth + 1)), layers, jnp.full(width, 0.5), jnp.full(width, -0.5)


def _code(depth: int, width: int, weight: float) -> str:
    return (
        "import jax, jax.numpy as jnp\n"
        "from jaxgrad.networks import Dense\n"
        f"net = Dense(({width},) * {depth + 1})\n"
        f"w, b = {weight!r} * jnp.eye({width}), jnp.full({width}, {-weight / 2!r})\n"
        f"params = [(w, b)] * {depth}\n"
        f"x, y = jnp.full({width}, 0.5), jnp.full({width}, -0.5)\n"
        "gradient = jax.grad(net.cost)(params, x, y)\n"
        "assert all((b == 0.25).all() for _, b in gradient)  # ∂C/∂b^l is the same in every layer"
    )


def _counterexample(depth: int, width: int, weight: float) -> Evidence:
    """Run `jax.grad` of the compiled cost: are ∂C/∂b^1 … ∂C/∂b^L all the same floats?"""
    net, *args = _steady(depth, width, weight)
    biases = [np.asarray(b) for _, b in jax.grad(net.cost)(*args)]
    norms = [float(np.linalg.norm(b)) for b in biases]
    if any((b != biases[-1]).any() for b in biases) or not norms[-1] > 0:
        text = f"the norms of ∂C/∂b^l run from {norms[0]:g} to {norms[-1]:g}: no counterexample"
        return Evidence(Verdict.UNDECIDED, "reason", text)
    return Evidence(
        Verdict.REFUTED,
        "counterexample",
        f"w = {weight:g} I, b = {-weight / 2:g}, x = ½: in each of {depth} layers ∂C/∂b^l, from "
        f"jax.grad of the compiled cost, is exactly {biases[0].tolist()}",
        counterexample=_code(depth, width, weight),
    )


def _steady_at_every_depth(width: int, weight: float) -> Evidence:
    """By induction: z = 0 in one layer gives z = 0 in the next, and δ passes back unchanged."""
    w, b = weight * jnp.eye(width), jnp.full(width, -weight / 2)
    sigma = jaxgrad.activations.activation("sigmoid")

    def next_layer(z: jax.Array) -> jax.Array:
        return affine(w, b, sigma.function(z))

    def by_jax(later: jax.Array) -> Any:
        z, back = jax.vjp(jax.jit(next_layer), jnp.zeros(width))
        return z, back(later)[0]

    step = jaxgrad.compare(
        lambda later: (jnp.zeros(width), later), by_jax, _numbers(width), exact=True
    )
    first = jaxgrad.compare(
        lambda y: (jnp.zeros(width), (0.5 - y) / 4),
        lambda y: (
            affine(w, b, jnp.full(width, 0.5)),
            jax.grad(jax.jit(output_layer("sigmoid", "quadratic")), argnums=1)(
                w, b, jnp.full(width, 0.5), y
            ),
        ),
        _numbers(width),
        exact=True,
    )
    found = induction(first, step, f"δ^l = δ^L for every l and every depth ({_CHAIN_RULE})")
    if found.verdict is not Verdict.PROVED:
        return Evidence(Verdict.UNDECIDED, "reason", f"no counterexample: {found.text}")
    return Evidence(
        Verdict.REFUTED,
        "counterexample",
        f"w = {weight:g} I, b = {-weight / 2:g}, x = ½: {found.text}",
        counterexample=_code(100, width, weight),
        trusts=found.trusts,
    )


@jaxgrad.claim(
    "every network of sigmoids has vanishing or exploding gradients",
    source="E2: as written",
    expect=Verdict.REFUTED,
)
def always_unstable(
    weight: float = 4.0, width: int = 3, depths: Sequence[int] = (1, 10, 100)
) -> Parts:
    """The gradient of this network neither vanishes nor explodes: it is the same in every layer."""
    for depth in depths:
        yield f"{width} neurons a layer, L={depth}", _counterexample(depth, width, weight)
    yield "every L", _steady_at_every_depth(width, weight)


# What is true is a bound from above: it is the small σ' that make the gradient vanish, and only
# large weights can make up for it. In the Euclidean norm, with ‖w‖₂ the largest factor by which w
# lengthens a vector,
#
#     ‖Σ'(z) u‖ ≤ ¼ ‖u‖      since each entry is multiplied by a number σ' in (0, ¼];
#     ‖wᵀ δ‖ ≤ ‖w‖₂ ‖δ‖      since v = wᵀδ has ‖v‖² = (w v)·δ ≤ ‖w v‖ ‖δ‖ ≤ ‖w‖₂ ‖v‖ ‖δ‖.
#
# Together: ‖δ^L‖ ≤ ¼ ‖∇_a C‖ at the last layer, and a factor ¼ ‖w^(l+1)‖₂ for each layer before it.
# The network above has ‖w‖₂ = 4 and ‖δ^l‖ = ¼ ‖∇_a C‖: it attains the bound at every depth.


def _last_factor(n: int, _: int) -> Any:
    """δ^L = Σ'(z^L) g for any ∇_a C = g."""
    sigma = jaxgrad.activations.activation("sigmoid")

    def by_hand(z: jax.Array, g: jax.Array) -> jax.Array:
        return jnp.diag(sigma.derivative(z)) @ g

    def by_jax(z: jax.Array, g: jax.Array) -> jax.Array:
        return jax.vjp(jax.jit(sigma.function), z)[1](g)[0]

    return jaxgrad.compare(by_hand, by_jax, _numbers(n), _numbers(n, seed=1), exact=True)


def _transposed(n: int, m: int) -> Any:
    """v·v = (w v)·δ for v = wᵀδ."""

    def squared_length(w: jax.Array, d: jax.Array) -> jax.Array:
        return jnp.dot(w.T @ d, w.T @ d)

    def moved_over(w: jax.Array, d: jax.Array) -> jax.Array:
        return jnp.dot(w @ (w.T @ d), d)

    return jaxgrad.compare(squared_length, moved_over, _numbers(n, m), _numbers(n), exact=True)


@jaxgrad.claim(
    "‖δ^l‖₂ ≤ 4^(−(L−l+1)) ‖w^(l+1)‖₂ … ‖w^L‖₂ ‖∇_a C‖₂ for a network of sigmoids, widths ≤ 6",
    source="E2: corrected",
)
def bounded_norm(
    quarter: Fraction = Fraction(1, 4), pairs: Sequence[tuple[int, int]] = _PAIRS
) -> Evidence:
    """By induction over the layers, last to first; s stands for σ(z), which lies in (0, 1)."""
    entry = decide(
        lambda s, u: (s * (1 - s) * u) ** 2 <= (quarter * u) ** 2,
        where=lambda s, u: [s > 0, s < 1],
    )
    widths = tuple((n, n) for n in sorted({n for n, _ in pairs}))
    base = conjunction(
        {
            "δ^L = Σ'(z^L) ∇_a C": _every_pair(_last_factor, widths, "Σ'(z) g"),
            "(σ'(z) u)² ≤ (¼ u)²": entry,
        },
        f"‖δ^L‖ ≤ {quarter} ‖∇_a C‖",
        "decision",
    )
    step = conjunction(
        {
            "δ^l = Σ'(z^l) (w^(l+1))ᵀ δ^(l+1)": _every_pair(
                _one_factor("sigmoid"), pairs, "one factor Σ'(z) wᵀ"
            ),
            "‖wᵀδ‖² = (w wᵀδ)·δ": _every_pair(_transposed, pairs, "‖wᵀδ‖²"),
            "(σ'(z) u)² ≤ (¼ u)²": entry,
        },
        f"‖δ^l‖ ≤ {quarter} ‖w^(l+1)‖₂ ‖δ^(l+1)‖",
        "decision",
    )
    evidence = induction(base, step, f"for every l and every depth ({_CHAIN_RULE})")
    return replace(evidence, trusts=(*evidence.trusts, _NORMS)) if evidence.trusts else evidence
