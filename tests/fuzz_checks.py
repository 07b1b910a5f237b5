"""All checks of random programs, each under a limit of time."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Callable
from typing import Any

from fuzz_balls import balls_hold_derivatives, balls_hold_values
from fuzz_comparisons import gradients_compare, values_compare
from fuzz_findings import Case, Finding
from fuzz_rule_checks import rules_are_judged

from jaxgrad.errors import NoDerivative, UnsupportedPrimitive
from jaxgrad.numbers.base import CannotDecide

__all__ = ["CHECKS", "Case", "Finding"]

# What a program of a few dozen operations may take, many times over.
CPU_SECONDS = 20
# Inside of a library no handler runs: after so many seconds more the process is ended. A campaign
# sets it, for it runs its programs in children.
HARD_LIMIT = 0.0
# What running a program over balls may raise, and what JAX's having no derivative raises.
DOCUMENTED = (UnsupportedPrimitive, CannotDecide, NoDerivative)


class _TooLong(BaseException):
    """The limit of CPU seconds; no ``except Exception`` on the way may take it for its own."""


def _stop(signum: int, frame: Any) -> None:
    raise _TooLong


def _guarded(check: Callable[[Case], list[Finding]]) -> Callable[[Case], list[Finding]]:
    """The check, where whatever is raised becomes a finding unless it says what is missing."""

    def guarded(case: Case) -> list[Finding]:
        before = signal.signal(signal.SIGVTALRM, _stop)
        signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
        if HARD_LIMIT:
            signal.setitimer(signal.ITIMER_PROF, HARD_LIMIT)
        try:
            return check(case)
        except _TooLong:
            where = "".join(traceback.format_exc().splitlines(keepends=True)[-12:])
            return [Finding("too long", f"{check.__name__}: {CPU_SECONDS} CPU seconds\n{where}")]
        except DOCUMENTED as error:
            case.counts[f"raised {type(error).__name__}"] += 1
            if "balls" in check.__name__ or isinstance(error, NoDerivative):
                return []
            return [Finding(f"raised {type(error).__name__}", traceback.format_exc())]
        except Exception as error:
            return [Finding(f"raised {type(error).__name__}", traceback.format_exc())]
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGVTALRM, before)

    return guarded


CHECKS = {
    check.__name__: _guarded(check)
    for check in (
        balls_hold_values,
        balls_hold_derivatives,
        values_compare,
        gradients_compare,
        rules_are_judged,
    )
}
