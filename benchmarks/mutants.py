"""Wrong rules made automatically: one equation of a right rule's program is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cases import Case, with_rule
from benchmarks.hand_rules import HAND_RULES, HandRule

__all__ = ["Mutant", "mutants"]

# Mutants of one rule: enough for every kind of change, few enough that long rules do not dominate.
MOST_PER_RULE = 12
# A wrong constant, relative: far above the spacing 2.2e-16 of float64, far below any tolerance.
SLIGHTLY = 1e-9

Change = Callable[..., Any]

NEIGHBOURS = {
    "sin": jnp.cos, "cos": jnp.sin, "sinh": jnp.cosh, "cosh": jnp.sinh, "exp": jnp.expm1,
    "log": jnp.log1p, "log1p": jnp.log, "expm1": jnp.exp, "tanh": jnp.sin, "sqrt": jax.lax.rsqrt,
    "rsqrt": jnp.sqrt, "abs": lambda x: x, "sign": abs, "digamma": jnp.log, "tan": jnp.sin,
}  # fmt: skip
STRICTNESS = {"gt": jnp.greater_equal, "ge": jnp.greater, "lt": jnp.less_equal, "le": jnp.less}


@dataclass(frozen=True)
class Mutant:
    """A wrong rule, unless it is equivalent to the right one.

    Args:
        rule: the right rule.
        change: what was changed.
        tangent: the changed rule.
        order: the lowest order at which a change of this kind shows.
    """

    rule: HandRule
    change: str
    tangent: Callable[..., Any]
    order: int = 1

    @property
    def name(self) -> str:
        return f"{self.rule.name}: {self.change}"

    def case(self) -> Case:
        """What the checkers see."""
        function = with_rule(self.rule.primal, self.tangent)
        return Case(self.name, function, self.rule.point, self.order, x64=True)

    def equivalent(self) -> bool:
        """Whether the changed rule is proved to be the right one for every input."""
        from jaxgrad import Verdict, compare

        with jax.enable_x64(True):
            ones = tuple(np.ones_like(x) for x in self.rule.point)
            rules = [_derivative(t, self.order) for t in (self.tangent, self.rule.tangent)]
            found = compare(*rules, self.rule.point, *[ones] * self.order)
        return found.verdict is Verdict.PROVED


def _derivative(tangent: Callable[..., Any], order: int) -> Callable[..., Any]:
    """The tangent rule itself, or for order 2 its derivative by the point."""
    if order == 1:
        return tangent
    return lambda xs, ts, ws: jax.jvp(lambda *xs: tangent(xs, ts), tuple(xs), tuple(ws))[1]


def mutants(rules: Sequence[HandRule] = HAND_RULES) -> list[Mutant]:
    """At most twelve mutants of every right rule, of as many kinds as there are."""
    with jax.enable_x64(True):
        return [mutant for rule in rules for mutant in _of_rule(rule)]


def _of_rule(rule: HandRule) -> list[Mutant]:
    kinds: dict[str, list[Mutant]] = {}
    for kind, mutant in _all(rule, _flat(rule)):
        kinds.setdefault(kind, []).append(mutant)
    chosen: list[Mutant] = []
    while any(kinds.values()):
        for queue in kinds.values():  # one of every kind in turn
            while queue and len(chosen) < MOST_PER_RULE:
                if _is_linear(candidate := queue.pop(0)):
                    chosen.append(candidate)
                    break
        if len(chosen) == MOST_PER_RULE:
            break
    return chosen


def _all(rule: HandRule, program: Any) -> Iterator[tuple[str, Mutant]]:
    def made(i: int | None, change: Change) -> Callable[..., Any]:
        return lambda xs, ts: _run(program, (*xs, *ts), i, change)

    for kind, tangent in _of_whole(rule):
        yield kind, Mutant(rule, kind, tangent)
    for i, equation in enumerate(program.jaxpr.eqns):
        for kind, change in _of_equation(equation):
            what = f"equation {i} ({equation.primitive.name}): {kind}"
            yield kind, Mutant(rule, what, made(i, change))
        for k in _depending(program, i, len(rule.point)):
            what = f"equation {i} ({equation.primitive.name}): operand {k} taken for constant"
            change = _frozen(equation, k)
            yield "operand taken for constant", Mutant(rule, what, made(i, change), order=2)


def _of_whole(rule: HandRule) -> Iterator[tuple[str, Callable[..., Any]]]:
    right = rule.tangent
    for kind, factor in (("doubled", 2.0), ("1e-9 too large", 1 + SLIGHTLY), ("negative", -1.0)):
        yield kind, lambda xs, ts, c=factor: c * right(xs, ts)
    if rule.smooth_at_zero:

        def at_zero(xs: Any, ts: Any) -> Any:
            tangent = right(xs, ts)
            return jnp.where(jnp.all(xs[0] == 0), 3 * ts[0].sum() + 2 * tangent, tangent)

        yield "another tangent where the first argument is 0", at_zero
    shapes = [np.shape(x) for x in rule.point]
    if len(shapes) > 1 and shapes[0] == shapes[1]:
        yield "arguments swapped", lambda xs, ts: right((xs[1], xs[0], *xs[2:]), ts)
        yield "directions swapped", lambda xs, ts: right(xs, (ts[1], ts[0], *ts[2:]))

        def only_at_tie(xs: Any, ts: Any) -> Any:
            tangent = right(xs, ts)
            return jnp.where(jnp.all(xs[0] == xs[1]), 2 * tangent, tangent)

        yield "doubled at the tie of two arguments", only_at_tie
    for k, shape in enumerate(shapes):
        if len(shapes) > 1:
            yield (
                f"direction {k} dropped",
                lambda xs, ts, k=k: right(xs, (*ts[:k], 0 * ts[k], *ts[k + 1 :])),
            )
        if len(shape) == 1:
            yield (
                "neighbouring index",
                lambda xs, ts, k=k: right(xs, (*ts[:k], jnp.roll(ts[k], 1), *ts[k + 1 :])),
            )
        if len(shape) == 2 and shape[0] == shape[1]:
            yield (
                f"direction {k} transposed",
                lambda xs, ts, k=k: right(xs, (*ts[:k], ts[k].T, *ts[k + 1 :])),
            )


def _of_equation(equation: Any) -> Iterator[tuple[str, Change]]:
    """Every change of one equation: (kind, operands ↦ result)."""
    name = equation.primitive.name
    result = equation.outvars[0].aval
    if len(equation.outvars) != 1:
        return

    def apply(*xs: Any, **changed: Any) -> Any:
        return _bind(equation, xs, changed)

    if name == "mul":
        yield "left factor dropped", lambda a, b: b
        yield "right factor dropped", lambda a, b: a
        yield "left factor twice", lambda a, b: a * a * b
        yield "sum for product", lambda a, b: a + b
    elif name == "add" or name == "add_any":
        yield "left term dropped", lambda a, b: b
        yield "right term dropped", lambda a, b: a
        yield "difference for sum", lambda a, b: a - b
    elif name == "sub":
        yield "operands swapped", lambda a, b: b - a
        yield "sum for difference", lambda a, b: a + b
    elif name == "div":
        yield "operands swapped", lambda a, b: b / a
        yield "divisor dropped", lambda a, b: a
        yield "divisor squared", lambda a, b: a / b / b
    elif name == "neg":
        yield "sign dropped", lambda a: a
    elif name == "integer_pow":
        yield "power too high", lambda a: apply(a, y=equation.params["y"] + 1)
        yield "power too low", lambda a: apply(a, y=equation.params["y"] - 1)
    elif name == "square":
        yield "power too low", lambda a: a
    elif name == "pow":
        yield "operands swapped", lambda a, b: b**a
        yield "power too high", lambda a, b: a ** (b + 1)
    elif name in NEIGHBOURS:
        yield "neighbouring function", NEIGHBOURS[name]
    elif name in STRICTNESS:
        yield "strictness", STRICTNESS[name]
    elif name in ("max", "min"):
        yield "max for min", jnp.minimum if name == "max" else jnp.maximum
    elif name == "select_n":
        yield "branches swapped", lambda p, *cases: apply(p, *cases[::-1])
    elif name == "transpose" and result.shape == equation.invars[0].aval.shape:
        yield "missing transpose", lambda a: a
    elif name == "dot_general":
        yield from _of_product(equation)
    elif name == "reduce_sum" and equation.invars[0].aval.shape:
        yield "maximum for sum", lambda a: jnp.max(a, axis=equation.params["axes"])
    elif name == "slice":
        yield from _of_slice(equation, apply)
    if jnp.issubdtype(result.dtype, jnp.floating):
        yield "wrong sign", lambda *xs: -apply(*xs)
        for k, atom in enumerate(equation.invars):
            if hasattr(atom, "val") and jnp.issubdtype(atom.aval.dtype, jnp.floating) and atom.val:
                yield (
                    "constant 1e-9 too large",
                    lambda *xs, k=k: apply(*xs[:k], xs[k] * (1 + SLIGHTLY), *xs[k + 1 :]),
                )


def _of_product(equation: Any) -> Iterator[tuple[str, Change]]:
    shapes = [atom.aval.shape for atom in equation.invars]
    for k, shape in enumerate(shapes):
        if len(shape) == 2 and shape[0] == shape[1]:
            yield (
                "missing transpose",
                lambda a, b, k=k: _bind(equation, (a, b.T) if k else (a.T, b), {}),
            )
    if shapes[0] == shapes[1] and len(shapes[0]) == 2:
        yield "operands swapped", lambda a, b: _bind(equation, (b, a), {})


def _of_slice(equation: Any, apply: Change) -> Iterator[tuple[str, Change]]:
    start, limit = equation.params["start_indices"], equation.params["limit_indices"]
    shape = equation.invars[0].aval.shape
    for axis, size in enumerate(shape):
        step = 1 if limit[axis] < size else -1
        if start[axis] + step < 0 or limit[axis] + step > size:
            continue
        ends = (start, limit)
        moved = [tuple(i + step * (k == axis) for k, i in enumerate(end)) for end in ends]
        yield (
            "neighbouring index",
            lambda a, m=moved: apply(a, start_indices=m[0], limit_indices=m[1]),
        )


def _frozen(equation: Any, k: int) -> Change:
    """Right to first order, wrong to second: the operand's own derivative is lost."""
    return lambda *xs: _bind(equation, (*xs[:k], jax.lax.stop_gradient(xs[k]), *xs[k + 1 :]), {})


