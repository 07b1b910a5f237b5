"""The programs that JAX makes of a function and of its derivatives under ``jax.vmap``."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import DtypeMismatch, JaxgradError, NoDerivative, ShapeMismatch, TraceError
from jaxgrad.gradients.rules.batches import Batch
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.derived import Derived, traced
from jaxgrad.gradients.rules.primal import Leaves
from jaxgrad.programs.jaxprs import CUSTOM_VMAP, holds_primitive
from jaxgrad.programs.raised_by import is_raised_outside
from jaxgrad.programs.vmap_returns import VmapRule
from jaxgrad.programs.vmap_rules import closes_over, malformed, with_rules
from jaxgrad.programs.vmap_watch import Seen, rules_watched

__all__ = ["batched_program", "programs_of"]

ROWS = 2


def batched_program(
    rules: DerivativePrograms, batch: Batch, kept: Collection[VmapRule] | None = None
) -> Derived:
    """A batch of two rows of the function, or of a first derivative of it.

    Args:
        rules: the derivative programs.
        batch: what differs from row to row.
        kept: the rules of custom_vmap by which JAX batches it; all of them if None.

    Raises:
        NoDerivative: JAX has none for a batch.
        ArgumentError, TreeMismatch, ShapeMismatch, DtypeMismatch: a batching rule takes or returns
            something else than JAX gives and wants.
    """
    programs = programs_of(rules, batch)
    others = any(holds_primitive(program, (CUSTOM_VMAP,)) for program in programs)
    with rules_watched() if others else contextlib.nullcontext(Seen()) as seen:
        try:
            many = (_derivative if batch.mode else _values)(rules, batch, kept)
        except Exception as error:
            wrong = _closing(error, programs) or _malformed(error, programs, seen)
            if wrong is not None:
                raise wrong from error
            raise
    _require_outputs(rules, batch, many, seen)
    return many


def _closing(error: Exception, programs: Sequence[Any]) -> NoDerivative | None:
    """The error of a function that closes over what is batched, which JAX asserts not to be so."""
    rule = closes_over(*programs)
    if rule is None or not isinstance(error.__cause__ or error, AssertionError):
        return None
    text = (
        f"JAX has no batch by {rule}, as its function closes over a value that is batched; make "
        "that an argument of it"
    )
    return NoDerivative(text, text)


def _malformed(error: Exception, programs: Sequence[Any], seen: Seen) -> JaxgradError | None:
    """The error of a rule whose result JAX takes at first, as within the branch of a ``cond``.

    JAX keeps what it made of a branch, so that it may not ask its rules again.
    """
    unnamed = isinstance(error, NoDerivative | TraceError) or not isinstance(error, JaxgradError)
    if not unnamed or is_raised_outside(error.__cause__ or error):
        return None
    return seen.first or malformed(*programs)


def programs_of(rules: DerivativePrograms, batch: Batch) -> list[Any]:
    """The programs whose rules JAX may call for a batch: of the function, and of a derivative."""
    found = [rules.primal.program]
    if batch.mode:
        found.append(rules[(batch.mode,)].program)
    return [program.jaxpr for program in found]


def _derivative(
    rules: DerivativePrograms, batch: Batch, kept: Collection[VmapRule] | None
) -> Derived:
    one, batched = rules[(batch.mode,)], (batch.x, batch.moved)
    function = one.function
    if kept is not None:
        run = with_rules(one.program.jaxpr, kept)
        function = lambda x, moved: run(*x, *moved)  # noqa: E731
    args = tuple(tuple(map(_twice, *pair)) for pair in zip(one.args, batched, strict=True))
    axes = tuple(tuple(map(_axis, leaves)) for leaves in batched)
    return traced(jax.vmap(function, axes), args, one.values)


def _values(rules: DerivativePrograms, batch: Batch, kept: Collection[VmapRule] | None) -> Derived:
    """Of the leaves that are floating point; all that are held fixed are constants of it."""
    primal, batched = rules.primal, batch.x
    leaves = primal.program.inputs
    every = [_twice(leaf.value, many) for leaf, many in zip(leaves, batched, strict=True)]
    run = None if kept is None else with_rules(primal.program.jaxpr, kept)
    mapped = jax.vmap(lambda *x: primal.of_all(x, run), tuple(map(_axis, batched)))

    def values(x: Leaves) -> list[Any]:
        found = list(map(jnp.asarray, every))  # JAX wants its own arrays within rules
        for i, leaf in zip(primal.moving, x, strict=True):
            found[i] = leaf
        return mapped(*found)

    return traced(values, (tuple(every[i] for i in primal.moving),), len(primal.outputs))


def _twice(leaf: Any, many: bool) -> Any:
    return np.stack([leaf] * ROWS) if many else leaf


def _axis(many: bool) -> int | None:
    return 0 if many else None


def _require_outputs(rules: DerivativePrograms, batch: Batch, many: Derived, seen: Seen) -> None:
    """Refuses a batch of other shapes or dtypes, which a rule of somebody's own may make.

    Args:
        seen: what is wrong with the results of rules that JAX took.

    Raises:
        ShapeMismatch, DtypeMismatch: there is one.
    """
    seen.require_dtypes()
    one = rules[(batch.mode,)].program.outputs if batch.mode else rules.primal.outputs
    whose = f"{batch.mode} of f" if batch.mode else "f"
    for k, (alone, found) in enumerate(zip(one, many.program.outputs, strict=True)):
        meant = (ROWS, *alone.shape)
        if found.shape != meant:
            raise seen.first or ShapeMismatch(
                f"under jax.vmap{batch.over} result {k} of {whose} has shape {found.shape} for a "
                f"batch of {ROWS}, and should have {meant}: the rule of a custom_vmap returns "
                "another shape, or says of what it batches that it does not (out_batched); return "
                "every result with the axis of the batch in front, and True for it"
            )
        if found.dtype != alone.dtype:
            raise DtypeMismatch(
                f"under jax.vmap{batch.over} result {k} of {whose} has dtype {found.dtype}, and "
                f"without it {alone.dtype}: the rule of a custom_vmap, or of a primitive, returns "
                "another dtype; cast it with .astype"
            )
