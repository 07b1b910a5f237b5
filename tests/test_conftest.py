"""The guard in conftest.py: a test that leaves the process changed is reported."""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import pytest

pytest_plugins = ["pytester"]


@pytest.mark.parametrize(
    ("leak", "said"),
    [
        ('jax.config.update("jax_enable_x64", True)', "*the test left jax_enable_x64 on;*"),
        ("flint.ctx.prec = 100", "*the test left flint.ctx.prec at 100;*"),
    ],
)
def test_a_leak_is_reported_and_undone(pytester, leak, said):
    pytester.makeconftest((Path(__file__).parent / "conftest.py").read_text())
    pytester.makepyfile(f"""
        import flint, jax
        def test_that_leaks(): {leak}
        def test_after(): assert (jax.config.jax_enable_x64, flint.ctx.prec) == (False, 53)
    """)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines([said])


def test_float32_is_the_default():
    assert jnp.asarray(0.1).dtype == jnp.float32


def test_float64_on_request(float64):
    assert jnp.asarray(0.1).dtype == jnp.float64
