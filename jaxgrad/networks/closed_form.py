"""The gradients of a network by formula: products and recurrences, no automatic differentiation.

Everything here rests on two derivatives a layer has, the chain rule written out once. With
z = w a + b and a cotangent ḡ = ∂C/∂σ(z),

    ∂C/∂z = ḡ ⊙ σ'(z) =: δ,   ∂C/∂b = δ,   ∂C/∂w = δ aᵀ,   ∂C/∂a = wᵀ δ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxgrad.errors import ArgumentError
from jaxgrad.networks.activations import Activation, activation
from jaxgrad.networks.costs import Cost, cost
from jaxgrad.networks.layers import affine
from jaxgrad.networks.network import Chain, Dense, Network, Parameters

__all__ = ["base", "delta", "gradient", "matrix_product", "output_delta", "step"]

LayerGradient = tuple[Array, Array, Array]
"""(∂C/∂w, ∂C/∂b, ∂C/∂a) of one layer, a being what the layer is fed."""


def step(kind: str | Activation) -> Callable[[Array, Array, Array, Array], LayerGradient]:
    """One step of the recurrence: the gradient of one layer, given that of the layers after it.

    Let ḡ = ∂C/∂a^l, where a^l = σ(z) and z = w a + b. Then δ = ḡ ⊙ σ'(z) is ∂C/∂z, and since
    zᵢ = Σⱼ wᵢⱼ aⱼ + bᵢ: ∂C/∂wᵢⱼ = δᵢ aⱼ, ∂C/∂bᵢ = δᵢ, ∂C/∂aⱼ = Σᵢ wᵢⱼ δᵢ. An induction over
    depth needs just this, with ḡ any vector, and ``base``.

    Args:
        kind: the activation σ, by name or as an ``Activation``.

    Returns:
        A function (w, b, a, ḡ) -> (∂C/∂w, ∂C/∂b, ∂C/∂a), of the shapes of w, b and a: w (n, m),
        b and ḡ (n,), a (m,), or four scalars.

    Raises:
        ArgumentError: no activation has this name.

    Example:
        >>> import jax.numpy as jnp
        >>> w, b, a, cotangent = map(jnp.float32, (100, -50, 0.5, 1))
        >>> [float(each) for each in step("sigmoid")(w, b, a, cotangent)]
        [0.125, 0.25, 25.0]

    Source: claim E1; of scalars, claim A5.
    """
    derivative = activation(kind).derivative

    def backward(w: Array, b: Array, a: Array, cotangent: Array) -> LayerGradient:
        return _through_affine(w, a, cotangent * derivative(affine(w, b, a)))

    return backward


def base(
    kind: str | Activation, objective: str | Cost
) -> Callable[[Array, Array, Array, Array], LayerGradient]:
    """The gradient of the cost at the last layer, where the recurrence starts.

    With z = w a + b: δ^L = ∂C/∂z is that of ``output_delta``, and through z it reaches w, b and a
    as in ``step``.

    Args:
        kind: the activation σ, by name or as an ``Activation``; a cost of the logits skips it.
        objective: the cost C, by name or as a ``Cost``.

    Returns:
        A function (w, b, a, y) -> (∂C/∂w, ∂C/∂b, ∂C/∂a), of the shapes of w, b and a: w (n, m),
        b and y (n,), a (m,), or four scalars.

    Raises:
        ArgumentError: no activation or cost has this name.

    Example:
        >>> import jax.numpy as jnp
        >>> w, b, a, y = map(jnp.float32, (2, 1, 3, 5))
        >>> [float(each) for each in base("relu", "quadratic")(w, b, a, y)]
        [6.0, 2.0, 4.0]

    Source: claims A5 and E1.
    """
    last = output_delta(kind, objective)
    return lambda w, b, a, y: _through_affine(w, a, last(affine(w, b, a), y))


def output_delta(kind: str | Activation, objective: str | Cost) -> Callable[[Array, Array], Array]:
    """δ^L = ∂C/∂z^L as a function of the last pre-activations and the target.

    For a cost of the activations δ^L = σ'(z^L) ⊙ ∂C/∂a^L, so σ'(z^L) ⊙ (a^L − y) for the
    quadratic cost. For the cross-entropy it is softmax(z^L) Σᵢ yᵢ − y, or σ(z^L) − y of one output.

    Args:
        kind: the activation σ, by name or as an ``Activation``; a cost of the logits skips it.
        objective: the cost C, by name or as a ``Cost``.

    Returns:
        A function (z, y) -> δ^L; all of shape (n,), or all scalars.

    Raises:
        ArgumentError: no activation or cost has this name.

    Example:
        >>> import jax.numpy as jnp
        >>> float(output_delta("sigmoid", "quadratic")(jnp.float32(0), jnp.float32(1)))
        -0.125
        >>> float(output_delta("sigmoid", "cross-entropy")(jnp.float32(0), jnp.float32(1)))
        -0.5

    Source: claims A5 and E1.
    """
    sigma, chosen = activation(kind), cost(objective)
    if chosen.of_logits:
        return chosen.gradient
    return lambda z, y: sigma.derivative(z) * chosen.gradient(sigma.function(z), y)


def delta(net: Network) -> Callable[[Parameters, ArrayLike, ArrayLike], list[Array]]:
    """The list δ^1 … δ^L, δ^l = ∂C/∂z^l = ∂C/∂b^l.

    For a ``Chain`` each is the product that reaches from layer l to the cost,

        δ_l = σ'(z_l) w_(l+1) σ'(z_(l+1)) w_(l+2) … σ'(z_L) ∂C/∂a_L,

    since Δz_l = Δb_l and each layer turns Δz_k into Δz_(k+1) = w_(k+1) σ'(z_k) Δz_k. For a
    ``Dense`` it is the recurrence δ^l = (w^(l+1))ᵀ δ^(l+1) ⊙ σ'(z^l), started by ``output_delta``.

    Args:
        net: a ``Chain`` or a ``Dense``.

    Returns:
        A function (params, x, y) -> [δ^1, …, δ^L], δ^l of the shape of b^l. It raises what
        ``Network.check`` does.

    Example:
        >>> from jaxgrad.networks.network import Chain
        >>> [float(each) for each in delta(Chain(2, "relu"))([(2.0, 1.0), (3.0, 0.0)], 1.0, 7.0)]
        [6.0, 2.0]

    Source: claim A5 for a `Chain`, claim E1 for a `Dense`.
    """
    formula = _formula(net)

    def deltas(params: Parameters, x: ArrayLike, y: ArrayLike) -> list[Array]:
        net.check(params, x, y)
        return formula(net, params, net.preactivations(params, x), jnp.asarray(y))

    return deltas


def gradient(net: Network) -> Callable[[Parameters, ArrayLike, ArrayLike], Any]:
    """The gradient of the cost by formula, to be held against ``jax.grad(net.cost)``.

    ∂C/∂b^l = δ^l and ∂C/∂w^l = δ^l (a^(l−1))ᵀ, because z^l = w^l a^(l−1) + b^l; the δ^l are those
    of ``delta``: the product of each layer for a ``Chain``, the recurrence for a ``Dense``.

    Args:
        net: a ``Chain`` or a ``Dense``.

    Returns:
        A function (params, x, y) -> the tree, shapes and dtypes of params. It raises what
        ``Network.check`` does.

    Example:
        >>> from jaxgrad.networks.network import Chain
        >>> [(w, b)] = gradient(Chain(1, "relu"))([(2.0, 1.0)], 3.0, 5.0)
        >>> float(w), float(b)
        (6.0, 2.0)

    Source: claim A5 for a `Chain`, claim E1 for a `Dense`.
    """
    formula = _formula(net)

    def by_formula(params: Parameters, x: ArrayLike, y: ArrayLike) -> Any:
        net.check(params, x, y)
        zs = net.preactivations(params, x)
        fed = [jnp.asarray(x), *map(activation(net.activation).function, zs[:-1])]
        deltas = formula(net, params, zs, jnp.asarray(y))
        leaves = [each for d, a in zip(deltas, fed, strict=True) for each in (_outer(d, a), d)]
        return _like(params, leaves)

    return by_formula


def matrix_product(net: Dense) -> Callable[[Parameters, ArrayLike, ArrayLike], list[Array]]:
    """The list δ^1 … δ^L, each as one explicit product of matrices.

        δ^l = Σ'(z^l) (w^(l+1))ᵀ Σ'(z^(l+1)) (w^(l+2))ᵀ … Σ'(z^L) ∇_a C

    Σ'(z) is the diagonal matrix of σ'(z), so that Σ'(z) v = σ'(z) ⊙ v and unrolling the recurrence
    of ``delta`` gives the product. For the cross-entropy the tail Σ'(z^L) ∇_a C, whose Σ' is no
    diagonal matrix, is ∂C/∂z^L as one vector.

    Args:
        net: a ``Dense``; the product of a ``Chain`` is ``delta``.

    Returns:
        A function (params, x, y) -> [δ^1, …, δ^L], δ^l of shape (n_l,). It raises what
        ``Network.check`` does.

    Raises:
        ArgumentError: the network is no ``Dense``.

    Example:
        >>> import jax
        >>> from jaxgrad.networks.network import Dense
        >>> net, ones = Dense((2, 3, 2)), jax.numpy.ones(2)
        >>> params = net.init(jax.random.key(0))
        >>> product, recurrence = matrix_product(net), delta(net)
        >>> [bool(jax.numpy.allclose(p, d)) for p, d in zip(
        ...     product(params, ones, ones), recurrence(params, ones, ones))]
        [True, True]

    Source: claim E1.
    """
    if not isinstance(net, Dense):
        raise ArgumentError(f"{net!r} is no Dense: the product of a Chain is closed_form.delta")

    def products(params: Parameters, x: ArrayLike, y: ArrayLike) -> list[Array]:
        net.check(params, x, y)
        zs = net.preactivations(params, x)
        return [_one_product(net, params, zs, jnp.asarray(y), i) for i in range(net.depth)]

    return products


def _one_product(
    net: Dense, params: Parameters, zs: Sequence[Array], y: Array, first: int
) -> Array:
    """δ of the layer at index first: the matrices from the left to the right, then the vector."""
    derivative, chosen = activation(net.activation).derivative, cost(net.objective)
    if chosen.of_logits:
        vector, diagonals = chosen.gradient(zs[-1], y), [jnp.diag(derivative(z)) for z in zs[:-1]]
        diagonals.append(jnp.eye(len(y), dtype=vector.dtype))
    else:
        output = activation(net.activation).function(zs[-1])
        vector, diagonals = chosen.gradient(output, y), [jnp.diag(derivative(z)) for z in zs]
    matrix = diagonals[first]
    for k in range(first + 1, net.depth):
        matrix = _dot(_dot(matrix, params[k][0].T), diagonals[k])
    return _dot(matrix, vector)


def _formula(net: Network) -> Callable[[Any, Parameters, list[Array], Array], list[Array]]:
    if isinstance(net, Chain):
        return _chain_products
    if isinstance(net, Dense):
        return _dense_recurrence
    raise ArgumentError(f"{net!r} is neither a Chain nor a Dense: no formula is known for it")


def _chain_products(net: Chain, params: Parameters, zs: list[Array], y: Array) -> list[Array]:
    """For every l the whole product of claim A5, none of them read off from another."""
    derivative = activation(net.activation).derivative
    tail = output_delta(net.activation, net.objective)(zs[-1], y)  # σ'(z_L) ∂C/∂a_L
    products = []
    for first in range(net.depth):
        product = jnp.ones_like(tail)
        for k in range(first, net.depth - 1):
            product = product * derivative(zs[k]) * params[k + 1][0]
        products.append(product * tail)
    return products


def _dense_recurrence(net: Dense, params: Parameters, zs: list[Array], y: Array) -> list[Array]:
    """δ^l = (w^(l+1))ᵀ δ^(l+1) ⊙ σ'(z^l), from the last layer to the first."""
    derivative = activation(net.activation).derivative
    deltas = [output_delta(net.activation, net.objective)(zs[-1], y)]
    for (w, _), z in zip(reversed(params[1:]), reversed(zs[:-1]), strict=True):
        deltas.append(_transposed(w, deltas[-1]) * derivative(z))
    return deltas[::-1]


def _through_affine(w: Array, a: Array, d: Array) -> LayerGradient:
    """(δ aᵀ, δ, wᵀ δ): how ∂C/∂z = δ reaches w, b and a through z = w a + b."""
    return _outer(d, a), d, _transposed(w, d)


def _outer(d: Array, a: Array) -> Array:
    """δ aᵀ, or δ a of scalars."""
    return d * a if jnp.ndim(d) == 0 else d[:, None] * a[None, :]


def _transposed(w: Array, d: Array) -> Array:
    """wᵀ δ, or w δ of scalars."""
    return w * d if jnp.ndim(w) == 0 else _dot(w.T, d)


def _dot(left: Array, right: Array) -> Array:
    return jnp.dot(left, right, precision=jax.lax.Precision.HIGHEST)  # as in layers.affine


def _like(params: Parameters, leaves: list[Array]) -> Any:
    """The leaves in the tree of params; a Python number among params keeps its own dtype."""
    old, tree = jax.tree.flatten(params)
    typed = [new.astype(jnp.result_type(each)) for new, each in zip(leaves, old, strict=True)]
    return jax.tree.unflatten(tree, typed)