# -- programs ----------------------------------------------------------------------------------
def _flat(rule: HandRule) -> Any:
    """The program of the rule, in which every call gave way to the equations inside."""
    point = [jnp.asarray(x) for x in rule.point]
    n = len(point)
    closed = jax.make_jaxpr(lambda *xs: rule.tangent(xs[:n], xs[n:]))(*point, *point)
    return jax.make_jaxpr(lambda *xs: _run(closed, xs, inline=True))(*point, *point)


def _run(
    closed: Any,
    inputs: Sequence[Any],
    changed: int | None = None,
    change: Change | None = None,
    inline: bool = False,
) -> Any:
    """Evaluates a program with one result, with one equation replaced."""
    jaxpr = getattr(closed, "jaxpr", closed)
    values = dict(zip(jaxpr.constvars, getattr(closed, "consts", ()), strict=True))
    values.update(zip(jaxpr.invars, inputs, strict=True))

    def read(atom: Any) -> Any:
        return atom.val if hasattr(atom, "val") else values[atom]

    for i, equation in enumerate(jaxpr.eqns):
        operands = [read(atom) for atom in equation.invars]
        inner = [equation.params[k] for k in ("jaxpr", "call_jaxpr") if k in equation.params]
        if i == changed and change is not None:
            outputs = [change(*operands)]
        elif inline and inner:
            outputs = [_run(inner[0], operands, inline=True)]
        else:
            outputs = _bind(equation, operands, {})
            outputs = outputs if equation.primitive.multiple_results else [outputs]
        values.update(zip(equation.outvars, outputs, strict=True))
    return read(jaxpr.outvars[0])


