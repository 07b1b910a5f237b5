"""Does the text of a program tell what it computes?  Else nothing can be kept under its digest."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax

from jaxgrad.errors import ArgumentError
from jaxgrad.programs.trace import anew

__all__ = ["configuration", "lower", "require_told", "require_told_by"]

# What jaxlib and XLA bring themselves, so that their releases tell it, and kernels whose code
# stands in the program.  Under any other name there may be another function tomorrow.
_BROUGHT = frozenset(
    {
        *("Sharding", "SPMDFullToShardShape", "SPMDShardToFullShape", "annotate_device_placement"),
        *("shape_assertion", "AllocateBuffer", "ApproxTopK", "TopK"),
        *("Eigh", "Qr", "ProductOfElementaryHouseholderReflectors", "LuDecomposition"),
        *("cu_threefry2x32_ffi", "hip_threefry2x32_ffi"),
        *("cu_lu_pivots_to_permutation", "hip_lu_pivots_to_permutation", "cusparse_gtsv2_ffi"),
        *("tpu_custom_call", "mosaic_gpu_v2", "__gpu$xla.gpu.triton"),
    }
)
_BROUGHT_OF = ("lapack_", "cusolver_", "hipsolver_", "mhlo.", "chlo.", "stablehlo.")

# How a program takes what the host computes, where it does not call it by name.
_FROM_HOST = frozenset({"stablehlo.recv", "stablehlo.infeed"})

# Numbers that JAX passes to a program beside its arguments, by a setting of its own.
_CONSTANT = "jax.const"

# What JAX tells XLA beside the program and XLA_FLAGS, of that which may change floats.
_OPTIONS = (
    "jax_disable_most_optimizations",
    "jax_optimization_level",
    "jax_memory_fitting_level",
    "jax_xla_profile_version",
)

_CALLBACK = (
    "calls back a Python function (jax.pure_callback or jax.experimental.io_callback), of which "
    "the compiled program holds no line"
)


def lower(f: Callable[..., Any], device: Any, *like: Any) -> Any:
    """A function as XLA is given it, for a device.

    Args:
        f: the function, traced anew.
        device: where it is to run.
        like: shapes and dtypes of its arguments.
    """
    place = jax.sharding.SingleDeviceSharding(device)
    shapes = jax.tree.map(
        lambda each: jax.ShapeDtypeStruct(each.shape, each.dtype, sharding=place), like
    )
    return jax.jit(anew(f)).lower(*shapes)


def configuration() -> str:
    """What JAX is set to tell XLA beside the program."""
    config: Any = jax.config
    # Those that hold for a thread are attributes, and none of the others are.
    told = {name: getattr(config, name, config.values.get(name)) for name in _OPTIONS}
    return " ".join(f"{name}={value}" for name, value in told.items())


def require_told(
    call: str, named: Mapping[str, tuple[Callable[..., Any], Sequence[Any]]], devices: Sequence[Any]
) -> None:
    """Refuses, before anything is evaluated, to keep what a function returns that is not told.

    Args:
        call: what is called, for messages.
        named: by its name a function, and the shapes and dtypes of its arguments.
        devices: where it is to run.

    Raises:
        ArgumentError: one calls what its program does not tell.
    """
    of_platforms = {device.platform: device for device in devices}
    for name, (function, like) in named.items():
        for device in of_platforms.values():
            lowered = None
            with contextlib.suppress(Exception):  # whatever it raises, it does so again
                lowered = lower(function, device, *like)
            if lowered is not None:
                require_told_by(f"{call}: {name}", lowered)


def require_told_by(name: str, lowered: Any) -> None:
    """Refuses to keep tallies of a lowered program that does not tell what it computes.

    Args:
        name: what it is a program of, for messages.
        lowered: by ``jax.jit(f).lower``.

    Raises:
        ArgumentError: it calls a Python function or a library that is not one of JAX, or its
            constants are no part of it.
    """
    module = lowered.compiler_ir("stablehlo").operation
    said = next(filter(None, map(_untold, _operations(module))), None)
    if said is None and f"{_CONSTANT} = true" in lowered.as_text():
        said = (
            "closes over constants that JAX keeps out of its program (the setting "
            "jax_use_simplified_jaxpr_constants)"
        )
    if said is not None:
        raise ArgumentError(
            f"{name} {said}; tallies in keep are told apart by that program, so those of another "
            "function would pass for its own: leave out keep= (and part=), or write it in jax.numpy"
        )


def _operations(operation: Any) -> Iterator[Any]:
    """All operations of a module, and those within them."""
    yield operation
    for region in operation.regions:
        for block in region:
            for inner in block:
                yield from _operations(inner.operation)


def _untold(operation: Any) -> str | None:
    """What an operation returns from elsewhere, in words; None where the program tells it."""
    if operation.name in _FROM_HOST:
        return _CALLBACK
    if operation.name.rpartition(".")[2] != "custom_call" or not _returns(operation):
        return None
    target = str(operation.attributes["call_target_name"].value)
    if target in _BROUGHT or target.startswith(_BROUGHT_OF):
        return None
    if "python" in target and "callback" in target:
        return _CALLBACK
    return (
        f"calls {target!r} of a compiled library (jax.ffi.ffi_call), of which the program holds "
        "the name alone"
    )


def _returns(operation: Any) -> bool:
    """Whether a call returns numbers: what prints, or writes down, changes none."""
    return any("token" not in str(result.type) for result in operation.results)
