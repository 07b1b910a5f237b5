"""Primitives that carry their own program and derivatives are asked all that a custom rule is."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad.gradients.check_grads import check
from jaxgrad.verdict import Verdict

X = np.float32(0.3)

hijax: Any = importlib.import_module("jax.experimental.hijax")
PRIMITIVE: Any = getattr(hijax, "HiPrim", None) or hijax.VJPHiPrimitive
since_12 = pytest.mark.skipif(jax.__version_info__ < (0, 12), reason="jax 0.12 has it")


class Sine(PRIMITIVE):
    """sin, with right rules."""

    def __init__(self, aval: Any) -> None:
        self.in_avals, self.out_aval, self.params = (aval,), aval, {}
        super().__init__()

    def expand(self, x: Any) -> Any:
        return jnp.sin(x)

    def jvp(self, primals: Any, tangents: Any) -> Any:
        return self(*primals), tangents[0] * jnp.cos(primals[0])

    def vjp_fwd(self, nzs_in: Any, x: Any) -> Any:
        return self(x), x

    def vjp_bwd_retval(self, res: Any, outgrad: Any) -> Any:
        return (outgrad * jnp.cos(res),)

    def batch(self, axis_data: Any, args: Any, dims: Any) -> Any:
        return type(self)(jax.typeof(args[0]))(*args), dims[0]


class ClippedBackwards(Sine):
    def vjp_bwd_retval(self, res: Any, outgrad: Any) -> Any:
        return (jnp.clip(outgrad, -10, 10) * jnp.cos(res),)


class DoubledForLargeTangents(Sine):
    def jvp(self, primals: Any, tangents: Any) -> Any:
        t = tangents[0]
        return self(*primals), jnp.where(t > 5, 2 * t, t) * jnp.cos(primals[0])


class OtherValueForwards(Sine):
    def jvp(self, primals: Any, tangents: Any) -> Any:
        return self(*primals) * 1.0001, tangents[0] * jnp.cos(primals[0])


class OtherValueBackwards(Sine):
    def vjp_fwd(self, nzs_in: Any, x: Any) -> Any:
        return self(x) * 1.0001, x


class StoppedCotangent(Sine):
    def vjp_bwd_retval(self, res: Any, outgrad: Any) -> Any:
        return (lax.stop_gradient(outgrad) * jnp.cos(res),)


class OtherValueOfABatch(Sine):
    def batch(self, axis_data: Any, args: Any, dims: Any) -> Any:
        found, axis = super().batch(axis_data, args, dims)
        return found * 1.001, axis


class FlippedBatch(Sine):
    def batch(self, axis_data: Any, args: Any, dims: Any) -> Any:
        found, axis = super().batch(axis_data, args, dims)
        return jnp.flip(found, axis), axis


class WrongFarAway(Sine):
    def jvp(self, primals: Any, tangents: Any) -> Any:
        x = primals[0]
        return self(x), tangents[0] * jnp.cos(x) * jnp.where(x > 3, 1.001, 1)


WRONG: dict[str, tuple[type[Any], int, str]] = {
    "not linear backwards": (ClippedBackwards, 1, "not linear in its cotangent"),
    "not linear forwards": (DoubledForLargeTangents, 1, "not linear in its tangent"),
    "value forwards": (OtherValueForwards, 1, "the jvp rule of `OtherValueForwards` returns"),
    "value backwards": (
        OtherValueBackwards,
        1,
        "the forward rule of `OtherValueBackwards` returns",
    ),
    "second order": (StoppedCotangent, 2, "the derivative rules are wrong"),
    "value of a batch": (OtherValueOfABatch, 1, "under vmap"),
    "rows of a batch": (FlippedBatch, 1, "under vmap"),
    "beyond a threshold": (WrongFarAway, 1, "at a special point"),
}


def calling(kind: type[Any]) -> Callable[[Any], Any]:
    def call(x: Any) -> Any:
        x = jnp.asarray(x)
        return kind(jax.typeof(x))(x)

    return call


def within(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return jax.jit(lambda x: function(2 * x) + x)


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("kind", WRONG)
def test_a_primitive_is_asked_all_that_a_custom_rule_is(kind: str, inside: bool) -> None:
    wrong, order, words = WRONG[kind]
    function = within(calling(wrong)) if inside else calling(wrong)
    found = check(function, (X,), order=order)
    assert found.verdict is Verdict.REFUTED, found
    assert inside or words in str(found), found


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("order", [1, 2])
def test_a_right_primitive_is_proved(order: int, inside: bool) -> None:
    function = within(calling(Sine)) if inside else calling(Sine)
    found = check(function, (X,), order=order)
    assert found.verdict is Verdict.PROVED, found
    assert "and under vmap" in str(found)


def test_primitives_are_listed_with_the_place_of_their_class() -> None:
    found = check(lambda x: calling(Sine)(2 * x) + calling(ClippedBackwards)(x), (X,))
    lines = Path(__file__).read_text().splitlines()
    places = {
        name: f"{__file__}:{lines.index(f'class {name}({base}):') + 1}"
        for name, base in (("Sine", "PRIMITIVE"), ("ClippedBackwards", "Sine"))
    }
    assert {rule.name: rule.where for rule in found.rules} == places
    verdicts = {rule.name: rule.verdict for rule in found.rules}
    assert verdicts["ClippedBackwards"] is Verdict.REFUTED
    assert verdicts["Sine"] in (Verdict.AGREES, Verdict.PROVED)


def test_a_primitive_that_is_no_finite_number_at_special_points_is_found() -> None:
    def slope(x: Any) -> Any:
        return jnp.exp(-x) / (1 + jnp.exp(-x)) ** 2

    class Logistic(Sine):
        def expand(self, x: Any) -> Any:
            return jax.nn.sigmoid(x)

        def jvp(self, primals: Any, tangents: Any) -> Any:
            return self(*primals), tangents[0] * slope(primals[0])

        def vjp_bwd_retval(self, res: Any, outgrad: Any) -> Any:
            return (outgrad * slope(res),)

    class Mended(Logistic):
        def jvp(self, primals: Any, tangents: Any) -> Any:
            y = jax.nn.sigmoid(primals[0])
            return self(*primals), tangents[0] * y * (1 - y)

        def vjp_bwd_retval(self, res: Any, outgrad: Any) -> Any:
            y = jax.nn.sigmoid(res)
            return (outgrad * y * (1 - y),)

    found = check(calling(Logistic), (np.float32(-6),))
    assert found.verdict is Verdict.REFUTED, found
    assert "nan" in str(found)
    assert check(calling(Mended), (np.float32(-6),)).verdict.passes


def test_each_mode_has_a_rule_of_its_own_at_a_batch() -> None:
    def of(factor: float) -> Callable[[Any], Any]:
        class Powers(Sine):
            def __init__(self, aval: Any) -> None:
                self.in_avals, self.params = (aval,), {}
                self.out_aval = jax.typeof(jnp.zeros((*aval.shape, 2), aval.dtype))
                PRIMITIVE.__init__(self)

            def expand(self, x: Any) -> Any:
                return jnp.stack([x, x * x], -1)

            def jvp(self, primals: Any, tangents: Any) -> Any:
                (x,), (t,) = primals, tangents
                return self.expand(x), jnp.stack([t, 2 * x * t], -1)

            def vjp_bwd_retval(self, res: Any, outgrad: Any) -> Any:
                slope = 2 * res * jnp.where(res > 3, factor, 1.0)
                return (outgrad[..., 0] + slope * outgrad[..., 1],)

            def batch(self, axis_data: Any, args: Any, dims: Any) -> Any:
                x = jnp.moveaxis(args[0], dims[0], 0)
                return type(self)(jax.typeof(x))(x), 0

        return calling(Powers)

    points = (np.array([0.5, 4.0], np.float32),)
    wrong = check(of(1.1), (X,), batch=points, special_points=False)
    assert wrong.verdict is Verdict.REFUTED, wrong
    assert check(of(1.0), (X,), batch=points, special_points=False).verdict.passes


def test_a_primitive_is_told_which_arguments_move() -> None:
    class Product(Sine):
        def __init__(self, aval: Any) -> None:
            self.in_avals, self.out_aval, self.params = (aval, aval), aval, {}
            PRIMITIVE.__init__(self)

        def expand(self, x: Any, y: Any) -> Any:
            return x * y

        def jvp(self, primals: Any, tangents: Any) -> Any:
            (x, y), (t, s) = primals, map(hijax.instantiate_zeros, tangents)
            return self(x, y), t * y + x * s

        def vjp_fwd(self, nzs_in: Any, x: Any, y: Any) -> Any:
            return self(x, y), (x, y)

        def vjp_bwd_retval(self, res: Any, outgrad: Any) -> Any:
            return outgrad * res[1], outgrad * res[0]

        def batch(self, axis_data: Any, args: Any, dims: Any) -> Any:
            moved = [
                jnp.broadcast_to(x, (axis_data.size, *x.shape))
                if axis is None
                else jnp.moveaxis(x, axis, 0)
                for x, axis in zip(args, dims, strict=True)
            ]
            return type(self)(jax.typeof(moved[0]))(*moved), 0

    def product(x: Any, y: Any) -> Any:
        return Product(jax.typeof(x))(x, y)

    found = check(lambda x, y: product(jnp.asarray(x), jnp.asarray(y)), (X, np.float32(2)))
    assert found.verdict is Verdict.AGREES, found
    assert "not asked where some arguments alone move" in str(found)


def test_a_class_of_the_name_of_one_of_jaxs_is_read_by_its_own_program() -> None:
    class Ldexp(Sine):
        pass

    class Frexp(ClippedBackwards):
        pass

    assert check(calling(Ldexp), (X,)).verdict is Verdict.PROVED
    assert check(calling(Frexp), (X,)).verdict is Verdict.REFUTED


def test_a_program_that_cannot_be_traced_leaves_it_open() -> None:
    class Counted(Sine):
        def expand(self, x: Any) -> Any:
            raise ValueError("no program")

    found = check(calling(Counted), (X,))
    assert found.verdict is Verdict.UNDECIDED
    assert "`Counted` carries a program that cannot be traced: ValueError: no program" in str(found)


# -- rules of which JAX makes a primitive ------------------------------------------------------

Pass = Callable[..., Any]
RIGHT: tuple[Pass, Pass] = (lambda x: (jnp.sin(x), x)), (lambda r, g: (g * jnp.cos(r),))
WRONG_PASSES: dict[str, tuple[Pass, Pass, int]] = {
    "value": (lambda x: (jnp.sin(x) * 1.0001, x), RIGHT[1], 1),
    "clipped": (RIGHT[0], lambda r, g: (jnp.clip(g, -10, 10) * jnp.cos(r),), 1),
    "doubled": (RIGHT[0], lambda r, g: (jnp.where(g > 5, 2 * g, g) * jnp.cos(r),), 1),
    "stopped": (RIGHT[0], lambda r, g: (lax.stop_gradient(g) * jnp.cos(r),), 2),
    "far away": (RIGHT[0], lambda r, g: (jnp.where(r > 3, 1.001, 1) * g * jnp.cos(r),), 1),
}


def generic(forward: Pass, backward: Pass) -> Callable[[Any], Any]:
    rule: Any = jax.custom_vjp(jnp.sin)
    rule.defvjp(forward, backward, generic_batching=True)
    return rule


@since_12
@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("kind", WRONG_PASSES)
def test_a_rule_that_is_batched_generically_is_asked_as_any_other(kind: str, inside: bool) -> None:
    forward, backward, order = WRONG_PASSES[kind]
    wrong, right = generic(forward, backward), generic(*RIGHT)
    change = within if inside else lambda function: function
    assert check(change(wrong), (X,), modes="rev", order=order).verdict is Verdict.REFUTED
    assert check(change(right), (X,), modes="rev", order=order).verdict is Verdict.PROVED


@since_12
def test_a_rule_that_is_batched_generically_is_listed_and_has_one_mode() -> None:
    found = check(within(generic(*RIGHT)), (X,))
    assert found.verdict is Verdict.PROVED, found
    assert "fwd not checked, as JAX has none for a custom_vjp rule" in str(found)
    (rule,) = found.rules
    assert rule.name == "sin"
    assert rule.where.startswith(__file__)
    found = check(within(generic(*WRONG_PASSES["clipped"][:2])), (X,))
    assert [rule.verdict for rule in found.rules] == [Verdict.REFUTED]


# -- primitives of JAX's -----------------------------------------------------------------------


def root(solve_linear: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """x³/3 as the root of 3y − x³, which one step of Newton's method gives."""

    def solve(f: Any, y: Any) -> Any:
        return y - f(y) / jax.grad(f)(y)

    return lambda x: lax.custom_root(lambda y: 3 * y - x**3, 0.0, solve, solve_linear)


