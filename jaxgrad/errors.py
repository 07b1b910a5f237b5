"""Every exception the package raises: what went wrong, where, the likely cause and the fix."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "ArgumentError",
    "CannotDecide",
    "DtypeMismatch",
    "EnginesDisagree",
    "GradientMismatch",
    "JaxgradError",
    "MissingExtra",
    "NoDerivative",
    "NonFiniteInput",
    "OpaquePrimitive",
    "PropertyRefuted",
    "RuleFault",
    "ShapeMismatch",
    "TraceError",
    "TreeMismatch",
    "UndecidedError",
    "UnsupportedPrimitive",
    "kind_of",
]


def kind_of(value: object) -> str:
    """What an object is, for a message.

    Example:
        >>> kind_of(3), kind_of([]), kind_of(None)
        ('an int', 'a list', 'None')
    """
    if value is None:
        return "None"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIO' else 'a'} {name}"


class JaxgradError(Exception):
    """Base class of every error that the package raises on purpose."""


@dataclass(frozen=True)
class RuleFault:
    """A custom derivative rule that is malformed, or missing.

    Args:
        name: of the function that it is for.
        where: the file and line of that; empty if not known.
        what: what is wrong with it.

    Example:
        >>> print(RuleFault("norm", "norms.py:3", "bwd returns 1 cotangent for 2 arguments"))
        `norm` (norms.py:3): bwd returns 1 cotangent for 2 arguments
    """

    name: str
    where: str
    what: str

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        return f"`{self.name}`{place}: {self.what}"


class ArgumentError(JaxgradError, ValueError):
    """An argument is outside what the function accepts (unknown mode, empty network, ...)."""

    fault: RuleFault | None = None
    """The custom rule that it is about, where one is known."""


class NonFiniteInput(ArgumentError):
    """A leaf of the arguments holds NaN or an infinity, so no real number is meant."""


class NoDerivative(ArgumentError):
    """JAX has no derivative of the function in this mode; ``reason`` says why in short."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class TreeMismatch(ArgumentError):
    """The two sides return different trees."""


class ShapeMismatch(ArgumentError):
    """Two leaves at the same key path have different shapes."""


class DtypeMismatch(ArgumentError):
    """Two leaves at the same key path have different dtypes."""


class CannotDecide(JaxgradError):
    """Evaluation stopped for want of precision, of a budget or of a rule; the text says which."""


class TraceError(JaxgradError):
    """A callable could be run neither by JAX's tracer nor over exact numbers."""


class UnsupportedPrimitive(JaxgradError, NotImplementedError):
    """A primitive has no rule in this number system; the message says how to add one."""


class OpaquePrimitive(UnsupportedPrimitive):
    """A kernel or a callback was to be read, which has no program: it only returns floats."""


class EnginesDisagree(JaxgradError, RuntimeError):
    """Two engines contradict each other, so one of them is wrong: a bug of this package."""


class MissingExtra(JaxgradError, ImportError):
    """An optional package is needed; the message names the extra that installs it."""


class _FailedCheck(JaxgradError, AssertionError):
    """A check that does not pass; ``check`` is what came of it, or None."""

    def __init__(self, message: str = "", check: object = None) -> None:
        super().__init__(message)
        self.check = check


class GradientMismatch(_FailedCheck):
    """Two gradients differ, or one is not what was said of it everywhere.

    The message carries the counterexample.

    Args:
        message: the verdict, what it rests on and the code that shows it.
        check: the :class:`~jaxgrad.Comparison`, :class:`~jaxgrad.GradientCheck` or
            :class:`~jaxgrad.Region` that says so, or None.

    Example:
        >>> import jaxgrad
        >>> from jax import numpy as jnp
        >>> try:
        ...     jaxgrad.compare(jnp.sin, jnp.cos, 0.5).assert_agrees()
        ... except GradientMismatch as error:
        ...     print(error.check.verdict)
        REFUTED

    Source: docs/verdicts.md.
    """


class PropertyRefuted(_FailedCheck):
    """A property of :mod:`jaxgrad.properties` fails, and the message carries the counterexample.

    Args:
        message: the verdict, the counterexample and the code that shows it.
        check: the :class:`~jaxgrad.Evidence` that says so, or None.

    Example:
        >>> import jax, jaxgrad
        >>> try:
        ...     jaxgrad.properties.derivative_below(jax.nn.sigmoid, 0.2, dtypes="float32")
        ... except PropertyRefuted as error:
        ...     print(error.check.verdict)
        REFUTED

    Source: docs/hypothesis.md.
    """


class UndecidedError(_FailedCheck):
    """The question could not be settled, which is never counted as agreement.

    Args:
        message: the reason.
        check: the :class:`~jaxgrad.Comparison`, :class:`~jaxgrad.GradientCheck` or
            :class:`~jaxgrad.Region` that says so, or None.

    Example:
        >>> issubclass(UndecidedError, AssertionError)  # so that a test that raises it fails
        True

    Source: docs/verdicts.md.
    """


# By these names they are public, and shown: pytest's summary of a test has one line for them.
_PUBLIC = (GradientMismatch, JaxgradError, UndecidedError)
for _each in _PUBLIC:
    _each.__module__ = "jaxgrad"
__test__ = {each.__name__: each for each in _PUBLIC}  # their examples are still of this module
