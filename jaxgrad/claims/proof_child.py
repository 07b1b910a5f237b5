"""The process in which proof modules are imported and their claims run.

It tells for each file what it declares, before any of its claims runs, then the beginning of each
claim, the result of each part, and the end of the claim.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jaxgrad.claims.answers import Answers, answer_with
from jaxgrad.claims.proof_messages import declaration_to, result_to
from jaxgrad.claims.read_files import ReadFiles

__all__ = ["main"]


def main() -> None:
    """Do what the request says, which :class:`jaxgrad.claims.proof_run.Request` explains."""
    answer_with(_answer)


def _answer(request: dict[str, Any], tell: Answers) -> None:
    from jaxgrad.claims.proof_modules import collect_file
    from jaxgrad.claims.running import run

    read = ReadFiles()
    elsewhere = {Path(file).resolve() for file in request["elsewhere"]}.__contains__
    for file in map(Path, request["files"]):
        # Nobody but this process is interrupted by what a module raises.
        found = collect_file(file, elsewhere, through=())
        declared = [declaration_to(claim) for claim in found.claims]
        failures = [
            (failure.claim and declaration_to(failure.claim), result_to(failure))
            for failure in found.failures
        ]
        tell(declared=declared, failures=failures)
        if not request["run"]:
            continue
        with found.neighbours:
            for number, claim in enumerate(found.claims):
                if request["only"] is not None and number not in request["only"]:
                    continue
                tell(begins=number)
                for result in run(claim, through=()):
                    tell(part=number, result=result_to(result))
                tell(ends=number, read=read.digests())
