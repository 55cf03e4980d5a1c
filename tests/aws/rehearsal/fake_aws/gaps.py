"""What moto 5.2 lacks and this deployment uses. Nothing of ours or of Zappa's is changed here.

DynamoDB: asking the role of the function.
Lambda: running the function without Docker, addresses of function URLs and of code, versions in names,
ListFunctionUrlConfigs. CloudFormation: change sets that make stacks with conditions and outputs, imports,
alarms, subscriptions, budgets, TTL and backups of tables.
"""

from __future__ import annotations

import importlib.util
import io
import json
import re
import threading
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from fake_aws.permissions import refusal
from fake_aws.runtime import Sandbox, fingerprint
from moto.awslambda import models as lambda_models
from moto.cloudformation import models as cloudformation
from moto.dynamodb.models.table import Table

ACCOUNT = "123456789012"

_sandboxes: dict[str, tuple[str, Sandbox]] = {}
_lock = threading.Lock()
permissions: list[dict[str, Any]] = []
"""Every AddPermission as it was asked for: moto drops conditions that it does not know."""


def fill(endpoint_url: str, gateway_url: str) -> None:
    _run_functions(endpoint_url)
    _give_addresses(gateway_url)
    _make_change_sets_work()
    _load_resource_types(endpoint_url)


def invoke(function: Any, payload: bytes, endpoint_url: str) -> tuple[bytes, bool, str]:
    """Answer, whether it is an error of the function, and the log."""
    with _lock:
        wanted = fingerprint(function)
        name = function.function_name
        if name in _sandboxes and _sandboxes[name][0] != wanted:
            _sandboxes.pop(name)[1].close()
        if name not in _sandboxes:
            _sandboxes[name] = (wanted, Sandbox(function, endpoint_url))
        sandbox = _sandboxes[name][1]
    said, log = sandbox.invoke(payload)
    function.logs_backend.ensure_log_group(function.logs_group_name)
    function.save_logs(log)
    return said, b'"errorMessage"' in said and b'"statusCode"' not in said, log


def close() -> None:
    for _, sandbox in _sandboxes.values():
        sandbox.close()


def _run_functions(endpoint_url: str) -> None:
    def run(self: Any, event: Any = None) -> tuple[str, bool, str]:
        payload = event if isinstance(event, str) else json.dumps(event or {})
        said, failed, log = invoke(self, payload.encode(), endpoint_url)
        return said.decode(), failed, log[-4096:]

    lambda_models.LambdaFunction._invoke_lambda = run


def _give_addresses(gateway_url: str) -> None:
    code_of, url_of = lambda_models.LambdaFunction.get_code, lambda_models.FunctionUrlConfig.to_dict

    def with_location(self: Any) -> dict[str, Any]:
        location = f"{gateway_url}/_code/{self.function_name}/{self.version}"
        return {**code_of(self), "Code": {"RepositoryType": "S3", "Location": location}}

    def with_gateway(self: Any) -> dict[str, Any]:
        return {**url_of(self), "FunctionUrl": f"{gateway_url}/{self.function.function_name}/"}

    lambda_models.LambdaFunction.get_code = with_location
    lambda_models.FunctionUrlConfig.to_dict = with_gateway


def _make_change_sets_work() -> None:
    """Moto applies them to an empty stack, where conditions are unknown and outputs stay away."""

    def execute(self: Any, change_set_name: str, stack_name: str | None = None) -> None:
        change_set = self.describe_change_set(change_set_name)
        if change_set.change_set_type == "UPDATE":
            pairs = change_set.parameters.items()
            parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in pairs]
            self.update_stack(change_set.stack_name, change_set.template, None, parameters, change_set.tags)
        else:
            self.stacks.pop(change_set.stack_id)
            made = self.create_stack(
                change_set.stack_name, change_set.template, change_set.parameters, None, change_set.tags
            )
            made.status = f"{change_set.change_set_type}_COMPLETE"
        change_set.execution_status = "EXECUTE_COMPLETE"

    cloudformation.CloudFormationBackend.execute_change_set = execute


def _load_resource_types(endpoint_url: str) -> None:
    # moto takes a model's service from the path of its module.
    file = Path(__file__).with_name("resource_types.py")
    spec = importlib.util.spec_from_file_location("moto.fakeaws.models", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.ENDPOINT_URL = endpoint_url
    make = Table.create_from_cloudformation_json.__func__

    def make_or_find(cls: Any, resource_name: str, cloudformation_json: Any, *args: Any, **more: Any) -> Any:
        return module.make_table(make, cls, resource_name, cloudformation_json, *args, **more)

    Table.create_from_cloudformation_json = classmethod(make_or_find)


def application(moto: Any, account: str = ACCOUNT) -> Any:
    """Moto's WSGI application with the requests that it does not know."""

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        path, method = unquote(environ["PATH_INFO"]), environ["REQUEST_METHOD"]
        if method == "GET" and (urls := re.fullmatch(r"/[^/]+/functions/(.+)/urls", path)):
            return _listed_urls(urls[1], account, start_response)
        if versioned := re.fullmatch(r"(/[^/]+/functions/)function:([^:/]+):(\d+)(/.*)?", path):
            environ["PATH_INFO"] = versioned[1] + versioned[2] + (versioned[4] or "")
            environ["QUERY_STRING"] = f"Qualifier={versioned[3]}"
            for name in ("RAW_URI", "REQUEST_URI"):
                environ.pop(name, None)
        if method == "POST" and path == "/":
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            if said := refusal(environ, body, account):
                start_response("400 Bad Request", [("Content-Type", "application/x-amz-json-1.0")])
                return [said]
        if method == "POST" and path.endswith("/policy") and "/functions/" in path:
            return _recorded_permission(moto, environ, start_response)
        return moto(environ, start_response)

    return answer


def _listed_urls(name: str, account: str, start_response: Any) -> list[bytes]:
    region = "us-east-1"
    try:
        config = lambda_models.lambda_backends[account][region].get_function(name).url_config
    except Exception:  # noqa: BLE001 - moto's own for a function that is not there
        config = None
    body = json.dumps({"FunctionUrlConfigs": [config.to_dict()] if config else []}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _recorded_permission(moto: Any, environ: dict[str, Any], start_response: Any) -> Any:
    """Recorded, and answered with AWS's 201 where moto says 200."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    permissions.append(json.loads(body))
    environ["wsgi.input"] = io.BytesIO(body)

    def created(status: str, headers: Any, error: Any = None) -> Any:
        return start_response("201 CREATED" if status.startswith("200") else status, headers, error)

    return moto(environ, created)
