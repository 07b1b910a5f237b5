"""What the number systems cover, as one JSON object."""

from __future__ import annotations

import json
from typing import Any

from jaxgrad.claims.coverage.runs import PROGRAMS, SYSTEMS
from jaxgrad.claims.coverage.survey import Row, Survey
from jaxgrad.claims.report.json_report import versions

__all__ = ["render"]


def render(survey: Survey) -> str:
    """One JSON object: every function, every primitive, and the versions of what was used.

    Args:
        survey: what :func:`jaxgrad.claims.coverage.survey.survey` found.

    Example:
        >>> from jaxgrad.claims.coverage.survey import survey
        >>> (row,) = json.loads(render(survey(["jax.numpy.sin"])))["functions"]
        >>> row["programs"]["jvp"]
        {'systems': {'Ball': '', 'Germ': '', 'Polynomial': ''}, 'compared': 4}
    """
    whole = {
        "functions": [_row(row) for row in survey.rows],
        "primitives": {
            system: {"ran": sorted(survey.ran[system]), "stopped": sorted(survey.stopped[system])}
            for system in SYSTEMS
        },
        "disagreements": survey.disagreements,
        "versions": versions(),
    }
    return json.dumps(whole, indent=1, allow_nan=False)


def _row(row: Row) -> dict[str, Any]:
    """One function: what it is instead of a map, or where each system stops in each program."""
    name = f"{row.module}.{row.name}"
    if row.instead:
        return {"name": name, "instead": row.instead}
    return {"name": name, "programs": {program: _program(row, program) for program in PROGRAMS}}


def _program(row: Row, program: str) -> dict[str, Any]:
    if (program, "") in row.missing:
        return {"without": row.missing[program, ""]}
    return {
        "systems": {system: row.missing[program, system] for system in SYSTEMS},
        "compared": row.compared.get(program, 0),
    }
