"""Each recipe's work on one stage."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import boto3

from infrastructure.deployment import EXAMPLE, Deployment, file_of, read_deployment
from infrastructure.package import CHECKOUT, build
from infrastructure.stack import Stack

__all__ = ["ON_A_STAGE", "NotDone", "bootstrap", "run", "setup"]

HEALTH_TIMEOUT_S: Final = 60


class NotDone(Exception):
    """Something a person has to do first, or that went wrong; the message says what."""


def bootstrap(session: Any) -> None:
    """Whether this machine may deploy at all: whose account, which region."""
    identity = session.client("sts").get_caller_identity()
    print(f"Account {identity['Account']} as {identity['Arn']}. Next: just setup-dev")


def setup(stage: str) -> None:
    """The stage's file from the example, with fresh secrets; one that is there is left alone."""
    file = file_of(stage)
    if file.exists():
        print(f"{file.name} is there already; nothing is changed.")
        return
    text = EXAMPLE.read_text()
    key = f"project-main.{secrets.token_urlsafe(32)}"
    text = text.replace("SECRET_KEY=\n", f"SECRET_KEY={secrets.token_urlsafe(48)}\n")
    file.touch(mode=0o600)
    file.write_text(text.replace("API_KEYS=\n", f"API_KEYS={key}\n"))
    print(f"Made infrastructure/{file.name}. Name your ALERT_EMAILS and AWS_REGION there.")
    print(f"Key of the project main (it is in the file too): {key}")


def run(command: str, stage: str, words: list[str]) -> None:
    deployment = read_deployment(stage)
    ON_A_STAGE[command](deployment, boto3.Session(region_name=deployment.region), words)


def init(deployment: Deployment, session: Any, _: list[str]) -> None:
    """Everything that can be known to be wrong before anything is made."""
    check_server_settings(deployment)
    template = (CHECKOUT / "infrastructure/template.yaml").read_text()
    session.client("cloudformation").validate_template(TemplateBody=template)
    bootstrap(session)


