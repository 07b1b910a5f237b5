"""A wrong derivative as Python that can be pasted where ``f`` is in scope, and in words."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from jaxgrad.gradients.rules.asked import Bend
from jaxgrad.gradients.rules.compositions import Cut, HigherBend
from jaxgrad.gradients.rules.direct_code import direct_lines, only_used
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.question import Question
from jaxgrad.numbers.listed import listed
from jaxgrad.programs.as_code import arguments_as_code, as_code, imports, in_scope
from jaxgrad.programs.held import has_held
from jaxgrad.programs.parts_code import of_parts_lines
from jaxgrad.programs.trace import Leaf

__all__ = [
    "WITH_RESPECT_TO",
    "named",
    "paste",
    "paste_bend",
    "paste_composed",
    "paste_kernel",
    "point_code",
    "question_in_words",
    "scoped",
]


def question_in_words(primal: Primal, question: Question) -> str:
    """Which number a question asks for."""
    modes, of = question.modes, _of(question, primal)
    if question.is_value:
        return f"{' then '.join(modes)}: the value of {of}" if modes else f"the value of {of}"
    by = _by(question.moving, primal.inputs)
    order = len(question.moving)
    which = "the derivative" if order == 1 else f"derivative {order}"
    beside = f", which comes beside derivative {len(modes)}," if order < len(modes) else ""
    return f"{' then '.join(modes)}: {which} of {of} {by}{_sizes(question)}{beside}"


def _sizes(question: Question) -> str:
    """With what the rules were asked, where that is one number other than 1."""
    asked = [("tangent", question.directions[0])] if question.modes == ("fwd",) else []
    asked.append(("cotangent", question.cotangent))
    alone = [(name, d.entries[0][2]) for name, d in asked if len(d.entries) == 1]
    return "".join(f" for the {name} {value:.8g}" for name, value in alone if value != 1)


def named(leaf: Leaf, index: tuple[int, ...]) -> str:
    """The key path of an entry."""
    return f"{leaf.path}{list(index) if index else ''}"


WITH_RESPECT_TO = "with respect to "


def _by(directions: Sequence[Direction], leaves: Sequence[Leaf]) -> str:
    said = list(dict.fromkeys(_moved(direction, leaves) for direction in directions))
    if said[0].startswith(WITH_RESPECT_TO):
        said[1:] = (each.removeprefix(WITH_RESPECT_TO) for each in said[1:])
    return listed(said)


def _moved(direction: Direction, leaves: Sequence[Leaf]) -> str:
    leaf, index = direction.place
    if leaf is not None and index is not None:
        return f"{WITH_RESPECT_TO}{named(leaves[leaf], index)}"
    ones = all(value == 1 for _, _, value in direction.entries)
    along = "along the direction of ones" if ones else "along a drawn direction"
    return along if leaf is None else f"{along} of {leaves[leaf].path}"


def _of(question: Question, primal: Primal) -> str:
    name, leaves = primal.called or primal.name, primal.outputs
    leaf, index = question.cotangent.place
    if leaf is None:
        return f"a drawn combination of {name}"
    if index is None:
        return f"a drawn combination of {name}{leaves[leaf].path}"
    return f"{name}{named(leaves[leaf], index)}"


def paste(
    primal: Primal, question: Question, point: Sequence[np.ndarray], truth: str | None = None
) -> str:
    """Source that rebuilds the point and prints what JAX's rules give, and what it should be.

    Args:
        primal: the function.
        question: the number.
        point: the floating-point leaves at which it is asked for.
        truth: what it should be, as text, if that is known.
    """
    if truth is not None and _is_whole(primal, question):
        truth = truth.partition(".")[0]
    should = "" if truth is None else f', "should be {truth}"'
    direct = direct_lines(primal, question)
    if direct is not None:
        body = [point_code(primal, point), *direct, f"print(got{should})"]
        return scoped(primal, [*only_used(imports(primal.inputs), body), *body])
    return _along(primal, question, point, should)


def _along(primal: Primal, question: Question, point: Sequence[np.ndarray], should: str) -> str:
    """The same where arguments or results are trees, or several numbers move."""
    moves = ", ".join(_entries(d, primal.inputs, primal.place) for d in question.directions)
    nested, called, whole = "along", "", _is_whole(primal, question)
    kept = primal.place_of_outputs
    for i, mode in enumerate(question.modes):
        rest = ", ".join(f"s{k}" for k in range(i + 1, len(question.modes)))
        inner = f"lambda s: ({nested})({', '.join(filter(None, ('s', rest)))})"
        kind = "whole" if whole else i < len(question.moving)
        called = _AT_ZERO[mode, kind].format(inner)
        nested = f"lambda {rest}: {called}"
    lines = [
        *imports(primal.inputs),
        point_code(primal, point),
        "leaves, tree = jax.tree.flatten(args)",
        "def along(*steps):",
        f"    moved = {_copied(primal)}",
        f"    for s, direction in zip(steps, [{moves}]):",
        "        for k, v in direction.items():",
        "            moved[k] = moved[k] + jnp.asarray(s * v, moved[k].dtype)",
        "    result = jax.tree.leaves(f(*jax.tree.unflatten(tree, moved)))",
        f"    weights = {_entries(question.cotangent, primal.outputs, kept, whole)}",
        "    return sum(jnp.sum(result[k] * u) for k, u in weights.items())",
        f"print({called}{should})",
    ]
    return scoped(primal, lines)


def _copied(primal: Primal) -> str:
    """The leaves as arrays, where what is held may be none."""
    if not (has_held(primal.args) or primal.held_arguments):
        return "[jnp.asarray(x) for x in leaves]"
    return f"[jnp.asarray(x) if k in {primal.place} else x for k, x in enumerate(leaves)]"


def _is_whole(primal: Primal, question: Question) -> bool:
    """Whether the number is one integer or boolean, which as a float might be rounded."""
    leaf, index = question.cotangent.place
    return question.is_value and leaf in primal.discrete and index is not None


# The derivative of a function of one number, or what a mode returns beside it.
_AT_ZERO = {
    ("fwd", "whole"): "jax.jvp({}, (0.0,), (1.0,))[0]",
    ("rev", "whole"): "jax.vjp({}, 0.0)[0]",
    ("fwd", True): "jax.jacfwd({})(0.0)",
    ("rev", True): "jax.grad({})(0.0)",
    ("fwd", False): "jax.jvp({}, (0.0,), (1.0,))[0]",
    ("rev", False): "jax.value_and_grad({})(0.0)[0]",
}


def scoped(primal: Primal, lines: Sequence[str]) -> str:
    """Lines that call ``f``, after one that says which function that is."""
    if primal.in_parts:
        return in_scope(f"`{primal.name}`", of_parts_lines({"f": primal.name}, lines))
    before = [] if primal.name == "f" else [f"f = {primal.name}"]
    return in_scope(f"`{primal.name}`", [*before, *lines])


def paste_bend(primal: Primal, bend: Bend) -> str:
    """Source that prints L(a·g + b·h) and a·L(g) + b·L(h) of a rule that is not linear."""
    (a, b), (g, h) = bend.apart.weights, bend.apart.moved
    operator = "jax.vjp(of, *moving)[1](u)" if bend.mode == "rev" else "jax.jvp(of, moving, u)[1]"
    like = "outputs" if bend.mode == "rev" else "moving"
    lines = [
        *_of_leaves(primal, bend.point),
        "moving = [jnp.asarray(leaves[k]) for k in places]",
        "outputs = of(*moving)",
        f"g, h = {as_code(list(g))}, {as_code(list(h))}",
        f"a, b = {a!r}, {b!r}",
        "def combined(gs, hs):",
        "    return [jnp.asarray(a * x + (b * y if b else 0), x.dtype) for x, y in zip(gs, hs)]",
        "def L(u):",
        f"    u = [jnp.asarray(x, like.dtype) for x, like in zip(u, {like})]",
        f"    return {operator}",
        "print('L(a*g + b*h) is', list(L(combined(g, h))))",
        "print('a*L(g) + b*L(h) is', combined(L(g), L(h)))",
    ]
    return scoped(primal, lines)


def _of_leaves(primal: Primal, point: Sequence[np.ndarray]) -> list[str]:
    """Lines that define ``of``, the function of the floating-point leaves."""
    return [
        *imports(primal.inputs),
        point_code(primal, point),
        "leaves, tree = jax.tree.flatten(args)",
        f"places, kept = {primal.place}, {primal.place_of_outputs}",
        "def of(*moving):",
        "    moved = dict(zip(places, moving))",
        "    moved = [moved.get(k, x) for k, x in enumerate(leaves)]",
        "    result = jax.tree.leaves(f(*jax.tree.unflatten(tree, moved)))",
        "    return [result[k] * 1.0 for k in kept]",  # integers and booleans as numbers
    ]


def paste_composed(primal: Primal, wrong: Cut | HigherBend) -> str:
    """Source that prints a derivative along all that it is a function of, and what it should be."""
    modes, args = wrong.modes, [list(leaves) for leaves in wrong.args]
    lines = [
        *_of_leaves(primal, list(wrong.args[0])),
        *_ALONG_EVERYTHING,
        f"T = {functools.reduce(_deeper, modes[1:], f'first({modes[0]!r})')}",
    ]
    if isinstance(wrong, Cut):
        inner = functools.reduce(_deeper, modes[1:-1], f"first({modes[0]!r})")
        moved = as_code([list(leaves) for leaves in wrong.moved])
        return scoped(
            primal,
            [
                *lines,
                f"print('the derivative is', T(*{as_code(args)}))",
                f"print('it should be', {inner}(*{moved}))",
            ],
        )
    (a, b), (g, h) = wrong.apart.weights, wrong.apart.moved
    lines += [
        f"arguments = {as_code(args)}",
        f"g, h = {as_code(list(g))}, {as_code(list(h))}",
        f"a, b = {a!r}, {b!r}",
        "def L(u):",
        "    u, moved = iter(u), [list(x) for x in arguments]",
        f"    for k in {list(wrong.places)}:",
        "        moved[k] = [jnp.asarray(next(u), x.dtype) for x in arguments[k]]",
        "    return T(*moved)",
        "print('L(a*g + b*h) is', L([a * x + (b * y if b else 0) for x, y in zip(g, h)]))",
        "print('a*L(g) + b*L(h) is', a * L(g) + (b * L(h) if b else 0))",
    ]
    return scoped(primal, lines)


def _deeper(inner: str, mode: str) -> str:
    return f"along({inner}, {mode!r})"


_ALONG_EVERYTHING = """\
def product(u, v):
    return sum(jnp.sum(x * y) for x, y in zip(u, v))
