"""Gradients by hand, and derivative rules, at everything that Hypothesis draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxgrad.errors import ArgumentError, GradientMismatch, UndecidedError
from jaxgrad.gradients.check_grads import check
from jaxgrad.gradients.compare import compare
from jaxgrad.networks.network import Network
from jaxgrad.properties.search import Once, counted, held, require_strategies, smallest
from jaxgrad.strategies.hypothesis_extra import hypothesis_strategies
from jaxgrad.strategies.networks import networks, require_network
from jaxgrad.verdict import Evidence, Verdict

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["derivative_rules", "gradient_by_hand", "network_gradient_by_hand"]

# Each example is a proof or an enclosure: a tenth of a second or more.
_EXAMPLES = 20

# How many smaller examples are judged after the first one that fails: a few seconds.
_MOST_SHRINKS = 40


def gradient_by_hand(
    hand: Callable[..., Any],
    cost: Callable[..., Any],
    *drawn: SearchStrategy[Any],
    max_examples: int = _EXAMPLES,
) -> Evidence:
    """A gradient by hand is the gradient of a cost by its first argument, at all that is drawn.

    Each example is held against ``jax.grad(cost)`` by :func:`jaxgrad.compare`: exactly, without a
    tolerance.

    Args:
        hand: of the arguments of the cost, returns a pytree like the first of them; JAX or NumPy.
        cost: a JAX function that returns one number.
        drawn: a strategy for each argument, such as ``strategies.pytrees`` or ``arrays``.
        max_examples: how many examples are compared.

    Returns:
        evidence with the verdict AGREES.

    Raises:
        ArgumentError: an argument is none of its kind, or as ``jaxgrad.compare``.
        GradientMismatch: they differ; the message has the smallest arguments that were found as
        code. UndecidedError: an example was undecided, and none was wrong.
        MissingExtra: Hypothesis is not installed.

    Example:
        >>> from jax import numpy as jnp
        >>> from jaxgrad import strategies
        >>> x = strategies.arrays((2,), largest=2)
        >>> print(gradient_by_hand(lambda x: 2 * x, lambda x: jnp.sum(x * x), x, max_examples=3))
        AGREES: the gradient by hand is that of the cost at all ... examples that were tried

    Source: claims A5 and E1.
    """
    __tracebackhide__ = True
    _require_functions(hand=hand, cost=cost)
    strategy, auto = _tuples(drawn), jax.grad(cost)
    tried = _passing(strategy, lambda args: compare(hand, auto, *args), max_examples)
    return held(f"the gradient by hand is that of the cost at all {tried} examples that were tried")


def network_gradient_by_hand(
    hand: Callable[[Network], Callable[..., Any]],
    nets: Network | SearchStrategy[Network] | None = None,
    *,
    max_examples: int = _EXAMPLES,
) -> Evidence:
    """A gradient by hand is the gradient of the cost of every network that is drawn.

    Args:
        hand: of a network, returns (params, x, y) → a pytree like params, as
            ``jaxgrad.closed_form.gradient`` does.
        nets: a network, or a strategy of them; ``strategies.networks(max_depth=3, max_width=2)`` if
            None.
        max_examples: how many networks are compared, each at parameters, an input and a target that
            are odd sixteenths, so that none is 0.

    Returns:
        evidence with the verdict AGREES.

    Raises:
        ArgumentError, UndecidedError, MissingExtra: as :func:`gradient_by_hand`.
        GradientMismatch: they differ; the message has the smallest network that was found as code.

    Example:
        >>> from jaxgrad import closed_form
        >>> from jaxgrad.networks import Chain
        >>> print(network_gradient_by_hand(closed_form.gradient, Chain(1), max_examples=3))
        AGREES: the gradient by hand is that of the cost of the networks in ... examples that ...

    Source: claims A5 and E1.
    """
    __tracebackhide__ = True
    _require_functions(hand=hand)
    st = hypothesis_strategies()
    if nets is None:
        nets = networks(max_depth=3, max_width=2)
    chosen = st.just(nets) if isinstance(nets, Network) else nets
    # A comparison decides of all parameters, or of a generic point; what is drawn is the network.
    drawn = _tuples([chosen, st.integers(0, 3)])

    def judged(example: tuple[Network, int]) -> Any:
        net = require_network(example[0])
        return compare(hand(net), jax.grad(net.cost), *_data(net, example[1]))

    tried = _passing(drawn, judged, max_examples, lambda example: example[0])
    return held(
        f"the gradient by hand is that of the cost of the networks in {tried} examples that were "
        "tried, each at parameters of its own"
    )


def derivative_rules(
    f: Callable[..., Any],
    *drawn: SearchStrategy[Any],
    max_examples: int = _EXAMPLES,
    **options: Any,
) -> Evidence:
    """The derivative rules of f are right at all that is drawn, as ``jaxgrad.check`` judges them.

    It has no deadline; a test of yours that calls ``check_grads`` under ``@given`` needs
    ``@settings(deadline=None)`` for that.

    Args:
        f: a JAX function.
        drawn: a strategy for each argument.
        max_examples: how many examples are checked.
        options: those of :func:`jaxgrad.check`: ``order``, ``modes``, ``argnums``, ``domain`` …

    Returns:
        evidence with the verdict AGREES.

    Raises:
        ArgumentError, MissingExtra: as :func:`gradient_by_hand`; or as ``jaxgrad.check``.
        GradientMismatch: a rule is wrong; the message has the smallest arguments that were found.
        UndecidedError: an example was undecided, and none was wrong.

    Example:
        >>> import jax
        >>> from jaxgrad import strategies
        >>> x = strategies.floats_that_matter("float32")
        >>> print(derivative_rules(jax.nn.sigmoid, x, max_examples=2))
        AGREES: the derivative rules of f are right at all ... examples that were tried

    Source: docs/check_grads.md.
    """
    __tracebackhide__ = True
    _require_functions(f=f)
    tried = _passing(_tuples(drawn), lambda args: check(f, args, **options), max_examples)
    return held(f"the derivative rules of f are right at all {tried} examples that were tried")


def _tuples(drawn: Any) -> SearchStrategy[tuple[Any, ...]]:
    return hypothesis_strategies().tuples(*require_strategies(drawn))


def _passing(
    strategy: SearchStrategy[Any],
    judged: Callable[[Any], Any],
    max_examples: int,
    network_of: Callable[[Any], Network | None] = lambda example: None,
) -> int:
    """How many examples pass.

    Raises:
        GradientMismatch: the smallest one that is refuted.
        UndecidedError: none is, and one is undecided.
    """
    __tracebackhide__ = True
    shrunk = 0  # how many were judged since the first one that fails, that one included

    def fails(example: Any) -> bool | None:
        nonlocal shrunk
        if shrunk > _MOST_SHRINKS:
            return False
        verdict = judged(example).verdict
        shrunk += shrunk > 0 or verdict is Verdict.REFUTED
        return None if verdict is Verdict.UNDECIDED else verdict is Verdict.REFUTED

    asked = Once(fails)
    wrong = smallest(strategy, asked, counted(max_examples))
    if wrong is not None:
        found = judged(wrong)
        raise GradientMismatch(_of_network(str(found), network_of(wrong)), found)
    if asked.open is not None:
        found = judged(asked.open)
        raise UndecidedError(_of_network(str(found), network_of(asked.open)), found)
    return asked.tried


def _data(net: Network, seed: int) -> tuple[Any, Any, Any]:
    """Parameters, an input and a target: odd sixteenths, so that none is 0 and few are the same."""
    draw = np.random.default_rng(seed)

    def some(shape: tuple[int, ...]) -> np.ndarray:
        return np.asarray((2 * draw.integers(-16, 16, shape) + 1) / 16, np.float32)

    params = [(some(w), some(b)) for w, b in net.shapes]
    return params, some(net.input_shape), some(net.shapes[-1][1])


def _of_network(text: str, net: Network | None) -> str:
    """The text of a comparison, with the network that it is of and code that makes both sides."""
    if net is None:
        return text
    said, _, code = text.partition("# with `hand` and `auto` in scope\n")
    made = f"import jax\nimport jaxgrad\nfrom jaxgrad.networks import Chain, Dense\nnet = {net!r}\n"
    both = "hand, auto = hand(net), jax.grad(net.cost)\n"
    head, _, rest = said.partition(": ")
    if not code:  # one that is undecided, the first of them
        return f"{head}: of {net!r}: {rest}"
    found = f"{head}: of {net!r}, the smallest network found: {rest}"
    return f"{found}# with `hand` in scope\n{made}{both}{code}"


def _require_functions(**functions: Any) -> None:
    for name, given in functions.items():
        if not callable(given):
            raise ArgumentError(f"{name} is {given!r:.60}, not a function: give it uncalled")
