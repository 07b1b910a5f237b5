"""Options of the whole command line that print something and end it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

__all__ = ["Completion", "Version"]


class Version(argparse.Action):
    """The versions of this package and of all that a verdict rests on; looked up when asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from jaxgrad.claims.report.json_report import versions

        found = versions()
        ours = found.pop("jaxgrad")
        beside = ", ".join(f"{name} {version}" for name, version in found.items())
        print(f"jaxgrad {ours} ({beside})")
        parser.exit()


class Completion(argparse.Action):
    """A script for a shell, made of the parser itself.

    Source: https://docs.iterative.ai/shtab
    """

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option: Any = None
    ) -> None:
        import shtab

        if values not in shtab.SUPPORTED_SHELLS:
            known = ", ".join(shtab.SUPPORTED_SHELLS)
            raise argparse.ArgumentError(self, f"no shell {values!r} is known; there are {known}")
        print(shtab.complete(parser, values))
        parser.exit()
