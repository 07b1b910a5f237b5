"""``jaxgrad rules`` of packages in which something never ends, or ends the process."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import pytest

from jaxgrad.claims import child_processes
from jaxgrad.claims.child_processes import supervise
from jaxgrad.claims.cli import main
from jaxgrad.claims.found_rule import FoundRule
from jaxgrad.claims.rule_words import lines_of
from jaxgrad.claims.rules_run import RulesRun, SeenRule
from jaxgrad.numbers import progress

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
def test_what_is_known_of_a_rule_is_kept_where_it_is_looked_at_further(how: str) -> None:
    told = _Told().declares().suits()
    told.run.receive({"knows": {"verdict": "REFUTED", "text": "REFUTED: no"}})
    told.loses(how)
    assert (told[0].verdict, told[0].text) == ("REFUTED", "REFUTED: no")
    told.declares().suits()
    told.loses(how)  # of the next one nothing is known
    assert told[1].text == f"its check {how}"


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


def test_what_a_process_is_at() -> None:
    told = _Told()
    assert told.run.at == "the import of k"
    told.run.receive({"begins": "k.inner"})
    assert told.run.at == "the import of k.inner"
    assert told.declares().run.at == "the search for arguments that suit k:a"
    assert told.suits().run.at == "the check of k:a"
    assert told.ends(0).run.at == "the search for arguments that suit k:b"
    told.loses(DEAD)
    assert told.run.at == "the import of k, once more"
    assert told.declares().suits().run.at == "the check of k:c"
    assert told.ends(2).run.at == ""


def _interrupted(
    monkeypatch: pytest.MonkeyPatch,
    say: Callable[[RulesRun], object],
    *more: str,
    printed: str = "",
) -> int:
    """The command, interrupted after what a process says and prints."""

    def supervise(
        tasks: list[RulesRun],
        *,
        look: Callable[[], object],
        heard: Callable[[str], object] | None,
        **_: object,
    ) -> Iterator[RulesRun]:
        say(tasks[0])
        look()
        if heard and printed:
            heard(printed)
        yield tasks[0]
        raise KeyboardInterrupt

    monkeypatch.setattr(child_processes, "supervise", supervise)
    return main(["rules", "k", "--check", *more])


def _says_one_of_three(run: RulesRun) -> None:
    declared = [asdict(rule) for rule in RULES]
    run.receive({"declared": declared, "modules": 1, "failures": []})
    run.receive({"ends": 0, "checked": {"verdict": "PROVED", "text": "PROVED: yes"}})
    run.receive({"suits": ["0.5"]})


def _says_where_it_is(run: RulesRun) -> None:
    run.receive({"begins": "k.inner"})


def test_an_interrupt_says_what_was_not_looked_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _interrupted(monkeypatch, _says_one_of_three) == 130
    out, err = capsys.readouterr()
    assert out.splitlines()[-4:] == [
        "checked: 1 PROVED",
        "interrupted during the check of k:b, after 1 of 3 rules",
        "without a result: k:b, k:c",
        "3 custom rules in 1 module of k",
    ]
    assert err == "jaxgrad: interrupted\n"
    assert _interrupted(monkeypatch, _says_where_it_is) == 130
    assert capsys.readouterr().out.splitlines() == [
        "checked: none",
        "interrupted during the import of k.inner",
    ]


@pytest.mark.parametrize(
    ("say", "during", "rules"),
    [
        (_says_one_of_three, "the check of k:b", ["k:a"]),
        (_says_where_it_is, "the import of k.inner", []),
    ],
)
def test_an_interrupt_is_a_part_of_the_object(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    say: Callable[[RulesRun], object],
    during: str,
    rules: list[str],
) -> None:
    assert _interrupted(monkeypatch, say, "--json") == 130
    told = json.loads(capsys.readouterr().out)
    assert told["interrupted"] == during
    assert [rule["name"] for rule in told["rules"]] == rules


def _terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """In the place of standard error, and the progress is shown at once."""
    shown = io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr(progress, "SILENT", 0.0)
    monkeypatch.setattr(progress, "BETWEEN_LINES", 0.0)
    return shown


def test_what_a_package_prints_stays_beside_the_line_of_the_progress(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = _terminal(monkeypatch)
    assert _interrupted(monkeypatch, lambda run: None, printed="hello") == 130
    assert "\r\x1b[Khello\n" in terminal.getvalue()


def test_a_terminal_shows_which_rule_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    assert _interrupted(monkeypatch, _says_one_of_three) == 130
    line, cleared, rest = terminal.getvalue().rpartition("\r\x1b[K")
    assert line == "\rjaxgrad: 0 s, 1 of 3 rules, the check of k:b …\x1b[K"
    assert (cleared, rest) == ("\r\x1b[K", "jaxgrad: interrupted\n")


class _Silent:
    """A task of which nothing is heard."""

    module = "silent_task"
    request: ClassVar[dict[str, Any]] = {}
    complete = False

    def receive(self, message: dict[str, Any]) -> None:
        raise AssertionError(message)

    def lost(self, how: str, seconds: float, *, late: bool) -> None:
        self.complete = True


def test_a_process_that_says_nothing_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "silent_task.py").write_text("import time\ndef main():\n    time.sleep(0.5)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    looks: list[None] = []
    for _ in supervise([_Silent()], jobs=1, timeout=60, look=lambda: looks.append(None)):
        pass
    assert len(looks) > 2


def test_what_a_process_prints_is_heard_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import os\ndef main():\n    os.write(2, b'one\\ntwo \\xff\\nthree')\n"
    (tmp_path / "silent_task.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    heard: list[str] = []
    for _ in supervise([_Silent()], jobs=1, timeout=60, heard=heard.append):
        pass
    assert heard == ["one", "two \\xff", "three"]


def test_what_does_not_pass_is_shown_beside_the_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")

    def say(run: RulesRun) -> None:
        run.receive({"declared": [asdict(rule) for rule in RULES], "modules": 1, "failures": []})
        run.receive({"ends": 0, "checked": {"verdict": "PROVED", "text": "PROVED: yes"}})
        run.receive({"ends": 1, "checked": {"verdict": "REFUTED", "text": "REFUTED: no\nat x"}})
        run.receive({"ends": 2, "checked": {"verdict": None, "text": "it raised TypeError"}})

    for more in ([], ["--json"]):
        _interrupted(monkeypatch, say, *more)
        shown = [x for x in capsys.readouterr().err.splitlines() if x.startswith("::")]
        assert shown == [
            "::error file=k.py,line=2,title=jaxgrad%3A k%3Ab is REFUTED::REFUTED: no%0Aat x",
            "::error file=k.py,line=3,title=jaxgrad%3A k%3Ac was not checked::it raised TypeError",
        ]


def test_every_line_of_what_was_raised_is_shown() -> None:
    seen = SeenRule(RULES[0], "it raised RuntimeError at k.py:9: the rule is\nbroken")
    assert list(lines_of(seen))[-2:] == [
        "    not checked: it raised RuntimeError at k.py:9: the rule is",
        "    broken",
    ]


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
    assert told["interrupted"] is None


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
