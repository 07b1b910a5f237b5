"""Which rule gives a primitive its meaning, and the names JAX's releases use for one thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jaxgrad.errors import UnsupportedPrimitive

__all__ = ["CALLS", "RULES", "Rule", "inner_jaxpr", "rule", "scan_counts"]

Rule = Callable[..., Any]

RULES: dict[str, Rule] = {}
"""Primitive name -> rule(interpreter, equation, inputs) -> one output or a list of outputs."""


CALLS = (
    "jit",
    "closed_call",  # until jax 0.11, like "call"
    "call",
    "remat2",
    "custom_jvp_call",
    "custom_vjp_call",
    "composite",
    "eval_jaxpr",  # since jax 0.12
    "linear_call",
    "custom_vmap_call",
)
"""Primitives that run a program inside; of a custom rule that is the primal."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Registers a rule for the primitives of these names."""

    def register(function: Rule) -> Rule:
        for name in names:
            RULES[name] = function
        return function

    return register


def inner_jaxpr(params: dict[str, Any]) -> Any:
    """The program inside a call, whatever the release names it.

    ``jit`` has ``jaxpr``, ``custom_jvp_call`` and ``closed_call`` have ``call_jaxpr``, and
    ``linear_call`` has a ``callee`` and ``custom_vmap_call`` a ``call``.
    """
    for name in ("jaxpr", "call_jaxpr", "callee", "call"):
        if name in params:
            return params[name]
    raise UnsupportedPrimitive(f"a call whose parameters {sorted(params)} hold no jaxpr")


def scan_counts(params: dict[str, Any]) -> tuple[int, int]:
    """How many inputs of a scan are constants, and how many are carried.

    Until jax 0.11 they are parameters; since then a tree of the inputs says it.
    """
    if "num_consts" in params:
        return params["num_consts"], params["num_carry"]
    constants, carry, _ = params["ft_in"].unpack()
    return len(constants), len(carry)
