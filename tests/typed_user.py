"""A file of a user who writes types: every public name, as it is used. Read by pyright alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import jax
import jax.numpy as jnp
from flint import arb, arb_series

import jaxgrad


def cost(x: jax.Array) -> jax.Array:
    return jnp.sum(x * x)


def by_hand(x: jax.Array) -> jax.Array:
    return 2 * x


# What type the result has JAX does not say.
slope: Callable[[jax.Array], jax.Array] = jax.grad(cost)  # pyright: ignore


def bounded(s: Fraction) -> bool:
    return s * (1 - s) <= Fraction(1, 4)


def positive(x: arb) -> arb:
    return x * x + 1


def hump(x: arb_series) -> arb_series:
    return x * (1 - x)


def verdicts(x: jax.Array) -> list[jaxgrad.Verdict]:
    found: jaxgrad.GradientCheck = jaxgrad.check(cost, (x,), order=2, modes="rev")
    passed: jaxgrad.GradientCheck = jaxgrad.check_grads(cost, (x,), 1, ("fwd", "rev"))
    compared: jaxgrad.Comparison = jaxgrad.compare(by_hand, slope, x, argnums=0)
    compared.assert_agrees()
    said: str | None = compared.counterexample
    print(found.leaves[0].path, passed.special_points, compared.stable, said, found.to_json())
    return [found.verdict, passed.verdict, compared.verdict]


def evidence() -> list[jaxgrad.Evidence]:
    swept: jaxgrad.Sweep = jaxgrad.sweep(cost, "float16", lambda x, y: y >= 0)
    count: jaxgrad.Count = swept.failures
    half = ("float16", "float16")
    pairs: jaxgrad.SweptPairs = jaxgrad.sweep_pairs(jnp.hypot, half, lambda x, y, z: z >= x)
    print(pairs.failures, pairs.failing and pairs.failing.code)
    measured: jaxgrad.Accuracy = jaxgrad.accuracy(cost, "float16", derivative=slope)
    binade: jaxgrad.Binade = measured.binades[0]
    worst: jaxgrad.WorstFloat | None = measured.worst
    print(binade.median, worst and worst.code, measured.at_least(11).verdict)
    extent: jaxgrad.Extent = count.positive
    least: jaxgrad.Float | None = extent.first
    decided: jaxgrad.Evidence = jaxgrad.decide(bounded)
    covered = jaxgrad.covers(positive, [(0, 1)])
    enclosed: jaxgrad.Enclosure = jaxgrad.enclose(lambda: arb(2).sqrt(), 4)
    highest: jaxgrad.Supremum = jaxgrad.supremum(hump, (0, 1), outside_bounds={})
    drawn: jaxgrad.Frequency = jaxgrad.frequency(jax.random.bernoulli, jax.random.key(0), 10)
    step = jaxgrad.induction(decided, decided, "of every depth")
    both = jaxgrad.conjunction({"one": decided, "other": enclosed}, "both", "decision")
    print(least, drawn.bounds, highest.evidence.trusts, enclosed.verdict is jaxgrad.Verdict.PROVED)
    return [decided, covered, step, both]


def numbers() -> None:
    bracket: jaxgrad.Bracket = ("0.1", "0.2")
    ball: arb = jaxgrad.interval_ball(Fraction(0), Fraction(1))
    bounds: jaxgrad.Bounds = jaxgrad.bounds_of(ball)
    with jaxgrad.precision(100):
        print(jaxgrad.run_over(jaxgrad.Ball(), cost, [0.5]), bounds.lower, bracket)
    print([dtype.name for dtype in jaxgrad.float_dtypes(infinities=True)])
    print(jaxgrad.is_zero, jaxgrad.is_negative, jaxgrad.is_positive, jaxgrad.is_subnormal)
    region: jaxgrad.Region = jaxgrad.everywhere(slope, (0.0,), (1.0,), between=(0, 2))
    print(region.share_open, region.counterexample)
    region.assert_agrees()
    interval: jaxgrad.Interval = jaxgrad.run_over(jaxgrad.Intervals(), slope, 0.5)
    print(interval.parts[0])
    print(jaxgrad.upper_bound, jaxgrad.NumberSystem, jaxgrad.ArraySystem, jaxgrad.SystemArray)


@jaxgrad.claim("2x is the derivative of x²", source="X1: a square", expect=jaxgrad.Verdict.PROVED)
def a_square(two: float = 2.0) -> Iterator[tuple[str, jaxgrad.Comparison]]:
    def doubled(x: jax.Array) -> jax.Array:
        return two * x

    yield "by hand", jaxgrad.compare(doubled, slope, jnp.float32(0.5))


@jaxgrad.rule("my_primitive")
def my_primitive(x: jax.Array) -> jax.Array:
    return 2 * x


def networks() -> None:
    net = jaxgrad.networks.Chain(depth=2)
    print(jaxgrad.closed_form.gradient(net), jaxgrad.activations.activation("tanh"))
    print(jaxgrad.costs.cost("quadratic"), jaxgrad.strategies.networks, jaxgrad.function)
    print(jaxgrad.properties.derivative_below(jax.nn.sigmoid, 0.25).verdict.passes)


def fails(x: jax.Array) -> str:
    try:
        jaxgrad.check_grads(cost, (x,))
    except (jaxgrad.GradientMismatch, jaxgrad.UndecidedError) as error:
        return f"{error.check}"
    except jaxgrad.errors.TraceError as error:
        return str(error)
    except jaxgrad.JaxgradError:
        raise
    return ""
