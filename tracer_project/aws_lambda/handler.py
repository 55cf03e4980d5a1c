"""The function that Lambda calls. Three kinds of events are known; everything else is refused.

HTTP from the function URL, a schedule of this account, and a management command from a short list. Zappa's
own handler would also run any Python sent as ``raw_command`` and any function named as ``command``: whoever
may invoke the function could do everything its role may. Nothing of that is reachable here.
"""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracer_project.settings")

from tracer_project.aws_lambda import preload

preload.load()

from tracer_project.aws_lambda import http  # noqa: E402 - Django is set up by now
from tracer_project.aws_lambda.refusal import Refused  # noqa: E402

__all__ = ["handle"]


def handle(event: Any, context: Any) -> dict[str, Any]:
    """What Lambda sends back. Raises Refused, which the caller sees as an error of the function."""
    if not isinstance(event, dict):
        raise Refused("the event is no object")
    if http.is_http(event):
        return http.answer(event, context)
    if "manage" in event:
        from tracer_project.aws_lambda import commands  # noqa: PLC0415 - a person waits, no request does

        return commands.run(event)
    if event.get("source") == "aws.events":
        return _keep_warm(event, context)
    raise Refused("this kind of event is not known here")


def _keep_warm(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A schedule has nothing to do but be there: loading happened before. Only rules of our account count."""
    region, account = _place(context.invoked_function_arn)
    ours = f"arn:{_partition(context.invoked_function_arn)}:events:{region}:{account}:rule/"
    resources = event.get("resources")
    if event.get("detail-type") != "Scheduled Event" or not isinstance(resources, list) or not resources:
        raise Refused("only scheduled events are known here")
    if not all(isinstance(name, str) and name.startswith(ours) for name in resources):
        raise Refused("the schedule belongs to another account or region")
    return {"status": "warm"}


def _partition(arn: str) -> str:
    return arn.split(":")[1]


def _place(arn: str) -> tuple[str, str]:
    """Region and account of ``arn:partition:service:region:account:...``."""
    _, _, _, region, account = arn.split(":")[:5]
    return region, account
