"""A strategy of small JAX programs, each of which can be printed as code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jax import Array
from jax.typing import ArrayLike

from jaxgrad.errors import ArgumentError
from jaxgrad.strategies.hypothesis_extra import hypothesis_strategies

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["Program", "programs"]

# Smooth on all of ℝⁿ. Of u, v up to 8^(2^k) nothing overflows in float32 while k ≤ 4: squares are
# within logarithms and quotients, where they are taken once more, at most.
_OF_ONE = (
    "-{u}",
    "0.5 * {u}",
    "jnp.sin({u})",
    "jnp.cos({u})",
    "jnp.tanh({u})",
    "jnp.arctan({u})",
    "jax.nn.sigmoid({u})",
    "jax.nn.softplus({u})",
    "jax.nn.silu({u})",
    "jax.lax.erf({u})",
    "jnp.exp(jnp.tanh({u}))",
    "jnp.exp(-{u} * {u})",
    "jnp.log1p({u} * {u})",
    "1 / (1 + {u} * {u})",
    "jnp.cumsum({u})",
    "jnp.flip({u})",
    "jax.nn.softmax({u})",
)
_OF_TWO = ("{u} + {v}", "{u} - {v}", "{u} * {v}", "{u} * jnp.tanh({v})", "jnp.logaddexp({u}, {v})")
_TO_ONE_NUMBER = (
    "jnp.sum({u})",
    "jnp.mean({u})",
    "jax.nn.logsumexp({u})",
    "jnp.sqrt(1 + jnp.sum({u} * {u}))",
)


@dataclass(frozen=True)
class Program:
    """A function of one array without a tie, a jump or a pole: it is smooth on all of ℝⁿ.

    Args:
        code: Python that defines ``f``, given ``jax`` and ``jnp``.

    Example:
        >>> import jax
        >>> program = Program("def f(x):\\n    return jnp.sum(jnp.sin(x))\\n")
        >>> float(jax.grad(program)(jax.numpy.zeros(3))[0])
        1.0
        >>> print(program)
        def f(x):
            return jnp.sum(jnp.sin(x))

    Source: tests of JAX's own transformations, which draw programs likewise.
    """

    code: str

    def __call__(self, x: ArrayLike) -> Array:
        """The value at x, an array of one axis at least."""
        return self._function(x)

    @cached_property
    def _function(self) -> Any:
        # What runs is what is printed.
        scope: dict[str, Any] = {}
        exec(f"import jax\nimport jax.numpy as jnp\n{self.code}", scope)
        return scope["f"]

    def __str__(self) -> str:
        return self.code.rstrip("\n")


def programs(*, max_steps: int = 4) -> SearchStrategy[Program]:
    """Functions of one array x of shape (n,), n ≥ 1, that return one number.

    Each step applies one of JAX's smooth functions to what an earlier step has made, and the last
    one sums. In float32 the value and the gradient are finite for every |xᵢ| ≤ 8 and n ≤ 8.

    Args:
        max_steps: the largest number of steps before the last one, at most 4.

    Raises:
        ArgumentError: max_steps is not one of 0, …, 4.
        MissingExtra: Hypothesis is not installed.

    Example:
        >>> from hypothesis import find
        >>> import jax
        >>> x = jax.numpy.ones(3)
        >>> print(find(programs(), lambda f: jax.grad(f)(x)[0] < 0))
        def f(x):
            a = -x
            return jnp.sum(a)

    Source: tests of JAX's own transformations, which draw programs likewise.
    """
    if isinstance(max_steps, bool) or not isinstance(max_steps, int) or not 0 <= max_steps <= 4:
        raise ArgumentError(f"max_steps is {max_steps!r:.60}: pass one of 0, ..., 4")
    st = hypothesis_strategies()
    # Which of the values made before, counted from the last one.
    place = st.integers(0, max_steps)
    step = st.tuples(st.sampled_from(_OF_ONE + _OF_TWO), place, place)
    steps = st.lists(step, max_size=max_steps)
    return st.builds(_program, steps, st.sampled_from(_TO_ONE_NUMBER))


def _program(steps: Sequence[tuple[str, int, int]], last: str) -> Program:
    made, lines = ["x"], []
    for name, (text, i, j) in zip("abcd", steps, strict=False):
        u, v = made[-1 - i % len(made)], made[-1 - j % len(made)]
        lines.append(f"    {name} = {text.format(u=u, v=v)}\n")
        made.append(name)
    return Program(f"def f(x):\n{''.join(lines)}    return {last.format(u=made[-1])}\n")
