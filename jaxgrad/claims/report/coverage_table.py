"""What the number systems cover, as a page of Markdown."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator

from jaxgrad.claims.coverage.runs import PROGRAMS, SYSTEMS
from jaxgrad.claims.coverage.survey import Row, Survey
from jaxgrad.interpret import rules

__all__ = ["measured_with", "render"]

_HEADER = """\
# What is covered

Measured with {versions}. `jaxgrad coverage --output docs/coverage.md`
writes this page, and `jaxgrad coverage --check docs/coverage.md` fails where it is not what would
be written now. Every public function of `jax.nn`, `jax.numpy`, `jax.scipy`, `jax.lax.linalg`,
`jax.random` and `jax.image`, and the functions of `jax.lax` that work entry by entry or reduce, is
called at a generic point; the function and its forward and reverse derivative are run over every
number system, and it fails where an Arb ball and JAX's own result exclude each other. Samplers are
functions of their parameters here, with a key that is fixed.

{functions} functions were run; {complete} of them, with both derivatives, over all three systems.

Of a function of your own `jaxgrad coverage module:function --args 'jnp.ones(3), 0.5'` says the
same, with each primitive, its rule, and the custom rules within.
"""

_PRIMITIVES = """
## By primitive

`yes`: it ran in some program below. `no`: every program stopped there. `–`: no program below has
it, as with primitives of another release of JAX.

| primitive | Ball | Germ | Polynomial |
|---|---|---|---|
"""

_FUNCTIONS = """
## By function

B, G, P: the program runs over balls, germs, polynomials. What is missing is named by the primitive
at which a system stops, or that has no value there. An order (`sort`, `argmax`) of polynomials
depends on the point, so polynomials stop at it. Compared: how many numbers of the three programs
were held against what JAX computes, each by a ball that is narrower than half of JAX's digits.

| function | primal | jvp | vjp | compared | what is missing |
|---|---|---|---|---|---|
"""

_INSTEAD = """
## No differentiable maps of real arrays

| what they are | functions |
|---|---|
"""


def render(survey: Survey) -> str:
    """The page, the same for the same survey.

    Args:
        survey: what :func:`jaxgrad.claims.coverage.survey.survey` found.

    Example:
        >>> from jaxgrad.claims.coverage.survey import survey
        >>> print(render(survey(["jax.numpy.sin"])).splitlines()[-1])
        | `jax.numpy.sin` | BGP | BGP | BGP | 4 + 4 + 4 |  |
    """
    rows = [row for row in survey.rows if not row.instead]
    complete = [row for row in rows if not _missing(row)]
    header = _HEADER.format(
        versions=measured_with(),
        functions=len(rows),
        complete=len(complete),
    )
    page = header + _PRIMITIVES + "\n".join(_primitives(survey)) + "\n"
    page += _FUNCTIONS + "\n".join(_function(row) for row in rows) + "\n"
    others = list(_others(survey))
    return page + (_INSTEAD + "\n".join(others) + "\n" if others else "")


def measured_with() -> str:
    """The versions that a page depends on, as it says them.

    Example:
        >>> measured_with().startswith("jax ")
        True
    """
    jax, flint = map(importlib.metadata.version, ("jax", "python-flint"))
    return f"jax {jax} and python-flint {flint}"


def _primitives(survey: Survey) -> Iterator[str]:
    met = set().union(*survey.ran.values(), *survey.stopped.values())
    for name in sorted(met | set(rules.RULES)):
        cells = (
            "yes"
            if name in survey.ran[system]
            else ("no" if name in survey.stopped[system] else "–")
            for system in SYSTEMS
        )
        yield f"| `{name}` | {' | '.join(cells)} |"


def _function(row: Row) -> str:
    cells = " | ".join(_cell(row, program) for program in PROGRAMS)
    compared = " + ".join(str(row.compared.get(program, 0)) for program in PROGRAMS)
    return f"| `{row.module}.{row.name}` | {cells} | {compared} | {_missing(row)} |"


def _cell(row: Row, program: str) -> str:
    if (program, "") in row.missing:
        return "none"
    runs = (s[0] if not row.missing[program, s] else "·" for s in SYSTEMS)
    return "".join(runs)


def _missing(row: Row) -> str:
    """Each reason once, with the systems and, if they are not all, the programs that it stops."""
    programs: dict[tuple[str, str], list[str]] = {}
    for (program, system), reason in row.missing.items():
        if reason:
            programs.setdefault((reason, system), []).append(program)
    systems: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (reason, system), names in programs.items():
        systems.setdefault((reason, tuple(names)), []).append(system[:1])
    texts = []
    for (reason, names), letters in systems.items():
        where = "" if len(names) == len(PROGRAMS) else f" ({', '.join(names)})"
        texts.append(f"{', '.join(letters)}: {reason}{where}" if any(letters) else reason + where)
    return "; ".join(texts)


def _others(survey: Survey) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    for row in survey.rows:
        if row.instead:
            groups.setdefault(row.instead, []).append(f"`{row.module}.{row.name}`")
    for reason, names in sorted(groups.items()):
        yield f"| {reason} | {', '.join(names)} |"
