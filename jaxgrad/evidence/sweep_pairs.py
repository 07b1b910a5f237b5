"""Evaluate a compiled function of two narrow floats at every pair of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import ArgumentError, JaxgradError
from jaxgrad.evidence.dependence import reads
from jaxgrad.evidence.float_formats import UNSIGNED, Float, Format, format_of
from jaxgrad.evidence.pass_options import checked_options
from jaxgrad.evidence.predicates import Predicate, of_each_pair
from jaxgrad.evidence.swept_arguments import output_dtype
from jaxgrad.evidence.swept_pairs import FailingPair, SweptPairs
from jaxgrad.evidence.tiled_pass import TILE, TiledPass
from jaxgrad.evidence.told_programs import require_told
from jaxgrad.numbers.progress import Progress
from jaxgrad.programs.debug_modes import without_debug_modes
from jaxgrad.programs.jax_errors import errors_named
from jaxgrad.programs.trace import require_function
from jaxgrad.programs.traced_values import require_values
from jaxgrad.verdict import Evidence, Verdict

__all__ = ["sweep_pairs"]

_WIDEST = 16  # bits; pairs of wider floats are too many
_FAILS, _NAN = 1, 2  # rows


def sweep_pairs(
    f: Callable[[Any, Any], Any],
    dtypes: tuple[Any, Any],
    holds: Callable[[Any, Any, Any], Any],
    *,
    devices: Sequence[Any] | None = None,
    tile: int = TILE,
    keep: str | os.PathLike[str] | None = None,
    part: tuple[int, int] = (0, 1),
) -> SweptPairs:
    """Evaluate a function of two scalars at every pair of floats and check a predicate at each.

    For all x and y of the dtypes that are not NaN, holds(x, y, f(x, y)): as ``sweep`` does it of
    single floats. Of two dtypes of 16 bits there are 2^32 pairs, as many as float32 has values.

    Args:
        f: scalars () of the two dtypes -> scalar (), e.g. ``jax.grad(jnp.hypot, argnums=1)``.
        dtypes: two of ``float_dtypes``, of 16 bits or fewer.
        holds: (x, y, z) of shape (n,) -> bool of shape (n,), elementwise, for any n.
        devices: where to run; every local device unless given.
        tile: pairs per tile, a power of two. Changes nothing but the time.
        keep: a folder in which tallies of finished tiles are kept, as by ``sweep``.
        part: (index, count), to each of several processes its own, with the same ``keep``.

    Raises:
        ArgumentError: a dtype cannot be swept or is too wide, an option is none of its kind, the
            call is within a traced function, f does not return one real scalar, ``holds`` does
            not return booleans or does not look at z, or with ``keep`` one of the two calls a
            Python function or a library that its program does not hold.
        NoDerivative, TreeMismatch, ShapeMismatch, DtypeMismatch, TraceError: f cannot be traced.

    Example:
        >>> narrow = "float8_e5m2"
        >>> sum_ = sweep_pairs(lambda x, y: x + y, (narrow, narrow), lambda x, y, z: z == y + x)
        >>> sum_.failures, sum_.nan_outputs  # ∞ − ∞ and −∞ + ∞, which equal nothing
        (2, 2)

    Source: claims A6 and F6.
    """
    given = tuple(dtypes) if isinstance(dtypes, list | tuple) else ()
    if len(given) != 2:
        raise ArgumentError(
            f"sweep_pairs: dtypes is {dtypes!r:.60}; give two, such as ('float16', 'float16')"
        )
    first, second = map(format_of, given)
    if max(first.bits, second.bits) > _WIDEST:
        raise ArgumentError(
            f"sweep_pairs: pairs of {first.name} and {second.name} are too many; take dtypes of "
            f"{_WIDEST} bits or fewer, or hold one argument fixed and sweep the other"
        )
    for name, function in {"f": f, "holds": holds}.items():
        require_function(function, f"sweep_pairs: {name}")
    options = checked_options("sweep_pairs", devices, tile, keep, part)
    format = _PairFormat(first.dtype, second)
    with without_debug_modes():  # a compiled program is what is swept
        require_values("sweep_pairs")
        output = output_dtype("sweep_pairs", f, first.dtype, second.dtype)
        rows = _rows(holds, format, output)
        tile = min(tile, 2 ** (format.bits - 4))  # so that an interrupt is heard between two
        if keep is not None:
            each = (first.dtype, second.dtype, output)
            x, y, z = (jax.ShapeDtypeStruct((tile,), dtype) for dtype in each)
            asked = {"f": (jax.vmap(f), (x, y)), "holds": (rows[1], ((x, y), z))}
            require_told("sweep_pairs", asked, options.devices)
        done = _PairsPass(f, format, rows, tile, options.devices, options.folder(), options.part)
        with Progress().followed(done.so_far):
            return _concluded(done)


@dataclass(frozen=True)
class _PairFormat(Format):
    """Pairs of floats as one pattern: that of the first, and below it that of the second."""

    second: Format

    @property
    def name(self) -> str:
        return f"{self.dtype.name} and {self.second.name}"

    @cached_property
    def first(self) -> Format:
        """That of the upper part."""
        return Format(self.dtype)

    @cached_property
    def bits(self) -> int:
        return self.first.bits + self.second.bits

    @property
    def numbers(self) -> int:
        return self.first.numbers * self.second.numbers

    def parts(self, bits: Any) -> tuple[Any, Any]:
        """The patterns of the two floats."""
        width = self.second.bits
        if isinstance(bits, int):
            return bits >> width, bits & (2**width - 1)
        return bits >> np.uint32(width), bits & np.uint32(2**width - 1)

    def is_nan(self, bits: jax.Array) -> jax.Array:
        upper, lower = self.parts(bits)
        return self.first.is_nan(upper) | self.second.is_nan(lower)


class _PairsPass(TiledPass):
    name = "sweep_pairs"
    few_by_masks = False
    format: _PairFormat

    def _formats(self) -> tuple[Format, Format]:
        return self.format.first, self.format.second

    @property
    def _like(self) -> Any:
        return tuple(jax.ShapeDtypeStruct((self.tile,), each.dtype) for each in self._formats())

    def _inputs(self, base: jax.Array) -> tuple[jax.Array, Any]:
        bits = base + jnp.arange(self.tile, dtype=jnp.uint32)
        floats = [
            jax.lax.bitcast_convert_type(part.astype(UNSIGNED[each.bits]), each.dtype)
            for part, each in zip(self.format.parts(bits), self._formats(), strict=True)
        ]
        return bits, tuple(floats)

    def _outputs(self, x: Any) -> jax.Array:
        return jax.vmap(self._f)(*x)

    def so_far(self) -> str:
        """What is known while tiles are counted."""
        checked, format = int(self._done.sum()) * self.tile, self.format
        return (
            f"sweep_pairs evaluated {checked} of {2**format.bits} pairs of {format.name}; the "
            f"predicate fails at {self.total(_FAILS)} of these"
        )

    def total(self, row: int) -> int:
        """At how many pairs a row holds."""
        return int(self.counts[:, row].sum(dtype=np.int64))

    def _first_failing(self, number: int, counts: np.ndarray) -> FailingPair:
        masks, z = self._again(number, counts)
        place = int(np.flatnonzero(masks[_FAILS])[0])
        patterns = self.format.parts(number * self.tile + place)
        x, y = (Float(f.dtype, bits) for f, bits in zip(self._formats(), patterns, strict=True))
        return FailingPair(x, y, z[place])

    def first_failing(self) -> FailingPair | None:
        """The first pair at which the predicate fails."""
        failing = np.flatnonzero(self.counts[:, _FAILS])
        if not failing.size:
            return None
        number = int(failing[0])
        return self._first_failing(number, self.counts[number])


def _rows(
    holds: Callable[[Any, Any, Any], Any], format: _PairFormat, output: np.dtype
) -> list[Predicate]:
    each = of_each_pair("sweep_pairs: holds", holds)
    some = [
        jax.ShapeDtypeStruct((2,), dtype) for dtype in (format.dtype, format.second.dtype, output)
    ]
    with errors_named("sweep_pairs: holds", holds, tuple(some)):
        looks = reads("sweep_pairs: holds", each, *some)
    if not looks[2]:
        raise ArgumentError(
            "sweep_pairs: holds does not look at z, so it says nothing of the function: compare z "
            "with something"
        )
    inexact = jnp.issubdtype(output, jnp.inexact)
    return [
        lambda x, z: jnp.ones(z.shape, bool),
        lambda x, z: ~each(*x, z),
        lambda x, z: jnp.isnan(z) if inexact else jnp.zeros(z.shape, bool),
    ]


def _concluded(done: _PairsPass) -> SweptPairs:
    format, visited = done.format, done.total(0)
    if visited != format.numbers:
        raise JaxgradError(
            f"sweep_pairs visited {visited} pairs of {format.numbers}: please report"
        )
    failing, failures, nans = done.first_failing(), done.total(_FAILS), done.total(_NAN)
    text = (
        f"f was evaluated at all {2**format.bits} pairs of bit patterns of {format.name}. The "
        f"predicate fails at {failures} of the {visited} that hold no NaN; f returns NaN at {nans} "
        "of them."
    )
    evidence = Evidence(
        Verdict.PROVED if failing is None else Verdict.REFUTED,
        "exhaustion",
        text,
        counterexample=None if failing is None else failing.code,
        trusts=(f"the program that XLA compiled for {done.devices[0].platform}, as it ran here",),
    )
    return SweptPairs(
        (format.dtype, format.second.dtype),
        2**format.bits,
        visited,
        failures,
        failing,
        nans,
        evidence,
    )
