"""CPU from a cold start to the first answer, beside FastAPI + mangum + boto3, and the package's size.

    .venv/bin/python benchmarks/cold_start.py [--quick] [--rounds 11]

Each start is a process of its own under Lambda's Python (where there is none it says which it takes): import
the handler, take one event of a function URL, call DynamoDB (the embedded engine on loopback), answer. The
numbers are CPU seconds of the process, medians; the variants take turns, so noise hurts all alike.

Ours is the real package (infrastructure/package.py). The other is what one would write otherwise: an endpoint
that validates a batch with pydantic and writes it by boto3, and a page from a Jinja template after one Query;
its bytecode gets the same care (unchecked-hash), and a column shows it as pip installs it, without.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "client")]

from infrastructure import package  # noqa: E402 - the checkout is on the path by now

ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
OTHER = package.BUILD / "fastapi"
OTHER_AS_INSTALLED = package.BUILD / "fastapi-as-installed"
OTHER_PINS = ("fastapi==0.165.0", "mangum==0.22.0", "boto3==1.44.5", "jinja2==3.1.6", "pydantic==2.14.3")

OTHER_APP = """
import boto3
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from jinja2 import Template
from mangum import Mangum
from pydantic import BaseModel

class Span(BaseModel):
    trace_id: str
    span_id: str
    name: str
    kind: str | None = None
    model: str | None = None
    start_time_unix_nano: int
    end_time_unix_nano: int | None = None
    input: str | None = None
    output: str | None = None
    usage: dict[str, int] | None = None

class Batch(BaseModel):
    spans: list[Span]

app = FastAPI()
dynamodb = boto3.client("dynamodb")
page = Template("<html><h1>Traces</h1>{% for item in items %}<p>{{ item }}</p>{% endfor %}</html>")

@app.post("/api/ingest", status_code=202)
def ingest(batch: Batch) -> dict[str, int]:
    items = ({"pk": {"S": span.trace_id}, "sk": {"S": span.span_id}, "body": {"S": span.model_dump_json()}}
             for span in batch.spans)
    puts = [{"PutRequest": {"Item": item}} for item in items]
    dynamodb.batch_write_item(RequestItems={"spans": puts})
    return {"accepted": len(puts)}

@app.get("/dashboard/login", response_class=HTMLResponse)
def dashboard(request: Request) -> str:
    values = {":p": {"S": "x"}}
    found = dynamodb.query(
        TableName="traces", KeyConditionExpression="pk = :p", ExpressionAttributeValues=values)
    return page.render(items=found["Items"])

handler = Mangum(app, lifespan="off")
"""

CHILD = """
import base64, json, sys, time
sys.path[:0] = [sys.argv[1]]
event = json.load(open(sys.argv[3]))
class Context:
    aws_request_id = "x"
    function_name = "f"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
module, _, name = sys.argv[2].rpartition(".")
handle = getattr(__import__(module, fromlist=["x"]), name)
ready = time.process_time()
answer = handle(event, Context())
assert answer["statusCode"] in (200, 202), answer
print(json.dumps({"ready": ready, "first": time.process_time() - ready, "modules": len(sys.modules)}))
"""

KEYS = [("pk", "HASH"), ("sk", "RANGE")]
TABLES = ("traces", "spans")


def main() -> None:
    arguments = parse()
    python = runtime_python()
    ours, others = prepare()
    variants = variants_of(ours, others)
    with stand_in() as url:
        measured: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
        for number in range(arguments.rounds + 1):
            for name, (tree, handler, event) in variants.items():
                figures = start(python, tree, handler, event, url)
                if number:  # the first of each warms the disk's cache
                    measured[name].append(figures)
    report(measured)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="3 rounds")
    parser.add_argument("--rounds", type=int, default=11)
    arguments = parser.parse_args()
    arguments.rounds = 3 if arguments.quick else arguments.rounds
    return arguments


def runtime_python() -> Path:
    if found := package.interpreter_of(package.RUNTIME_PYTHON):
        return found
    print(f"No Python {package.RUNTIME_PYTHON} here: everything below runs on {platform.python_version()}.")
    return Path(sys.executable)


def prepare() -> tuple[Path, tuple[Path, Path]]:
    version = package.RUNTIME_PYTHON if package.interpreter_of(package.RUNTIME_PYTHON) else own_version()
    package.build(ARCHITECTURE, version)
    if not (OTHER_AS_INSTALLED / "app.py").exists():
        shutil.rmtree(OTHER_AS_INSTALLED, ignore_errors=True)
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-compile",
        ]
        pip += ["--only-binary=:all:", f"--python-version={version}", f"--target={OTHER_AS_INSTALLED}"]
        subprocess.run([*pip, *OTHER_PINS], check=True)
        (OTHER_AS_INSTALLED / "app.py").write_text(OTHER_APP)
    if not OTHER.exists():
        shutil.copytree(OTHER_AS_INSTALLED, OTHER)
        package.compile_bytecode(OTHER, version)
    return package.tree_of(ARCHITECTURE), (OTHER, OTHER_AS_INSTALLED)


def own_version() -> str:
    return "{}.{}".format(*sys.version_info[:2])


def variants_of(ours: Path, others: tuple[Path, Path]) -> dict[str, tuple[Path, str, dict[str, Any]]]:
    handler, other = "tracer_project.aws_lambda.handler.handle", "app.handler"
    ingest, otlp, page = native_event(), otlp_event(), page_event()
    return {
        "ours, our client's batch": (ours, handler, ingest),
        "ours, OTLP protobuf": (ours, handler, otlp),
        "ours, dashboard": (ours, handler, page),
        "FastAPI, batch": (others[0], other, ingest),
        "FastAPI, page": (others[0], other, page),
        "FastAPI as installed, batch": (others[1], other, ingest),
    }


def native_event() -> dict[str, Any]:
    from tests.api.calls import span_in
    from tests.aws.events import http_event

    span = span_in(
        model="gpt-4o",
        input="What is the answer?",
        output="42",
        usage={"input_tokens": 9, "output_tokens": 2},
    )
    body = json.dumps({"spans": [span]})
    return http_event("/api/ingest", method="POST", headers=headers_of("application/json"), body=body)


def otlp_event() -> dict[str, Any]:
    from tests.aws.events import http_event
    from tests.otlp.exports import CAPTURES, PROTOBUF

    body = (CAPTURES / "oi-openai-chat" / "body-1.bin").read_bytes()
    headers = headers_of(PROTOBUF) | {"content-encoding": "gzip"}
    return http_event("/v1/traces", method="POST", headers=headers, body=body)


def page_event() -> dict[str, Any]:
    from tests.aws.events import http_event

    return http_event("/dashboard/login")


def headers_of(content_type: str) -> dict[str, str]:
    return {"content-type": content_type, "x-api-key": "project-bench." + "s" * 43}


@contextmanager
def stand_in() -> Iterator[str]:
    """DynamoDB's operations on loopback, by the embedded engine."""
    from traces_app.storage.embedded.client import EmbeddedClient

    with tempfile.TemporaryDirectory() as folder:
        client = EmbeddedClient(Path(folder) / "items.sqlite3")
        for name in TABLES:
            make_table(client, name)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(client))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            client.close()