def first(mode):
    if mode == "fwd":
        return lambda x, v, u: product(u, jax.jvp(of, tuple(x), tuple(v))[1])
    return lambda x, v, u: product(v, jax.vjp(of, *x)[1](list(u)))
def along(f, mode):
    def derivative(*args):
        at, moved = args[:len(args) // 2], args[len(args) // 2:]
        if mode == "fwd":
            return jax.jvp(f, at, moved)[1]
        value, pull = jax.vjp(f, *at)
        return product(*map(jax.tree.leaves, (moved, pull(jnp.ones_like(value)))))
    return derivative""".splitlines()


def paste_kernel(primal: Primal) -> str:
    """Source that prints the value of a kernel and that of its ``reference``."""
    lines = [
        *imports(primal.inputs),
        point_code(primal, primal.point),
        "print('f is', f(*args))",
        "print('reference is', reference(*args))",
    ]
    if primal.in_parts:
        lines = of_parts_lines({name: name for name in ("f", "reference")}, lines)
    return in_scope("`f` and `reference`", lines)


def _entries(
    direction: Direction, leaves: Sequence[Leaf], places: Sequence[int], whole: bool = False
) -> str:
    """The leaves that are not 0, by their place among all leaves.

    Args:
        leaves: what it is a direction of. In float32 at least: narrower ones are cast where they
            are added.
    """
    wide = [np.float64 if x.dtype == np.float64 else np.float32 for x in leaves]
    dtypes = [bool if whole else dtype for dtype in wide]
    moving = {
        places[i]: np.asarray(leaf, dtypes[i])
        for i, leaf in enumerate(direction.leaves)
        if leaf.any()
    }
    return as_code(moving)


def point_code(primal: Primal, point: Sequence[np.ndarray]) -> str:
    """Lines that set ``args`` to the arguments with other floating-point leaves."""
    return arguments_as_code(primal.args_at(point))