def check_server_settings(deployment: Deployment) -> None:
    """Start the settings as the function will, so that what production refuses is refused here."""
    variables = {"PATH": os.environ["PATH"], "AWS_LAMBDA_FUNCTION_NAME": deployment.function_name}
    finished = subprocess.run(
        [str(CHECKOUT / ".venv/bin/python"), "-c", "import tracer_project.settings"],
        cwd=CHECKOUT,
        env=variables | deployment.function_variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        reason = finished.stderr.rpartition("ImproperlyConfigured: ")[2].strip()
        raise NotDone(f"infrastructure/{deployment.stage}.env: {reason}")


def plan(deployment: Deployment, session: Any, _: list[str]) -> None:
    check_server_settings(deployment)
    changes = Stack(deployment, session).plan()
    print(f"Stack {deployment.stack_name}: {len(changes)} changes")
    for change in changes:
        print(f"  {change}")
    current = function_configuration(session, deployment)
    print(f"Function {deployment.function_name}: {'update' if current else 'create'}")
    for line in changed_variables(current, deployment):
        print(f"  {line}")


def changed_variables(current: dict[str, Any] | None, deployment: Deployment) -> list[str]:
    """Names of variables that will differ; values are secrets and are not shown."""
    old = (current or {}).get("Environment", {}).get("Variables", {})
    new = deployment.function_variables()
    added = [f"Add     {name}" for name in sorted(new.keys() - old.keys())]
    changed = [f"Modify  {name}" for name in sorted(new.keys() & old.keys()) if new[name] != old[name]]
    return added + changed + [f"Remove  {name}" for name in sorted(old.keys() - new.keys())]


def apply(deployment: Deployment, session: Any, _: list[str]) -> None:
    check_server_settings(deployment)
    archive = build(deployment.architecture)
    for change in Stack(deployment, session).apply():
        print(f"  {change}", flush=True)
    exists = function_configuration(session, deployment) is not None
    zappa(deployment, "update" if exists else "deploy", deployment.stage, "--zip", str(archive))
    session.client("lambda").get_waiter("function_updated_v2").wait(FunctionName=deployment.function_name)
    url = url_of(session, deployment)
    wait_for_health(url)
    print(f"Running: {url}dashboard/")


def output(deployment: Deployment, session: Any, _: list[str]) -> None:
    for name, value in Stack(deployment, session).outputs().items():
        print(f"{name:18}{value}")
    print(f"{'Url':18}{url_of(session, deployment)}")


def manage(deployment: Deployment, session: Any, words: list[str]) -> None:
    """A management command in the function; what it prints is printed here and logged nowhere."""
    answer = session.client("lambda").invoke(
        FunctionName=deployment.function_name, Payload=json.dumps({"manage": shlex.join(words)})
    )
    said = json.load(answer["Payload"])
    if "FunctionError" in answer:
        raise NotDone(str(said.get("errorMessage", said)))
    sys.stderr.write(said["stderr"])
    sys.stdout.write(said["stdout"])


def logs(deployment: Deployment, _: Any, words: list[str]) -> None:
    zappa(deployment, "tail", deployment.stage, *words)


def rollback(deployment: Deployment, _: Any, words: list[str]) -> None:
    """The code of the version before; tables and settings stay as they are."""
    zappa(deployment, "rollback", deployment.stage, "--num-rollback", *(words or ["1"]))


def destroy(deployment: Deployment, session: Any, words: list[str]) -> None:
    if function_configuration(session, deployment) is not None:
        zappa(deployment, "undeploy", deployment.stage, "--yes")
    empty_bucket(session, Stack(deployment, session).outputs().get("DeployBucketName"))
    kept = Stack(deployment, session).destroy(with_tables="--with-tables" in words)
    print(f"Kept, with all traces: {', '.join(kept)}" if kept else "Nothing is left.")


def empty_bucket(session: Any, name: str | None) -> None:
    """CloudFormation deletes empty buckets only."""
    if name:
        session.resource("s3").Bucket(name).objects.all().delete()


ON_A_STAGE: Final[dict[str, Callable[[Deployment, Any, list[str]], None]]] = {
    "init": init,
    "plan": plan,
    "apply": apply,
    "output": output,
    "manage": manage,
    "logs": logs,
    "rollback": rollback,
    "destroy": destroy,
}


def zappa(deployment: Deployment, *arguments: str) -> None:
    program = shutil.which("zappa", path=str(Path(sys.executable).parent))
    if program is None:
        raise NotDone("Zappa is not installed: run `just bootstrap`.")
    environment = os.environ | {"AWS_DEFAULT_REGION": deployment.region, "PYTHONWARNINGS": "ignore"}
    finished = subprocess.run([program, *arguments], cwd=CHECKOUT, env=environment, check=False)
    if finished.returncode:
        raise NotDone(f"zappa {arguments[0]} ended with {finished.returncode}.")


def function_configuration(session: Any, deployment: Deployment) -> dict[str, Any] | None:
    client = session.client("lambda")
    try:
        found: dict[str, Any] = client.get_function_configuration(FunctionName=deployment.function_name)
    except client.exceptions.ResourceNotFoundException:
        return None
    return found


def url_of(session: Any, deployment: Deployment) -> str:
    client = session.client("lambda")
    return str(client.get_function_url_config(FunctionName=deployment.function_name)["FunctionUrl"])


def wait_for_health(url: str) -> None:
    deadline = time.monotonic() + HEALTH_TIMEOUT_S
    problem = "no answer"
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}health", timeout=30) as answer:  # noqa: S310 - AWS's URL
                if json.load(answer)["status"] == "ok":
                    return
        except (urllib.error.URLError, TimeoutError, ValueError) as error:
            problem = str(error)
        time.sleep(1)
    raise NotDone(f"{url}health is not well: {problem}. Its log: just logs-dev")
