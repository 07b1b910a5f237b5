"""What an exception means that was raised while JAX traced or differentiated a function.

What JAX says of derivative rules, and of code that it cannot trace, becomes an error of this
package, with JAX's as its ``__cause__``.  An exception that the code of the function raises, itself
or by what it asks of JAX, is the caller's own: it goes on as it is, with a note of what was run.
"""

from __future__ import annotations

import contextlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax

from jaxgrad.errors import (
    ArgumentError,
    DtypeMismatch,
    JaxgradError,
    NoDerivative,
    ShapeMismatch,
    TraceError,
    TreeMismatch,
)
from jaxgrad.programs.raised_by import is_jaxs_own, is_raised_outside, place

__all__ = [
    "ASKS_FOR_VALUES",
    "DERIVATIVE",
    "KEEPERS",
    "backward_only",
    "errors_named",
    "first_line",
    "is_said_of_derivatives",
]

DERIVATIVE = "the derivative of f"
"""What the derivatives that :func:`jaxgrad.check_grads` makes are called where they are traced."""

KEEPERS = (
    "a derivative rule that closes over an argument of a function under jax.vmap, jax.jit or a "
    "loop, or over a value made in it (make that by numpy, or outside), or that has one of the "
    "arguments in nondiff_argnums; close over that one: `lambda x: f(x, 2.0)`"
)
"""What keeps a value of one trace for another, in words."""


@contextlib.contextmanager
def errors_named(side: str, function: Any, args: Sequence[Any]) -> Iterator[None]:
    """Gives what JAX raises its name here, and notes of what else is raised where it was.

    Args:
        side: what to call the function in a message.
        function: what is traced or run.
        args: its arguments.
    """
    try:
        yield
    except JaxgradError:
        raise
    except Exception as error:
        found = _named(error, side, function, args)
        if found is not None:
            raise found from error
        error.add_note(f"Raised while jaxgrad ran {side}{_hint(error, side, args)}.")
        raise


def is_said_of_derivatives(error: Exception) -> bool:
    """Whether JAX says by it that a derivative is not to be had, or a rule for one malformed."""
    named = _malformed(error, "f") or _without_derivative(error, "f")
    return (named or _gradient_of_no_number(error, "f")) is not None


def _named(error: Exception, side: str, function: Any, args: Sequence[Any]) -> Exception | None:
    """The error of this package; None where the error is the caller's own."""
    if is_raised_outside(error):
        return None
    found = _untraceable(error, side) or _called_wrongly(error, side, function, args)
    whose = "f" if side == DERIVATIVE else f"a function in {side}"
    return (
        found
        or _malformed(error, whose)
        or _without_derivative(error, whose)
        or _gradient_of_no_number(error, side)
    )


# -- what cannot be traced -----------------------------------------------------------------------
# What JAX raises when Python code asks a tracer for its number, as NumPy code does, the most
# special first, and what to write instead.
_ASKED: tuple[tuple[type[Exception], str], ...] = (
    (jax.errors.TracerBoolConversionError,
     "`if`, `while`, `and`, `or` and `not` need one: use jnp.where or jax.lax.cond"),
    (jax.errors.TracerArrayConversionError, "NumPy needs them: call jax.numpy instead"),
    (jax.errors.TracerIntegerConversionError,
     "a length or an index of Python needs one: close over that argument"),
    (jax.errors.NonConcreteBooleanIndexError,
     "how many entries a boolean index picks depends on them: use jnp.where"),
    (jax.errors.ConcretizationTypeError,
     "float(), int(), bool() and .item() need one: leave the array as it is, or use .astype"),
)  # fmt: skip
ASKS_FOR_VALUES = tuple(kind for kind, _ in _ASKED)
"""What JAX raises where a value that it traces is asked for its number."""


# What JAX says of a result that is no array, and of its place in the tree.
_RETURNED = re.compile(
    r"returned a value of type <class '([^']*)'>(?: at output component (\S*))?, which"
)


def _untraceable(error: Exception, side: str) -> Exception | None:
    cannot = f"{side} cannot be traced by JAX"
    for kind, fix in _ASKED:
        if isinstance(error, kind):
            return TraceError(
                f"{cannot}: it asks for the values of its arguments{place(error)}; {fix} "
                f"({type(error).__name__})"
            )
    if isinstance(error, jax.errors.UnexpectedTracerError):
        return TraceError(
            f"{cannot}: a value of one trace was kept for another, as by {KEEPERS} "
            "(UnexpectedTracerError)"
        )
    if isinstance(error, RecursionError):
        return TraceError(
            f"{cannot}: its calls are nested deeper than Python's limit of "
            f"{sys.getrecursionlimit()}; sys.setrecursionlimit raises it"
        )
    text = str(error)
    if isinstance(error, ValueError) and "Non-hashable static arguments" in text:
        return ArgumentError(
            f"{side} has one of the arguments in static_argnums or static_argnames, whose value "
            "JAX has to know; name the others, argnums=0, or close over it: `lambda x: f(x, 3)`"
        )
    if not isinstance(error, TypeError) or "not a valid JAX type" not in text:
        return None
    returned = _RETURNED.search(text)
    if returned:
        at = f" at {returned[2]}" if returned[2] else ""
        return TraceError(
            f"{side} returns a value of type {returned[1]}{at}, which is no array of numbers; "
            "return arrays or Python numbers, in tuples, lists or dicts"
        )
    return TraceError(
        f"{cannot}: it hands JAX what is no array of numbers{place(error)}, as does a derivative "
        f"rule that keeps or returns a string or an object; close over that one ({text})"
    )


