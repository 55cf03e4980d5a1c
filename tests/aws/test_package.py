"""The parts of the packager that need no network. (The rehearsal builds and calls a whole package.)"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from infrastructure.package import CHECKOUT, interpreter_of, runtime_requirements, zip_tree
from infrastructure.trim import EAGER, LAZY, rewrite, without_other_services, without_prose
from tests.api.calls import span_in
from tests.aws.events import http_event
from tests.otlp.exports import CAPTURES, PROTOBUF


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


LOADED_BY = """
import base64, json, sys
from tests.aws.events import Context
from tracer_project.aws_lambda.handler import handle
answer = handle(json.loads(sys.argv[1]), Context())
assert answer["statusCode"] in (200, 202), answer
print(json.dumps([name for name in sys.modules if name.startswith(tuple(sys.argv[2:]))]))
"""
PAGES = ("traces_app.explorer.views", "traces_app.explorer.pages", "traces_app.explorer.login")
API = ("traces_app.api.read", "traces_app.api.seed", "ninja", "pydantic.")
PROTOBUF_READER = ("traces_app.api.otlp", "google.protobuf")
NEVER = ("whitenoise", "genai_prices", "traces_app.management")


def loaded_by(event: dict[str, Any], folder: Path, *prefixes: str) -> Any:
    """Modules with these prefixes in a process that answered this one event."""
    variables = {
        "STORAGE_URL": f"sqlite:///{folder}/x.sqlite3",
        "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT}/client",
    }
    command = [sys.executable, "-c", LOADED_BY, json.dumps(event), *prefixes]
    said = subprocess.run(command, cwd=CHECKOUT, env=variables, capture_output=True, text=True, check=False)
    assert not said.returncode, said.stderr
    return json.loads(said.stdout)


def test_our_clients_batch_loads_no_page_no_api_and_no_protobuf(tmp_path: Path) -> None:
    headers = {"content-type": "application/json", "x-api-key": "project-dev"}
    body = json.dumps({"spans": [span_in(model="gpt-4o")]})
    event = http_event("/api/ingest", method="POST", headers=headers, body=body)
    assert loaded_by(event, tmp_path, *PAGES, *API, *PROTOBUF_READER, *NEVER) == []


def test_an_exporters_batch_loads_no_page_and_no_api(tmp_path: Path) -> None:
    headers = {"content-type": PROTOBUF, "content-encoding": "gzip", "x-api-key": "project-dev"}
    body = (CAPTURES / "oi-openai-chat" / "body-1.bin").read_bytes()
    event = http_event("/v1/traces", method="POST", headers=headers, body=body)
    assert loaded_by(event, tmp_path, *PAGES, *API, *NEVER) == []


def test_a_page_loads_no_api_and_no_protobuf(tmp_path: Path) -> None:
    event = http_event("/dashboard/login")
    assert loaded_by(event, tmp_path, *API, *PROTOBUF_READER, *NEVER) == []


def test_a_library_that_is_no_longer_what_is_rewritten_stops_the_build(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("new = 1\n")
    with pytest.raises(SystemExit, match=r"module\.py"):
        rewrite(file, lambda old: old.replace("old", "new"))


def test_botocores_models_keep_members_that_are_called_documentation() -> None:
    model = {"documentation": "prose", "members": {"documentation": {"shape": "Text", "documentation": "p"}}}
    assert without_prose(model) == {"members": {"documentation": {"shape": "Text"}}}


def test_pydantics_core_is_whole_when_its_schemas_are_asked_for(tmp_path: Path) -> None:
    package = tmp_path / "core"
    package.mkdir()
    (package / "core_schema.py").write_text("CoreSchema = CoreConfig = CoreSchemaType = ErrorType = dict\n")
    (package / "__init__.py").write_text("from typing import Any as _Any\n" + EAGER)
    rewrite(package / "__init__.py", lambda old: old.replace(EAGER, LAZY))
    code = """
import sys, core
assert "core.core_schema" not in sys.modules
from core import CoreSchema, core_schema
assert CoreSchema is core_schema.CoreSchema is dict
assert not hasattr(core, "nothing")
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
