"""What was made of things before: so many of them, and no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax.experimental import pallas as pl
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P

from jaxgrad.programs import approximate_top_k, implementations, pallas_kernels, sharded
from jaxgrad.programs.kept import Kept


def test_the_oldest_go_first() -> None:
    kept, made = Kept(most=2), []

    def make(x: int) -> int:
        made.append(x)
        return -x

    for x in (1, 2, 1, 3, 2, 1):
        assert kept.of(x, x, lambda x=x: make(x)) == -x
    assert made == [1, 2, 3, 1] and len(kept) == 2


def test_what_no_longer_holds_is_made_anew() -> None:
    kept = Kept(most=2)
    assert kept.of("a", (), lambda: 1) == 1
    assert kept.of("a", (), lambda: 2, lambda made: made == 1) == 1
    assert kept.of("a", (), lambda: 2, lambda made: made == 2) == 2
    assert len(kept) == 1


def test_what_cannot_be_made_is_not_kept() -> None:
    kept = Kept()
    with pytest.raises(ZeroDivisionError):
        kept.of("a", (), lambda: 1 / 0)
    assert not len(kept)


def on_one_device(x: Any) -> Any:
    mesh = jax.make_mesh((1,), ("i",), axis_types=(AxisType.Auto,))
    return jax.shard_map(lambda x: 2 * x, mesh=mesh, in_specs=P("i"), out_specs=P("i"))(x)


def by_a_kernel(x: Any) -> Any:
    def kernel(x: Any, out: Any) -> None:
        out[...] = 2 * x[...]

    shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
    return pl.pallas_call(kernel, out_shape=shape, interpret=True)(x)


@pytest.mark.parametrize(
    ("module", "read", "function"),
    [
        (sharded, sharded.sharded_program, on_one_device),
        (pallas_kernels, pallas_kernels.kernel_program, by_a_kernel),
    ],
    ids=["sharded", "kernels"],
)
def test_tracing_again_has_an_end(
    module: Any,
    read: Callable[[Any], Any],
    function: Callable[[Any], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_READ", Kept(most=2))
    for _ in range(4):
        closed = jax.make_jaxpr(lambda x: function(x))(jnp.ones(2))
        assert read(closed.eqns[0]) is not None
        assert len(module._READ) <= 2


def test_all_are_of_this_kind() -> None:
    modules = (approximate_top_k, implementations, pallas_kernels, sharded)
    assert all(isinstance(module._READ, Kept) for module in modules)