# -- what derivative rules are made of -----------------------------------------------------------
# How JAX's message begins, and what the rule has to return.
_WANTED = {
    "Custom VJP fwd": "a fwd rule returns a pair: what the function returns, and what bwd needs",
    "Custom VJP bwd": "a bwd rule returns a tuple of one cotangent for each argument that is not "
    "in nondiff_argnums, of the shape and dtype of that argument",
    "Custom JVP": "a JVP rule returns a pair: what the function returns, and its tangent, of the "
    "same tree, shapes and dtypes",
}


# How JAX's message begins where a custom_vmap is called that nobody gave a rule.
_NO_BATCH = "No batching rule defined for custom_vmap function"

# The two dtypes, before their shapes, where JAX tells of types that do not match.
_TYPES = re.compile(
    r"Expected (\w+)\[.*?but got (\w+)\["
    r"|shapes/dtypes of:\s*(\w+)\[.*shapes/dtypes of:\s*(\w+)\[",
    re.DOTALL,
)


def _malformed(error: Exception, whose: str) -> Exception | None:
    """The error that JAX raises at what a custom rule returns, under its own name."""
    text = str(error)
    if text.startswith(_NO_BATCH):
        return ArgumentError(
            f"{whose} calls a custom_vmap that has no rule: {text.rstrip('.')}; define it with "
            "@function.def_vmap, or take custom_vmap away"
        )
    wanted = next((fix for start, fix in _WANTED.items() if text.startswith(start)), None)
    if wanted is None:
        return None
    message = f"a custom derivative rule of {whose} returns the wrong structure: {text}"
    message = f"{message.rstrip('.')}; {wanted}{_unsummed(text)}"
    types = _TYPES.search(text)
    if types is None and ("structure" in text or "must produce a pair" in text):
        return TreeMismatch(message)
    dtypes = {dtype for dtype in types.groups() if dtype} if types else set()
    return DtypeMismatch(message) if len(dtypes) == 2 else ShapeMismatch(message)


# The shapes of a cotangent and of its argument, where a bwd rule returns another one.
_COTANGENT = re.compile(
    r"produced an output of type \w+\[([\d,]*)\].*input of type \w+\[([\d,]*)\]"
)


def _unsummed(text: str) -> str:
    """What is likely where a cotangent has the shape that its argument was broadcast to."""
    shapes = _COTANGENT.search(text)
    if shapes is None:
        return ""
    given, wanted = (tuple(map(int, filter(None, x.split(",")))) for x in shapes.groups())
    added = len(given) - len(wanted)
    kept = (1,) * added + wanted
    axes = [
        k for k, pair in enumerate(zip(given, kept, strict=False)) if k < added or len({*pair}) > 1
    ]
    if added < 0 or not axes or any(kept[k] != 1 for k in axes):
        return ""
    total = f"jnp.sum(…, axis={axes[0] if len(axes) == 1 else tuple(axes)})"
    shaped = "" if len(axes) == added else f".reshape({wanted})"
    return f"; where the argument is broadcast its cotangent is a sum over that: {total}{shaped}"


# What JAX says where it has no derivative, and what to do where it does not say that itself.
_NO_DERIVATIVE = {
    "No JVP defined for": "; define it with .defjvp, or take jax.custom_jvp away",
    "No VJP defined for": "; define it with .defvjp, or take jax.custom_vjp away",
    "Differentiation rule for": "; give what calls it a jax.custom_jvp rule",
    "Transpose rule": "; give what calls it a jax.custom_vjp rule",
    "-mode differentiation does not work": "",
    "with respect to a closed-over value": "",
    "callbacks do not support JVP": "",
    "Linearization failed": "",
    "Derivatives of": "",
    "does not support higher-order AD": "",
    "transpose_solve required": "",
}


def _without_derivative(error: Exception, whose: str) -> Exception | None:
    text = str(error)
    if "forward-mode autodiff" in text and "custom_vjp" in text:
        return backward_only(whose)
    fix = next((fix for words, fix in _NO_DERIVATIVE.items() if words in text), None)
    if fix is None:
        return None
    reason = f"JAX has none: {text}"
    if isinstance(error, AttributeError):
        where = whose if whose != "f" else "a function in f"
        text = f"JAX has no derivative rule of {where}: {text.rstrip('.')}{fix}"
        return NoDerivative(text, reason)
    return NoDerivative(f"JAX cannot differentiate {whose}: {text.rstrip('.')}{fix}", reason)


