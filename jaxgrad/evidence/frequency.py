"""Measure a probability by drawing, with an exact confidence interval; never more than AGREES."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Any

import jax
import jax.numpy as jnp
from flint import arb

from jaxgrad.errors import ArgumentError, JaxgradError
from jaxgrad.evidence.asked import asked
from jaxgrad.evidence.bounds import Bounds, computed, rational
from jaxgrad.evidence.dependence import reads
from jaxgrad.numbers.ball import exact_ball
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.debug_modes import without_debug_modes
from jaxgrad.programs.jax_errors import errors_named
from jaxgrad.programs.traced_values import require_values
from jaxgrad.verdict import Evidence, Outcome, Verdict

__all__ = ["Frequency", "clopper_pearson", "frequency"]

# Ends are multiples of 2^-40, about 1e-12: far below the width of any interval that can be drawn.
_INTERVAL_BITS = 40

# The binomial tails are compared with rationals that most do not equal; doubling from 128 bits
# decides.
_MOST_BITS = 2**14

# Up to so many trials a tail that no precision tells from the level is summed exactly.
_MOST_EXACT = 1000

# Draws held in memory at a time; the keys are numbered, so it changes nothing but the time.
_BATCH = 2**14

# ``jax.random.fold_in`` takes 32 bits: draws beyond would repeat the first ones.
_MOST_TRIALS = 2**32


@dataclass(frozen=True)
class Frequency(Outcome):
    """How often an event was drawn, and what that says of its probability.

    Args:
        successes: draws in which it happened.
        trials: all draws.
        bounds: the Clopper-Pearson interval.
        evidence: AGREES at most.

    Example:
        >>> drawn = frequency(lambda key: jax.random.bernoulli(key), jax.random.key(0), 100)
        >>> print(drawn)
        AGREES: probability: ... of 100 draws, so between ... with confidence 99.9 % ...

    Source: claims C2, C3.
    """

    successes: int
    trials: int
    bounds: Bounds
    evidence: Evidence

    @property
    def verdict(self) -> Verdict:
        """AGREES or UNDECIDED: draws prove and refute nothing."""
        return self.evidence.verdict


def clopper_pearson(successes: int, trials: int, confidence: Any = "0.999") -> Bounds:
    """The exact (Clopper-Pearson) confidence interval of a binomial probability, rounded outward.

    With k of n and a = 1 - confidence: the lower end solves P(X >= k) = I_p(k, n-k+1) = a/2 and
    the upper end P(X <= k) = I_(1-p)(n-k, k+1) = a/2, X ~ Binomial(n, p); it is 0 for k = 0 and 1
    for k = n. Whatever p is, the interval misses it with probability at most a.

    Args:
        successes: k, 0 <= k <= n.
        trials: n >= 1.
        confidence: between 0 and 1, a decimal string or a Fraction.

    Raises:
        ArgumentError: k, n or the confidence is outside those ranges.

    Example:
        >>> clopper_pearson(0, 10, "0.95").decimals(4)
        ('0', '0.308498')

    Source: claims C2, C3. Clopper, Pearson: Biometrika 26 (1934), 404-413.
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ArgumentError(f"{successes} successes in {trials} trials: need 0 <= k <= n, n >= 1")
    level = rational(confidence, "the confidence")
    if not 0 < level < 1:
        raise ArgumentError(f"the confidence {confidence!r} must lie between 0 and 1")
    half = (1 - level) / 2
    lower = _quantile(successes, trials, half)
    upper = 1 - _quantile(trials - successes, trials, half)
    return Bounds(lower, upper)


def frequency(
    event: Callable[[jax.Array], Any],
    key: jax.Array,
    trials: int,
    *,
    bound: Callable[[], arb] | None = None,
    confidence: Any = "0.999",
    name: str = "probability",
) -> Frequency:
    """Draw an event many times and hold its probability against a bound.

    Draw i uses ``jax.random.fold_in(key, i)``: the same key gives the same draws on every run.

    Args:
        event: key -> bool (), traceable; it is mapped over the draws and compiled.
        key: where all draws come from.
        trials: how many.
        bound: () -> ball, a bound of the probability from above.
        confidence: of the interval, as for ``clopper_pearson``.
        name: what the probability is of, for the text.

    Returns:
        AGREES when no bound is given or the whole interval lies below it, else UNDECIDED.

    Raises:
        ArgumentError: the event is no boolean scalar or does not use its key, trials is not between
            1 and 2^32, the bound is no exact number, or the call is within a traced function.

    Example:
        >>> coin = lambda key: jax.random.bernoulli(key)
        >>> frequency(coin, jax.random.key(0), 1000, bound=lambda: arb("0.6")).verdict
        <Verdict.AGREES: 'AGREES'>

    Source: claims C2, C3.
    """
    with without_debug_modes():
        require_values("frequency", (key,), lambda: ["key"])
        successes = _count(event, key, trials)
    bounds = clopper_pearson(successes, trials, confidence)
    lower, upper = decimals = bounds.decimals(10)
    percent = f"{float(100 * rational(confidence, 'the confidence')):g} %"
    text = (
        f"{name}: {successes} of {trials} draws, so between {lower} and {upper} with confidence "
        f"{percent} (Clopper-Pearson)"
    )
    verdict = Verdict.AGREES
    if bound is not None:
        with precision(2 * _INTERVAL_BITS):
            ball = computed(bound, "the bound")
        verdict, remark = _against(bounds, ball)
        text += f"; {remark} the bound {ball}"
    evidence = Evidence(
        verdict,
        "sampling",
        f"{text}.",
        {f"{name}, confidence {percent}": decimals},
        trusts=("independence of jax.random draws", "Arb"),
    )
    return Frequency(successes, trials, bounds, evidence)


