"""What the rule of a ``custom_vmap`` returns for a batch, held against what JAX takes of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.tree_util import (
    keystr,
    tree_flatten,
    tree_flatten_with_path,
    tree_leaves,
    tree_map,
    tree_structure,
    tree_unflatten,
)

from jaxgrad.errors import (
    ArgumentError,
    DtypeMismatch,
    JaxgradError,
    ShapeMismatch,
    TraceError,
    TreeMismatch,
    kind_of,
)
from jaxgrad.programs.jaxprs import source_name, source_place

__all__ = ["Asked", "VmapRule", "asked", "fits", "rule_of", "written", "wrong_return"]


@dataclass(frozen=True)
class VmapRule:
    """The rule of one ``custom_vmap``.

    Args:
        name: of the function that it is for.
        where: the file and line of that.
        written: those of the rule itself, where they are known.
    """

    name: str
    where: str
    written: str = field(default="", compare=False)

    def __str__(self) -> str:
        where = self.written or self.where
        place = f" ({where})" if where else ""
        return f"the custom_vmap rule of `{self.name}`{place}"


def written(rule: Any) -> Callable[..., Any] | None:
    """What was given to ``def_vmap``; None of the rule that JAX makes for a derivative."""
    return getattr(rule, "rule", None)


def rule_of(program: Any, rule: Any) -> VmapRule:
    """The rule that JAX keeps beside the program of its function."""
    code = getattr(written(rule), "__code__", None)
    place = "" if code is None else f"{code.co_filename}:{code.co_firstlineno}"
    return VmapRule(source_name(program), source_place(program), place)


# -- what a rule is asked --------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """A rule, and a batch that JAX asks it for.

    Args:
        rule: which one.
        written: what was given to ``def_vmap``.
        size: the rows of the batch.
        args: the arguments of one call, as a tree of shapes and dtypes.
        batched: the same tree of booleans.
        out_tree: the tree of what the function returns.
        outputs: their shapes and dtypes.
    """

    rule: VmapRule
    written: Callable[..., Any]
    size: int
    args: tuple[Any, ...]
    batched: tuple[Any, ...]
    out_tree: Any
    outputs: tuple[Any, ...]

    def result(self) -> list[Any]:
        """What the rule returns, within a list; nothing where it cannot deal with that."""
        found: list[Any] = []
        flat, tree = tree_flatten(self.args)
        flags = tree_leaves(self.batched)

        def ask(*values: Any) -> tuple[()]:
            args = tree_unflatten(tree, values)
            found.append(self.written(self.size, list(self.batched), *args))
            return ()

        shapes = [
            jax.ShapeDtypeStruct((self.size, *aval.shape) if many else aval.shape, aval.dtype)
            for aval, many in zip(flat, flags, strict=True)
        ]
        try:
            jax.eval_shape(ask, *shapes)
        except Exception:  # whatever a rule raises of arguments that it is not for
            return []
        return found


def asked(params: dict[str, Any], size: int, batched: list[bool]) -> Asked | None:
    """What JAX asks the caller's rule where it batches a ``custom_vmap``.

    Of a derivative JAX makes the rule: it asks the caller's for what is batched in both a primal
    and its tangent.

    Args:
        params: of the primitive.
        size: the rows of the batch.
        batched: for each input whether it is.

    Returns:
        None where the caller's rule is not found in that of a derivative.
    """
    rule, program, out_tree = params["rule"], params["call"], params["out_tree"]
    flags = tree_unflatten(params["in_tree"], batched)
    avals = tree_unflatten(params["in_tree"], program.in_avals)
    while written(rule) is None:
        within = inspect.getclosurevars(rule).nonlocals
        if not {"rule", "call", "out_tree"} <= set(within):
            return None
        rule, program, out_tree = within["rule"], within["call"], within["out_tree"]
        flags, avals = tree_map(lambda p, t: p and t, *flags), avals[0]
    (_, flags), (_, avals) = flags, avals
    outputs = tuple(program.out_avals)
    return Asked(rule_of(program, rule), written(rule), size, avals, flags, out_tree, outputs)  # type: ignore[arg-type]


# -- what it returns -------------------------------------------------------------------------------


def wrong_return(batch: Asked) -> JaxgradError | None:
    """The error of a rule that takes or returns what JAX does not give or want; None where it
    cannot deal with the batch at all."""
    try:
        inspect.signature(batch.written).bind(batch.size, [], *batch.args)
    except TypeError as error:
        return ArgumentError(
            f"{batch.rule} takes other arguments than JAX gives it: {error}; under def_vmap a "
            "rule takes (axis_size, in_batched, *args)"
        )
    except ValueError:  # it does not tell
        pass
    for result in batch.result():
        return _not_a_pair(batch, result) or _other_trees(batch, *result) or _odd(batch, *result)
    return None


_PAIR = (
    "a pair: what the function returns, every result with the axis of the batch in front, and the "
    "same tree of booleans, whether each is batched"
)


def _not_a_pair(batch: Asked, result: Any) -> JaxgradError | None:
    kind, fix = "a single value", "write `return out, True`"
    if result is None:
        kind, fix = "None", "its `return` may be missing: write `return out, True`"
    elif isinstance(result, tuple | list):
        kind = f"{kind_of(result)} of {len(result)}"
        if len(result) == 2:
            if not _is_swapped(*result):
                return None
            kind = "first the booleans and then the results"
    return TreeMismatch(
        f"{batch.rule} returns {kind}, and has to return {_PAIR}; {fix}, or with jax.tree.map for "
        "several results"
    )


def _is_swapped(out: Any, batched: Any) -> bool:
    """Whether the first of a pair is made of booleans of Python and the second of arrays."""
    first, second = tree_leaves(out), tree_leaves(batched)
    arrays = jax.Array | np.ndarray
    return (
        bool(first and second)
        and all(isinstance(leaf, bool | np.bool_) for leaf in first)
        and all(isinstance(leaf, arrays) and leaf.dtype != bool for leaf in second)
    )


def _other_trees(batch: Asked, out: Any, batched: Any) -> JaxgradError | None:
    wanted, found = batch.out_tree, tree_structure(out)
    if found != wanted:
        return TreeMismatch(
            f"{batch.rule} returns the tree {found} for a batch, and the function returns "
            f"{wanted}; a rule returns {_PAIR}"
        )
    if tree_structure(batched) != wanted:
        return TreeMismatch(
            f"{batch.rule} says by the tree {tree_structure(batched)} which of its results are "
            f"batched, and these are {wanted}; return for out_batched one boolean in the place of "
            "each result, jax.tree.map(lambda _: True, out)"
        )
    return None


def _odd(batch: Asked, out: Any, batched: Any) -> JaxgradError | None:
    """The error of the first result that is not what the function returns, for a batch."""
    results, flags = tree_flatten_with_path(out)[0], tree_leaves(batched)
    for (path, value), flag, meant in zip(results, flags, batch.outputs, strict=True):
        name = f"result{keystr(path)}" if path else "its result"
        error = (
            _no_boolean(batch, name, flag)
            or _no_array(batch, name, value)
            or _other_shape(batch, name, jnp.shape(value), flag, meant)
            or _other_dtype(batch, name, jax.typeof(value).dtype, meant)
        )
        if error is not None:
            return error
    return None


_ANY = "any(jax.tree.leaves(in_batched))"


def _no_boolean(batch: Asked, name: str, flag: Any) -> JaxgradError | None:
    """JAX takes a number for a boolean, too."""
    if isinstance(flag, Tracer) and flag.shape == ():
        return TraceError(
            f"{batch.rule} computes in JAX whether {name} is batched, and JAX has to know that "
            f"where it traces; return for out_batched a boolean of Python, such as {_ANY}"
        )
    if isinstance(flag, int | np.bool_) or _is_one_boolean(flag):
        return None
    said = f"an array of shape {jnp.shape(flag)}" if hasattr(flag, "shape") else f"{flag!r:.40}"
    return ArgumentError(
        f"{batch.rule} says by {said} whether {name} is batched, which is no boolean; return True "
        f"or False for out_batched, such as {_ANY}"
    )


def _is_one_boolean(flag: Any) -> bool:
    return isinstance(flag, jax.Array | np.ndarray) and flag.shape == () and flag.dtype == bool


def _no_array(batch: Asked, name: str, value: Any) -> JaxgradError | None:
    try:
        jax.typeof(value)
    except TypeError:
        return ArgumentError(
            f"{batch.rule} returns {kind_of(value)} for {name}, which is no array of "
            "numbers; return what the function returns, with the axis of the batch in front"
        )
    return None


def _other_shape(
    batch: Asked, name: str, found: tuple[int, ...], flag: Any, meant: Any
) -> JaxgradError | None:
    rows = (batch.size, *meant.shape)
    wanted = rows if flag else meant.shape
    if found == wanted:
        return None
    fix = "return every result with the axis of the batch in front, and True for it"
    if found == rows:
        fix = "return True for it"
    elif flag and not any(tree_leaves(batch.batched)):
        fix = f"nothing is batched there, as in jax.jacfwd: return {_ANY}"
    elif flag and found == meant.shape:
        fix = "keep the axis of the batch, in front, which a sum over all axes takes away, too"
    elif flag and found == (*meant.shape, batch.size):
        fix = "put the axis of the batch in front: jnp.moveaxis(out, -1, 0)"
    return ShapeMismatch(
        f"{batch.rule} returns shape {found} for {name} of a batch of {batch.size} and says "
        f"{bool(flag)} for out_batched, where in_batched is {list(batch.batched)}, and the shape "
        f"should be {wanted}; {fix}"
    )


def _other_dtype(batch: Asked, name: str, found: Any, meant: Any) -> JaxgradError | None:
    if found == meant.dtype:
        return None
    return DtypeMismatch(
        f"{batch.rule} returns dtype {found} for {name}, and the function returns {meant.dtype}; "
        f'cast it with .astype("{meant.dtype}")'
    )


def fits(outs: Iterable[Any], batched: Iterable[bool], outputs: Iterable[Any], size: int) -> bool:
    """Whether the results of a batch are what a function returns, for a batch.

    Args:
        outs: the results.
        batched: which of them are said to be batched.
        outputs: the shapes and dtypes of one call.
        size: the rows of the batch.
    """
    try:
        return all(
            jnp.shape(out) == ((size, *meant.shape) if many else meant.shape)
            and (jax.typeof(out).dtype == meant.dtype or meant.dtype == jax.dtypes.float0)
            for out, many, meant in zip(outs, batched, outputs, strict=True)
        )
    except TypeError:  # no array
        return False
