"""In a process of its own a provider may hang or die: it is told which call it was."""

from __future__ import annotations

import inspect
import multiprocessing
import subprocess
import sys

import bringing_providers as bringing
import learning_providers as learning
import misshapen_providers as misshapen
import pytest

from alpha_sources.conformance import CHECKS, Fault, Named, Options, Verdict, check_apart
from engine.errors import ProviderError


def apart(market, kind, **options):
    provider = Named(f"{inspect.getfile(kind)}:{kind.__name__}")
    return check_apart(provider, market, Options(sessions=2, **options))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (misshapen.Hanging, "scores at 20"),
        (misshapen.HangingRefresh, "refresh at 20"),
        (misshapen.HangingWhenMade, "making an instance takes"),
    ],
)
def test_one_that_hangs_is_ended_and_the_call_is_named(market, kind, words):
    found = apart(market, kind, time_limit=0.5)
    assert found.faults == {Fault.HANGS}
    assert words in found.failures[0].message
    assert "takes longer than 0.5 s" in found.failures[0].message
    assert [f.check for f in found.findings] == list(CHECKS)
    assert found.seconds < 30
    assert not multiprocessing.active_children()


def test_one_that_kills_its_process_is_named(market):
    found = apart(market, misshapen.Dying)
    assert found.faults == {Fault.DIES}
    assert "the process ended with exit code 7" in found.failures[0].message


def test_there_an_interrupt_can_only_be_the_providers(market):
    found = apart(market, misshapen.Interrupting)
    assert found.faults == {Fault.RAISES}
    assert "raises KeyboardInterrupt (" in found.failures[0].message


def test_a_provider_in_a_file_is_checked_whole_in_worker_processes_too(market):
    found = apart(market, learning.Learner)
    assert found.conforms, str(found)
    assert found.finding("worker").verdict is Verdict.PASSED
    assert found.market.startswith("2 sessions of ")


def test_what_a_module_loads_when_it_is_imported_is_seen(market, tmp_path):
    path = tmp_path / "greedy.py"
    path.write_text(
        "from alphaloom import AlphaProvider, load_panel\n"
        "MARKET = load_panel('sse50')\n"
        "class Greedy(AlphaProvider):\n"
        "    def scores(self, view, snapshot):\n"
        "        return view.field('close')[-1]\n"
    )
    found = check_apart(Named(f"{path}:Greedy"), market, Options(sessions=2))
    assert found.faults == {Fault.OWN_DATA}


def test_one_that_cannot_be_loaded_is_an_error_not_a_finding(market):
    with pytest.raises(ProviderError, match="has no class 'Nobody'"):
        check_apart(Named(f"{inspect.getfile(misshapen)}:Nobody"), market)
    with pytest.raises(ProviderError, match="needs the parameter path"):
        apart(market, bringing.OwnFile)


def test_a_script_without_a_guard_comes_to_an_end(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from alphaloom import AlphaProvider, load_panel\n"
        "from alpha_sources.conformance import Options, check_here\n"
        "class Mine(AlphaProvider):\n"
        "    def scores(self, view, snapshot):\n"
        "        return view.field('close')[-1]\n"
        "print(check_here(Mine, load_panel('sse50'), Options(sessions=1)))\n"
    )
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert "a worker process cannot be started here" in ran.stdout
    assert "Mine conforms, with 1 note" in ran.stdout