def make_table(client: Any, name: str) -> None:
    client._make_api_call(
        "CreateTable",
        {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in KEYS],
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key, _ in KEYS],
        },
    )


def handler_of(client: Any) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers["X-Amz-Target"].partition(".")[2]
            answer = client._make_api_call(operation, json.loads(sent, object_hook=with_bytes))
            body = json.dumps(answer, default=lambda value: base64.b64encode(value).decode()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


def with_bytes(value: dict[str, Any]) -> dict[str, Any]:
    """Binary attributes travel as base64."""
    return {"B": base64.b64decode(value["B"])} if value.keys() == {"B"} else value


def start(python: Path, tree: Path, handler: str, event: dict[str, Any], url: str) -> dict[str, float]:
    file = package.BUILD / "event.json"
    file.write_text(json.dumps(event))
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_ENDPOINT_URL": url,
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "SECRET_KEY": "k" * 48,
        "API_KEYS": "project-bench." + "s" * 43,
        "ALLOWED_HOSTS": ".on.aws",
        "STORAGE_URL": "dynamodb",
        "DYNAMODB_TRACES_TABLE": TABLES[0],
        "DYNAMODB_SPANS_TABLE": TABLES[1],
        "LOG_LEVEL": "ERROR",
    }
    command = [str(python), "-c", CHILD, str(tree), handler, str(file)]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr[-2000:]
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures | {"total": figures["ready"] + figures["first"]}


def report(measured: dict[str, list[dict[str, float]]]) -> None:
    medians = {
        name: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        for name, runs in measured.items()
    }
    print(f"{'CPU seconds, medians':30}{'loading':>9}{'first':>9}{'total':>9}{'modules':>9}   of FastAPI's")
    for name, found in medians.items():
        base = medians["FastAPI, page" if name.endswith(("dashboard", "page")) else "FastAPI, batch"]["total"]
        numbers = "".join(f"{found[key]:9.3f}" for key in ("ready", "first", "total"))
        print(f"{name:30}{numbers}{found['modules']:9.0f}   {found['total'] / base:.2f}")
    archive, tree = package.archive_of(ARCHITECTURE), package.tree_of(ARCHITECTURE)
    batch, page = medians["FastAPI, batch"]["total"], medians["FastAPI, page"]["total"]
    as_installed = medians["FastAPI as installed, batch"]["total"]
    figures = {
        "ingest_over_fastapi": round(medians["ours, our client's batch"]["total"] / batch, 3),
        "otlp_over_fastapi": round(medians["ours, OTLP protobuf"]["total"] / batch, 3),
        "dashboard_over_fastapi": round(medians["ours, dashboard"]["total"] / page, 3),
        "fastapi_without_bytecode_over_with": round(as_installed / batch, 3),
        "zip_mb": round(archive.stat().st_size / 2**20, 2),
        "unzipped_mb": round(sum(file.stat().st_size for file in package.files_of(tree)) / 2**20, 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
