"""The two networks the mathematics speaks of: one neuron per layer, and several."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike, DTypeLike

from jaxgrad.errors import ArgumentError
from jaxgrad.networks.activations import Activation, activation
from jaxgrad.networks.arguments import (
    Shape,
    check_arrays,
    checked_widths,
    named_parameters,
    positive,
)
from jaxgrad.networks.costs import Cost, cost
from jaxgrad.networks.layers import affine, layer, output_layer

__all__ = ["Chain", "Dense", "Network", "Parameters"]

Parameters = Sequence[Sequence[Any]]
"""One pair (w, b) per layer, the first layer first; arrays of JAX or NumPy, or Python numbers."""

_ABSENT = object()


class Network(ABC):
    """What ``Chain`` and ``Dense`` share: a composition of layers and a cost of its output.

    The parameters are a list of pairs (w, b), one per layer. A target y has the shape of the
    output and all arrays have one floating dtype. With the cross-entropy cost the last
    pre-activations are logits: the output a^L is softmax(z^L), or σ(z^L) for one output, whatever
    the activation of the layers before. Batches are for ``jax.vmap``.

    Example:
        >>> isinstance(Chain(3), Network), isinstance(Dense((2, 1)), Network)
        (True, True)

    Source: claims A1 and E1.
    """

    activation: str | Activation
    objective: str | Cost

    @property
    @abstractmethod
    def shapes(self) -> list[tuple[Shape, Shape]]:
        """The shapes of (w, b), layer by layer."""

    @property
    @abstractmethod
    def input_shape(self) -> Shape:
        """The shape of x; that of y is the shape of the last b."""

    def init(self, key: Array, dtype: DTypeLike | None = None) -> list[tuple[Array, Array]]:
        """Draw every weight and bias from N(0, 1), independently.

        Args:
            key: a key of ``jax.random.key``.
            dtype: a floating dtype; None is JAX's default.

        Raises:
            ArgumentError: the dtype is not floating.

        Example:
            >>> import jax
            >>> [(w.shape, b.shape) for w, b in Dense((3, 2)).init(jax.random.key(0))]
            [((2, 3), (2,))]

        Source: claim A7.
        """
        dtype = float if dtype is None else dtype
        if not jnp.issubdtype(dtype, jnp.floating):
            raise ArgumentError(f"dtype {dtype!r}: weights are real numbers, pass a float dtype")
        # All at once: XLA compiles every draw for itself.
        ends = np.cumsum([math.prod(shape) for pair in self.shapes for shape in pair])
        parts = iter(jnp.split(jax.random.normal(key, (ends[-1],), dtype), ends[:-1]))
        return [(next(parts).reshape(w), next(parts).reshape(b)) for w, b in self.shapes]

    def preactivations(self, params: Parameters, x: ArrayLike) -> list[Array]:
        """The list z^1 … z^L, z^l = w^l a^(l−1) + b^l with a^0 = x and a^l = σ(z^l).

        Args:
            params: as ``init`` returns them.
            x: the input, of shape ``input_shape``.

        Raises:
            TreeMismatch, ShapeMismatch, DtypeMismatch, ArgumentError: as ``check`` does.

        Example:
            >>> [float(z) for z in Chain(2, "relu").preactivations([(2.0, 1.0), (3.0, 0.0)], 1.0)]
            [3.0, 9.0]

        Source: claims A1 and E1.
        """
        return self._run(_preactivations, params, x)

    def forward(self, params: Parameters, x: ArrayLike) -> Array:
        """The output activations a^L, jit-compiled.

        Args:
            params: as ``init`` returns them.
            x: the input, of shape ``input_shape``.

        Raises:
            TreeMismatch, ShapeMismatch, DtypeMismatch, ArgumentError: as ``check`` does.

        Example:
            >>> float(Chain(2, "relu").forward([(2.0, 1.0), (3.0, 0.0)], 1.0))
            9.0

        Source: claims A1 and E1.
        """
        return self._run(_forward, params, x)

    def cost(self, params: Parameters, x: ArrayLike, y: ArrayLike) -> Array:
        """The cost C of one example, jit-compiled.

        ½ ‖a^L − y‖² for "quadratic"; for "cross-entropy" −Σ yᵢ log softmax(z^L)ᵢ, or
        softplus(z^L) − y z^L where there is one output.

        Args:
            params: as ``init`` returns them.
            x: the input, of shape ``input_shape``.
            y: the target, of the shape of the output.

        Raises:
            TreeMismatch, ShapeMismatch, DtypeMismatch, ArgumentError: as ``check`` does.

        Example:
            >>> float(Chain(2, "relu").cost([(2.0, 1.0), (3.0, 0.0)], 1.0, 7.0))
            2.0

        Source: claims A5 and E1.
        """
        return self._run(_cost, params, x, y)

    def check(self, params: Parameters, x: Any, y: Any = _ABSENT) -> None:
        """Hold the arguments against this network; only types are looked at, never values.

        Args:
            params: as ``init`` returns them.
            x: the input.
            y: the target; left out, it is not checked.

        Raises:
            TreeMismatch: params is not a list of L pairs (w, b).
            ShapeMismatch: an array has another shape than this network's.
            DtypeMismatch: the arrays do not share one dtype; Python numbers adapt to it.
            ArgumentError: something is no array of real numbers, such as integer parameters.

        Example:
            >>> Chain(2).check([(0.5, 1.0)], 1.0)  # doctest: +ELLIPSIS
            Traceback (most recent call last):
            ...
            jaxgrad.errors.TreeMismatch: params has 1 layer(s), Chain(depth=2, ...
        """
        named = named_parameters(repr(self), self.shapes, params)
        named.append(("x", x, self.input_shape))
        if y is not _ABSENT:
            named.append(("y", y, self.shapes[-1][1]))
        check_arrays(named)

    def _run(self, program: Callable[..., Any], *arguments: Any) -> Any:
        """Call a compiled program; an argument that JAX refuses is refused by its name instead."""
        try:
            return program(self, *arguments)
        except TypeError:
            self.check(*arguments)
            raise

    def _describe(self, sizes: str) -> str:
        return f"{sizes}, activation={_name(self.activation)}, cost={_name(self.objective)})"


@dataclass(frozen=True, init=False, repr=False)
class Chain(Network):
    """A network of ``depth`` layers with one neuron each: z_l = w_l a_(l−1) + b_l, a_l = σ(z_l).

    All of w, b, x and y are scalars, of shape ().

    Args:
        depth: the number of layers L, at least 1.
        activation: σ: "sigmoid", "tanh", "softplus", "relu" or an ``Activation``.
        cost: "quadratic", "cross-entropy" or a ``Cost``.

    Raises:
        ArgumentError: depth is not a positive integer, or a name is unknown.

    Example:
        >>> import jax
        >>> net = Chain(3)
        >>> gradient = jax.grad(net.cost)(net.init(jax.random.key(0)), 0.5, 1.0)
        >>> len(gradient), gradient[0][0].shape
        (3, ())

    Source: claim A1.
    """

    depth: int
    activation: str | Activation
    objective: str | Cost

    def __init__(
        self,
        depth: int,
        activation: str | Activation = "sigmoid",
        cost: str | Cost = "quadratic",
    ) -> None:
        object.__setattr__(self, "depth", positive("depth", depth))
        _set_functions(self, activation, cost)

    def __repr__(self) -> str:
        return self._describe(f"Chain(depth={self.depth}")

    @property
    def shapes(self) -> list[tuple[Shape, Shape]]:
        """The shapes of (w, b), layer by layer: all ()."""
        return [((), ())] * self.depth

    @property
    def input_shape(self) -> Shape:
        """The shape of x: ()."""
        return ()


@dataclass(frozen=True, init=False, repr=False)
class Dense(Network):
    """A network of fully connected layers: z^l = w^l a^(l−1) + b^l, a^l = σ(z^l).

    w^l has shape (n_l, n_(l−1)), b^l has shape (n_l,), x (n_0,) and y (n_L,).

    Args:
        widths: (n_0, …, n_L), the width of the input first; at least two of them.
        activation: σ: "sigmoid", "tanh", "softplus", "relu" or an ``Activation``.
        cost: "quadratic", "cross-entropy" or a ``Cost``.

    Raises:
        ArgumentError: fewer than two widths, one that is not a positive integer, or a name is
            unknown.

    Example:
        >>> import jax
        >>> net = Dense((2, 3, 1), activation="tanh")
        >>> x, y = jax.numpy.ones(2), jax.numpy.ones(1)
        >>> [(w.shape, b.shape) for w, b in jax.grad(net.cost)(net.init(jax.random.key(0)), x, y)]
        [((3, 2), (3,)), ((1, 3), (1,))]

    Source: claim E1.
    """

    widths: tuple[int, ...]
    activation: str | Activation
    objective: str | Cost

    def __init__(
        self,
        widths: Iterable[int],
        activation: str | Activation = "sigmoid",
        cost: str | Cost = "quadratic",
    ) -> None:
        object.__setattr__(self, "widths", checked_widths(widths))
        _set_functions(self, activation, cost)

    def __repr__(self) -> str:
        return self._describe(f"Dense(widths={self.widths}")

    @property
    def depth(self) -> int:
        """The number of layers L, not counting the input."""
        return len(self.widths) - 1

    @property
    def shapes(self) -> list[tuple[Shape, Shape]]:
        """The shapes of (w, b), layer by layer: (n_l, n_(l−1)) and (n_l,)."""
        pairs = zip(self.widths[:-1], self.widths[1:], strict=True)
        return [((after, before), (after,)) for before, after in pairs]

    @property
    def input_shape(self) -> Shape:
        """The shape of x: (n_0,)."""
        return (self.widths[0],)


# The programs. A network is hashable and static, so that equal networks share what is compiled.


def _hidden(net: Network, params: Parameters, x: ArrayLike) -> Array:
    """a^(L−1), what the last layer is fed."""
    one_layer = layer(net.activation)
    a = jnp.asarray(x)
    for w, b in params[:-1]:
        a = one_layer(w, b, a)
    return a


@partial(jax.jit, static_argnums=0)
def _preactivations(net: Network, params: Parameters, x: ArrayLike) -> list[Array]:
    net.check(params, x)
    function = activation(net.activation).function
    a, zs = jnp.asarray(x), []
    for w, b in params:
        zs.append(affine(w, b, a))
        a = function(zs[-1])
    return zs


@partial(jax.jit, static_argnums=0)
def _forward(net: Network, params: Parameters, x: ArrayLike) -> Array:
    net.check(params, x)
    output = cost(net.objective).output or activation(net.activation).function
    w, b = params[-1]
    return output(affine(w, b, _hidden(net, params, x)))


@partial(jax.jit, static_argnums=0)
def _cost(net: Network, params: Parameters, x: ArrayLike, y: ArrayLike) -> Array:
    net.check(params, x, y)
    w, b = params[-1]
    return output_layer(net.activation, net.objective)(
        w, b, _hidden(net, params, x), jnp.asarray(y)
    )


def _set_functions(net: Network, kind: str | Activation, objective: str | Cost) -> None:
    activation(kind)
    cost(objective)
    object.__setattr__(net, "activation", kind)
    object.__setattr__(net, "objective", objective)


def _name(chosen: str | Activation | Cost) -> str:
    return repr(chosen if isinstance(chosen, str) else chosen.name)
