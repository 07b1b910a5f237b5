"""Evaluate a compiled function at every float of a dtype, so that nothing is left to sampling."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import ArgumentError, JaxgradError
from jaxgrad.evidence.failing_float import FailingFloat
from jaxgrad.evidence.float_formats import UNSIGNED, Format, format_of, is_zero
from jaxgrad.evidence.pass_options import PassOptions, checked_options
from jaxgrad.evidence.predicates import SAMPLE, Predicate, of_each, require_elementwise
from jaxgrad.evidence.swept import Sweep
from jaxgrad.evidence.swept_arguments import LEAST_TILES, output_dtype, require_same_of_batch
from jaxgrad.evidence.tiled_pass import TILE, TiledPass
from jaxgrad.evidence.told_programs import require_told
from jaxgrad.numbers.progress import Progress
from jaxgrad.programs.debug_modes import without_debug_modes
from jaxgrad.programs.trace import anew, require_function
from jaxgrad.programs.traced_values import require_values
from jaxgrad.verdict import Evidence, Verdict

__all__ = ["sweep"]


def sweep(
    f: Callable[[Any], Any],
    dtype: Any,
    holds: Predicate,
    *,
    count: Mapping[str, Predicate] | None = None,
    devices: Sequence[Any] | None = None,
    tile: int = TILE,
    keep: str | os.PathLike[str] | None = None,
    part: tuple[int, int] = (0, 1),
) -> Sweep:
    """Evaluate a scalar function at every float of a dtype and check a predicate at each.

    For every non-NaN x of the dtype, holds(x, f(x)), where f is mapped over tiles of x by
    ``jax.vmap`` and compiled. The predicate sees f's output as stored in its own dtype: a barrier
    keeps XLA from fusing the two, which would show it a value that was never rounded. It is asked
    of each float by itself, so that no float can answer for another.

    Args:
        f: scalar () of ``dtype`` -> scalar (), e.g. ``jax.jit(jax.grad(jax.nn.sigmoid))``.
        dtype: one of ``float_dtypes``.
        holds: (x, y) of shape (n,) -> bool of shape (n,), elementwise, for any n. It runs in XLA
            arithmetic, which may treat subnormals as zero: ``is_zero``, ``is_positive`` ... read
            the bits.
        count: name -> predicate of the same kind; the inputs at which it holds are counted.
        devices: where to run; every local device unless given.
        tile: floats per tile, a power of two. Changes nothing but the time.
        keep: a folder, made where there is none, in which tallies of finished tiles are kept: a
            call that was killed goes on where it was, with the same result.
        part: (index, count), to each of several processes its own, with the same ``keep``: each
            begins with its share, leaves out what others have done, and returns the whole result.

    Raises:
        ArgumentError: the dtype cannot be swept, an option is none of its kind, the call is within
            a traced function or f closes over a traced value, f does not return one real scalar, a
            predicate does not return booleans of shape (n,), its answer for a float depends on
            other floats, ``holds`` does not look at y, or with ``keep`` one calls a Python
            function or a library that its program does not hold.
        NoDerivative, TreeMismatch, ShapeMismatch, DtypeMismatch, TraceError: f differentiates what
            has no derivative, or not a right rule, for batches included, or cannot be traced;
            JAX's own exception is the ``__cause__``.
        Exception: what f or a predicate raises itself, as it is, with a note of which.

    Example:
        >>> result = sweep(jax.grad(jax.nn.sigmoid), jnp.float16, lambda x, y: y <= 0.25)
        >>> result.verdict, result.checked
        (<Verdict.PROVED: 'PROVED'>, 65536)

    Source: claims A6, F4, F5, F6.
    """
    format, named = format_of(dtype), _named(count)
    for name, given in {"f": f, "holds": holds, **named}.items():
        if not callable(given):
            raise ArgumentError(f"sweep: {name} is {given!r:.60}, not a function: give it uncalled")
    require_function(f, "sweep: f")
    options = checked_options("sweep", devices, tile, keep, part)
    with without_debug_modes():  # a compiled program is what is swept
        return _sweep(f, format, holds, named, options)


def _sweep(
    f: Callable[[Any], Any],
    format: Format,
    holds: Predicate,
    named: Mapping[str, Predicate],
    options: PassOptions,
) -> Sweep:
    require_values("sweep")
    output = output_dtype("sweep", f, format.dtype)
    require_same_of_batch("sweep", f, format.dtype, output)
    rows: list[Predicate] = [
        lambda x, y: jnp.ones(x.shape, bool),
        lambda x, y: ~of_each("sweep: holds", holds)(x, y),
        lambda x, y: (
            jnp.isnan(y) if jnp.issubdtype(output, jnp.inexact) else jnp.zeros(x.shape, bool)
        ),
        *(of_each(f"sweep: count[{name!r}]", predicate) for name, predicate in named.items()),
    ]
    # A tile lies on one side of zero, so that the sides can be told apart by the tile's number, and
    # there are some of them, so that an interrupt is heard between two.
    tile = min(options.tile, 2**format.bits // LEAST_TILES)
    if options.keep is not None:
        x, y = (jax.ShapeDtypeStruct((tile,), each) for each in (format.dtype, output))
        names = ["holds", *(f"count[{name!r}]" for name in named)]
        asked = zip(names, [rows[1], *rows[3:]], strict=True)
        of_predicates = {name: (row, (x, y)) for name, row in asked}
        require_told("sweep", {"f": (jax.vmap(f), (x,)), **of_predicates}, options.devices)
    _require_elementwise(f, format, holds, named)
    done = TiledPass(f, format, rows, tile, options.devices, options.folder(), options.part)
    with Progress().followed(done.so_far):
        return _conclude(f, done, named)


def _named(count: Any) -> dict[str, Predicate]:
    if not isinstance(count, Mapping | None):
        raise ArgumentError(
            f"sweep: count is {count!r:.60}; give a dict of names and predicates: "
            "count={'zeros': lambda x, y: y == 0}"
        )
    return dict(count or {})


def _require_elementwise(
    f: Callable[[Any], Any], format: Format, holds: Predicate, named: Mapping[str, Predicate]
) -> None:
    """Try the predicates on floats from all over the dtype, mixed up."""
    size = min(SAMPLE, 2**format.bits)
    # An odd step near the golden section of all patterns visits each one, neighbours far apart.
    step = int(2**format.bits * 0.6180339887) | 1
    bits = (np.arange(size) * step % 2**format.bits).astype(UNSIGNED[format.bits])
    x = _of_one_nan(bits.view(format.dtype))
    y = _of_one_nan(jax.jit(jax.vmap(anew(f)))(x))
    counted = {f"sweep: count[{name!r}]": predicate for name, predicate in named.items()}
    asked = {"sweep: holds": holds, **counted}
    require_elementwise(asked, x, y, about_outputs="sweep: holds")


def _of_one_nan(values: jax.Array | np.ndarray) -> jax.Array:
    """Values of which every NaN has the same bits.

    Which one it is, XLA may change where it moves it, and with that what a predicate says of bits.
    """
    if not jnp.issubdtype(values.dtype, jnp.inexact):
        return jnp.asarray(values)
    numbers = np.array(values)
    with np.errstate(invalid="ignore"):  # which a NaN of some dtypes is
        numbers[np.isnan(numbers)] = np.nan
    return jnp.asarray(numbers)


def _conclude(f: Callable[[Any], Any], done: TiledPass, named: Mapping[str, Predicate]) -> Sweep:
    format = done.format
    visited = int(done.counts[:, 0].astype(np.int64).sum())
    if visited != format.numbers:
        raise JaxgradError(f"sweep visited {visited} numbers of {format.numbers}: please report")
    failures, flushed = done.count(1), _flushed(format, done.devices[0])
    nan_outputs = int(done.counts[:, 2].astype(np.int64).sum())
    text = (
        f"f was evaluated at all {2**format.bits} {format.dtype.name} bit patterns. The predicate "
        f"fails at {failures.total} of the {visited} that are not NaN "
        f"({format.infinities} infinities, {format.zeros} zeros and {format.subnormals} subnormals "
        f"among them); f returns NaN at {nan_outputs} of them. Subnormals are told apart by their "
        f"bits; multiplying by 1 turns {flushed} of the {format.subnormals} into zero on this "
        "backend."
    )
    counterexample = None
    if failures.first is not None:
        failing = FailingFloat(failures.first, done.output(failures.first))
        counterexample = failing.code
        text += _alone(f, failing)
    evidence = Evidence(
        Verdict.PROVED if failures.first is None else Verdict.REFUTED,
        "exhaustion",
        text,
        counterexample=counterexample,
        trusts=(f"the program that XLA compiled for {done.devices[0].platform}, as it ran here",),
    )
    return Sweep(
        dtype=format.dtype,
        checked=2**format.bits,
        failures=failures,
        counts={name: done.count(3 + index) for index, name in enumerate(named)},
        nan_outputs=nan_outputs,
        nan_inputs=format.nans,
        infinities=format.infinities,
        subnormals=format.subnormals,
        zeros=format.zeros,
        flushed=flushed,
        evidence=evidence,
    )


def _alone(f: Callable[[Any], Any], failing: FailingFloat) -> str:
    """A remark if f alone returns something else than f of a tile."""
    alone = np.asarray(jax.jit(anew(f))(jnp.asarray(failing.x.value)))
    if alone.tobytes() == np.asarray(failing.y).tobytes():
        return ""
    return (
        f" Compiled for the counterexample alone, f returns {alone} where the tile has {failing.y}."
    )


@functools.cache
def _flushed(format: Format, device: Any) -> int:
    """How many subnormals a multiplication by 1 turns into zero."""
    if not format.subnormals:
        return 0

    @jax.jit
    def zeros(start: jax.Array, one: jax.Array) -> jax.Array:
        bits = start + jnp.arange(1, format.first_normal, dtype=jnp.uint32)
        x = jax.lax.bitcast_convert_type(bits.astype(UNSIGNED[format.bits]), format.dtype)
        product = jax.lax.optimization_barrier(jax.lax.optimization_barrier(x) * one)
        return jnp.sum(is_zero(product), dtype=jnp.uint32)

    one = jax.device_put(np.asarray(1, format.dtype), device)
    signs = (0, format.sign) if format.signed else (0,)
    return sum(int(zeros(jax.device_put(np.uint32(sign), device), one)) for sign in signs)
