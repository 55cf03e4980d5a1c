"""The steps, in the order in which a person would take them. Ends with a line that counts them."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import time
import traceback
import zipfile
from collections.abc import Callable, Iterable

import httpx
import pytest

from infrastructure.template import load
from tests.aws.rehearsal import calls
from tests.aws.rehearsal.stage import FUNCTION, Stage, opened
from tests.aws.rehearsal.tools import CHECKOUT, install
from tests.otlp.exports import PROTOBUF

RECIPES = (
    *("bootstrap", "setup-dev", "setup-prod", "init-dev", "plan-dev", "apply-dev", "output-dev"),
    *("build-lambda", "plan-prod", "apply-prod", "destroy-dev", "clean", "logs-dev", "rollback-dev"),
)


EMULATORS_ACCOUNT = "012345678912"
"""Which the emulator says the function belongs to, whatever function it runs."""


class Rehearsal:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.key = ""
        self.trace_id = ""
        self.checks = 0

    # -- before there is anything -----------------------------------------------------------------
    def templates_and_containers_are_clean(self) -> None:
        programs = self.stage.tools.programs
        for command in (
            [programs / "cfn-lint", "infrastructure/template.yaml"],
            [programs / "hadolint", "Dockerfile"],
        ):
            done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
            assert not done.returncode, done.stdout + done.stderr

    def every_recipe_is_there(self) -> None:
        listed = self.stage.just()
        assert not [name for name in RECIPES if f" {name} " not in listed.replace("\n", " ")], listed

    def bootstrap_and_setup(self) -> None:
        assert "Account 123456789012" in self.stage.just("bootstrap")
        said = self.stage.just("setup-dev")
        self.key = self.stage.settings()["API_KEYS"]
        assert self.key in said
        assert self.stage.settings_file.stat().st_mode & 0o777 == 0o600
        assert "nothing is changed" in self.stage.just("setup-dev")
        self.stage.change_settings(
            ARCHITECTURE=self.stage.tools.architecture,
            ALERT_EMAILS="a@example.com,b@example.com",
            RATE_LIMIT_RPM="0",
        )

    def unsafe_settings_stop_init(self) -> None:
        good = self.stage.settings()
        for name, value in (("API_KEYS", "project-dev"), ("SECRET_KEY", ""), ("CORS_ORIGINS", "*")):
            self.stage.change_settings(**{name: value})
            said = self.stage.just("init-dev", fails=True)
            assert name in said
            assert good["SECRET_KEY"] not in said
            self.stage.change_settings(**good)
        self.stage.just("init-dev")

    def plan_lists_everything_and_makes_nothing(self) -> None:
        said = self.stage.just("plan-dev")
        assert re.search(r"Add +TracesTable +AWS::DynamoDB::Table", said), said
        assert "Function llm-tracer-dev: create" in said
        assert self.key not in said
        assert self.stage.client("dynamodb").list_tables()["TableNames"] == []

    # -- deployed ---------------------------------------------------------------------------------
    def apply_deploys(self) -> None:
        said = self.stage.just("apply-dev")
        assert f"Running: {self.stage.url}/dashboard/" in said, said

    def the_stack_is_what_the_template_says(self) -> None:
        wanted = load((CHECKOUT / "infrastructure/template.yaml").read_text())["Resources"]
        made = self.stage.client("cloudformation").describe_stack_resources(StackName=f"{FUNCTION}-infra")
        names = {resource.get("LogicalResourceId") for resource in made["StackResources"]} - {None}
        assert names == set(wanted) - {"ThirdMail"}, names ^ set(wanted)
        dynamodb = self.stage.client("dynamodb")
        for table in dynamodb.list_tables()["TableNames"]:
            expiry = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
            assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
        alarms = self.stage.client("cloudwatch").describe_alarms()["MetricAlarms"]
        assert len(alarms) == 6
        assert all("alerts" in alarm["AlarmActions"][0] for alarm in alarms)
        (budget,) = self.stage.client("budgets").describe_budgets(AccountId="123456789012")["Budgets"]
        assert float(budget["BudgetLimit"]["Amount"]) == 10
        mails = self.stage.client("sns").list_subscriptions()["Subscriptions"]
        assert {mail["Endpoint"] for mail in mails} == {"a@example.com", "b@example.com"}
        (group,) = self.stage.client("logs").describe_log_groups()["logGroups"]
        assert group["retentionInDays"] == 30

    def the_function_is_what_the_settings_say(self) -> None:
        found = self.stage.client("lambda").get_function_configuration(FunctionName=FUNCTION)
        assert found["Handler"] == "tracer_project.aws_lambda.handler.handle"
        assert found["Role"].endswith("role/llm-tracer-dev-us-east-1")
        assert found["MemorySize"] == 1024
        assert found["Environment"]["Variables"]["ENVIRONMENT"] == "production"

    def the_public_may_only_come_through_the_url(self) -> None:
        asked = httpx.get(f"{self.stage.gateway}/_permissions").json()
        direct = [
            one for one in asked if one["Action"] == "lambda:InvokeFunction" and one["Principal"] == "*"
        ]
        assert direct
        assert all(one["InvokedViaFunctionUrl"] is True for one in direct), direct

    def the_role_reads_and_writes_items_and_nothing_else(self) -> None:
        as_function = self.stage.client("dynamodb", key="role-key")
        table = {"TableName": "llm-tracer-dev-spans"}
        for call in (as_function.scan, as_function.describe_table, as_function.delete_table):
            with pytest.raises(as_function.exceptions.ClientError, match="AccessDenied"):
                call(**table)
        key = {"pk": {"S": "nobody"}, "sk": {"S": "-"}}
        assert "Item" not in as_function.get_item(**table, Key=key)

    def the_package_holds_no_secret(self) -> None:
        values = self.stage.settings()
        secrets = [values[name].encode() for name in ("SECRET_KEY", "API_KEYS")]
        (archive,) = (self.stage.folder / "build").glob("*.zip")
        print(f"      package: {archive.stat().st_size / 2**20:.1f} MB", flush=True)
        assert archive.stat().st_size < 15 * 2**20
        with zipfile.ZipFile(archive) as opened_archive:
            names = opened_archive.namelist()
            assert not [
                name for name in names if name.endswith(".env") or name.startswith(("tests", "infra"))
            ]
            contents = b"".join(map(opened_archive.read, names))
        assert not [value for value in secrets if value in contents]

    def output_names_the_url(self) -> None:
        assert self.stage.url in self.stage.just("output-dev")

    # -- used -------------------------------------------------------------------------------------
    def our_client_sends_traces(self) -> None:
        self.trace_id = calls.send_with_our_client(self.stage, self.key)
        found = calls.stored(self.stage, self.key, self.trace_id)
        assert [span["name"] for span in found["spans"]][1:] == ["think", "look up"], found
        assert found["spans"][1]["cost_usd"] > 0

    def single_requests_are_answered(self) -> None:
        self._count(calls.small_checks(self.stage, self.key))

    def five_megabytes_arrive(self) -> None:
        body = calls.five_megabytes_of_spans(time.time_ns())
        headers = {"Content-Type": PROTOBUF, "Content-Encoding": "gzip"}
        with calls.http(self.stage, self.key) as client:
            answer = client.post("/v1/traces", content=gzip.compress(body), headers=headers)
        assert answer.status_code == 200, answer.content
        assert answer.content == b"", "spans were refused"

    def a_person_reads_in_the_browser(self) -> None:
        self._count(calls.browser_checks(self.stage, self.key, self.trace_id))

    def a_forged_address_is_not_believed(self) -> None:
        with calls.http(self.stage) as client:
            form = client.get("/dashboard/login")
            token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', form.text)
            assert token is not None
            cookie = form.headers["set-cookie"].partition(";")[0]
            headers = {"X-Forwarded-For": "6.6.6.6", "Cookie": cookie}
            data = {"csrfmiddlewaretoken": token[1], "key": "project-guess"}
            assert client.post("/dashboard/login", data=data, headers=headers).status_code == 403
        lines = self._log()
        assert "login refused: unknown key from 198.51.100.7" in lines
        assert "6.6.6.6" not in lines

    def a_key_is_made_and_not_logged(self) -> None:
        said = self.stage.just("manage-dev", "create_key", "shop", "--scope", "ingest")
        key = next(line for line in said.splitlines() if line.startswith("project-shop."))
        with calls.http(self.stage, key) as client:
            assert client.post("/v1/traces", json={"resourceSpans": []}).status_code == 200
            assert client.get("/api/v1/traces").status_code == 403
        assert key not in self._log()
        assert "shop:" in self.stage.just("manage-dev", "list_keys")
        self.stage.just("manage-dev", "create_key", fails=True)
        self.stage.just("manage-dev", "shell", fails=True)

    def forbidden_payloads_fail(self) -> None:
        rule = {"source": "aws.events", "detail-type": "Scheduled Event"}
        ours = f"arn:aws:events:us-east-1:{EMULATORS_ACCOUNT}:rule/x"
        client = self.stage.client("lambda")
        for payload, is_refused in (
            ({"raw_command": "open('/tmp/rehearsal-was-here', 'w')"}, True),
            ({"command": "os.getcwd"}, True),
            ({"manage": "list_keys", "raw_command": "1"}, True),
            ({"Records": [{"eventSource": "aws:s3"}]}, True),
            (rule | {"resources": ["arn:aws:events:us-east-1:999999999999:rule/x"]}, True),
            (rule | {"resources": ["arn:aws:events:eu-west-1:123456789012:rule/x"]}, True),
            (rule | {"resources": [ours]}, False),
            ({}, True),
        ):
            answer = client.invoke(FunctionName=FUNCTION, Payload=json.dumps(payload))
            assert ("FunctionError" in answer) == is_refused, (payload, answer["Payload"].read())
        malformed = client.invoke(FunctionName=FUNCTION, Payload=json.dumps({"requestContext": {"http": 1}}))
        assert json.load(malformed["Payload"])["statusCode"] == 400

    # -- changed ----------------------------------------------------------------------------------
    def an_update_brings_code_and_settings(self) -> None:
        self.stage.replace("traces_app/__init__.py", 'Final = "', 'Final = "9.9.')
        self.stage.change_settings(LOG_LEVEL="", RETENTION_DAYS="30")
        said = self.stage.just("plan-dev")
        assert "Modify  RETENTION_DAYS" in said
        assert "Remove  LOG_LEVEL" in said
        self.stage.just("apply-dev")
        assert httpx.get(f"{self.stage.url}/health").json()["version"].startswith("9.9.")
        found = self.stage.client("lambda").get_function_configuration(FunctionName=FUNCTION)
        variables = found["Environment"]["Variables"]
        assert variables["RETENTION_DAYS"] == "30"
        assert "LOG_LEVEL" not in variables
        assert calls.stored(self.stage, self.key, self.trace_id)["spans"]

    def nothing_changed_is_said(self) -> None:
        assert "infra: 0 changes" in self.stage.just("plan-dev")

    def a_rollback_brings_the_code_before(self) -> None:
        self.stage.just("rollback-dev")
        assert not httpx.get(f"{self.stage.url}/health").json()["version"].startswith("9.9.")
        assert calls.stored(self.stage, self.key, self.trace_id)["spans"]

    def logs_are_read(self) -> None:
        assert "login refused" in self.stage.just("logs-dev", "--since", "1h", "--disable-keep-open")

    # -- removed ----------------------------------------------------------------------------------
    def destroy_keeps_the_traces(self) -> None:
        said = self.stage.just("destroy-dev")
        assert "llm-tracer-dev-spans, llm-tracer-dev-traces" in said
        assert len(self.stage.client("dynamodb").list_tables()["TableNames"]) == 2
        assert self.stage.client("lambda").list_functions()["Functions"] == []

    def apply_adopts_the_tables_that_were_kept(self) -> None:
        self.stage.just("apply-dev")
        assert calls.stored(self.stage, self.key, self.trace_id)["spans"]

    def a_missing_table_is_told_with_its_remedy(self) -> None:
        self.stage.client("dynamodb").delete_table(TableName="llm-tracer-dev-traces")
        answer = httpx.get(f"{self.stage.url}/health")
        assert answer.status_code == 503
        assert "just apply-dev" in self._log()

    def destroy_with_tables_leaves_nothing(self) -> None:
        assert "Nothing is left." in self.stage.just("destroy-dev", "--with-tables")
        left = {
            "functions": self.stage.client("lambda").list_functions()["Functions"],
            "tables": self.stage.client("dynamodb").list_tables()["TableNames"],
            "roles": self.stage.client("iam").list_roles()["Roles"],
            "buckets": self.stage.client("s3").list_buckets()["Buckets"],
            "log groups": self.stage.client("logs").describe_log_groups()["logGroups"],
            "alarms": self.stage.client("cloudwatch").describe_alarms()["MetricAlarms"],
            "topics": self.stage.client("sns").list_topics()["Topics"],
            "rules": self.stage.client("events").list_rules()["Rules"],
            "budgets": self.stage.client("budgets")
            .describe_budgets(AccountId="123456789012")
            .get("Budgets", []),
            "stacks": self.stage.client("cloudformation").describe_stacks()["Stacks"],
        }
        assert not any(left.values()), left

    # -- how --------------------------------------------------------------------------------------
    def _count(self, outcomes: Iterable[tuple[str, bool]]) -> None:
        wrong = []
        for name, is_right in outcomes:
            self.checks += 1
            if not is_right:
                wrong.append(name)
        assert not wrong, wrong

    def _log(self) -> str:
        pages = self.stage.client("logs").get_paginator("filter_log_events")
        found = pages.paginate(logGroupName=f"/aws/lambda/{FUNCTION}")
        return "\n".join(event["message"] for page in found for event in page["events"])


def steps_of(rehearsal: Rehearsal) -> list[tuple[str, Callable[[], None]]]:
    names = [name for name in vars(Rehearsal) if not name.startswith("_")]
    return [(name.replace("_", " "), getattr(rehearsal, name)) for name in names]


def main() -> None:
    started = time.monotonic()
    tools = install()
    print(f"tools are there after {time.monotonic() - started:.0f} s", flush=True)
    passed, failed = 0, []
    with opened(tools) as stage:
        rehearsal = Rehearsal(stage)
        for name, step in steps_of(rehearsal):
            before = time.monotonic()
            try:
                step()
            except Exception:  # noqa: BLE001 - told; the steps after it may show more
                traceback.print_exc()
                print(f"FAILED     {name}", flush=True)
                failed.append(name)
                continue
            passed += 1
            print(f"ok {time.monotonic() - before:5.1f} s  {name}", flush=True)
        print(f"{rehearsal.checks} HTTP checks, {time.monotonic() - started:.0f} s", flush=True)
    print(f"{passed} passed, {len(failed)} failed", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