def _bind(equation: Any, operands: Sequence[Any], changed: dict[str, Any]) -> Any:
    primitive = equation.primitive
    params = primitive.get_bind_params({**equation.params, **changed})
    return primitive.bind(*operands, **params)


def _depending(program: Any, i: int, points: int) -> list[int]:
    """The operands of an equation that depend on the point and not on the direction."""
    on_point, on_direction = set(program.jaxpr.invars[:points]), set(program.jaxpr.invars[points:])
    for equation in program.jaxpr.eqns[:i]:
        atoms = [atom for atom in equation.invars if not hasattr(atom, "val")]
        for found in (on_point, on_direction):
            if any(atom in found for atom in atoms):
                found.update(equation.outvars)
    return [
        k
        for k, atom in enumerate(program.jaxpr.eqns[i].invars)
        if not hasattr(atom, "val")
        and atom in on_point
        and atom not in on_direction
        and jnp.issubdtype(atom.aval.dtype, jnp.floating)
    ]


def _is_linear(mutant: Mutant) -> bool:
    """Whether the changed rule is a tangent rule at all: finite, of the right shape, linear."""
    xs = tuple(jnp.asarray(x) for x in mutant.rule.point)
    rng = np.random.default_rng(0)
    ts = tuple(jnp.asarray(rng.standard_normal(x.shape)) for x in xs)
    try:
        once = mutant.tangent(xs, ts)
        scaled = mutant.tangent(xs, tuple(-4 * t for t in ts))  # exact: a power of two
        function = with_rule(mutant.rule.primal, mutant.tangent)
        jax.make_jaxpr(lambda xs, u: jax.vjp(function, *xs)[1](u))(xs, once)
    except (TypeError, ValueError, AssertionError, NotImplementedError):
        return False
    right = mutant.rule.tangent(xs, ts)
    same = np.shape(once) == np.shape(right) and bool(np.all(np.isfinite(once)))
    return same and np.allclose(-4 * once, scaled, rtol=1e-12, atol=0)
