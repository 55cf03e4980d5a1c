"""The image, the compose file and the workflows: what no engine and no GitHub is needed to see."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
WORKFLOWS = sorted((CHECKOUT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"[a-z0-9./-]+:\d+\.\d+\.\d+[a-z0-9.-]*")


def test_the_image_has_a_pinned_base_and_no_root() -> None:
    base = re.search(r"^ARG PYTHON=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert base is not None
    assert PINNED.fullmatch(base[1])
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${PYTHON}"}
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (\S+)", last_stage, re.MULTILINE) == ["10001"]
    assert last_stage.index("\nUSER ") < last_stage.index("\nCMD ")
    assert "\nHEALTHCHECK " in last_stage
    assert "\nADD " not in DOCKERFILE


def test_no_secret_or_environment_reaches_the_build() -> None:
    ignored = (CHECKOUT / ".dockerignore").read_text().split()
    assert {".git", ".venv", ".deploy", "data", "infrastructure", "**/*.env"} <= set(ignored)
    copied = set(re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, re.MULTILINE))
    assert copied == {"requirements.txt", "client", "manage.py", "tracer_project", "traces_app"}


def test_every_container_is_watched_and_listens_at_home_only() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["healthcheck"]["test"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert "build" in service or PINNED.fullmatch(service["image"]), name
    waits_for = COMPOSE["services"]["service"]["depends_on"]["dynamodb"]
    assert waits_for == {"condition": "service_healthy"}


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_may_do_little_and_stores_no_key(file: Path) -> None:
    text = file.read_text()
    workflow: dict[str, Any] = yaml.safe_load(text)
    assert workflow["permissions"].get("contents") == "read"
    assert set(workflow["permissions"]) <= {"contents", "id-token"}
    assert not re.search(r"aws[-_](secret|access[-_]key)", text, re.IGNORECASE)
    assert "pull_request_target" not in text
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 60
        for step in job["steps"]:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step.get("uses", "a/b@v1"))
            # What comes from outside goes through the environment, never into a shell's words.
            assert "${{" not in step.get("run", "")


def test_pull_requests_are_checked_and_only_main_and_tags_are_deployed() -> None:
    check, deploy = (yaml.safe_load(file.read_text()) for file in WORKFLOWS)
    assert "pull_request" in check[True]  # YAML reads `on` as true
    assert deploy[True]["workflow_run"] == {
        "workflows": ["check"],
        "types": ["completed"],
        "branches": ["main"],
    }
    assert deploy[True]["push"] == {"tags": ["v*"]}
    (job,) = deploy["jobs"].values()
    assert any("role-to-assume" in step.get("with", {}) for step in job["steps"])


def test_ci_runs_the_rehearsal() -> None:
    assert "tests.aws.rehearsal" in (CHECKOUT / ".ci/run").read_text()
