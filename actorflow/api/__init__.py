"""What the command line and embedders call: validate, run, resume, cancel, inspect, tree, and what looks back at past runs.

Each takes a ``Settings`` and values, gives values, and raises ``ActorflowError``s that carry their exit code.
Nothing here prints. Names are loaded on first use, so that ``validate`` imports no trio.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actorflow.api.checking import Checked as Checked
    from actorflow.api.checking import validate as validate
    from actorflow.api.checkup import check_environment as check_environment
    from actorflow.api.cleaning import Cleaned as Cleaned
    from actorflow.api.cleaning import clean as clean
    from actorflow.api.comparing import diff as diff
    from actorflow.api.counting import Statistics as Statistics
    from actorflow.api.counting import estimate as estimate
    from actorflow.api.counting import stats as stats
    from actorflow.api.describing import KnownAgent as KnownAgent
    from actorflow.api.describing import agent as agent
    from actorflow.api.describing import agents as agents
    from actorflow.api.dry_running import AgentFact as AgentFact
    from actorflow.api.dry_running import DryRun as DryRun
    from actorflow.api.dry_running import InputFact as InputFact
    from actorflow.api.dry_running import dry_run as dry_run
    from actorflow.api.explaining import explain_task as explain_task
    from actorflow.api.exporting import copy_blobs as copy_blobs
    from actorflow.api.exporting import export_lines as export_lines
    from actorflow.api.exporting import import_run as import_run
    from actorflow.api.following import JournalTail as JournalTail
    from actorflow.api.following import follow as follow
    from actorflow.api.following import follow_events as follow_events
    from actorflow.api.following import open_tail as open_tail
    from actorflow.api.library import Copied as Copied
    from actorflow.api.library import copy_template as copy_template
    from actorflow.api.library import list_templates as list_templates
    from actorflow.api.library import read_template as read_template
    from actorflow.api.listing import Wanted as Wanted
    from actorflow.api.listing import history as history
    from actorflow.api.looking import Glance as Glance
    from actorflow.api.looking import Inspection as Inspection
    from actorflow.api.looking import glance as glance
    from actorflow.api.looking import inspect as inspect
    from actorflow.api.recalling import Context as Context
    from actorflow.api.recalling import compare_contexts as compare_contexts
    from actorflow.api.recalling import context as context
    from actorflow.api.rehearsing import Rehearsal as Rehearsal
    from actorflow.api.rehearsing import stub_file_beside as stub_file_beside
    from actorflow.api.rehearsing import write_stub_file as write_stub_file
    from actorflow.api.requesting import Cancelled as Cancelled
    from actorflow.api.requesting import cancel as cancel
    from actorflow.api.requesting import tree as tree
    from actorflow.api.resume_plan import plan_resume as plan_resume
    from actorflow.api.run_checkup import check_run as check_run
    from actorflow.api.running import Finished as Finished
    from actorflow.api.running import resume as resume
    from actorflow.api.running import run as run
    from actorflow.api.salvaging import Salvaged as Salvaged
    from actorflow.api.salvaging import salvage as salvage
    from actorflow.api.summarizing import explain_run as explain_run
    from actorflow.api.terms import Terms as Terms
    from actorflow.api.workflow_tests import CaseResult as CaseResult
    from actorflow.api.workflow_tests import FileResult as FileResult
    from actorflow.api.workflow_tests import find_test_files as find_test_files
    from actorflow.api.workflow_tests import is_test_file as is_test_file
    from actorflow.api.workflow_tests import run_tests as run_tests
    from actorflow.api.workflow_tests import tests_beside as tests_beside
    from actorflow.engine.feed import Feed as Feed
    from actorflow.engine.feed import Update as Update
    from actorflow.engine.feed import Watch as Watch
    from actorflow.state.recorded import Recorded as Recorded

_MODULES = {
    "AgentFact": "actorflow.api.dry_running",
    "Cancelled": "actorflow.api.requesting",
    "CaseResult": "actorflow.api.workflow_tests",
    "Checked": "actorflow.api.checking",
    "Cleaned": "actorflow.api.cleaning",
    "Context": "actorflow.api.recalling",
    "Copied": "actorflow.api.library",
    "DryRun": "actorflow.api.dry_running",
    "Feed": "actorflow.engine.feed",
    "FileResult": "actorflow.api.workflow_tests",
    "Finished": "actorflow.api.running",
    "InputFact": "actorflow.api.dry_running",
    "Glance": "actorflow.api.looking",
    "KnownAgent": "actorflow.api.describing",
    "Inspection": "actorflow.api.looking",
    "glance": "actorflow.api.looking",
    "JournalTail": "actorflow.api.following",
    "Recorded": "actorflow.state.recorded",
    "Rehearsal": "actorflow.api.rehearsing",
    "Salvaged": "actorflow.api.salvaging",
    "Statistics": "actorflow.api.counting",
    "Terms": "actorflow.api.terms",
    "Update": "actorflow.engine.feed",
    "Wanted": "actorflow.api.listing",
    "Watch": "actorflow.engine.feed",
    "check_environment": "actorflow.api.checkup",
    "check_run": "actorflow.api.run_checkup",
    "agent": "actorflow.api.describing",
    "agents": "actorflow.api.describing",
    "cancel": "actorflow.api.requesting",
    "clean": "actorflow.api.cleaning",
    "compare_contexts": "actorflow.api.recalling",
    "context": "actorflow.api.recalling",
    "copy_blobs": "actorflow.api.exporting",
    "copy_template": "actorflow.api.library",
    "diff": "actorflow.api.comparing",
    "dry_run": "actorflow.api.dry_running",
    "estimate": "actorflow.api.counting",
    "explain_run": "actorflow.api.summarizing",
    "explain_task": "actorflow.api.explaining",
    "export_lines": "actorflow.api.exporting",
    "import_run": "actorflow.api.exporting",
    "find_test_files": "actorflow.api.workflow_tests",
    "follow": "actorflow.api.following",
    "follow_events": "actorflow.api.following",
    "history": "actorflow.api.listing",
    "inspect": "actorflow.api.looking",
    "is_test_file": "actorflow.api.workflow_tests",
    "list_templates": "actorflow.api.library",
    "open_tail": "actorflow.api.following",
    "plan_resume": "actorflow.api.resume_plan",
    "read_template": "actorflow.api.library",
    "resume": "actorflow.api.running",
    "run": "actorflow.api.running",
    "salvage": "actorflow.api.salvaging",
    "run_tests": "actorflow.api.workflow_tests",
    "stats": "actorflow.api.counting",
    "stub_file_beside": "actorflow.api.rehearsing",
    "tests_beside": "actorflow.api.workflow_tests",
    "tree": "actorflow.api.requesting",
    "validate": "actorflow.api.checking",
    "write_stub_file": "actorflow.api.rehearsing",
}

__all__ = sorted(_MODULES)  # noqa: PLE0605 (the table above is the list)


def __getattr__(name: str) -> object:
    try:
        module = import_module(_MODULES[name])
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value: object = getattr(module, name)
    globals()[name] = value
    return value