def _against(bounds: Bounds, ball: arb) -> tuple[Verdict, str]:
    if exact_ball(bounds.upper) < ball:
        return Verdict.AGREES, "all below"
    if exact_ball(bounds.lower) > ball:
        return Verdict.UNDECIDED, "all above, which speaks against"
    return Verdict.UNDECIDED, "not clear of"


def _count(event: Callable[[jax.Array], Any], key: jax.Array, trials: int) -> int:
    if not isinstance(trials, int) or isinstance(trials, bool) or not 1 <= trials <= _MOST_TRIALS:
        raise ArgumentError(
            f"frequency: {trials} trials: give at least 1, since none say nothing, and at most "
            "2^32, since the keys are numbered in 32 bits"
        )
    _require_key(key)
    with errors_named("frequency: the event", event, (key,)):
        result = jax.eval_shape(asked(event, 1, "frequency: the event", "a key", ""), key)
    kinds = ", ".join(f"{leaf.dtype}{list(leaf.shape)}" for leaf in jax.tree.leaves(result))
    if kinds != "bool[]":
        raise ArgumentError(
            f"frequency: the event returned {kinds or None}, not one bool: end it with a comparison"
        )
    if not any(reads("frequency: the event", event, key)):
        raise ArgumentError(
            "frequency: the event does not use its key, so every draw is the same: draw from it "
            "with jax.random"
        )

    # What is drawn runs for a moment, and compiles for seconds: most of what XLA does to make it
    # faster costs more than it saves.
    quickly = {"xla_backend_optimization_level": 1} if jax.default_backend() == "cpu" else {}

    @functools.partial(jax.jit, compiler_options=quickly)
    def happened(numbers: jax.Array) -> jax.Array:
        return jax.vmap(lambda number: event(jax.random.fold_in(key, number)))(numbers)

    total = 0
    for start in range(0, trials, _BATCH):
        numbers = jnp.arange(start, min(start + _BATCH, trials), dtype=jnp.uint32)
        total += int(happened(numbers).sum())
    return total


def _require_key(key: Any) -> None:
    """A key of either kind: typed, or an array of integers."""
    dtype = getattr(key, "dtype", None)
    typed = dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key) and not key.shape
    if not typed and (dtype != jnp.uint32 or key.ndim != 1):
        raise ArgumentError(
            f"frequency: the key is {key!r:.60}; give one that says which draws these are, such as "
            "jax.random.key(0)"
        )


def _quantile(successes: int, trials: int, level: Fraction) -> Fraction:
    """A multiple of 2^-40 at most the p at which P(X >= successes) = level, and 2^-40 near it."""
    if successes == 0:
        return Fraction(0)
    low, high = 0, 2**_INTERVAL_BITS
    while high - low > 1:
        middle = (low + high) // 2
        if _tail_below(successes, trials, Fraction(middle, 2**_INTERVAL_BITS), level):
            low = middle
        else:
            high = middle
    return Fraction(low, 2**_INTERVAL_BITS)


def _tail_below(successes: int, trials: int, p: Fraction, level: Fraction) -> bool:
    """Whether P(X >= successes) < level for X ~ Binomial(trials, p), decided rigorously."""
    bits = 128
    while bits <= _MOST_BITS:
        with precision(bits):
            tail = exact_ball(p).beta_lower(successes, trials - successes + 1, regularized=True)
            if tail < exact_ball(level):
                return True
            if tail > exact_ball(level):
                return False
        bits *= 2
    if trials <= _MOST_EXACT:  # the two may be equal, which no ball can tell
        chances = (comb(trials, k) * p**k * (1 - p) ** (trials - k)
                   for k in range(successes, trials + 1))  # fmt: skip
        return sum(chances, Fraction(0)) < level
    raise JaxgradError(
        f"P(X >= {successes}) with {trials} trials at p = {p} is not separated from {level}: "
        "choose another confidence"
    )
