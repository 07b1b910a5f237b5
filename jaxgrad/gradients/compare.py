"""compare(): do two gradients agree?  No tolerance: the same programs run over other numbers."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from jaxgrad.errors import (
    ArgumentError,
    DtypeMismatch,
    EnginesDisagree,
    OpaquePrimitive,
    ShapeMismatch,
    TreeMismatch,
    UnsupportedPrimitive,
)
from jaxgrad.gradients import counterexample, enclosure
from jaxgrad.gradients.batch_points import batch_of, checked_batch
from jaxgrad.gradients.compared_batch import Asks, over_batch
from jaxgrad.gradients.compared_conclusions import agrees, proved, refuted
from jaxgrad.gradients.compared_floats import by_floats, undecided
from jaxgrad.gradients.held_fixed import naming_held
from jaxgrad.gradients.hidden_differences import Met
from jaxgrad.gradients.identity import Budget, Identity, identity
from jaxgrad.gradients.not_finite import TrueValues, first_not_finite
from jaxgrad.gradients.not_finite_origin import origin
from jaxgrad.gradients.outcome import Comparison, LeafResult
from jaxgrad.gradients.points_of_compare import Points
from jaxgrad.gradients.witness import hold_side
from jaxgrad.interpret.budgets import BudgetSpent, has_loops, nested_too_deeply
from jaxgrad.interpret.sides import Side, make_side
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.clock import watched
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.progress import Progress
from jaxgrad.programs.compiled_loops import loops_forgotten
from jaxgrad.programs.debug_modes import without_debug_modes
from jaxgrad.programs.held import checked_argnums
from jaxgrad.programs.options import flag
from jaxgrad.programs.real_parts import are_complex, has_parts, of_parts, parted
from jaxgrad.programs.trace import parameter_names
from jaxgrad.programs.traced_values import require_values
from jaxgrad.verdict import Evidence, Verdict

__all__ = ["Comparison", "LeafResult", "compare"]


def compare(
    hand: Callable[..., Any],
    auto: Callable[..., Any],
    *args: Any,
    argnums: int | Sequence[int] | None = None,
    batch: int | Sequence[Any] | None = None,
    budget: Budget | None = None,
    domain: Callable[..., Any] | None = None,
    exact: bool = False,
    special_points: bool = True,
) -> Comparison:
    """Decides whether two gradients are the same function.

    The ladder: same tree, shapes and dtypes; then equal polynomials (PROVED, for every real
    input of these shapes, except where a divisor vanishes or a function has no value: the evidence
    names these places, and the given point is none of them); then Arb balls at the given point and
    at drawn ones: disjoint balls refute, balls that meet agree to the bits stated.  There is no
    tolerance.

    Args:
        hand: the gradient to be checked: a JAX function, or plain NumPy code, of ``args``.
        auto: what it is held against, usually ``jax.grad(cost)``.
        args: pytrees of arrays, any floating-point or complex dtype (of a complex array the real
            and the imaginary part are compared); their shapes and dtypes are the scope of the
            verdict and their values are one of the points tried.  Integer, boolean and
            PRNG-key leaves are held fixed, and so are leaves that are no arrays, such as functions
            and strings.
        argnums: which of ``args`` are variables, as for ``jax.grad``; the others are held fixed at
            their values.  By default all of them.
        batch: further points, looked at in one compiled call over intervals, and by balls where
            these leave something open: how many are drawn, or a tuple like ``args`` in which every
            array that is a variable has a first axis of points (None for those held fixed).  A
            proof, which speaks of all points, is not asked for more.
        budget: how far the polynomials may grow; see :class:`~jaxgrad.gradients.identity.Budget`.
        domain: a JAX function of ``args`` that returns a boolean, or an array of them: only points
            where it is true are drawn, which is decided in exact numbers.  Where it is narrow,
            points on the way from the given one to drawn ones are taken.
        exact: whether sides differ of which no float tells one from the other: by default such a
            difference, in the last digits of a series, a fit or a Taylor branch, is followed to
            where it grows, and where that stays within what rounding could hide the sides agree.
        special_points: whether points are drawn besides the given one.

    Raises:
        ArgumentError: a side is not callable, an option is none, no argument is floating point,
            argnums names none, the arguments are outside of the domain or traced, or the sides
            return no number, so that nothing is compared; batch is not like the arguments.
        NonFiniteInput: an argument, or the batch, holds NaN or an infinity.
        TreeMismatch, ShapeMismatch, DtypeMismatch: the sides return different structures, or a
            derivative rule of what a side differentiates returns the wrong one, or the arrays of
            the batch are not those of the arguments with one axis in front.
        NoDerivative: JAX has no derivative of what a side differentiates; an ArgumentError, too.
        TraceError: a side runs neither under JAX nor under NumPy, or domain not under JAX.
        Exception: what a side raises itself, or runs into in JAX, as it is, with a note of the
            side.  Of all others above that come of an exception, that is the ``__cause__``.

    Example:
        >>> import jax
        >>> def hand(z):
        ...     s = jax.nn.sigmoid(z)
        ...     return s * (1 - s)
        >>> compare(hand, jax.grad(jax.nn.sigmoid), 0.5).verdict
        <Verdict.PROVED: 'PROVED'>
        >>> def cost(z, y):
        ...     return -jax.numpy.sum(y * jax.nn.log_softmax(z))
        >>> z, y = jax.numpy.array([0.5, -1.0]), jax.numpy.array([0.0, 1.0])  # y sums to 1
        >>> print(compare(lambda z, y: jax.nn.softmax(z) - y, jax.grad(cost), z, y, argnums=0))
        PROVED: the same polynomial for every real input of these shapes (z[2]), y held fixed

    Source: claim A5 (the product) and claim E1 (the recurrence) are proved by this function.
    """
    exact, special_points = flag("exact", exact), flag("special_points", special_points)
    if not isinstance(budget, Budget | None):
        raise ArgumentError(
            f"budget is {budget!r:.60}; of compare it is how far polynomials may grow, a "
            "jaxgrad.gradients.identity.Budget, and no time as that of check; leave it out"
        )
    progress, known = Progress(), ["nothing known yet"]
    watch, shown = watched(progress.look, limited=False), progress.followed(lambda: known[-1])
    with without_debug_modes(), loops_forgotten(), watch, shown:
        require_values("compare", args, lambda: parameter_names(hand, len(args)))
        held, args = checked_argnums(argnums, len(args)), parted(args)
        asked = checked_batch(batch, len(args))
        left, right = make_side("hand", hand, args, held), make_side("auto", auto, args, held)
        _same_structure(left, right)
        domain = of_parts(domain) if domain is not None and has_parts(args) else domain
        points = Points(left.inputs, args, domain, special_points, held)
        further = (
            None if asked is None else batch_of(asked, left.inputs, hand, points.inside_domain)
        )
        try:
            met = Met(left, right, exact)
            found = _compare(left, right, args, points, budget, met, progress, known)
            if further is None or not found.verdict.passes:
                return found
            progress.say("compare, the batch")

            def refuting(meeting: enclosure.Meeting, name: str) -> Comparison:
                for side in (left, right):
                    hold_side(side, meeting.values, few_shapes=True)
                return refuted(left, right, args, meeting, points, name)

            def as_run(values: list[Any], name: str) -> Comparison:
                floats = [side.floats(values) for side in (left, right)]
                return _as_run(found, floats, args, values, name)

            asks = Asks(met, refuting, points.allows, as_run)
            return over_batch(found, (left, right), further, asks)
        except RecursionError:
            return undecided(left, right, nested_too_deeply())


def _compare(
    left: Side,
    right: Side,
    args: Sequence[Any],
    points: Points,
    budget: Budget | None,
    met: Met,
    progress: Progress,
    known: list[str],
) -> Comparison:
    """What comes of two sides.

    Args:
        met: how they lie at one point after another.
        progress: it is told what is done.
        known: what an interrupt would say is added to it.
    """
    progress.say("compare, the given point")
    found = _find_opaque(left, right, args)
    if found is not None:
        return naming_held(found, left)
    given = [leaf.value for leaf in left.inputs]
    for side in (left, right):
        spent = _budget_spent(side, given)
        if spent is not None:
            return undecided(left, right, spent)
    runs = hold_side(left, given, few_shapes=True), hold_side(right, given, few_shapes=True)
    progress.say("compare, polynomials")
    algebra = identity(left, right, budget)
    found = _proved(left, right, algebra) if algebra.proved else None
    if found is None:
        known.append("nothing known yet but that polynomials do not show the sides to be the same")
        progress.say("compare, points")
        found = _at_points(met, left, right, args, points, algebra, known)
    return naming_held(_as_run(found, [run.floats for run in runs], args, given), left)


def _same_structure(hand: Side, auto: Side) -> None:
    if hand.out_tree != auto.out_tree:
        kinds = [are_complex(s.out_tree) for s in (hand, auto)]
        if kinds[0] != kinds[1]:
            names = ("hand", "auto") if kinds[0] else ("auto", "hand")
            raise TreeMismatch(
                f"{names[0]} returns complex numbers and {names[1]} real ones; by a complex "
                "x + iy the gradient of a real f is ∂f/∂x − i ∂f/∂y"
            )
        paths = [{leaf.path for leaf in side.outputs} for side in (hand, auto)]
        only = sorted(paths[0] ^ paths[1])
        where = f"; {only[0] or 'the root'} is a leaf of one side only" if only else ""
        raise TreeMismatch(
            f"hand returns {hand.out_tree} and auto returns {auto.out_tree}{where}; return the "
            "tree of the argument that is differentiated"
        )
    if not any(math.prod(leaf.shape) for leaf in hand.outputs + auto.outputs):
        raise ArgumentError(
            f"hand and auto return no number ({hand.out_tree}), so nothing is compared; return the "
            "gradient (a forgotten `return`, or an empty slice?)"
        )
    for x, y in zip(hand.outputs, auto.outputs, strict=True):
        name = f"gradient{x.path}"
        if x.shape != y.shape:
            raise ShapeMismatch(
                f"{name} has shape {x.shape} in hand and {y.shape} in auto; a gradient has the "
                "shape of what it is taken with respect to (a missing transpose or a missing "
                "sum over a broadcast axis?)"
            )
        traced = hand.program is not None and auto.program is not None
        if traced and x.dtype != y.dtype:
            raise DtypeMismatch(
                f"{name} has dtype {np.dtype(x.dtype)} in hand and {np.dtype(y.dtype)} in auto; "
                "cast the hand-derived gradient with .astype, or pass arguments of one dtype"
            )


def _budget_spent(side: Side, given: list[Any]) -> str | None:
    """Which budget the loops of a side spend at the given point, where it is not run as it is."""
    if side.program is None or not has_loops(side.program.jaxpr):
        return None
    try:
        enclosure.truth_at(side, given)
    except BudgetSpent as error:
        return f"{side.name}: {error}"
    except (CannotDecide, UnsupportedPrimitive):
        return None
    return None


def _find_opaque(hand: Side, auto: Side, args: Sequence[Any]) -> Comparison | None:
    """Judges NumPy code that cannot run over exact numbers by its floats."""
    for side in (hand, auto):
        with precision(enclosure.FIRST_PRECISION):
            point = enclosure.balls(side.inputs, [leaf.value for leaf in side.inputs])
            side.try_exact(Ball(), point)
    opaque = [side for side in (hand, auto) if side.opaque is not None]
    if not opaque:
        return None
    if len(opaque) == 2:
        return undecided(hand, auto, f"both sides are opaque ({opaque[0].opaque})")
    return by_floats(hand, auto, opaque[0], args)


def _as_run(
    found: Comparison,
    floats: Sequence[list[np.ndarray]],
    args: Sequence[Any],
    given: list[Any],
    name: str = "",
) -> Comparison:
    """The comparison, refuted where a side returns NaN or an infinity at a point.

    That is so where the other side, or the formula, has a number there.

    Args:
        found: what is known besides.
        floats: what each side returned there.
        args: the given arguments.
        given: the point.
        name: which one it is, if it is not that of the given arguments.
    """
    hand, auto = found._sides
    if found.verdict is Verdict.REFUTED:
        return found
    left_floats, right_floats = floats
    truth = TrueValues(_values(hand, auto, given))
    place = first_not_finite(left_floats, right_floats, truth)
    if place is not None and not name and hand.program is not None and auto.program is not None:
        # Compiled as a whole, as a side may have been given, it need not overflow on its way.
        left_floats, right_floats = hand.called() or left_floats, auto.called() or right_floats
        place = first_not_finite(left_floats, right_floats, truth)
    if place is None:
        return found
    k, index = place
    left, right = f"{left_floats[k][index]}", f"{right_floats[k][index]}"
    leaves = list(found.leaves)
    path, shape = leaves[k].path, leaves[k].shape
    leaves[k] = LeafResult(path, shape, Verdict.REFUTED, None, index, left, right)
    where = name or "the given arguments"
    text = f"at {where} hand returns {left} and auto {right} in floating point"
    if found.verdict.passes:
        text += f"; as formulas: {found.evidence.text}"
    broken = hand if not math.isfinite(float(left)) else auto
    if broken.program is not None:
        text += origin(broken.program, given, k, index, finite=True)
    text += f"\n  {leaves[k]}"
    code = counterexample.write(hand, args, given, k, index)
    evidence = Evidence(
        Verdict.REFUTED, "counterexample", text, counterexample=code, trusts=("JAX's own run",)
    )
    return Comparison(Verdict.REFUTED, tuple(leaves), evidence, (hand, auto))


def _values(hand: Side, auto: Side, given: list[Any]) -> Iterator[list[Any]]:
    """The balls of the formula at the given point, ever more precise, of a side that has them."""
    for bits in (*enclosure.PRECISIONS, *enclosure.FURTHER_PRECISIONS):
        for side in (hand, auto):
            with contextlib.suppress(CannotDecide, UnsupportedPrimitive):
                yield enclosure.truth_at(side, given, bits)
                break


def _proved(hand: Side, auto: Side, algebra: Identity) -> Comparison | None:
    """What a proof is worth; None where it does not speak of the given point."""
    meeting = _second_opinion(hand, auto)
    if meeting is None and algebra.log_error is not None:
        return None
    if meeting is not None and not (meeting.differs or meeting.seen):
        return None
    if meeting is not None and meeting.differs:
        raise EnginesDisagree(
            "polynomials or residues show both sides equal and balls show them different; one of "
            f"the rules of this package is wrong, please report it: {hand.program} {auto.program}"
        )
    return proved(hand, auto, algebra)


def _second_opinion(hand: Side, auto: Side) -> enclosure.Meeting | None:
    """The balls at the given point, which share no code with the polynomials but the rules.

    They are made more precise only where the first ones show nothing.
    """
    given = [leaf.value for leaf in hand.inputs]
    meeting = None
    try:
        meeting = enclosure.meet_once(hand, auto, given)
        if not (meeting.differs or meeting.seen):
            meeting = enclosure.meet(hand, auto, given)
    except (CannotDecide, UnsupportedPrimitive):
        pass
    return meeting


def _at_points(
    met: Met,
    hand: Side,
    auto: Side,
    args: Sequence[Any],
    points: Points,
    algebra: Identity,
    known: list[str],
) -> Comparison:
    meetings: list[enclosure.Meeting] = []
    for point in (points.given, *points.drawn):
        try:
            meeting = met.at(point)
        except (CannotDecide, UnsupportedPrimitive) as error:
            if not meetings:
                return _undecided_or_floats(hand, auto, args, error, algebra)
            continue
        if meeting.differs:
            for side in (hand, auto) if point is not points.given else ():
                hold_side(side, point, few_shapes=True)
            return refuted(hand, auto, args, meeting, points)
        meetings.append(meeting)
        known.append(f"no difference of the sides at {len(meetings)} points that were looked at")
    grown = met.grown(points.allows)
    if grown is None:
        return agrees(hand, auto, meetings, points, algebra, met.in_words)
    for side in (hand, auto):
        hold_side(side, grown.values, few_shapes=True)
    return refuted(hand, auto, args, grown, points)


def _undecided_or_floats(
    hand: Side, auto: Side, args: Sequence[Any], error: Exception, algebra: Identity
) -> Comparison:
    """A side without balls is opaque; the other one may still serve as the truth."""
    point, refutes = [leaf.value for leaf in hand.inputs], True
    for side in (hand, auto):
        try:
            enclosure.truth_at(side, point)
        except (CannotDecide, UnsupportedPrimitive) as own:
            # Of what JAX leaves open, and of what has no rule, one run is no counterexample.
            side.opaque, refutes = str(own), isinstance(own, OpaquePrimitive)
    opaque = [side for side in (hand, auto) if side.opaque is not None]
    if len(opaque) == 1:
        return by_floats(hand, auto, opaque[0], args, refutes)
    return undecided(hand, auto, f"{error} (polynomials: {algebra.reason or 'not equal'})")
