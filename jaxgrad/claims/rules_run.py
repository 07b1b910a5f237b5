"""Finding the rules of a package, and checking them, in a process that may hang or end.

What a rule does to the process (a loop without end, an abort) becomes what is said of that rule;
what the others are comes from a new process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from jaxgrad.claims.found_rule import FoundRule
from jaxgrad.claims.raised_text import ON_THE_WAY
from jaxgrad.errors import ArgumentError
from jaxgrad.verdict import Verdict

__all__ = ["RulesRun", "SeenRule"]


@dataclass(frozen=True)
class SeenRule:
    """A rule, and what came of it.

    Args:
        rule: with the arguments that suit it, if there are any.
        text: what its check says, or why there is none; empty where it was not checked.
        verdict: what its check came to; None where it raised, or ended its process.
        malformed: whether the rule does not return what it has to.
        left_out: whether it was to be left out.
    """

    rule: FoundRule
    text: str = ""
    verdict: str | None = None
    malformed: bool = False
    left_out: bool = False


@dataclass
class RulesRun:
    """A task of :func:`jaxgrad.claims.child_processes.supervise`.

    Args:
        package: whose rules are found.
        check: whether they are checked, where arguments suit them.
        tell: called with each rule in turn.
        arguments: those of rules by their names, which are not looked for then.
        skip: names of rules and modules that are left out.
        rules: those that were found; None before.
        modules: how many modules were looked at.
        failures: (module, why it cannot be imported).
        seen: the rules that have been looked at, by their number.
        given_up: whether something took too long, or ended its process.
        refused: why there is no such package.
        meaningless: names of arguments and skip that are of nothing in the package.
    """

    package: str
    check: bool
    tell: Callable[[SeenRule], None]
    arguments: dict[str, tuple[str, ...]] = field(default_factory=dict)
    skip: tuple[str, ...] = ()
    rules: list[FoundRule] | None = None
    modules: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    seen: dict[int, SeenRule] = field(default_factory=dict)
    given_up: bool = False
    refused: ArgumentError | None = None
    meaningless: list[str] = field(default_factory=list)
    module: str = "jaxgrad.claims.rules_child"
    _lost: list[tuple[str, str]] = field(default_factory=list)
    _at: str = ""
    _begun: bool = False
    _suited: FoundRule | None = None
    _known: dict[str, Any] | None = None  # of a rule that is looked at further

    @property
    def request(self) -> dict[str, Any]:
        """What the process is asked: what was not looked at before."""
        self._begun, self._suited, self._known = False, None, None
        without = [module for module, _ in self._lost]
        told = {"package": self.package, "check": self.check, "without": without}
        return told | {"arguments": self.arguments, "skip": self.skip, "done": list(self.seen)}

    @property
    def complete(self) -> bool:
        """Whether every rule was looked at, or there are none to be."""
        return bool(self.refused) or (self.rules is not None and len(self.seen) == len(self.rules))

    @property
    def at(self) -> str:
        """What the process is at, in words; empty where nothing is left."""
        if self.complete:
            return ""
        if self.rules is None:
            return f"the import of {self._at or self.package}"
        if not self._begun:
            return f"the import of {self.package}, once more"
        checks = self.check and self._suited is not None
        stage = "the check of" if checks else "the search for arguments that suit"
        return f"{stage} {self.rules[self.rest[0]].name}"

    def receive(self, message: dict[str, Any]) -> None:
        """Take what was found, or what came of a rule."""
        if "begins" in message:
            self._at = message["begins"]
        elif "refused" in message:
            self.refused = ArgumentError(message["refused"])
        elif "declared" in message:
            self._declare(message)
        elif "suits" in message:
            assert self.rules is not None
            rule = self.rules[self.rest[0]]
            self._suited = replace(rule, arguments=tuple(message["suits"]))
        elif "knows" in message:
            self._known = message["knows"]
        else:
            self._see(message["ends"], **message["checked"])

    def lost(self, how: str, seconds: float, *, late: bool) -> RulesRun | None:
        """What the process was at is given up; the rest is for another one."""
        del seconds
        how = _outside(how)
        if self.rules is None:
            self._lose_module(how, late)
        elif self._begun and self._known is not None:
            self._see(self.rest[0], **self._known)
        elif self._begun:
            alone = "its check" if self.check else "its derivative"
            stage = alone if self._suited else "the search for arguments that suit it"
            self._give_up(self.rest[0], f"{stage} {how}", late)
        else:
            for number in self.rest:
                self._give_up(number, f"its package, imported again, {how}", late)
        return None if self.complete else self

    @property
    def rest(self) -> list[int]:
        """The numbers of the rules that have not been looked at."""
        return [number for number, _ in enumerate(self.rules or ()) if number not in self.seen]

    def _declare(self, message: dict[str, Any]) -> None:
        rules = [FoundRule(**{**rule, "arguments": None}) for rule in message["declared"]]
        self._begun = True
        if self.rules is None:
            failed = ((module, why) for module, why in message["failures"])
            self.rules, self.modules = rules, message["modules"]
            self.failures = [*self._lost, *failed]
            self.meaningless = message.get("meaningless", [])
        elif rules != self.rules:
            for number in self.rest:
                self._give_up(number, "its package has other rules, imported again", late=True)

    def _lose_module(self, how: str, late: bool) -> None:
        module = self._at or self.package
        self.given_up = True
        again = module in (lost for lost, _ in self._lost)
        if module != self.package and not again:
            self._lost.append((module, f"it {how}"))
        elif late:
            self.rules, self.failures = [], [*self._lost, (module, f"it {how}")]
        else:
            self.refused = ArgumentError(f"{module} cannot be imported: it {how}")

    def _give_up(self, number: int, text: str, late: bool) -> None:
        self.given_up = True
        self._see(number, text=text, verdict=str(Verdict.UNDECIDED) if late else None)

    def _see(self, number: int, **told: Any) -> None:
        """A rule has been looked at, unless it was given up before."""
        if self.rules is not None and number not in self.seen:
            rule = self._suited or self.rules[number]
            self.seen[number] = SeenRule(rule, **told)
            self.tell(self.seen[number])
        self._suited = self._known = None


def _outside(how: str) -> str:
    """How a process ended, without the frames that only led to where it was."""
    lines = how.splitlines()
    return "\n".join(x for x in lines if not any(place in x for place in ON_THE_WAY))
