"""Code to paste needs nothing of this package, and has all bits of what was asked."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check, compare
from jaxgrad.gradients.rules.code import paste
from jaxgrad.gradients.rules.directions import drawn
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.question import Question

Z = np.array([0.5 - 1.5j, 2 + 0.25j], np.complex64)


def printed(code: str | None, **scope: Any) -> str:
    assert code is not None and "jaxgrad" not in code
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(code.replace('jax.config.update("jax_enable_x64", True)\n', ""), scope)
    return out.getvalue()


def square(factor: float) -> Any:
    """z ↦ z², of complex or real z, with so many times its derivative."""
    f = jax.custom_jvp(lambda z: z * z)
    f.defjvp(lambda zs, ts: (f(*zs), factor * 2 * zs[0] * ts[0]))
    return f


CALLS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "complex to complex": (lambda f: f, (Z,)),
    "complex to real": (lambda f: lambda z: jnp.abs(f(z)), (Z,)),
    "real to complex": (lambda f: lambda x: 1j * f(x), (Z.real,)),
    "a tree": (lambda f: lambda z: {"a": f(z["a"]), "b": z["b"] * 2}, ({"a": Z, "b": Z.real},)),
}


@pytest.mark.parametrize("modes", ["fwd", "rev"])
@pytest.mark.parametrize("name", CALLS)
def test_complex_numbers_in_parts(name: str, modes: str) -> None:
    made, args = CALLS[name]
    f = made(square(2.0))
    found = check(f, args, modes=modes)
    assert found.verdict is Verdict.REFUTED
    given, _, true = printed(found.counterexample, f=f).partition(" should be ")
    assert float(given) == pytest.approx(2 * float(true.strip(" []\n").partition(" +/-")[0]), 1e-5)


@pytest.mark.parametrize("numpy", [True, False])
def test_a_comparison_in_parts(numpy: bool) -> None:
    def in_numpy(z: Any) -> Any:
        found = np.array(z)
        found[0] *= 2
        return found

    hand = in_numpy if numpy else lambda z: z * jnp.array([2.0, 1.0])
    found = compare(hand, lambda z: z, jnp.asarray(Z))
    lines = printed(found.counterexample, hand=hand, auto=lambda z: z).splitlines()
    numbers = [float(line.partition(" is ")[2]) for line in lines]
    assert numbers[0] == 2 * numbers[1] != 0


@pytest.mark.parametrize("mode", ["fwd", "rev"])
def test_drawn_directions_have_all_their_bits(mode: str, float64: None) -> None:
    args = ({"a": np.array([0.5, 1.5]), "b": np.array(0.25)},)
    primal = Primal(lambda x: {"y": jnp.sin(x["a"]) * x["b"]}, args)
    v, u = drawn([(2,), ()]), drawn([(2,)], seed=1)
    code = paste(primal, Question((mode,), (v,), u), primal.point)
    (a, b), (va, vb), (w,) = primal.point, v.leaves, u.leaves
    true = float(w @ (np.cos(a) * va * b + np.sin(a) * vb))
    assert abs(float(printed(code, f=primal.function)) - true) < 1e-15
