"""Properties of networks: how fast gradients vanish, or stay, from one layer to the one before."""

from __future__ import annotations

import functools
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxgrad.errors import ArgumentError
from jaxgrad.networks.activations import Activation
from jaxgrad.networks.network import Chain, Network
from jaxgrad.programs.as_code import as_code
from jaxgrad.properties.search import Once, held, refuted, require_strategies, smallest
from jaxgrad.strategies.hypothesis_extra import hypothesis_strategies
from jaxgrad.strategies.networks import inputs, parameters, require_network, targets
from jaxgrad.verdict import Evidence

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["gradient_kept", "gradient_shrinks"]

# The document's own networks: as deep as an example is small.
_DEEPEST = 4


def gradient_shrinks(
    of: Callable[..., Any] | Network | SearchStrategy[Network],
    rate: float | Fraction,
    *,
    drawn: Callable[[Network], SearchStrategy[Any]] | None = None,
    max_examples: int | None = None,
) -> Evidence:
    """From each layer to the one before it the gradient shrinks: ‖∂C/∂bₗ‖ ≤ rate ‖∂C/∂bₗ₊₁‖.

    It is asserted of the floats that ``jax.grad`` of the compiled network returns, whose norms are
    compared exactly, and of every layer but the last. So the gradient of the first of L layers is
    at most rate^(L−1) times that of the last.

    Args:
        of: an activation, of which networks with one neuron a layer are drawn; or a network, or a
            strategy of them.
        rate: a number >= 0.
        drawn: of a network, a strategy of its parameters; weights and biases in [−1, 1] if None.
        max_examples: how many networks are drawn, each with parameters, an input and a target; as
            many as the profile of Hypothesis says if None.

    Returns:
        evidence with the verdict AGREES.

    Raises:
        ArgumentError: an argument is none of its kind.
        PropertyRefuted: there is a counterexample; the message has the smallest network as code.
        MissingExtra: Hypothesis is not installed.

    Example:
        >>> import jax
        >>> print(gradient_shrinks(jax.nn.sigmoid, 0.25, max_examples=5))
        AGREES: ‖∂C/∂b‖ is at most 0.25 times that of the layer after it, in ... networks that were
        tried

    Source: claim A9, which follows from σ′ ≤ ¼ and |w| < 1.
    """
    __tracebackhide__ = True
    return _of_layers(of, rate, drawn, max_examples, "at most")


def gradient_kept(
    of: Callable[..., Any] | Network | SearchStrategy[Network],
    rate: float | Fraction,
    *,
    drawn: Callable[[Network], SearchStrategy[Any]] | None = None,
    max_examples: int | None = None,
) -> Evidence:
    """The gradient vanishes no faster than a rate: ‖∂C/∂bₗ‖ ≥ rate ‖∂C/∂bₗ₊₁‖ for every layer.

    Args:
        of, rate, drawn, max_examples: as for :func:`gradient_shrinks`, which says what is asserted,
            returned and raised, too.

    Example:
        >>> from jaxgrad.networks import Chain
        >>> import jaxgrad
        >>> try:
        ...     gradient_kept(Chain(2), 0.25, max_examples=5)
        ... except jaxgrad.errors.PropertyRefuted as error:
        ...     print(error.check.text)
        ‖∂C/∂b‖ is not at least 0.25 times that of the layer after it: in layer 1 of Chain(depth=2,
        ...

    Source: claim F7, of which the networks of ReL are, too: dead units lose the gradient.
    """
    __tracebackhide__ = True
    return _of_layers(of, rate, drawn, max_examples, "at least")


