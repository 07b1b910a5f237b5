"""A number system is one file, which may be somebody else's: residues modulo a prime."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recurrence_support import require_recurrence

import jaxgrad
from jaxgrad.errors import UnsupportedPrimitive

PRIME = 2**61 - 1


@dataclass(frozen=True)
class Residue:
    value: int

    def __add__(self, other: Residue) -> Residue:
        return Residue((self.value + other.value) % PRIME)

    def __sub__(self, other: Residue) -> Residue:
        return Residue((self.value - other.value) % PRIME)

    def __mul__(self, other: Residue) -> Residue:
        return Residue(self.value * other.value % PRIME)

    def __neg__(self) -> Residue:
        return Residue(-self.value % PRIME)


class Residues(jaxgrad.NumberSystem):
    """Of a transcendental function no more is known than that equal arguments have one value."""

    name = "residue"

    def constant(self, value: Any) -> Residue:
        exact = Fraction(value)
        return Residue(exact.numerator * pow(exact.denominator, -1, PRIME) % PRIME)

    def divide(self, x: Residue, y: Residue) -> Residue:
        return x * Residue(pow(y.value, -1, PRIME))

    def function(self, name: str, *xs: Residue) -> Residue:
        if name == "logistic":  # so that σ(−z) = 1 − σ(z), as JAX's derivative has it
            one, e = self.constant(1), self._named("exp", xs[0])
            return self.divide(e, one + e)
        return self._named(name, *xs)

    def _named(self, name: str, *xs: Residue) -> Residue:
        text = f"{name} {[x.value for x in xs]}".encode()
        return Residue(int.from_bytes(hashlib.sha256(text).digest(), "big") % PRIME)


def drawn(args: Any, seed: int) -> Any:
    """Residues in place of the floats of a tree."""
    source = random.Random(seed)

    def residues(leaf: Any) -> np.ndarray:
        found = np.empty(np.shape(leaf), object)
        for index in np.ndindex(found.shape):
            found[index] = Residue(source.randrange(PRIME))
        return found

    return jax.tree.map(residues, args)


def same(f: Callable[..., Any], g: Callable[..., Any], *args: Any) -> bool:
    at = drawn(args, 0)
    found = [jax.tree.leaves(jaxgrad.run_over(Residues(), h, *at)) for h in (f, g)]
    pairs = list(zip(*found, strict=True))
    assert pairs
    return all(np.all(np.asarray(a, object) == np.asarray(b, object)) for a, b in pairs)


@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 9))
def test_a_rational_function_is_what_exact_numbers_give(x: int, y: int, z: int) -> None:
    def f(x: Any, y: Any, z: Any) -> Any:
        return (x * y - 0.5) ** 3 / z + jnp.sum(jnp.outer(jnp.stack([x, y]), jnp.stack([y, z])))

    system = Residues()
    found = jaxgrad.run_over(system, f, *(system.constant(n) for n in (x, y, z)))
    exact = (x * y - Fraction(1, 2)) ** 3 / z + (x + y) * (y + z)
    assert found == system.constant(exact)
    assert found != system.constant(exact + Fraction(1, 2**40))


@pytest.mark.parametrize("widths", [(2, 3), (3, 4, 2), (4, 5, 5, 3)], ids=str)
def test_the_recurrence_is_the_gradient_of_a_network(widths: tuple[int, ...]) -> None:
    require_recurrence(same, widths)


def test_what_a_number_system_has_not_is_said() -> None:
    class Bare(jaxgrad.NumberSystem):
        name = "bare"

        def constant(self, value: Any) -> Fraction:
            return Fraction(value)

    half = Fraction(1, 2)
    assert jaxgrad.run_over(Bare(), lambda x: x * x + 1, half) == Fraction(5, 4)
    for f, said in (
        (lambda x: 1 / x, "Bare has no method `divide`"),
        (jnp.abs, "Bare has no method `compare`"),
        (jnp.sin, "sin is not known over the bare numbers; a method `function"),
    ):
        with pytest.raises(UnsupportedPrimitive, match=said):
            jaxgrad.run_over(Bare(), f, half)
