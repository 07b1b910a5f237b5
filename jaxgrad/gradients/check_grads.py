"""check_grads(): are the derivative rules of a function right?  No tolerance.

JAX's own derivative programs are evaluated in Arb balls, which is the exact formula of the rules,
and held against the one-sided derivatives of the primal, which no derivative rule takes part in.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from jaxgrad.errors import ArgumentError, OpaquePrimitive, UnsupportedPrimitive
from jaxgrad.gradients.batch_points import checked_batch
from jaxgrad.gradients.floats.question import checked_dtypes, floats_of
from jaxgrad.gradients.held_fixed import naming_held
from jaxgrad.gradients.outcome import GradientCheck, RuleResult
from jaxgrad.gradients.rules.at_fault import naming_itself, with_rules_at_fault
from jaxgrad.gradients.rules.at_infinity import at_infinity, is_finite
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.border_words import MEND, at_a_border, nothing_judged
from jaxgrad.gradients.rules.causes import cause
from jaxgrad.gradients.rules.conclusions import (
    Judged,
    passed,
    refutation,
    undecided,
    why_open,
    wrong_value,
)
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.faults import faults_named
from jaxgrad.gradients.rules.judged_precisely import judged_precisely
from jaxgrad.gradients.rules.linearity import LinearChecks
from jaxgrad.gradients.rules.lost import lost
from jaxgrad.gradients.rules.modes import MODES, checked_modes, checked_order
from jaxgrad.gradients.rules.opaque import by_floats
from jaxgrad.gradients.rules.other_dtypes import in_other_dtypes
from jaxgrad.gradients.rules.over_batch import Asks, over_batch
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.rest import Given, Rest
from jaxgrad.gradients.rules.seen_wrong import leaves_of
from jaxgrad.gradients.rules.smaller import smaller
from jaxgrad.gradients.rules.stages import Stages, checked_budget
from jaxgrad.gradients.rules.unjudged_floats import with_floats
from jaxgrad.gradients.rules.whose import holds_callers_rules
from jaxgrad.interpret.budgets import nested_too_deeply
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.clock import GRACE, grace, in_grace
from jaxgrad.numbers.vector_choice import free_vectors
from jaxgrad.programs.compiled_loops import loops_forgotten
from jaxgrad.programs.debug_modes import without_debug_modes
from jaxgrad.programs.held import checked_argnums, without_derivative
from jaxgrad.programs.options import by_default, flag
from jaxgrad.programs.trace import parameter_names
from jaxgrad.programs.traced_values import require_values
from jaxgrad.verdict import Evidence, Verdict

__all__ = ["GradientCheck", "RuleResult", "check", "check_grads"]


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int = 1,
    modes: Sequence[str] | str = MODES,
    atol: float | None = None,
    rtol: float | None = None,
    eps: float | None = None,
    *,
    argnums: int | Sequence[int] | None = None,
    batch: int | Sequence[Any] | None = None,
    domain: Callable[..., Any] | None = None,
    reference: Callable[..., Any] | None = None,
    dtypes: Sequence[Any] | None = None,
    exact: bool = False,
    special_points: bool | None = None,
    linear: bool | None = None,
    budget: float | None = None,
) -> GradientCheck:
    """Checks the derivative rules of a function; a drop-in for JAX's test utility.

    What JAX's rules give for J(x)v, for J(x)ᵀu and for the derivatives of these is enclosed and
    held against the one-sided derivatives f₊⁽ᵏ⁾(x; v) and f₋⁽ᵏ⁾(x; v) of the function itself.
    Where the two differ, the function has a kink, and any value between them is accepted and
    reported.  Leaves that are not floating point are held fixed.

    Args:
        f: a JAX function of ``args``, any floating-point or complex dtypes.  A complex array is a
            pair of leaves, its real and its imaginary part: what is judged is the derivative by
            both, holomorphic or not.
        args: a sequence of pytrees of arrays, the point x.  Leaves that are no floating-point
            arrays are held fixed: integers, booleans and keys, and functions, strings and the like.
            The derivative at an entry of ±∞ is the limit; an entry NaN is held fixed.
        order: every order from 1 to this one is checked.
        modes: ``"fwd"``, ``"rev"`` or both; a mode that JAX does not have for a ``custom_vjp``
            rule is left out, and the evidence says so.
        atol, rtol, eps: accepted and without use: nothing is compared to a tolerance.
        argnums: the arguments with respect to which is differentiated, as for ``jax.grad``; the
            others are held fixed at their values, and Python's numbers among them reach f as they
            are, so that they may be static.  By default all but those in ``nondiff_argnums`` of f.
        batch: further points, of which the custom rules are held against JAX's derivative without
            them in one compiled call over intervals, and what that leaves open is judged like the
            given point: how many are drawn, or a tuple like ``args`` in which every array that is
            differentiated has a first axis of points.
        domain: a JAX function of ``args`` that returns a boolean, or an array of them: only points
            where it is true are looked at, which is decided in exact numbers.  A simplex needs room
            for rounding: ``lambda p: jnp.all(p > 0) & (abs(p.sum() - 1) < 1e-6)``.
        reference: the function whose derivative the rules of f should be, if that is not f: a
            straight-through estimator, a stopped or surrogate gradient.  Of the arguments of f.
        dtypes: the compiled derivatives of every order are judged in these dtypes, too, such as
            ``("float32", "bfloat16")``, at the given and at special points, and whether the rules
            are right as formulas there; where they cannot be, the check is UNDECIDED.  See
            :mod:`jaxgrad.gradients.floats.allowance`.
        exact: whether a rule is wrong whose formula differs from the derivative by less than the
            rounding of the compiled rule could hide, as that of a Taylor branch, of a fit, or of
            an iteration that ends; by default it agrees, and the evidence says to how many bits.
        special_points: whether to judge the points at which the program compares equal, divides
            by 0 and the like, too, and one drawn near the given one, whose numbers have every bit;
            by default yes, without a reference.  Of a function without custom rules, where all
            derivatives are JAX's own, these are 26 points; with ``True``, as of others, up to 40.
        linear: whether a backward rule has to be linear in its cotangent, and a forward rule in
            its tangent, as every derivative is; by default yes, without a reference.  ``False``
            declares that a rule is not on purpose, as one that clips gradients; it is then asked
            with cotangents and tangents no longer than 1, of both signs.
        budget: CPU seconds for all that follows the given point, which has a minute by itself; 5
            by default (pytest's ``--jaxgrad-budget`` sets it for a run), ``math.inf`` for as long,
            and as much memory, as it takes.  What was not reached is said.

    Returns:
        the check, if it passes.  PROVED: besides, the custom rules give the same polynomials as
        JAX's derivative of the function without them, for every real input except where the
        evidence says (a divisor vanishes, a function has no value), and that is the derivative
        wherever nothing compared or rounded in the function ties.  A ``stop_gradient`` in it is the
        identity there; a function with a solver of the user's own is never PROVED.  AGREES: the
        rules are right at the points that were judged.

    Raises:
        ArgumentError: an unknown mode or order, an option that is none, nothing to differentiate,
            argnums that names none, args that is no tuple, is outside of its domain, or is traced;
            a batch that is not like args.
        TraceError: f, or domain, is not made of JAX operations.
        NoDerivative: JAX has no derivative of f in any of the modes; an ArgumentError, too.
        TreeMismatch, ShapeMismatch, DtypeMismatch: a custom rule returns the wrong structure.
        Exception: what f, its rules or the reference raise themselves, or run into in JAX, as it
            is, with a note of where.  Of all others above that come of an exception, that is the
            ``__cause__``.
        GradientMismatch: a rule is wrong; the message names the leaf and carries a counterexample.
        UndecidedError: it could not be decided.

    Example:
        >>> import jax
        >>> check_grads(jax.nn.softplus, (0.0,), order=2).verdict
        <Verdict.AGREES: 'AGREES'>
        >>> check_grads(abs, (0.0,)).kinks
        ('x',)
        >>> straight_through = lambda x: x + jax.lax.stop_gradient(jax.numpy.round(x) - x)
        >>> check_grads(straight_through, (0.3,), reference=lambda x: x).verdict
        <Verdict.AGREES: 'AGREES'>
        >>> entropy = lambda p: -p * jax.numpy.log(p)
        >>> check_grads(entropy, (0.5,), domain=lambda p: (0 < p) & (p < 1)).verdict
        <Verdict.AGREES: 'AGREES'>
        >>> [leaf.path for leaf in check_grads(jax.numpy.arctan2, (0.5, 2.0), argnums=-1).leaves]
        ['x2']

    Source: docs/check_grads.md.
    """
    __tracebackhide__ = True  # a test that fails shows its own line
    found = check(
        f, args, order, modes, atol, rtol, eps,
        argnums=argnums, batch=batch, domain=domain, reference=reference, dtypes=dtypes,
        exact=exact, special_points=special_points, linear=linear, budget=budget,
    )  # fmt: skip
    found.assert_agrees()
    return found


def check(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int = 1,
    modes: Sequence[str] | str = MODES,
    atol: float | None = None,
    rtol: float | None = None,
    eps: float | None = None,
    *,
    argnums: int | Sequence[int] | None = None,
    batch: int | Sequence[Any] | None = None,
    domain: Callable[..., Any] | None = None,
    reference: Callable[..., Any] | None = None,
    dtypes: Sequence[Any] | None = None,
    exact: bool = False,
    special_points: bool | None = None,
    linear: bool | None = None,
    budget: float | None = None,
) -> GradientCheck:
    """What comes of :func:`check_grads`, REFUTED and UNDECIDED too, which that one raises.

    It is true where the verdict passes, and evidence in a claim, so that one of a wrong rule may
    say ``expect=REFUTED``.

    Args:
        f, args, order, modes, atol, rtol, eps, argnums, batch, domain: as in :func:`check_grads`.
        reference, dtypes, exact, special_points, linear, budget: as there, too.

    Returns:
        the check, whatever its verdict.

    Raises:
        ArgumentError, TraceError: as :func:`check_grads`.

    Example:
        >>> import jax
        >>> @jax.custom_jvp
        ... def f(x):
        ...     return x**2
        >>> _ = f.defjvp(lambda x, v: (f(*x), x[0] * v[0]))
        >>> check(f, (3.0,)).verdict
        <Verdict.REFUTED: 'REFUTED'>

    Source: docs/check_grads.md.
    """
    if not isinstance(args, tuple | list):
        given = "array" if hasattr(args, "shape") else type(args).__name__
        raise ArgumentError(
            f"args is one {given}; give a tuple of the arguments: (x,) for one, (x, y) for two"
        )
    checked_order(order)
    modes = checked_modes(modes)
    special = by_default("special_points", special_points, reference is None)
    linear = by_default("linear", linear, reference is None)
    asked, stages = checked_dtypes(dtypes), Stages(checked_budget(budget))
    batch = checked_batch(batch, len(args))
    held = without_derivative(f, args) if argnums is None else checked_argnums(argnums, len(args))
    programs = functools.partial(
        DerivativePrograms,
        order=order,
        modes=modes,
        linear=linear,
        exact=flag("exact", exact),
        here=not special and special_points is not None,
        thorough=special_points is True,
    )
    with without_debug_modes(), loops_forgotten(), stages.watched(), free_vectors():
        require_values("check", args, lambda: parameter_names(f, len(args)))
        primal = functools.partial(Primal, f, args, reference, held=held, domain=domain)
        with faults_named(f, args, held):
            return _checked(primal, programs, special, asked, batch, stages)


def _checked(
    made: Callable[[], Primal],
    programs: Callable[[Primal], DerivativePrograms],
    special: bool,
    dtypes: tuple[Any, ...] | None,
    batch: Any,
    stages: Stages,
) -> GradientCheck:
    try:
        primal = made()
    except (UnsupportedPrimitive, CannotDecide) as error:
        return GradientCheck(
            Verdict.UNDECIDED, (), Evidence(Verdict.UNDECIDED, "reason", str(error))
        )
    try:
        rules = programs(primal)
        found = _check(rules, special, stages, dtypes)

        def formula(cast: Primal) -> GradientCheck:
            share = Stages(stages.left("proof"), share=True)
            return _check(programs(cast), special, share, (), alone=True, whole=False)

        def here(other: Primal) -> GradientCheck:
            return _here(stages.budget, programs(other), False)

        def as_given(special: bool, other: Primal) -> GradientCheck:
            share = Stages(stages.budget, share=True)
            dtypes = () if special else None
            return _check(programs(other), special, share, dtypes, alone=True, whole=False)

        alone = functools.partial(as_given, False)
        more = functools.partial(as_given, True) if special else None
        found = over_batch(found, rules, batch, Asks(here, alone, more, stages.budget))
        found = with_floats(in_other_dtypes(found, primal, dtypes, formula), dtypes)
        found = naming_itself(naming_held(found, primal), primal)
        return replace(found, _jaxs_alone=not holds_callers_rules(primal.moving_program.jaxpr))
    except RecursionError:
        return undecided(primal, nested_too_deeply())


def _check(
    rules: DerivativePrograms,
    special: bool,
    stages: Stages,
    dtypes: tuple[Any, ...] | None = None,
    alone: bool = False,
    whole: bool = True,
) -> GradientCheck:
    """The given point, then all that follows it: what is wrong first ends it.

    Args:
        alone: whether it is a rule that a function calls.
        whole: whether it is what was asked for, and not a part of that.
    """
    primal = rules.primal
    if rules.empty:
        return undecided(primal, "the arguments or the results are empty: nothing to check")
    found: GradientCheck | Given | None = None
    with stages.given() as part:
        found = _at_given(rules, stages)
    if found is None:
        instead = smaller(primal.truth_program, rules.order)
        return undecided(primal, f"the given point takes more than {part.spent}; {instead}")
    if isinstance(found, GradientCheck):
        return found if alone or not whole else with_rules_at_fault(found, rules, stages, _here)

    def check_rule(seconds: float, rule: DerivativePrograms, everywhere: bool) -> GradientCheck:
        """One rule that the function calls, which is not looked into further."""
        own = Stages(seconds, share=True)
        return _check(rule, special and everywhere, own, alone=True, whole=False)

    rest = Rest(rules, found, stages, special, dtypes, None if alone else check_rule)
    if whole:
        stages.knows(rest.interrupted)
    found = rest.check()
    return found if alone else with_rules_at_fault(found, rules, stages, _here)


# -- the given point -----------------------------------------------------------------------------


def _at_given(rules: DerivativePrograms, stages: Stages) -> GradientCheck | Given:
    """What is known at the given point, or the check where that ends it."""
    primal = rules.primal
    try:
        if not is_finite(primal):
            return at_infinity(rules)
        judged, at, cut = judged_precisely(rules)
    except OpaquePrimitive:
        return by_floats(rules, lambda other: _check(other, False, stages, whole=False))
    except (CannotDecide, UnsupportedPrimitive) as error:
        return undecided(primal, str(error))
    leaves = leaves_of(at, judged, cut)
    if cut:
        with grace():  # what was found is said, whatever it took
            ended = _ended_here(judged, at, leaves, LinearChecks(rules))
        assert ended is not None
        return ended
    # A guard against misreading, made number by number, takes no longer than what it guards.
    most = max(1.0, stages.elapsed) if math.isfinite(stages.budget) else math.inf
    held, checks = rules.hold(primal.point, most), LinearChecks(rules)
    ended = _ended_here(judged, at, leaves, checks)
    if ended is not None:
        return ended
    if not held.finite:
        return Given(at, leaves, checks, floats_of(rules, None, (), held.finite))
    return Given(at, leaves, checks, lost=lost(rules, held.vanishing))


def _here(seconds: float, rule: DerivativePrograms, _: bool) -> GradientCheck:
    """A rule that the function calls, at the values that reach it alone."""
    found = _at_given(rule, Stages(seconds, share=True))
    if isinstance(found, GradientCheck):
        return found
    return passed(rule.primal, found.leaves, None, "right at the values that reach it", ())


def _ended_here(
    judged: Judged, at: AtPoint, leaves: tuple[RuleResult, ...], checks: LinearChecks
) -> GradientCheck | None:
    """The check where something is wrong at the given point, or open."""
    primal = at.rules.primal
    wrong = wrong_value(primal, judged)
    if wrong is None:
        wrong = checks.first(at)
    if wrong is not None:
        return wrong
    refuted = [leaf for leaf in leaves if leaf.verdict is Verdict.REFUTED]
    if refuted:
        text = f"the derivative rules are wrong for {len(refuted)} of {len(leaves)} leaves"
        border = why = ""
        with in_grace(GRACE / 2):  # what was found is not lost where saying why takes long
            border = at_a_border(at, judged) or ""
            why = cause(at, judged)
        text = (border or text) + (why or (MEND if border else ""))
        evidence = refutation(text, refuted[0].counterexample, refuted[0])
        return GradientCheck(Verdict.REFUTED, leaves, evidence)
    wrong = checks.higher(at)
    if wrong is not None:
        return wrong
    if (nothing := nothing_judged(at, judged)) is not None:
        return undecided(primal, nothing)
    if any(leaf.verdict is Verdict.UNDECIDED for leaf in leaves):
        evidence = Evidence(Verdict.UNDECIDED, "reason", why_open(at, judged))
        return GradientCheck(Verdict.UNDECIDED, leaves, evidence)
    return None
