"""The parts of the packager that need no network. (The rehearsal builds and calls a whole package.)"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

from infrastructure.package import CHECKOUT, interpreter_of, runtime_requirements, zip_tree
from infrastructure.trim import without_other_services


def test_only_what_runs_on_lambda_is_installed() -> None:
    wanted = runtime_requirements((CHECKOUT / "requirements.txt").read_text())
    names = {line.partition("==")[0] for line in wanted}
    assert {"django", "pynamodb", "botocore", "apig-wsgi", "orjson"} <= names
    assert not {"gunicorn", "httpx", "pytest", "zappa", "boto3"} & names
    assert all("==" in line for line in wanted)


def test_the_same_tree_makes_the_same_archive(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "pkg").mkdir(parents=True)
    (tree / "pkg/code.py").write_text("x = 1\n")
    (tree / "pkg/fast.so").write_bytes(b"\x7fELF")
    first = zip_tree(tree, tmp_path / "1.zip").read_bytes()
    (tree / "pkg/code.py").touch()
    assert zip_tree(tree, tmp_path / "2.zip").read_bytes() == first
    with zipfile.ZipFile(tmp_path / "1.zip") as archive:
        assert archive.namelist() == ["pkg/code.py", "pkg/fast.so"]
        assert archive.getinfo("pkg/code.py").external_attr >> 16 == 0o100644


def test_the_interpreter_that_is_found_has_exactly_the_version_asked_for() -> None:
    own = "{}.{}".format(*sys.version_info[:2])
    found = interpreter_of(own)
    assert found is not None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith(f"Python {own}.")
    assert interpreter_of("2.0") is None


def test_endpoints_of_other_services_are_left_out() -> None:
    services = {"dynamodb": {"endpoints": {}}, "s3": {"endpoints": {}}}
    kept = without_other_services({"partitions": [{"partition": "aws", "services": services}]})
    assert (
        json.dumps(kept)
        == '{"partitions": [{"partition": "aws", "services": {"dynamodb": {"endpoints": {}}}}]}'
    )


def test_taking_spans_in_never_loads_pages_or_the_read_api(tmp_path: Path) -> None:
    code = """
import sys
from tests.aws.events import Context, http_event
from tests.otlp.exports import CAPTURES
from tracer_project.aws_lambda.handler import handle
headers = {"content-type": "application/x-protobuf", "content-encoding": "gzip", "x-api-key": "project-dev"}
body = (CAPTURES / "oi-openai-chat" / "body-1.bin").read_bytes()
answer = handle(http_event("/v1/traces", method="POST", headers=headers, body=body), Context())
assert answer["statusCode"] == 200, answer
pages = ("traces_app.explorer.views", "traces_app.explorer.pages", "traces_app.explorer.login",
    "traces_app.api.read", "traces_app.api.seed", "traces_app.management.demo")
print([name for name in sys.modules if name.startswith(pages)])
"""
    variables = {
        "STORAGE_URL": f"sqlite:///{tmp_path}/x.sqlite3",
        "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT}/client",
    }
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, env=variables, capture_output=True, text=True, check=False
    )
    assert said.stdout.strip() == "[]", said.stderr
