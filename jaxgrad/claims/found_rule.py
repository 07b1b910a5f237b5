"""A custom derivative rule of a package: where it is, and how it is checked."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import jax

__all__ = ["TYPES", "FoundRule", "is_of", "place_of_rule", "rule_of"]

# What JAX makes a function with a rule.
TYPES = {"custom_jvp": jax.custom_jvp, "custom_vjp": jax.custom_vjp}
# Decorators about a rule.
_WRAPPED = 8


@dataclass(frozen=True)
class FoundRule:
    """A custom derivative rule.

    Args:
        kind: what makes it, such as ``custom_vjp``.
        name: ``module:function`` of the function that has it, or that makes it when it is called.
        file, line: where that is.
        inside: whether it is made when the function is called.
        missing: whether the function has no rule yet.
        arguments: as ``jaxgrad check`` takes them, at which JAX differentiates the function; None
            where none of those that are tried does.
    """

    kind: str
    name: str
    file: str
    line: int
    inside: bool = False
    missing: bool = False
    arguments: tuple[str, ...] | None = None


def rule_of(value: Any) -> Any:
    """The function with a custom rule that a value is, or wraps, as ``jax.jit`` does.

    Example:
        >>> rule_of(jax.jit(jax.nn.relu)) is rule_of(jax.nn.relu)
        True
    """
    for _ in range(_WRAPPED):
        if type(value) in TYPES.values():
            return value
        try:
            value = getattr(value, "__wrapped__", None)
        except Exception:  # what stands for something that is loaded when it is used
            return None
    return None


def is_of(module: str | None, package: str) -> bool:
    """Whether a module is a package, or in it.

    Example:
        >>> is_of("optax.losses", "optax"), is_of("optax_more", "optax")
        (True, False)
    """
    return module is not None and f"{module}.".startswith(f"{package}.")


def place_of_rule(rule: Any) -> tuple[str, int]:
    """The file and line at which a rule is defined; an empty file where nobody knows."""
    code = getattr(inspect.unwrap(rule), "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code else ("", 0)