def backward_only(whose: str) -> NoDerivative:
    """The error where forward mode meets a ``custom_vjp`` rule."""
    fix = 'pass modes=("rev",)' if whose == "f" else "use jax.grad, jax.vjp or jax.jacrev"
    return NoDerivative(
        f"{whose} has a custom_vjp rule, which JAX cannot differentiate in forward mode; {fix}",
        "JAX has none for a custom_vjp rule",
    )


def _gradient_of_no_number(error: Exception, side: str) -> Exception | None:
    """What jax.grad says of what it was given."""
    text = str(error)
    if not isinstance(error, TypeError):
        return None
    if text.startswith("Gradient only defined for scalar-output"):
        return ArgumentError(
            f"{side} takes jax.grad of a function that does not return one number ({text}); sum "
            "its result, or take jax.jacobian"
        )
    if "grad requires" not in text and "requires real- or complex-valued" not in text:
        return None
    if "outputs" in text:
        return ArgumentError(
            f"{side} differentiates a function whose result is not floating point ({text}); "
            "return a float: result.astype(float)"
        )
    return ArgumentError(
        f"{side} differentiates with respect to an argument that is not floating point "
        f"({text}); convert it with jnp.asarray(x, float) or differentiate another argument"
    )


# -- calls ---------------------------------------------------------------------------------------
# What Python says of a call that does not fit the parameters.
_UNFIT = re.compile(r"\(\) (takes|missing|got an unexpected keyword|got multiple values)")


def fits_no_call(text: str) -> bool:
    """Whether Python says that a call does not fit the parameters of a function.

    Example:
        >>> fits_no_call("sine_bwd() takes 1 positional argument but 2 were given")
        True
    """
    return _UNFIT.search(text) is not None


def _called_wrongly(
    error: Exception, side: str, function: Callable[..., Any], args: Sequence[Any]
) -> Exception | None:
    """Where it was JAX, or this package, that called a function of the caller's."""
    text = str(error)
    if not isinstance(error, TypeError) or not _UNFIT.search(text):
        return None
    if not _takes(function, len(args)) or _is_it(function, text):
        count = f"{len(args)} argument{'s' if len(args) != 1 else ''}"
        what = f"{side} is called with {count}, which it does not take: {text}"
        return ArgumentError(what + _of_a_method(function))
    if not is_jaxs_own(error):
        return None
    where = "of f" if side == DERIVATIVE else f"in {side}"
    return ArgumentError(
        f"a custom derivative rule {where} takes other arguments than JAX gives it: {text}; "
        f"{_PARAMETERS}"
    )


def _of_a_method(function: Callable[..., Any]) -> str:
    """What to do where a function is a method of a class, and of no instance yet."""
    try:
        first = next(iter(inspect.signature(function).parameters), "")
    except (TypeError, ValueError):  # it does not tell
        return ""
    if first != "self":
        return ""
    name = getattr(function, "__qualname__", "").rpartition(".")
    return f"; it is a method: give that of an instance, `{name[0] or 'instance'}(...).{name[2]}`"


def _is_it(function: Callable[..., Any], text: str) -> bool:
    """Whether Python names the function itself, whose signature takes any number of arguments."""
    try:
        kinds = [x.kind for x in inspect.signature(function).parameters.values()]
    except (TypeError, ValueError):  # it does not tell
        return False
    name = getattr(function, "__name__", "")
    return inspect.Parameter.VAR_POSITIONAL in kinds and text.startswith(f"{name}()")


_PARAMETERS = (
    "a fwd rule takes the arguments of the function, a bwd rule (residuals, cotangent) and a JVP "
    "rule (primals, tangents), the last two after those in nondiff_argnums"
)


def _hint(error: Exception, side: str, args: Sequence[Any]) -> str:
    """What may be the matter where JAX's frames are taken out of the traceback."""
    if isinstance(error, TypeError) and _UNFIT.search(str(error)):
        return f"; if that is a derivative rule: {_PARAMETERS}"
    if side in ("hand", "auto") and len(args) == 1 and type(args[0]) is tuple:
        return (
            "; the one argument is a tuple, and `compare` takes arguments as they are: "
            "compare(hand, auto, x, y)"
        )
    return ""


def _takes(function: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # it does not tell
        return True
    return True


def first_line(error: BaseException) -> str:
    """The kind of an error, and how its message begins.

    Example:
        >>> first_line(ValueError("of many" + chr(10) + "lines"))
        'ValueError: of many'
        >>> first_line(AssertionError())
        'AssertionError'
    """
    first = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first}".removesuffix(": ")
