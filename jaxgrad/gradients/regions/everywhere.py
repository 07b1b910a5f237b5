"""everywhere(): is a derivative what it is claimed to be at every point of a box?"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np
from flint import arb
from jax.tree_util import tree_structure, tree_unflatten

from jaxgrad.errors import ArgumentError, CannotDecide, EnginesDisagree, UnsupportedPrimitive
from jaxgrad.gradients.asserted import AssertedOutcome
from jaxgrad.gradients.compile_cost import compile_seconds
from jaxgrad.gradients.enclosure import PRECISIONS, balls
from jaxgrad.gradients.interval_batch import at_once, decidable, require_few_equations
from jaxgrad.gradients.regions.box import Box, short
from jaxgrad.gradients.regions.boxes import judging
from jaxgrad.gradients.regions.picture import draw
from jaxgrad.gradients.regions.search import MOST_IN_LOT, Searched, searched
from jaxgrad.gradients.regions.stated import stated
from jaxgrad.gradients.regions.statement import Fails, Near, Statement
from jaxgrad.gradients.rules.proof import holds_untrue
from jaxgrad.gradients.trusts import BALLS, INTERVALS, said_by_others
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.progress import Progress
from jaxgrad.programs.as_code import arguments_as_code, imports, in_scope
from jaxgrad.programs.custom_rules import strip_custom_rules
from jaxgrad.programs.debug_modes import without_debug_modes
from jaxgrad.programs.options import seconds
from jaxgrad.programs.trace import Program, require_function, trace
from jaxgrad.programs.traced_values import require_values
from jaxgrad.verdict import Evidence, Verdict

__all__ = ["Region", "everywhere"]

# Seconds of the search; its one program is compiled before.
BUDGET = 10.0
# Of more variables slopes are not asked for: with those of 2 a lot takes twice as long, of 12 four
# times, whether they help or not.
_MOST_SLOPES = 12
# Nor of long programs, times their variables, nor of those that are compiled for long: of chains of
# 30 sines XLA takes 23 s of CPU where 8 are estimated, of other functions what is.
_MOST_EQUATIONS, _MOST_SECONDS = 200, 8
_DERIVATIVES = "JAX's derivatives of its own primitives"
# Points at which balls are asked whether it fails there: a walk over the program each.
_CONFIRMED = 5


@dataclass(frozen=True, repr=False)
class Region(AssertedOutcome):
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
    # The variables of the point at which it fails, and the value of the first entry there.
    _failing: tuple[np.ndarray, float] | None = field(repr=False, compare=False)

    def __repr__(self) -> str:
        return f"<Region {self.verdict}: {self.evidence.text.splitlines()[0]}>"

    def picture(self, path: str) -> None:
        """Draws what is shown, what is open and where it fails, of two variables that vary.

        They are the first two; of one it shows between which numbers the values were found.

        Args:
            path: a file to write, whose ending says the format: .svg, .png, .pdf.

        Raises:
            MissingExtra: matplotlib is not installed (extra ``report``).
            ArgumentError: no such file can be written.
        """
        opened = f", {_share(self.share_open)} of the region open" * bool(len(self.open_boxes[0]))
        refuted = self.verdict is Verdict.REFUTED
        title = f"{self.verdict}: {_boxes(self.boxes)}{'' if refuted else opened}"
        try:
            draw(
                path, self._closed, self.open_boxes, self._ends, self._names, title, self._values,
                self._failing,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            raise ArgumentError(
                f"picture: {str(path)!r:.60} cannot be written ({error}); give a file such as "
                "'region.svg' in a folder that is there"
            ) from error

    def to_json(self) -> str:
        """The outcome as a JSON object."""
        said = {**self.evidence.to_dict(), "boxes": self.boxes, "share_open": self.share_open}
        return json.dumps({**said, "open_boxes": len(self.open_boxes[0])})


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
    and, where the program is smooth, by its slopes; it may fail at the middle of a part or at a
    corner, which balls confirm.

    Args:
        f: a JAX function of arrays that returns a pytree of arrays, such as ``jax.grad(cost)`` or
            the gradient by hand.
        lower, upper: the ends of the box: two sequences of arguments of f, pytrees of the same
            structure and shapes.  Where both ends are the same a number is held fixed; leaves that
            are not floating point are.
        between: (low, high), rationals or decimal strings, either of them None for no bound.
        reference: the function g, of the same arguments and results.
        ulps: n, a rational or decimal string; 1 if there is a reference and nothing else is said.
        budget: seconds for the search, after its program is compiled; what is open then is
            UNDECIDED.

    Returns:
        the outcome, whatever the verdict; it is evidence in a claim, and true where it is PROVED.
        Where f touches a bound, or branches of it meet, boxes may not show it: leave some room.

    Raises:
        ArgumentError: neither or both of the statements are given, or one is none; the ends are not
            alike, or the lower one is above the upper one; nothing varies; f returns something else
            than real numbers.
        TreeMismatch: f and the reference return different trees.
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
    require_function(f, "everywhere: f")
    if reference is not None:
        require_function(reference, "everywhere: reference")
    with without_debug_modes():
        require_values("everywhere", (lower, upper))
        box = Box(f, lower, upper)
        statement, values = stated(f, between, reference, ulps, box)
        program = trace(values, box.lower, "f")
        return _decided(box, statement, program, budget)


def _decided(box: Box, statement: Statement, program: Program, budget: float) -> Region:
    sizes = [int(np.prod(leaf.shape, dtype=int)) for leaf in program.outputs]
    if not all(leaf.differentiable for leaf in program.outputs) or 0 in (sum(sizes), *sizes):
        raise ArgumentError(
            "everywhere: f returns something else than real numbers, or none; return these"
        )
    progress = Progress()
    found = Searched(box.low[None], box.high[None])
    try:
        compared = decidable(program)
        count = require_few_equations([compared])
        slopes = _slopes(program, box) if count * len(box.low) <= _MOST_EQUATIONS else None
        with jax.enable_x64(True), progress.followed(lambda: f"{found.share:.2g} of it open"):
            judge = judging(compared, slopes, statement, box.fixed)

            def said(text: str) -> None:
                progress.say(f"everywhere, {text}")
                progress.look()

            programs = [compared] if slopes is None else [compared, slopes]
            lot = min(MOST_IN_LOT, at_once(programs))
            found = searched(judge, box.low, box.high, budget, said, lot)
    except (UnsupportedPrimitive, CannotDecide) as error:
        found.ended = str(error)
    return _concluded(box, statement, program, found)


def _slopes(program: Program, box: Box) -> Program | None:
    """The derivatives of the program without custom rules, where they are those of the function."""
    untrue = {name for name, known in FUNCTIONS.items() if known.derivatives < 1}
    if len(box.low) > _MOST_SLOPES or holds_untrue(program.jaxpr, untrue):
        return None
    stripped = strip_custom_rules(program.jaxpr, stops=False)
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
        slopes = decidable(trace(derivatives, [leaf.value for leaf in program.inputs], "f"))
    except Exception:  # JAX has none of some primitive, whatever it raises then
        return None
    return slopes if compile_seconds([program, slopes]) <= _MOST_SECONDS else None


def _concluded(box: Box, statement: Statement, program: Program, found: Searched) -> Region:
    what = f"{statement.in_words} for every {box.in_words}"
    trusts = (*BALLS, *INTERVALS, _DERIVATIVES, *said_by_others(program.jaxpr))
    if found.failing is not None:
        failing = _confirmed(box, statement, program, found.failing)
        if failing is not None:
            text, code, point = failing
            evidence = Evidence(
                Verdict.REFUTED, "counterexample", f"not {what}: {text}", counterexample=code,
                trusts=BALLS,
            )  # fmt: skip
            return _region(box, statement, evidence, found, 1.0, point)
        found = replace(found, ended="balls do not confirm where it fails by intervals")
    if not found.ended:
        text = f"{what}, on {_boxes(found.looked)}"
        evidence = Evidence(Verdict.PROVED, "cover", text, trusts=trusts)
        return _region(box, statement, evidence, found, 0.0)
    text = (
        f"{_share(found.share)} of the region is open after {_boxes(found.looked)} "
        f"({found.ended}): "
        f"{what}{_first_open(box, found)}{statement.hint if found.looked else ''}"
    )
    evidence = Evidence(Verdict.UNDECIDED, "reason", text, trusts=trusts)
    return _region(box, statement, evidence, found, found.share)


def _boxes(count: int) -> str:
    return f"{count} box" + "es" * (count != 1)


def _share(share: float) -> str:
    return f"{share:.2g}" if share > 1e-12 else "less than 1e-12"


def _first_open(box: Box, found: Searched) -> str:
    """Where the largest box lies that is open."""
    if not found.looked or not len(found.low):
        return ""
    k = int(np.argmax((found.high / 2 - found.low / 2).max(1)))
    names, varying = box.names, np.flatnonzero(box.low < box.high)
    sides = [
        f"{names[i]} from {found.low[k, i]:.10g} to {found.high[k, i]:.10g}" for i in varying[:2]
    ]
    return f"; open is {', '.join(sides)}" + (", …" if len(varying) > 2 else "")


def _region(
    box: Box,
    statement: Statement,
    evidence: Evidence,
    found: Searched,
    share: float,
    failing: tuple[np.ndarray, float] | None = None,
) -> Region:
    return Region(
        evidence.verdict, evidence, found.looked, share, (found.low, found.high), found.closed,
        box.names, (box.low, box.high), statement.values_in_words, failing,
    )  # fmt: skip


def _confirmed(
    box: Box, statement: Statement, program: Program, failing: np.ndarray
) -> tuple[str, str, tuple[np.ndarray, float]] | None:
    """A point at which balls say that it fails, in words, as code, and with the first value there.

    None if they find no such point.

    Raises:
        EnginesDisagree: balls say that it holds where intervals say that it does not.
    """
    for flat in failing[:_CONFIRMED]:
        point = box.point(flat)
        exact = (box.flat(point) == flat).all()
        fails = _fails_at(statement, program, point) if box.inside(point) else None
        if isinstance(fails, tuple):
            return _said(box, statement, program, point, fails)
        if fails is False and exact:
            raise EnginesDisagree(
                f"compiled intervals say of a point that not {statement.in_words}, and balls that "
                "it is so; one of the rules of this package is wrong, or float64 is not rounded to "
                f"nearest here, please report it: {program.jaxpr} at {point}"
            )
    return None


def _fails_at(statement: Statement, program: Program, point: Sequence[Any]) -> Fails:
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
    box: Box,
    statement: Statement,
    program: Program,
    point: Sequence[Any],
    entry: tuple[int, tuple[int, ...]],
) -> tuple[str, str, tuple[np.ndarray, float]]:
    """Where it fails, in words, Python that shows it, and the point with the first value there."""
    with precision(PRECISIONS[0]):
        values = interpret(program, Ball(), balls(program.inputs, point))
    pairs = zip(box.leaves, point, strict=True)
    named = [f"{leaf.path} = {short(v)}" for leaf, v in pairs if leaf.real]
    (k, index), near = entry, isinstance(statement, Near)
    leaf = program.outputs[k + len(values) // 2 * near]
    place = "" if near and len(values) == 2 and not index else _place(leaf.path, index, near)
    what = f"f{place} is {values[k][index].str(10)} as a formula"
    if near:
        other = values[k + len(values) // 2][index].str(10)
        what = f"f − reference{place} is {values[k][index].str(10)}, the reference {other}"
    args = tree_unflatten(tree_structure(box.lower), list(point))
    others = '; print("the reference is", reference(*args))' * near
    lines = [*imports(box.leaves), arguments_as_code(args), f'print("f is", f(*args)){others}']
    code = in_scope("`f`" + " and `reference`" * near, lines)
    first = values[0].reshape(-1)[0]
    value = float(first.mid()) if isinstance(first, arb) else float("nan")
    return f"at {', '.join(named[:3])} {what}", code, (box.flat(point), value)


def _place(path: str, index: tuple[int, ...], near: bool) -> str:
    """Which entry of a result it is; of two functions the leaves are numbered."""
    return ("" if near else path) + (str(list(index)) if index else "")
