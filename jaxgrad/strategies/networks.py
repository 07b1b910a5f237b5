"""Strategies of networks, and of the parameters, inputs and targets of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jax.typing import DTypeLike

from jaxgrad.errors import ArgumentError
from jaxgrad.networks.activations import ACTIVATIONS
from jaxgrad.networks.costs import COSTS
from jaxgrad.networks.network import Chain, Dense, Network
from jaxgrad.strategies.arrays import LARGEST, arrays
from jaxgrad.strategies.hypothesis_extra import hypothesis_strategies

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["inputs", "networks", "parameters", "require_network", "targets"]


def networks(*, max_depth: int = 4, max_width: int = 4) -> SearchStrategy[Network]:
    """Chains and dense networks with every activation and every cost.

    Args:
        max_depth: the largest number of layers.
        max_width: the largest number of neurons in a layer.

    Raises:
        ArgumentError: a maximum is below 1.
        MissingExtra: Hypothesis is not installed.

    Example:
        >>> from hypothesis import find
        >>> find(networks(max_depth=1), lambda drawn: True).depth
        1

    Source: claims A5 and E1.
    """
    st = hypothesis_strategies()
    if (
        not (isinstance(max_depth, int) and isinstance(max_width, int))
        or min(max_depth, max_width) < 1
    ):
        raise ArgumentError(
            f"max_depth={max_depth!r:.40}, max_width={max_width!r:.40}: both must be integers >= 1"
        )
    functions = (st.sampled_from(list(ACTIVATIONS)), st.sampled_from(list(COSTS)))
    widths = st.lists(st.integers(1, max_width), min_size=2, max_size=max_depth + 1)
    chains = st.builds(Chain, st.integers(1, max_depth), *functions)
    return chains | st.builds(Dense, widths.map(tuple), *functions)


def parameters(
    net: Network, dtype: DTypeLike = "float32", *, largest: float | None = LARGEST
) -> SearchStrategy[list[tuple[np.ndarray, np.ndarray]]]:
    """Parameters of a network, as ``Network.init`` returns them but of any values.

    Args:
        net: the network.
        dtype: any floating dtype that JAX has.
        largest: draw only |x| <= largest; None is the largest finite float.

    Raises:
        ArgumentError: net is no network, or as ``finite_floats`` does.
        MissingExtra: as ``finite_floats`` does.

    Example:
        >>> from hypothesis import find
        >>> len(find(parameters(Chain(3)), lambda drawn: True))
        3

    Source: claims A5 and E1.
    """
    each = require_network(net).shapes
    drawn = [tuple(arrays(shape, dtype, largest=largest) for shape in pair) for pair in each]
    st = hypothesis_strategies()
    return st.tuples(*(st.tuples(*pair) for pair in drawn)).map(list)


def inputs(
    net: Network, dtype: DTypeLike = "float32", *, largest: float | None = LARGEST
) -> SearchStrategy[np.ndarray]:
    """Inputs x of a network.

    Args:
        net, dtype, largest: as for ``parameters``, which says what is raised, too.

    Example:
        >>> from hypothesis import find
        >>> find(inputs(Dense((2, 1))), lambda drawn: True).shape
        (2,)

    Source: claims A5 and E1.
    """
    return arrays(require_network(net).input_shape, dtype, largest=largest)


def targets(
    net: Network, dtype: DTypeLike = "float32", *, largest: float | None = LARGEST
) -> SearchStrategy[np.ndarray]:
    """Targets y of a network: any real numbers, so for the cross-entropy also improper ones.

    Args:
        net, dtype, largest: as for ``parameters``, which says what is raised, too.

    Example:
        >>> from hypothesis import find
        >>> find(targets(Dense((2, 1))), lambda drawn: True).shape
        (1,)

    Source: claims A5 and E1.
    """
    return arrays(require_network(net).shapes[-1][1], dtype, largest=largest)


def require_network(net: Any) -> Network:
    """The network.

    Raises:
        ArgumentError: it is none.
    """
    if not isinstance(net, Network):
        raise ArgumentError(
            f"{net!r:.60} is no network: give one, such as jaxgrad.networks.Chain(2)"
        )
    return net
