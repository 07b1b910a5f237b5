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
from jaxgrad.properties.search import counted, held, smallest
from jaxgrad.strategies.hypothesis_extra import hypothesis_strategies
from jaxgrad.strategies.networks import networks
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
    strategy = hypothesis_strategies().tuples(*_strategies(drawn))
    auto = jax.grad(cost)
    judge = _Judge(lambda args: compare(hand, auto, *args))
    found = smallest(strategy, judge.fails, counted(max_examples))
    judge.conclude(found)
    return held(
        f"the gradient by hand is that of the cost at all {judge.tried} examples that were tried"
    )


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
        AGREES: the gradient by hand is that of the cost of ... networks that were tried, ...

    Source: claims A5 and E1.
    """
    __tracebackhide__ = True
    _require_functions(hand=hand)
    st = hypothesis_strategies()
    if nets is None:
        nets = networks(max_depth=3, max_width=2)
    chosen = st.just(nets) if isinstance(nets, Network) else nets
    _strategies([chosen])
    # A comparison decides of all parameters, or of a generic point; what is drawn is the network.
    judge = _Judge(lambda found: compare(hand(found[0]), jax.grad(found[0].cost), *_data(*found)))
    found = smallest(st.tuples(chosen, st.integers(0, 3)), judge.fails, counted(max_examples))
    judge.conclude(found, None if found is None else found[0])
    return held(
        f"the gradient by hand is that of the cost of {judge.tried} networks that were tried, "
        "each at parameters of its own"
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
    strategy = hypothesis_strategies().tuples(*_strategies(drawn))
    judge = _Judge(lambda args: check(f, args, **options))
    found = smallest(strategy, judge.fails, counted(max_examples))
    judge.conclude(found)
    return held(
        f"the derivative rules of f are right at all {judge.tried} examples that were tried"
    )


class _Judge:
    """Judges examples, each once; keeps the first that was open, and stops shrinking at some
    size."""

    def __init__(self, judged: Callable[[Any], Any]) -> None:
        self._judged, self._open = judged, None
        self._failed: dict[Any, Any] = {}
        self._passed: set[Any] = set()
        self._since = 0

    @property
    def tried(self) -> int:
        """How many different examples were judged."""
        return len(self._failed) + len(self._passed)

    def fails(self, example: Any) -> bool:
        """Whether an example is refuted; what is left of shrinking is not, after a while."""
        key = _key(example)
        if key in self._failed or key in self._passed:
            return key in self._failed
        self._since += bool(self._failed)
        if self._since > _MOST_SHRINKS:
            return False
        found = self._judged(example)
        if found.verdict is Verdict.REFUTED:
            self._failed[key] = found
            return True
        self._passed.add(key)
        if found.verdict is Verdict.UNDECIDED and self._open is None:
            self._open = found
        return False

    def conclude(self, smallest: Any, net: Network | None = None) -> None:
        """Raises what the smallest example is, or else one that was open."""
        __tracebackhide__ = True
        if smallest is not None:
            found = self._failed[_key(smallest)]
            raise GradientMismatch(_of_network(str(found), net), found)
        if self._open is not None:
            raise UndecidedError(str(self._open), self._open)


def _key(example: Any) -> Any:
    leaves, tree = jax.tree.flatten(example)
    return tree, tuple(map(_key_of_leaf, leaves))


def _key_of_leaf(leaf: Any) -> Any:
    if hasattr(leaf, "dtype"):
        array = np.asarray(leaf)
        return array.shape, array.dtype.name, array.tobytes()
    return repr(leaf)


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
    return f"{head}: of {net!r}, the smallest network found: {rest}" + (
        f"# with `hand` in scope\n{made}{both}{code}" if code else ""
    )


def _require_functions(**functions: Any) -> None:
    for name, given in functions.items():
        if not callable(given):
            raise ArgumentError(f"{name} is {given!r:.60}, not a function: give it uncalled")


def _strategies(drawn: Any) -> Any:
    kind = hypothesis_strategies().SearchStrategy
    for k, each in enumerate(drawn):
        if not isinstance(each, kind):
            raise ArgumentError(
                f"argument {k} of what is drawn is {each!r:.60}, no Hypothesis strategy; give one, "
                "such as jaxgrad.strategies.arrays((3,)), or hypothesis.strategies.just(value)"
            )
    if not drawn:
        raise ArgumentError("nothing is drawn: give a strategy for each argument")
    return drawn
