"""Complex functions on their branch cuts, at branch points, and those that have none."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad import Verdict, check, compare

_ON_CUTS: dict[str, tuple[Any, tuple[complex, ...]]] = {
    "log": (jnp.log, (-1, -0.25)),
    "sqrt": (jnp.sqrt, (-1, -4)),
    "power": (lambda z: z**0.3, (-1, -2)),
    "opposite": (lambda z: jnp.log(-z), (1, 3)),
    "arcsin": (jnp.arcsin, (2, -2)),
    "arccos": (jnp.arccos, (2, -2)),
    "arctan": (jnp.arctan, (2j, -2j)),
    "arcsinh": (jnp.arcsinh, (2j, -2j)),
    "arccosh": (lax.acosh, (0.5, -2)),
    "arctanh": (jnp.arctanh, (2, -2)),
}


# Their derivatives are the same on both sides of the cut.
_MEROMORPHIC = {"log", "opposite", "arctan", "arctanh"}


@pytest.mark.parametrize("name", _ON_CUTS)
def test_what_depends_on_the_side_of_a_branch_cut_is_not_decided(name: str) -> None:
    """There the sign of a zero chooses, which no real number has."""
    function, points = _ON_CUTS[name]
    expected = Verdict.AGREES if name in _MEROMORPHIC else Verdict.UNDECIDED
    for z in points:
        for at in (np.complex64(z), np.conj(np.complex64(z))):
            assert check(function, (at,), special_points=False).verdict is expected
            other = compare(function, lambda z: 2 * function(z), at)
            assert other.verdict in (Verdict.REFUTED, Verdict.UNDECIDED)
            same = compare(lambda z: function(z) + z, lambda z: z + function(z), at)
            assert same.verdict is not Verdict.REFUTED


@pytest.mark.parametrize("power", [2.5, 3.0, np.complex64(2 + 1j)])
def test_a_power_at_0(power: Any) -> None:
    found = check(lambda z: z**power, (np.complex64(0),), special_points=False)
    assert found.verdict is not Verdict.REFUTED, str(found)


@pytest.mark.parametrize(
    "function", [jnp.sqrt, lambda z: jnp.sqrt(1 - z * z), lambda z: z**0.5, jnp.log, jnp.arctanh]
)
def test_branch_points_among_the_special_ones_refute_nothing(function: Any) -> None:
    found = check(function, (np.complex64(1.25 + 0.5j),))
    assert found.verdict.passes, str(found)


def test_an_angle_that_jumps_refutes_nothing() -> None:
    """Of a real number made complex it is 0 or π, and JAX's slope at 0 is NaN."""
    found = check(lambda x: jnp.log(x.astype(np.complex64)).imag, (np.float32(1.3),))
    assert found.verdict.passes, str(found)


@pytest.mark.parametrize("exponent", [3, -2])
def test_whole_powers_that_are_arguments_of_a_rule(exponent: int) -> None:
    """JAX hands on a default of the function as a literal."""
    z = np.complex64(-0.75 + 0.25j)
    power = jax.custom_jvp(lambda z, n=exponent: z**n)
    for factor, verdict in ((1.0, Verdict.PROVED), (1.001, Verdict.REFUTED)):
        power.defjvp(
            lambda xs, ts, c=factor: (
                xs[0] ** exponent,
                c * exponent * xs[0] ** (exponent - 1) * ts[0],
            )
        )
        assert check(power, (z,)).verdict is verdict
    assert check(lambda z: lax.pow(z, 3), (np.complex64(0),)).verdict is Verdict.AGREES
