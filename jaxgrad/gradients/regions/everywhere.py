"""everywhere(): is a derivative what it is claimed to be at every point of a box?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from numbers import Rational
from typing import Any

import jax
import numpy as np
from jax.tree_util import tree_structure, tree_unflatten

from jaxgrad.errors import ArgumentError, CannotDecide, EnginesDisagree, UnsupportedPrimitive
from jaxgrad.gradients.enclosure import PRECISIONS, balls
from jaxgrad.gradients.regions.box import Box, short
from jaxgrad.gradients.regions.boxes import judging
from jaxgrad.gradients.regions.picture import draw
from jaxgrad.gradients.regions.search import Searched, searched
from jaxgrad.gradients.regions.statement import Between, Near, Statement
from jaxgrad.gradients.rules.proof import UNTRUE
from jaxgrad.gradients.trusts import BALLS, INTERVALS, said_by_others
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.progress import Progress
from jaxgrad.programs.as_code import arguments_as_code, imports, in_scope
from jaxgrad.programs.custom_rules import strip_custom_rules
from jaxgrad.programs.debug_modes import without_debug_modes
from jaxgrad.programs.jaxprs import holds_primitive
from jaxgrad.programs.options import seconds
from jaxgrad.programs.trace import Program, trace
from jaxgrad.programs.traced_values import require_values
from jaxgrad.verdict import Evidence, Outcome, Verdict

__all__ = ["Region", "everywhere"]

# CPU time of the search alone: compiling comes before.
BUDGET = 10.0
# Of more variables slopes are not asked for: each is a derivative of the whole program.
_MOST_SLOPES = 12
# Points at which balls are asked whether it fails there.
_CONFIRMED = 5


@dataclass(frozen=True, repr=False)
class Region(Outcome):
    """The outcome of :func:`everywhere`.

    Args:
        verdict: PROVED, REFUTED or UNDECIDED.
        evidence: what it rests on.
        boxes: on how many parts of the box the statement was asked.
        share_open: how much of the box is open, from 0 to 1.
        open_boxes: (lower, upper), the ends of the parts that are, float64 arrays of shape
            (boxes, variables), with the entries of all arguments in their order.

    Example:
        >>> from jaxgrad import everywhere
        >>> found = everywhere(jax.grad(jax.numpy.tanh), (-2.0,), (2.0,), between=(0, "1.001"))
        >>> found.verdict, found.share_open
        (<Verdict.PROVED: 'PROVED'>, 0.0)
    """

    verdict: Verdict
    evidence: Evidence
    boxes: int
    share_open: float
    open_boxes: tuple[np.ndarray, np.ndarray] = field(repr=False, compare=False)
    _closed: list[tuple[np.ndarray, ...]] = field(repr=False, compare=False)
    _names: tuple[str, ...] = field(repr=False, compare=False)
    _ends: tuple[np.ndarray, np.ndarray] = field(repr=False, compare=False)
    _values: str = field(repr=False, compare=False)

    def __repr__(self) -> str:
        return f"<Region {self.verdict}: {self.evidence.text.splitlines()[0]}>"

    @property
    def counterexample(self) -> str | None:
        """Python that shows a point at which it fails; or None."""
        return self.evidence.counterexample

    def picture(self, path: str) -> None:
        """Draws what is shown and what is open, of the first two variables that vary.

        Of one variable it shows between which numbers the values were found.

        Args:
            path: a file to write, whose ending says the format: .svg, .png, .pdf.

        Raises:
            MissingExtra: matplotlib is not installed (extra ``report``).
        """
        boxes = f"{self.boxes} boxes, {self.share_open:.2g} of the region open"
        title, values = f"{self.verdict}: {boxes}", self._values
        draw(path, self._closed, self.open_boxes, self._ends, self._names, title, values)


def everywhere(
    f: Callable[..., Any],
    lower: Sequence[Any],
    upper: Sequence[Any],
    *,
    between: tuple[Any, Any] | None = None,
    reference: Callable[..., Any] | None = None,
    ulps: Any = None,
    budget: float = BUDGET,
) -> Region:
    """Decides whether values lie in a range, or near those of another function, all over a box.

    For all x with lower ≤ x ≤ upper, entry by entry: low ≤ f(x) ≤ high, or
    |f(x) − g(x)| ≤ n ulp(g(x)) of the dtype that g returns, of the functions of real numbers that
    the programs are.  The box is halved until either holds on every part, by intervals in float64
    and, where the program is smooth, by its slopes; balls confirm where one fails.

    Args:
        f: a JAX function of arrays that returns a pytree of arrays, such as ``jax.grad(cost)`` or
            the gradient by hand.
        lower, upper: the ends of the box: two sequences of arguments of f, pytrees of the same
            structure and shapes.  Where both ends are the same a number is held fixed; leaves that
            are not floating point are.
        between: (low, high), rationals or decimal strings, either of them None for no bound.
        reference: the function g, of the same arguments and results.
        ulps: n, a rational or decimal string; 1 if there is a reference and nothing else is said.
        budget: seconds for the search; what is open then is UNDECIDED.

    Returns:
        the outcome, whatever the verdict; it is evidence in a claim, and true where it is PROVED.
        A bound that f touches is never shown by boxes: leave room.

    Raises:
        ArgumentError: neither or both of the statements are given, or one is none; the ends are not
            alike, or the lower one is above the upper one; nothing varies; f returns something else
            than real numbers.
        TraceError: f, or the reference, is not made of JAX operations.
        NonFiniteInput: an end is NaN or infinite.

    Example:
        >>> import jax
        >>> from jaxgrad import everywhere
        >>> print(everywhere(jax.grad(jax.nn.sigmoid), (-9.0,), (9.0,), between=(0, "0.2501")))
        PROVED: every value is from 0 to 0.2501 for every x[] from -9.0 to 9.0, on 55 boxes
        >>> wrong = lambda x: jax.nn.sigmoid(x) * (1 - jax.nn.sigmoid(x)) + 1e-7
        >>> everywhere(wrong, (0.0,), (5.0,), reference=jax.grad(jax.nn.sigmoid)).verdict
        <Verdict.REFUTED: 'REFUTED'>

    Source: R. E. Moore, Interval Analysis (1966), of mean values and of subdivision.
    """
    budget = seconds("everywhere: budget", budget, none_is_left=True)
    with without_debug_modes():
        require_values("everywhere", (lower, upper))
        box = Box(f, lower, upper)
        statement, values = _stated(f, between, reference, ulps, box)
        program = trace(values, box.lower, "f")
        return _decided(box, statement, program, budget)


def _stated(
    f: Callable[..., Any],
    between: Any,
    reference: Callable[..., Any] | None,
    ulps: Any,
    box: Box,
) -> tuple[Statement, Callable[..., Any]]:
    """What is said, and the function whose values it is said of."""
    if (between is None) == (reference is None):
        raise ArgumentError(
            "everywhere: give between=(low, high), a range of the values, or reference=, the "
            "function whose values they are near to, one of the two"
        )
    if reference is None:
        if ulps is not None:
            raise ArgumentError(
                "everywhere: ulps is how far from a reference; give reference=, too"
            )
        if not isinstance(between, tuple | list) or len(between) != 2:
            raise ArgumentError(f"everywhere: between is {between!r:.60}; give (low, high)")
        low, high = (None if end is None else _rational("between", end) for end in between)
        if (low is None and high is None) or (None not in (low, high) and low > high):  # pyright: ignore
            raise ArgumentError(f"everywhere: between is {between!r:.60}, which is no range")
        return Between(low, high), f
    allowed = Fraction(1) if ulps is None else _rational("ulps", ulps)
    if allowed < 0:
        raise ArgumentError(f"everywhere: ulps is {ulps!r:.60}; it is 0 or more")

    def both(*args: Any) -> list[Any]:
        ours, theirs = jax.tree.leaves(f(*args)), jax.tree.leaves(reference(*args))
        if [np.shape(x) for x in ours] != [np.shape(x) for x in theirs]:
            raise ArgumentError(
                f"everywhere: f returns {[np.shape(x) for x in ours]} and the reference "
                f"{[np.shape(x) for x in theirs]}; give functions with results of one shape"
            )
        return [*(x - y for x, y in zip(ours, theirs, strict=True)), *theirs]

    shapes = trace(both, box.lower, "f and the reference").outputs
    return Near(allowed, tuple(leaf.dtype for leaf in shapes[len(shapes) // 2 :])), both


def _rational(name: str, value: Any) -> Fraction:
    try:
        if isinstance(value, bool) or not isinstance(value, Rational | str | float | np.floating):
            raise ValueError
        return Fraction(value if isinstance(value, Rational | str) else float(value))
    except (ValueError, ZeroDivisionError, OverflowError):
        raise ArgumentError(
            f"everywhere: {name} has {value!r:.60}; give rationals or decimal strings: '0.25'"
        ) from None


def _decided(box: Box, statement: Statement, program: Program, budget: float) -> Region:
    if not all(leaf.differentiable for leaf in program.outputs) or not program.outputs:
        raise ArgumentError("everywhere: f returns something else than real numbers; return these")
    progress = Progress()
    found = Searched(box.low[None], box.high[None])
    try:
        with jax.enable_x64(True), progress.followed(lambda: f"{found.share:.2g} of it open"):
            judge = judging(program, _slopes(program, box), statement, box.fixed)

            def said(text: str) -> None:
                progress.say(f"everywhere, {text}")
                progress.look()

            found = searched(judge, box.low, box.high, budget, said)
    except (UnsupportedPrimitive, CannotDecide) as error:
        found.ended = str(error)
    return _concluded(box, statement, program, found)


def _slopes(program: Program, box: Box) -> Program | None:
    """The derivatives of the program without custom rules, where they are those of the function."""
    untrue = UNTRUE | {name for name, known in FUNCTIONS.items() if known.derivatives < 1}
    if len(box.low) > _MOST_SLOPES or holds_primitive(program.jaxpr, untrue):
        return None
    stripped = strip_custom_rules(program.jaxpr)
    moving = [i for i, fixed in enumerate(box.fixed) if fixed is None]

    def derivatives(*leaves: Any) -> list[Any]:
        def of_moving(*moved: Any) -> list[Any]:
            whole = list(leaves)
            for i, value in zip(moving, moved, strict=True):
                whole[i] = value
            return list(stripped(*whole))

        return jax.jacfwd(of_moving, argnums=tuple(range(len(moving))))(
            *(leaves[i] for i in moving)
        )

    try:
        return trace(derivatives, [leaf.value for leaf in program.inputs], "f")
    except Exception:  # JAX has none of some primitive, whatever it raises then
        return None


def _concluded(box: Box, statement: Statement, program: Program, found: Searched) -> Region:
    what = f"{statement.in_words} for every {box.in_words}"
    trusts = (*BALLS, *INTERVALS, *said_by_others(program.jaxpr))
    if found.failing is not None:
        failing = _confirmed(box, statement, program, found.failing)
        if failing is not None:
            text, code = failing
            evidence = Evidence(
                Verdict.REFUTED, "counterexample", f"not {what}: {text}", counterexample=code,
                trusts=BALLS,
            )  # fmt: skip
            return _region(box, statement, evidence, found, 1.0)
        found = replace(found, ended="balls do not confirm where it fails by intervals")
    if not found.ended:
        text = f"{what}, on {found.looked} boxes"
        evidence = Evidence(Verdict.PROVED, "cover", text, trusts=trusts)
        return _region(box, statement, evidence, found, 0.0)
    text = (
        f"{found.share:.2g} of the region is open after {found.looked} boxes ({found.ended}): "
        f"{what}{statement.hint}"
    )
    evidence = Evidence(Verdict.UNDECIDED, "reason", text, trusts=trusts)
    return _region(box, statement, evidence, found, found.share)


def _region(
    box: Box, statement: Statement, evidence: Evidence, found: Searched, share: float
) -> Region:
    return Region(
        evidence.verdict, evidence, found.looked, share, (found.low, found.high), found.closed,
        box.names, (box.low, box.high), statement.values_in_words,
    )  # fmt: skip


def _confirmed(
    box: Box, statement: Statement, program: Program, failing: np.ndarray
) -> tuple[str, str] | None:
    """A point at which balls say that it fails, in words and as code; None if they find none.

    Raises:
        EnginesDisagree: balls say that it holds where intervals say that it does not.
    """
    for flat in failing[:_CONFIRMED]:
        point = box.point(flat)
        exact = (box.flat(point) == flat).all()
        fails = _fails_at(statement, program, point) if box.inside(point) else None
        if fails:
            return _said(box, statement, program, point)
        if fails is False and exact:
            raise EnginesDisagree(
                f"compiled intervals say of a point that not {statement.in_words}, and balls that "
                "it is so; one of the rules of this package is wrong, or float64 is not rounded to "
                f"nearest here, please report it: {program.jaxpr} at {point}"
            )
    return None


def _fails_at(statement: Statement, program: Program, point: Sequence[Any]) -> bool | None:
    found = None
    for bits in PRECISIONS:
        with precision(bits), jax.enable_x64(True):
            try:
                values = interpret(program, Ball(), balls(program.inputs, point))
            except (CannotDecide, UnsupportedPrimitive):
                return None
            found = statement.fails_at(values)
        if found is not None:
            return found
    return found


def _said(
    box: Box, statement: Statement, program: Program, point: Sequence[Any]
) -> tuple[str, str]:
    """Where it fails, in words, and Python that shows it."""
    with precision(PRECISIONS[0]):
        values = interpret(program, Ball(), balls(program.inputs, point))
    named = [
        f"{leaf.path} = {short(v)}" for leaf, v in zip(box.leaves, point, strict=True) if leaf.real
    ]
    near = isinstance(statement, Near)
    shown = [each.reshape(-1)[0].str(10) for each in values]
    what = (
        f"f − reference is {shown[0]}, the reference {shown[len(shown) // 2]}"
        if near
        else f"f is {shown[0]}"
    )
    args = tree_unflatten(tree_structure(box.lower), [leaf for leaf in point])
    show = 'print("f is", f(*args))' + (
        '; print("the reference is", reference(*args))' if near else ""
    )
    code = in_scope("`f`" + (" and `reference`" if near else ""), [
        *imports(box.leaves), arguments_as_code(args), show,
    ])  # fmt: skip
    return f"at {', '.join(named[:3])} {what}", code
