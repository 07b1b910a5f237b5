"""Which custom rule JAX means where it says that one is malformed, or that there is none.

JAX names few of them.  So each rule that a function calls is differentiated by itself, and a
function that nobody gave a rule is looked for among the frames of the call, which JAX hides.
"""

from __future__ import annotations

import contextlib
import inspect
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import ArgumentError, DtypeMismatch, NoDerivative, RuleFault
from jaxgrad.gradients.rules.fault_words import in_words, kind_of, of_dtypes
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.rule_alone import rule_of
from jaxgrad.gradients.rules.rule_calls import rule_equations
from jaxgrad.programs.dtypes import dtype_name
from jaxgrad.programs.rule_functions import parameters_of_rule
from jaxgrad.programs.trace import is_differentiable

__all__ = ["faults_named"]

_FILTERING = "jax_traceback_filtering"
_OF_DTYPES = kind_of(of_dtypes("", "", 0))
_RULE = (jax.custom_jvp, jax.custom_vjp)


@contextlib.contextmanager
def faults_named(
    function: Callable[..., Any], args: Sequence[Any], held: Collection[int] = ()
) -> Iterator[None]:
    """Gives an error that is raised for a rule the name of that, and its place, as its ``fault``.

    Args:
        function: what is checked.
        args: its arguments.
        held: which of them are held fixed.
    """
    try:
        yield
    except ArgumentError as error:
        with contextlib.suppress(Exception):  # it is for words alone
            find = _missing if isinstance(error, NoDerivative) else _malformed
            error.fault = error.fault or find(error, function, args, held)
        if error.fault is not None:
            error.add_note(f"It is {error.fault}.")
        raise


# -- what is malformed -----------------------------------------------------------------------------
def _malformed(
    error: ArgumentError, function: Callable[..., Any], args: Sequence[Any], held: Collection[int]
) -> RuleFault | None:
    """The first rule that cannot be differentiated by itself for the reason that JAX gave."""
    meant = kind_of(str(error.__cause__)) or _OF_DTYPES * isinstance(error, DtypeMismatch)
    if not meant:
        return None
    for equation in rule_equations(Primal(function, args, held=held).program.jaxpr):
        said = _said_of(equation)
        if kind_of(said) == meant:
            rule = rule_of(equation)
            return RuleFault(rule.name, rule.where, in_words(said, parameters_of_rule(equation)))
    return None


def _said_of(equation: Any) -> str:
    """What JAX says where it differentiates one call of a rule; "" if nothing."""
    variables = equation.invars
    moving = [i for i, v in enumerate(variables) if is_differentiable(v.aval.dtype)]
    parameters = equation.primitive.get_bind_params(equation.params)

    def results(*values: Any) -> list[Any]:
        inputs = [np.zeros(v.aval.shape, v.aval.dtype) for v in variables]
        for i, value in zip(moving, values, strict=True):
            inputs[i] = value
        found = equation.primitive.bind(*inputs, **parameters)
        return [x for x in found if is_differentiable(x.dtype)]

    def derivative(*values: Any) -> Any:
        if "jvp" in equation.primitive.name:
            return jax.jvp(results, values, tuple(map(jnp.ones_like, values)))
        found, pull = jax.vjp(results, *values)
        return pull([jnp.ones_like(x) for x in found])

    types = [variables[i].aval for i in moving]
    try:
        returned = jax.eval_shape(derivative, *types)
    except Exception as error:  # whatever a rule raises
        return str(error)
    pairs = zip(moving, returned, types, strict=False)
    odd = (
        (i, x, t) for i, x, t in pairs if "vjp" in equation.primitive.name and x.dtype != t.dtype
    )
    return next((of_dtypes(_type(x), _type(t), i) for i, x, t in odd), "")


def _type(x: Any) -> str:
    return f"{dtype_name(x.dtype)}[{','.join(map(str, x.shape))}]"


# -- what is missing -------------------------------------------------------------------------------
def _missing(
    error: ArgumentError, function: Callable[..., Any], args: Sequence[Any], held: Collection[int]
) -> RuleFault | None:
    """The function of which JAX says that it has no rule."""
    del held
    if not isinstance(error.__cause__, AttributeError):
        return None
    raised = _with_all_frames(lambda: jax.eval_shape(lambda: function(*args)))
    frames = traceback.walk_tb(raised.__traceback__ if raised else None)
    called = [frame.f_locals.get("self") for frame, _ in frames]
    found = [x for x in called if isinstance(x, _RULE)]
    if not found:
        return None
    *_, rule = found
    code, name = getattr(inspect.unwrap(rule), "__code__", None), rule.__name__
    where = f"{code.co_filename}:{code.co_firstlineno}" if code else ""
    defines = "defjvp(rule)" if isinstance(rule, jax.custom_jvp) else "defvjp(forward, backward)"
    return RuleFault(name, where, f"it has no rule yet: {name}.{defines} defines one")


def _with_all_frames(call: Callable[[], object]) -> Exception | None:
    """What a call raises, with the frames of JAX in it."""
    before = getattr(jax.config, _FILTERING)
    jax.config.update(_FILTERING, "off")
    try:
        call()
    except Exception as error:
        return error
    finally:
        jax.config.update(_FILTERING, before)
    return None
