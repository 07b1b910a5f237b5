"""What each number system makes of a function of the caller's own, as one JSON object."""

from __future__ import annotations

import json
from collections.abc import Container
from typing import Any

from jaxgrad.claims.coverage.own_function import OwnFunction
from jaxgrad.claims.coverage.runs import PROGRAMS, SYSTEMS, Ran
from jaxgrad.claims.report.json_report import versions

__all__ = ["RUNS_ALL", "render", "verdicts"]

RUNS_ALL = "runs all"


def verdicts(found: OwnFunction) -> dict[str, str]:
    """Whether each number system can run the function and the derivatives that JAX has.

    Example:
        >>> import jax.numpy as jnp
        >>> from jaxgrad.claims.coverage.own_function import look_at
        >>> verdicts(look_at(jnp.sort, (jnp.array([2.0, 1.0]),)))["Polynomial"]
        'UNDECIDED: primal, jvp, vjp stop at `sort`: an order depends on an open comparison'
    """
    nothing = {use.name for use in found.without_rule}
    return {system: _verdict(found.stops(system), nothing) for system in SYSTEMS}


def _verdict(stopped: dict[str, Ran], without_rule: Container[str]) -> str:
    if not stopped:
        return RUNS_ALL
    places: dict[str, list[str]] = {}
    for program, ran in stopped.items():
        line = f", {ran.line}" if ran.line else ""
        where = f" at `{ran.primitive}`" if ran.primitive else ""
        why = "it has no rule" if ran.primitive in without_rule else ran.why
        places.setdefault(f"{where}{line}: {why}", []).append(program)
    texts = (f"{', '.join(ps)} stop{'s' * (len(ps) == 1)}{w}" for w, ps in places.items())
    return "UNDECIDED: " + "; ".join(texts)


def render(found: OwnFunction) -> str:
    """One JSON object: primitives, custom rules, programs, what was compared, and the verdicts.

    Example:
        >>> import jax.numpy as jnp
        >>> from jaxgrad.claims.coverage.own_function import look_at
        >>> json.loads(render(look_at(jnp.sin, (0.5,), "jnp.sin")))["verdicts"]["Germ"]
        'runs all'
    """
    whole = {
        "function": found.name,
        "inputs": [
            {"path": x.path, "shape": list(x.shape), "dtype": str(x.dtype)} for x in found.inputs
        ],
        "held": list(found.held),
        "primitives": [
            {
                "name": use.name,
                "equations": use.equations,
                "read_as": use.reading.kind,
                "where": use.reading.text,
                "systems": use.systems,
            }
            for use in found.primitives
        ],
        "custom_rules": [vars(rule) for rule in found.rules],
        "programs": {program: _program_object(found, program) for program in PROGRAMS},
        "disagreements": found.disagreements,
        "verdicts": verdicts(found),
        "versions": versions(),
    }
    return json.dumps(whole, indent=1, allow_nan=False)


def _program_object(found: OwnFunction, program: str) -> dict[str, Any]:
    if program in found.without:
        return {"without": found.without[program]}
    runs = {system: found.runs[program, system] for system in SYSTEMS}
    return {
        "systems": {
            system: {
                "runs": not ran.reason,
                "stops_at": ran.reason,
                "why": ran.why,
                "line": ran.line,
            }
            for system, ran in runs.items()
        },
        "compared": found.compared[program],
        "not_compared": found.not_compared.get(program, ""),
    }
