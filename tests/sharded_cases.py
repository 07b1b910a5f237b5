"""Functions over four devices, checked in a process that has them: prints each verdict."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from jaxgrad import check, compare

Function = Callable[..., Any]

X = np.array([0.3, -0.7, 1.2, 0.5], np.float32)
SQUARE = X.reshape(2, 2)
LINE = jax.make_mesh((4,), ("i",), axis_types=(AxisType.Auto,))
PLANE = jax.make_mesh((2, 2), ("i", "j"), axis_types=(AxisType.Auto,) * 2)
EXPLICIT = jax.make_mesh((4,), ("i",), axis_types=(AxisType.Explicit,))
PAIRS = [[0, 1], [2, 3]]
RING = [(k, (k + 1) % 4) for k in range(4)]
ROWS = P("i")


def mapped(
    f: Function, into: Any = ROWS, out: Any = ROWS, mesh: Any = LINE, **options: Any
) -> Function:
    return jax.shard_map(f, mesh=mesh, in_specs=into, out_specs=out, **options)


def total(x: Any) -> Any:
    return x * lax.psum(x * x, "i")


# Name -> (what devices compute together, the same on one, where).
FUNCTIONS: dict[str, tuple[Function, Function, Any]] = {
    "psum": (mapped(total), lambda x: x * jnp.sum(x * x), X),
    "pmap": (jax.pmap(total, axis_name="i"), lambda x: x * jnp.sum(x * x), X),
    "psum of pairs": (
        mapped(lambda x: lax.psum(x, "i", axis_index_groups=PAIRS), check_vma=False),
        lambda x: jnp.repeat(jnp.array([x[0] + x[1], x[2] + x[3]]), 2), X,
    ),
    "ppermute": (mapped(lambda x: lax.ppermute(x, "i", RING)), lambda x: jnp.roll(x, 1), X),
    "ppermute of some": (
        mapped(lambda x: lax.ppermute(x, "i", [(0, 1)])), lambda x: jnp.array([0, x[0], 0, 0]), X,
    ),
    "all_gather": (
        mapped(lambda x: lax.all_gather(x, "i", tiled=True)[::-1][:1] * x), lambda x: x[3] * x, X,
    ),
    "all_gather of a plane": (
        mapped(lambda x: lax.all_gather(x, ("i", "j"))[1] * x, P(("i", "j")), P(("i", "j")), PLANE),
        lambda x: x[1] * x, X,
    ),
    "all_to_all": (
        mapped(lambda x: lax.all_to_all(x, "i", 1, 0, tiled=True), P("i"), P(None, "i")),
        lambda x: x, np.outer(X, X),
    ),
    "psum_scatter": (
        mapped(lambda x: lax.psum_scatter(x * (1 + lax.axis_index("i")), "i", tiled=True),
               P(), check_vma=False),
        lambda x: 10 * x, X,
    ),
    "axis_index": (mapped(lambda x: x * lax.axis_index("i")), lambda x: x * jnp.arange(4), X),
    "the other order": (
        mapped(lambda x: x.T + lax.axis_index("i"), P("j", "i"), P("i", "j"), PLANE),
        lambda x: x.T + jnp.array([[0], [1]]), SQUARE,
    ),
    "one axis of two": (
        jax.jit(mapped(lambda x: x * lax.psum(x, "i"), mesh=PLANE, axis_names={"i"})),
        lambda x: x * x.sum(0), SQUARE,
    ),
    "a loop": (
        mapped(lambda x: lax.fori_loop(0, 2, lambda _, c: lax.ppermute(c * x, "i", RING), x)),
        lambda x: jnp.roll(jnp.roll(x * x, 1) * x, 1), X,
    ),
    "reshard": (
        lambda x: jax.sharding.reshard(x * x, NamedSharding(EXPLICIT, P())), lambda x: x * x, X,
    ),
    "device_put": (lambda x: jax.device_put(x * x, jax.devices()[1]), lambda x: x * x, X),
}  # fmt: skip


def ruled(factor: float) -> Function:
    """A sum over devices with a backward pass by hand, in which 1 is right."""
    own = jax.custom_vjp(lambda x: lax.psum(jnp.sin(x), "i"))
    own.defvjp(
        lambda x: (own(x), x),
        lambda x, g: (lax.pcast(g, "i", to="varying") * factor * jnp.cos(x),),
    )
    return mapped(lambda x: own(2 * x), out=P())


def main() -> None:
    """Prints name -> verdicts: against one device, against another function, of derivatives."""
    found: dict[str, Any] = {}
    for name, (f, g, x) in FUNCTIONS.items():
        other = lambda x, g=g: 1.001 * g(x)  # noqa: E731
        same, apart = (compare(f, h, x, special_points=False).verdict for h in (g, other))
        found[name] = [same.value, apart.value, check(f, (x,), budget=0).verdict.value]
    for factor in (1.0, 4.0):
        found[f"ruled {factor}"] = check(ruled(factor), (X,), modes="rev").verdict.value
    trusts = check(mapped(total), (X,), budget=0).evidence.trusts
    print(json.dumps({"trusts": trusts, "found": found}))


if __name__ == "__main__":
    main()
