"""Programs of several devices, read as programs of one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.extend.core import jaxpr_as_fun
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P

from jaxgrad import Verdict, check, compare
from jaxgrad.programs.sharded import sharded_program

X = np.array([0.3, -0.7], np.float32)


@pytest.mark.slow
def test_four_devices() -> None:
    cases = Path(__file__).with_name("sharded_cases.py")
    ran = subprocess.run([sys.executable, str(cases)], capture_output=True, text=True, check=True)
    said = json.loads(ran.stdout)
    found = said["found"]
    assert (found.pop("ruled 1.0"), found.pop("ruled 4.0")) == ("PROVED", "REFUTED")
    assert len(found) == 15
    for name, verdicts in found.items():
        assert verdicts == ["PROVED", "REFUTED", "AGREES"], name
    assert "what JAX's vmap over named axes makes of `shard_map`" in said["trusts"]


def on_one(f: Any, **options: Any) -> Any:
    mesh = jax.make_mesh((1,), ("i",), axis_types=(AxisType.Auto,))
    return jax.shard_map(f, mesh=mesh, in_specs=P("i"), out_specs=P("i"), **options)


def test_what_one_device_sends_itself() -> None:
    f = on_one(lambda x: lax.psum(x, "i") + lax.ppermute(x, "i", [(0, 0)]) * lax.axis_index("i"))
    assert compare(f, lambda x: x, X).verdict is Verdict.PROVED
    assert compare(f, lambda x: x + 1e-3, X).verdict is Verdict.REFUTED


def test_what_cannot_be_read_is_named() -> None:
    def sent(x: Any) -> Any:
        return lax.all_to_all(x, "i", 0, 0, axis_index_groups=[[0]], tiled=True)

    found = check(on_one(sent, check_vma=False), (X,))
    assert found.verdict is Verdict.UNDECIDED
    assert "`shard_map` over 1 device cannot be read as a program of one:" in found.evidence.text
    assert "`all_to_all` in groups of devices" in found.evidence.text


@pytest.mark.parametrize("axes", [("i", "j"), ("j", "i")])
@pytest.mark.parametrize("in_a_loop", [False, True])
def test_devices_that_send_are_numbered_as_in_the_mesh(
    axes: tuple[str, str], in_a_loop: bool
) -> None:
    """As JAX runs it on eight devices."""
    mesh, spec = jax.sharding.AbstractMesh((2, 4), ("i", "j"), (AxisType.Auto,) * 2), P(("i", "j"))
    ring = [(k, (k + 1) % 8) for k in range(8)]

    def sent(x: Any) -> Any:
        if in_a_loop:
            return lax.fori_loop(0, 2, lambda _, y: lax.ppermute(y, axes, ring), x)
        return lax.ppermute(x, axes, ring)

    f = jax.shard_map(sent, mesh=mesh, in_specs=spec, out_specs=spec)
    (equation,) = jax.make_jaxpr(f)(jnp.arange(8.0)).eqns
    (found,) = jaxpr_as_fun(sharded_program(equation))(jnp.arange(8.0))
    np.testing.assert_array_equal(found, np.roll(np.arange(8.0), 1 + in_a_loop))


def test_named_axes_of_vmap() -> None:
    right = jax.vmap(lambda x: x * lax.psum(x * x, "i"), axis_name="i")
    assert compare(right, lambda x: x * jnp.sum(x * x), X).verdict is Verdict.PROVED
    assert check(right, (X,), budget=0).verdict is Verdict.AGREES
    planted = jax.custom_jvp(lambda x: lax.psum(x * x, "i"))
    planted.defjvp(lambda xs, ts: (planted(*xs), lax.psum(xs[0] * ts[0], "i")))  # 2 is left out
    wrong = check(jax.vmap(planted, axis_name="i"), (X,), budget=0)
    assert wrong.verdict is Verdict.REFUTED
