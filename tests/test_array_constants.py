"""Constants that reach a custom rule: what it does with them is seen, and not done in floats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check
from jaxgrad.errors import TraceError
from jaxgrad.programs.array_constants import as_array, with_array_constants, with_number_constants

C = np.float32(0.3)  # 0.3² + 0.1 is no float


def scaled(factor: float = 1.0) -> Callable[..., Any]:
    """x (c² + 0.1) with a backward rule that is off by a factor."""

    @jax.custom_vjp
    def f(x: Any, c: Any) -> Any:
        return x * (c * c + 0.1)

    def forward(x: Any, c: Any) -> Any:
        return f(x, c), (x, c)

    def backward(residuals: Any, g: Any) -> Any:
        x, c = residuals
        return factor * g * (c * c + 0.1), g * x * 2 * c

    f.defvjp(forward, backward)
    return f


def _scanned(f: Any) -> Any:
    return lambda x: jax.lax.scan(lambda y, _: (f(y, 0.3), None), x, None, length=2)[0]


WITH_A_CONSTANT = {
    "number of Python": lambda f: lambda x: f(x, 0.3),
    "number of NumPy": lambda f: lambda x: f(x, C),
    "array of NumPy": lambda f: lambda x: f(jnp.stack([x, x]), np.full(2, C)).sum(),
    "in jit": lambda f: jax.jit(lambda x: f(x, 0.3)),
    "in a loop": _scanned,
}


@pytest.mark.parametrize("kind", WITH_A_CONSTANT)
def test_what_a_rule_makes_of_a_constant_is_exact(kind: str) -> None:
    right = WITH_A_CONSTANT[kind](scaled())
    found = check(right, (np.float32(1),), modes="rev", exact=True)
    assert found.verdict is Verdict.PROVED, found


@pytest.mark.parametrize("kind", WITH_A_CONSTANT)
def test_a_wrong_rule_of_a_constant(kind: str) -> None:
    wrong = WITH_A_CONSTANT[kind](scaled(1 + 2.0**-20))
    found = check(wrong, (np.float32(1),), modes="rev", exact=True)
    assert found.verdict is Verdict.REFUTED


@pytest.mark.parametrize("c", [0.3, C, np.full(3, C), jnp.full(3, C)])
@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.0, Verdict.PROVED), (1 + 2.0**-20, Verdict.REFUTED)]
)
def test_what_is_held_is_such_a_constant(c: Any, factor: float, verdict: Verdict) -> None:
    x = np.ones(np.shape(c), np.float32)
    found = check(scaled(factor), (x, c), modes="rev", exact=True, argnums=0)
    assert found.verdict is verdict


def test_a_rule_may_look_at_a_constant() -> None:
    @jax.custom_vjp
    def f(x: Any, c: Any) -> Any:
        return x * c

    def backward(c: Any, g: Any) -> Any:
        return g * c if c > 0 and float(c) < 1 else 0 * g, None

    f.defvjp(lambda x, c: (f(x, c), c), backward)
    for given in (0.5, np.float32(0.5)):
        assert check(f, (1.0, given), modes="rev", argnums=0).verdict is Verdict.PROVED


def _pushing(factor: float) -> Callable[..., Any]:
    """x² c by a rule of forward mode that looks at c."""

    @jax.custom_jvp
    def f(x: Any, c: Any) -> Any:
        return x * x * c

    @f.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        x, c = primals
        return f(x, c), factor * 2 * x * (c if c > 0 and float(c) < 1 else 0 * c) * tangents[0]

    return f


def _leading(factor: float) -> Callable[..., Any]:
    """The same by a rule of backward mode whose forward half does."""

    @jax.custom_vjp
    def f(x: Any, c: Any) -> Any:
        return x * x * c

    def forward(x: Any, c: Any) -> Any:
        return f(x, c), (x, c if c > 0 and float(c) < 1 else 0 * c)

    f.defvjp(forward, lambda kept, g: (factor * g * 2 * kept[0] * kept[1], None))
    return f


LOOKED_AT = {
    "number of Python": (lambda f: f, (1.5, 0.5)),
    "number of NumPy": (lambda f: f, (1.5, np.float32(0.5))),
    "literal": (lambda f: lambda x, c: f(x, 0.5), (1.5, 0.5)),
}


@pytest.mark.parametrize("kind", LOOKED_AT)
@pytest.mark.parametrize("rule", [_pushing, _leading])
@pytest.mark.parametrize(("factor", "verdict"), [(1, Verdict.PROVED), (1.01, Verdict.REFUTED)])
def test_what_runs_forwards_may_look_at_a_constant(
    kind: str, rule: Callable[..., Any], factor: float, verdict: Verdict
) -> None:
    taken, args = LOOKED_AT[kind]
    assert check(taken(rule(factor)), args, argnums=0, order=2).verdict is verdict


@pytest.mark.parametrize("rule", [_pushing, _leading])
def test_what_moves_it_may_not_look_at(rule: Callable[..., Any]) -> None:
    for f, args in ((rule(1), (1.5, 0.5)), (jax.jit(lambda x: rule(1)(x, 0.5)), (1.5,))):
        with pytest.raises(TraceError, match="asks for the values of its arguments"):
            check(f, args, special_points=False)


def test_weak_types_stay() -> None:
    f = scaled()
    closed = jax.make_jaxpr(lambda x: f(x, 0.3) + f(x, C))(jnp.bfloat16(1))
    found = [
        atom.val
        for equation in with_array_constants(closed).eqns
        if equation.primitive.name.startswith("custom_vjp")
        for atom in equation.invars
        if hasattr(atom, "val")
    ]
    assert [array.weak_type for array in found] == [True, False]
    assert [float(array) for array in found] == [float(C)] * 2


def test_programs_without_rules_stay_as_they_are() -> None:
    closed = jax.make_jaxpr(lambda x: x * np.full(2, C))(1.0)
    assert with_array_constants(closed) is closed


def test_integers_stay_as_they_are() -> None:
    whole = np.arange(3)
    assert as_array(whole) is whole


def test_numbers_are_had_back() -> None:
    f = scaled()
    closed = jax.make_jaxpr(lambda x: f(x, 0.3) + f(x, C))(jnp.bfloat16(1))
    found = with_number_constants(with_array_constants(closed))
    numbers = [
        atom.val
        for equation in found.eqns
        if equation.primitive.name.startswith("custom_vjp")
        for atom in equation.invars
        if hasattr(atom, "val")
    ]
    assert list(map(type, numbers)) == [float, np.float32]
    assert numbers == [float(C), C]