def _of_layers(of: Any, rate: Any, drawn: Any, max_examples: int | None, words: str) -> Evidence:
    __tracebackhide__ = True
    bound, st = _rate(rate), hypothesis_strategies()
    chosen, own = _networks(of)
    if drawn is not None and not callable(drawn):
        raise ArgumentError(
            f"drawn is {drawn!r:.60}: give a function of a network that returns a strategy of its "
            "parameters, such as jaxgrad.strategies.parameters"
        )

    def with_data(net: Network) -> SearchStrategy[Any]:
        require_network(net)
        (given,) = require_strategies([drawn(net) if drawn else parameters(net, largest=1)])
        return st.tuples(st.just(net), given, inputs(net, largest=1), targets(net, largest=1))

    asked = Once(lambda example: _first_wrong(example, bound, words) is not None)
    found = smallest(chosen.flatmap(with_data), asked, max_examples)
    said = f"{words} {rate} times that of the layer after it"
    if found is not None:
        _refute(found, _first_wrong(found, bound, words), said, own)
    return held(f"‖∂C/∂b‖ is {said}, in {asked.tried} networks that were tried")


def _first_wrong(example: Any, rate: Fraction, words: str) -> int | None:
    """The last layer at which it fails, from 0 on: what comes first on the way back."""
    sizes = _squares(example)
    if None in sizes:
        return sizes.index(None)
    for k in range(len(sizes) - 2, -1, -1):
        here, after = sizes[k], rate * rate * sizes[k + 1]
        if (here > after) if words == "at most" else (here < after):
            return k
    return None


def _squares(example: Any) -> list[Any]:
    """‖∂C/∂b‖² of each layer, exactly; None where it is no number."""
    net, *args = example
    found = []
    for _, b in _gradient(net)(*args):
        entries = np.asarray(b, np.float64).ravel()
        finite = bool(np.isfinite(entries).all())
        found.append(sum(Fraction(float(x)) ** 2 for x in entries) if finite else None)
    return found


def _refute(example: Any, k: int | None, said: str, own: bool) -> None:
    __tracebackhide__ = True
    net, *args = example
    assert k is not None
    gradient = [np.asarray(b).tolist() for _, b in _gradient(net)(*args)]
    made, head = repr(net), ""
    if own:
        made = f"Chain({net.depth}, Activation({net.activation.name!r}, f, jax.grad(f)))"
        head = "# with `f` in scope\n"
    code = (
        f"{head}import jax\nimport numpy as np\n"
        "from jaxgrad.networks import Activation, Chain, Dense\n"
        f"net = {made}\n"
        f"args = {as_code(tuple(args))}\n"
        "for layer, (_, b) in enumerate(jax.jit(jax.grad(net.cost))(*args), 1):\n"
        '    print("layer", layer, "has", b)'
    )
    beside = f", and {gradient[k + 1]} in layer {k + 2}" if k + 1 < len(gradient) else ""
    refuted(
        f"‖∂C/∂b‖ is not {said}: in layer {k + 1} of {net!r} it is {gradient[k]}{beside}",
        code,
    )


@functools.lru_cache(maxsize=256)  # a network is hashable, and equal ones share what is compiled
def _gradient(net: Network) -> Callable[..., Any]:
    return jax.jit(jax.grad(net.cost))


def _networks(of: Any) -> tuple[Any, bool]:
    """A strategy of networks, and whether they are made of an activation of the caller's."""
    st = hypothesis_strategies()
    if isinstance(of, st.SearchStrategy):
        return of, False
    if isinstance(of, Network):
        return st.just(of), False
    if not callable(of):
        raise ArgumentError(
            f"of is {of!r:.60}: give an activation, a network, or a strategy of networks, such as "
            "jaxgrad.strategies.networks()"
        )
    try:
        made = _activation(of)
    except TypeError:
        raise ArgumentError(
            f"of is {of!r:.60}, which has no hash: give a function, lambda x: of(x)"
        ) from None
    return st.builds(Chain, st.integers(1, _DEEPEST), st.just(made)), True


@functools.lru_cache(maxsize=16)  # networks with the same one share what is compiled
def _activation(f: Callable[..., Any]) -> Activation:
    return Activation(getattr(f, "__name__", "f"), f, jax.grad(f))


def _rate(rate: Any) -> Fraction:
    if isinstance(rate, bool) or not isinstance(rate, int | float | Fraction) or not rate >= 0:
        raise ArgumentError(f"rate is {rate!r:.60}: pass a number >= 0, such as 0.25")
    try:
        return Fraction(rate)
    except OverflowError:
        raise ArgumentError(f"rate is {rate!r}: pass a finite number") from None
