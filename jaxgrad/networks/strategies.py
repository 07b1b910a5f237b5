"""Hypothesis strategies: floats, networks, and the parameters, inputs and targets of a network.

Hypothesis is imported when a strategy is asked for, so that it stays optional.
"""

from __future__ import annotations

import importlib
import math
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jaxgrad.errors import ArgumentError, MissingExtra
from jaxgrad.networks.activations import ACTIVATIONS
from jaxgrad.networks.costs import COSTS
from jaxgrad.networks.network import Chain, Dense, Network

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["arrays", "finite_floats", "inputs", "networks", "parameters", "targets"]

LARGEST = 8.0
"""What values are drawn up to: |N(0, 1)| is larger with probability erfc(8/√2) < 1.3e−15."""


def _strategies() -> Any:
    try:
        return importlib.import_module("hypothesis.strategies")
    except ImportError as error:
        raise MissingExtra(
            "jaxgrad.strategies needs Hypothesis: install it with pip install 'jaxgrad[test]'"
        ) from error


def finite_floats(
    dtype: DTypeLike, *, largest: float | None = None, allow_subnormal: bool = True
) -> SearchStrategy[np.generic]:
    """Every finite float of a dtype, as a NumPy scalar of that dtype.

    Args:
        dtype: any floating dtype that JAX has, bfloat16 and the 8-bit ones included.
        largest: draw only |x| <= largest; None is the largest finite float.
        allow_subnormal: whether to draw what most devices flush to zero.

    Raises:
        ArgumentError: the dtype is not floating, or largest is negative or NaN.
        MissingExtra: Hypothesis is not installed.

    Example:
        >>> from hypothesis import find
        >>> float(find(finite_floats("bfloat16"), lambda x: x > 2))
        3.0

    Source: claims A6 and F6, whose statements are about floats.
    """
    st = _strategies()
    if not jnp.issubdtype(dtype, jnp.floating):
        raise ArgumentError(f"dtype {dtype!r} is not floating: pass float32, bfloat16, ...")
    if largest is not None and not largest >= 0:
        raise ArgumentError(f"largest is {largest!r}: pass a bound >= 0, or None")
    target, limits = np.dtype(dtype), jnp.finfo(dtype)
    bound = float(limits.max) if largest is None else min(float(largest), float(limits.max))

    def accepted(x: Any) -> bool:
        if not math.isfinite(x) or abs(float(x)) > bound:
            return False  # rounding to a narrow dtype may step over the bound
        return allow_subnormal or x == 0 or abs(float(x)) >= float(limits.tiny)

    # A double holds every float of every narrower dtype, and rounding one gives each of them.
    width = 64 if target.itemsize == 8 else 32
    bound_drawn = bound if width == 64 else _below(bound)
    drawn = st.floats(-bound_drawn, bound_drawn, width=width)
    return drawn.map(target.type).filter(accepted)


def _below(bound: float) -> float:
    """The largest float32 that is not above bound."""
    rounded = np.float32(bound)
    return float(rounded if rounded <= bound else np.nextafter(rounded, np.float32(0)))


def arrays(
    shape: tuple[int, ...], dtype: DTypeLike = "float32", *, largest: float | None = LARGEST
) -> SearchStrategy[np.ndarray]:
    """NumPy arrays of this shape, each element one of ``finite_floats``.

    Args:
        shape: of the arrays; () gives arrays without axes.
        dtype: any floating dtype that JAX has.
        largest: draw only |x| <= largest; None is the largest finite float.

    Raises:
        ArgumentError, MissingExtra: as ``finite_floats`` does.

    Example:
        >>> from hypothesis import find
        >>> find(arrays((2, 3)), lambda drawn: True).shape
        (2, 3)

    Source: claim E1.
    """
    size = math.prod(shape)
    elements = finite_floats(dtype, largest=largest)
    drawn = _strategies().lists(elements, min_size=size, max_size=size)
    return drawn.map(lambda values: np.array(values, dtype).reshape(shape))


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
    st = _strategies()
    if max_depth < 1 or max_width < 1:
        raise ArgumentError(f"max_depth={max_depth}, max_width={max_width}: both must be >= 1")
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
        ArgumentError, MissingExtra: as ``finite_floats`` does.

    Example:
        >>> from hypothesis import find
        >>> len(find(parameters(Chain(3)), lambda drawn: True))
        3

    Source: claims A5 and E1.
    """
    drawn = [tuple(arrays(shape, dtype, largest=largest) for shape in pair) for pair in net.shapes]
    st = _strategies()
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
    return arrays(net.input_shape, dtype, largest=largest)


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
    return arrays(net.shapes[-1][1], dtype, largest=largest)