@pytest.mark.parametrize("order", [1, 2])
def test_a_root_is_right_by_its_equation(order: int) -> None:
    right = root(lambda g, y: y / g(1.0))
    assert check(right, (X,), order=order).verdict.passes
    wrong = root(lambda g, y: 1.001 * y / g(1.0))
    assert check(wrong, (X,), order=order).verdict is Verdict.REFUTED


def test_what_solves_the_equation_of_a_root_is_asked_whether_it_is_linear() -> None:
    clipped = check(root(lambda g, y: jnp.clip(y, -10, 10) / g(1.0)), (X,), modes="fwd")
    assert clipped.verdict is Verdict.REFUTED, clipped
    assert "not linear in its tangent" in str(clipped)
    assert check(root(lambda g, y: y / g(1.0)), (X,), modes="fwd").verdict.passes


def test_a_search_for_a_place_has_no_rule() -> None:
    edges = jnp.array([0.0, 1.0, 4.0])

    def part(factor: float) -> Callable[[Any], Any]:
        @jax.custom_jvp
        def scaled(x: Any) -> Any:
            return x * edges[jnp.searchsorted(edges, x)]

        def rule(primals: Any, tangents: Any) -> Any:
            (x,), (t,) = primals, tangents
            return scaled(x), factor * t * edges[jnp.searchsorted(edges, x)]

        scaled.defjvp(rule)
        return scaled

    found = check(part(1.0), (np.float32(2),))
    assert found.verdict.passes, found
    assert [rule.name for rule in found.rules] == ["scaled"]
    assert check(part(1.001), (np.float32(2),)).verdict is Verdict.REFUTED


@since_12
def test_a_power_of_2_is_linear_by_its_operations() -> None:
    found = check(lambda x: jnp.ldexp(x, 3) * x, (X,), order=2)
    assert found.verdict.passes, found
    assert "that were asked for" not in str(found)
