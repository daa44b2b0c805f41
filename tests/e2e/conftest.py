from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


class Project:
    """An empty project folder and the real command line in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / ".claude").mkdir(parents=True)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(root),
            "LANG": "C.UTF-8",
            "PYTHONWARNINGS": "default",
        }

    @property
    def python(self) -> str:
        return sys.executable

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.write_text(text, encoding="utf-8")
        return path

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "actorflow", *arguments],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=120)
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def report(self, *arguments: str) -> dict[str, Any]:
        done = self.call(*arguments, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def lines(self, name: str) -> list[str]:
        path = self.root / name
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def events(self, run: str = "last") -> list[Any]:
        from actorflow import api
        from actorflow.settings import read_settings

        settings = read_settings({"HOME": str(self.root)}, cwd=self.root)
        return [recorded.event for recorded in api.inspect(run, settings=settings).events]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def fifo(project: Project) -> Callable[[str], Path]:
    def make(name: str) -> Path:
        path = project.root / name
        os.mkfifo(path)
        return path

    return make
