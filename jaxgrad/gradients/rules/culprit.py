"""Which custom rule of a program is it that returns another value than its function?"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.errors import JaxgradError
from jaxgrad.gradients.rules.judgement import agreement, digits_beyond
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.sides import text_of
from jaxgrad.interpret.walker import Interpreter
from jaxgrad.numbers.ball import Ball
from jaxgrad.programs.carried_programs import constants_before
from jaxgrad.programs.custom_rules import CUSTOM_RULES, function_name, is_rule
from jaxgrad.programs.trace import is_differentiable

__all__ = ["wrong_value_of"]

_FORWARD = {"jvp": "the jvp rule", "vjp": "the forward rule"}


def wrong_value_of(primal: Primal, point: Sequence[np.ndarray]) -> str | None:
    """What the first rule that returns a wrong value returns, in words; None if none is found.

    Args:
        primal: a function with custom rules, anywhere within it.
        point: the floating-point leaves at which its value is wrong.

    Example:
        >>> @jax.custom_jvp
        ... def double(x):
        ...     return 2 * x
        >>> _ = double.defjvp(lambda p, t: (3 * p[0], 2 * t[0]))
        >>> print(wrong_value_of(Primal(lambda x: jnp.sin(double(x)), (1.0,)), [np.float32(1)]))
        the jvp rule of `double` returns 3.00000000000 as the value, the function is 2.00000000000
    """
    watching, closed = _Watching(), primal.moving_program.jaxpr
    with contextlib.suppress(JaxgradError):  # what came before is still worth saying
        watching.call(closed, [watching.system.constants(np.asarray(value)) for value in point])
    return min(watching.found, default=(0, None))[1]


class _Watching(Interpreter):
    """Runs the primal, and the rule of every custom function beside it.

    Args:
        found: the bits to which each wrong value agrees with the right one, and what to say of it.
    """

    def __init__(self) -> None:
        super().__init__(Ball())
        self.found: list[tuple[float, str]] = []

    def apply(self, equation: Any, arguments: list[Any]) -> list[Any]:
        outputs = super().apply(equation, arguments)
        for kind in _kinds_of_rule(equation):
            by_rule = _Plain().values(equation, kind, arguments)
            for value, truth in zip(by_rule, _floating(equation.outvars, outputs), strict=False):
                for a, b in zip(value.flat, truth.flat, strict=True):
                    if b.is_finite() and not a.overlaps(b):
                        self.found.append(_said(equation, kind, a, b))
        return outputs


def _kinds_of_rule(equation: Any) -> tuple[str, ...]:
    """A primitive that carries its rules has them for both modes."""
    if not is_rule(equation):
        return ()
    kind = CUSTOM_RULES.get(equation.primitive.name)
    return tuple(_FORWARD) if kind is None else (kind,)


def _said(equation: Any, kind: str, value: arb, truth: arb) -> tuple[float, str]:
    bits = agreement(value, truth)
    digits = digits_beyond(bits)
    return bits, (
        f"{_FORWARD[kind]} of `{function_name(equation)}` returns {text_of(value, digits)} "
        f"as the value, the function is {text_of(truth, digits)}"
    )


class _Plain(Interpreter):
    def __init__(self) -> None:
        super().__init__(Ball())

    def values(self, equation: Any, kind: str, arguments: list[Any]) -> list[Any]:
        """What a rule returns as the floating-point values of its function."""
        shapes = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in equation.invars]
        try:
            closed = jax.make_jaxpr(_through_rule(equation, kind))(*shapes)
            return self.call(closed, arguments)
        except Exception:  # whatever JAX raises where there is no such derivative
            return []


def _through_rule(equation: Any, kind: str) -> Callable[..., list[Any]]:
    primitive = equation.primitive
    # By what a function closes over, its first inputs, a rule has no derivative.
    closed_over = constants_before(equation)
    differentiable = [is_differentiable(v.aval.dtype) for v in equation.invars]
    moving = [i for i, has in enumerate(differentiable) if has and i >= closed_over]

    def through(*inputs: Any) -> list[Any]:
        def function(*moved: Any) -> list[Any]:
            values = list(inputs)
            for i, value in zip(moving, moved, strict=True):
                values[i] = value
            outputs = primitive.bind(*values, **primitive.get_bind_params(equation.params))
            return _floating(equation.outvars, outputs)

        moved = [inputs[i] for i in moving]
        if kind == "jvp":
            return jax.jvp(function, moved, [jnp.ones_like(x) for x in moved])[0]
        return jax.vjp(function, *moved)[0]

    return through


def _floating(variables: Any, values: Sequence[Any]) -> list[Any]:
    return [x for v, x in zip(variables, values, strict=True) if is_differentiable(v.aval.dtype)]
