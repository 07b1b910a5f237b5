"""Measure how many bits of a compiled derivative are right, at every float of a dtype."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import jax
import ml_dtypes
import numpy as np
from jax.extend.core import jaxpr_as_fun

from jaxgrad.errors import ArgumentError
from jaxgrad.evidence.float_formats import Format, float_dtypes, format_of
from jaxgrad.evidence.pass_options import PassOptions, checked_options
from jaxgrad.evidence.swept_arguments import output_dtype, require_same_of_batch
from jaxgrad.evidence.tiled_pass import TILE
from jaxgrad.evidence.told_programs import require_told
from jaxgrad.gradients.accuracy.concluded import concluded
from jaxgrad.gradients.accuracy.measured import Accuracy
from jaxgrad.gradients.accuracy.measuring import MeasuringPass
from jaxgrad.numbers.progress import Progress
from jaxgrad.programs.debug_modes import without_debug_modes
from jaxgrad.programs.trace import anew, require_function, trace
from jaxgrad.programs.traced_values import require_values

__all__ = ["accuracy"]


def accuracy(
    f: Callable[[Any], Any],
    dtype: Any,
    *,
    derivative: Callable[[Any], Any] | None = None,
    devices: Sequence[Any] | None = None,
    tile: int = TILE,
    keep: str | os.PathLike[str] | None = None,
    part: tuple[int, int] = (0, 1),
) -> Accuracy:
    """Hold a compiled derivative against the true one at every float of a dtype.

    At every float x the true derivative f'(x), of the function of real numbers that f denotes, is
    enclosed: by intervals, in the compiled program that evaluates the derivative on a tile of
    floats, and where these leave open how many bits are right, by germs with more bits until it is
    known. Rules of JAX, custom ones included, have no part in the true derivative. A float counts
    as having b right bits only where the enclosure proves it; where it has no derivative, or none
    that is known, it is counted as such.

    Args:
        f: scalar () of ``dtype`` -> scalar (), e.g. ``jax.nn.sigmoid``; the function, not its
            derivative.
        dtype: one of ``float_dtypes(zero=True, infinities=True)``, such as ``"float16"``.
        derivative: what is measured, scalar () -> scalar () of ``dtype``; ``jax.grad(f)`` unless
            given.
        devices: where to run; every local device unless given.
        tile: floats per tile, a power of two. Changes nothing but the time.
        keep: a folder, made where there is none, in which tallies of finished tiles are kept: a
            call that was killed goes on where it was, with the same result.
        part: (index, count), to each of several processes its own, with the same ``keep``: each
            begins with its share, leaves out what others have done, and returns the whole result.

    Raises:
        ArgumentError: the dtype cannot be measured, an option is none of its kind, the call is
            within a traced function or f closes over a traced value, f or the derivative does not
            return one real scalar, the latter of ``dtype``, or with ``keep`` the derivative calls a
            Python function or a library that its program does not hold.
        NoDerivative, TreeMismatch, ShapeMismatch, DtypeMismatch, TraceError: f has no derivative,
            or not a right rule, or cannot be traced.
        EnginesDisagree: intervals and germs contradict each other.

    Example:
        >>> found = accuracy(jax.nn.sigmoid, "float16")
        >>> found.least, str(found.zeros.positive.first)  # σ' is 0 from here on, and should not be
        (0, '7.625 (float16 bits 0x47a0)')

    Source: claims A6 and F6.
    """
    format = format_of(dtype)
    if format.dtype not in float_dtypes(zero=True, infinities=True):
        raise ArgumentError(
            f"accuracy: {format.dtype.name} has no 0 or no infinity that a derivative could be "
            "rounded to; take one that has, such as float16, bfloat16 or float32"
        )
    require_function(f, "accuracy: f")
    if derivative is not None:
        require_function(derivative, "accuracy: derivative")
    options = checked_options("accuracy", devices, tile, keep, part)
    with without_debug_modes():  # a compiled program is what is measured
        require_values("accuracy")
        return _measured(f, derivative or jax.grad(f), format, options)


def _measured(
    f: Callable[[Any], Any],
    derivative: Callable[[Any], Any],
    format: Format,
    options: PassOptions,
) -> Accuracy:
    output_dtype("accuracy", f, format.dtype)
    returned = output_dtype("accuracy: the derivative,", derivative, format.dtype)
    if returned != format.dtype:
        raise ArgumentError(
            f"accuracy: the derivative returns {returned}, and x is {format.dtype.name}; return "
            "the dtype of the argument, as jax.grad does"
        )
    require_same_of_batch("accuracy", derivative, format.dtype, returned)
    # A tile lies in one binade, so that the counts of tiles tell those of binades.
    tile = min(options.tile, 1 << int(ml_dtypes.finfo(format.dtype).nmant))
    program = trace(f, (np.asarray(0.5, format.dtype),), "accuracy: f")
    floats = jax.ShapeDtypeStruct((tile,), format.dtype)
    compiled = jax.make_jaxpr(jax.vmap(anew(derivative)))(floats)
    with jax.enable_x64(True):
        if options.keep is not None:
            asked = {"the derivative": (jaxpr_as_fun(compiled), (floats,))}
            require_told("accuracy", asked, options.devices)
        done = MeasuringPass(
            program, compiled, format, tile, options.devices, options.folder(), options.part
        )
        with Progress().followed(done.so_far):
            return concluded(done)
