"""Which rules of a package a project means that leaves some out, or has arguments for them."""

from __future__ import annotations

import operator
import sys
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from jaxgrad.claims.found_rule import FoundRule, is_of, rule_of
from jaxgrad.claims.package_rules import RulesOfPackage

__all__ = ["is_meant", "meaningless"]


def is_meant(name: str, rule: FoundRule) -> bool:
    """Whether a name is that of a rule, one of several, or of a module that it is in.

    Args:
        name: ``module:function``, or ``module``.
        rule: the rule, whose module is imported.

    Example:
        >>> relu = FoundRule("custom_jvp", "jax.nn:relu", "", 0)
        >>> [is_meant(name, relu) for name in ("jax.nn", "jax.nn:relu", "jax.nn:relu6")]
        [True, True, False]
    """
    if name == rule.name:
        return True
    if ":" not in name:
        return is_of(rule.name.partition(":")[0], name)
    if rule.inside:
        return False
    meant = rule_of(_value(name))
    return meant is not None and meant is rule_of(_value(rule.name))


def meaningless(names: Iterable[str], package: str, found: RulesOfPackage) -> Iterator[str]:
    """The names within a package that are of no rule of it, nor of a module that was left out.

    Args:
        names: ``module:function``, or ``module``.
        package: what was looked at; of a name outside of it nothing is known.
        found: what was found.
    """
    failed = [module for module, _ in found.failures]
    for name in names:
        module = name.partition(":")[0]
        if not is_of(module, package) or _is_in_one(module, [*failed, *found.left_out]):
            continue
        if any(is_of(left, name) for left in found.left_out):
            continue
        if not any(is_meant(name, rule) for rule in found.rules):
            yield name


def _is_in_one(module: str, modules: Collection[str]) -> bool:
    return any(is_of(module, one) for one in modules)


def _value(name: str) -> Any:
    """What a module that is imported has by this name; None if nothing."""
    module, _, path = name.partition(":")
    try:
        return operator.attrgetter(path)(sys.modules[module])
    except (AttributeError, KeyError):
        return None
