"""``jaxgrad rules`` of packages in which something never ends, or ends the process."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from jaxgrad.claims.cli import main
from jaxgrad.claims.found_rule import FoundRule
from jaxgrad.claims.rules_run import RulesRun, SeenRule

LATE = 'took longer than the time that --timeout gives it\n  File "k.py", line 3 in f'
DEAD = "ended its process, by SIGABRT"
RULES = [FoundRule("custom_jvp", f"k:{name}", "k.py", line) for line, name in enumerate("abc", 1)]


class _Told(list[SeenRule]):
    """A run, and what it told."""

    def __init__(self, *, check: bool = True) -> None:
        self.run = RulesRun("k", check, self.append)

    def declares(self, rules: list[FoundRule] = RULES) -> _Told:
        self.run.receive({"begins": "k"})
        declared = [asdict(rule) for rule in rules]
        self.run.receive({"declared": declared, "modules": 1, "failures": []})
        return self

    def suits(self) -> _Told:
        self.run.receive({"suits": ["0.5"]})
        return self

    def ends(self, number: int, **checked: Any) -> _Told:
        self.run.receive({"ends": number, "checked": checked})
        return self

    def loses(self, how: str) -> RulesRun | None:
        again = self.run.lost(how, 1.0, late=how == LATE)
        if again is not None:
            assert again.request  # it is begun anew
        return again


def test_a_rule_that_never_ends_is_undecided_and_the_others_are_looked_at() -> None:
    told = _Told().declares().suits().ends(0, verdict="REFUTED", text="REFUTED: no")
    told.suits()
    assert told.loses(LATE) is told.run and told.run.request["done"] == [0, 1]
    told.declares().suits().ends(2, verdict="PROVED", text="PROVED: yes")
    assert told.run.complete and told.run.given_up
    assert [(seen.rule.name, seen.verdict) for seen in told] == [
        ("k:a", "REFUTED"),
        ("k:b", "UNDECIDED"),
        ("k:c", "PROVED"),
    ]
    assert told[1].rule.arguments == ("0.5",)
    assert told[1].text == f"its check {LATE}"


def test_a_rule_that_ends_its_process_has_no_verdict() -> None:
    told = _Told().declares()
    told.loses(DEAD)
    told.declares().ends(1).ends(2)
    assert told.run.complete
    assert told[0] == SeenRule(RULES[0], f"the search for arguments that suit it {DEAD}", None)
    assert [seen.text for seen in told[1:]] == ["", ""]


@pytest.mark.parametrize("how", [LATE, DEAD])
def test_a_package_that_is_not_the_same_again(how: str) -> None:
    told = _Told().declares().ends(0)
    told.loses(how)
    told.declares([*RULES, *RULES])
    assert told.run.complete and len(told) == 3
    assert told[2].text == "its package has other rules, imported again"
    told = _Told().declares().ends(0)
    told.loses(how)
    assert told.loses(how) is None and told.run.complete
    assert told[2].text == f"its package, imported again, {how}"


def test_modules_that_never_end_are_left_out() -> None:
    told = _Told()
    told.run.receive({"begins": "k"})
    told.run.receive({"begins": "k.slow"})
    assert told.loses(LATE) is told.run and told.run.request["without"] == ["k.slow"]
    told.declares().ends(0).ends(1).ends(2)
    assert told.run.complete and told.run.given_up
    assert told.run.failures == [("k.slow", f"it {LATE}")]


def test_a_package_that_cannot_be_imported_at_all() -> None:
    told = _Told()
    assert told.loses(LATE) is None and told.run.failures == [("k", f"it {LATE}")]
    told = _Told()
    assert told.loses(DEAD) is None and told.run.complete
    assert str(told.run.refused) == f"k cannot be imported: it {DEAD}"


def test_frames_that_led_to_the_place_are_left_out() -> None:
    told = _Told().declares()
    own = f'  File "{Path(main.__code__.co_filename)}", line 3 in main'
    told.loses(f'{DEAD}\n{own}\n  File "k.py", line 3 in f\n  File "/p/jax/_src/core.py"')
    assert told[0].text.splitlines()[1:] == ['  File "k.py", line 3 in f']


_PACKAGE = """
import os
import time

import jax
import jax.numpy as jnp


def never(primals, tangents):
    while True:
        time.sleep(0.1)


def wrong(x, t):
    return jnp.sin(*x), jnp.sin(*x) * t[0]


def dying(x, t):
    os.abort()


def right(x, t):
    return jnp.sin(*x), jnp.cos(*x) * t[0]


for rule in (RULES):
    name = f"of_{rule.__name__}"
    globals()[name] = jax.custom_jvp(lambda x: jnp.sin(x))
    globals()[name].defjvp(rule)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "endlessly"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    return folder


@pytest.mark.slow
def test_the_command(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = _PACKAGE.replace("RULES", "wrong, never, dying, right")
    (package / "rules.py").write_text(text)
    (package / "slow.py").write_text("import time; time.sleep(1000)")
    assert main(["rules", "endlessly", "--check", "--timeout", "12", "--json"]) == 1
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert {rule["name"].partition(":")[2]: rule["verdict"] for rule in told["rules"]} == {
        "of_wrong": "REFUTED",
        "of_never": "UNDECIDED",
        "of_dying": None,
        "of_right": "PROVED",
    }
    assert [failure["module"] for failure in told["failures"]] == ["endlessly.slow"]
    assert "jaxgrad: endlessly.slow cannot be imported: it took longer" in err
    assert "endlessly" not in sys.modules


@pytest.mark.slow
def test_the_command_of_what_is_open_alone(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (package / "rules.py").write_text(_PACKAGE.replace("RULES", "never, right"))
    assert main(["rules", "endlessly", "--check", "--timeout", "12"]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert "    UNDECIDED: its check took longer than the time that --timeout gives it" in lines
    assert any(line.startswith("      File ") and "in never" in line for line in lines)
    assert "checked: 1 UNDECIDED, 1 PROVED" in lines
    assert lines[-1] == "2 custom rules in 2 modules of endlessly"
