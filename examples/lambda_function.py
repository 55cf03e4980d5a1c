"""An AWS Lambda function: each invocation is a trace, delivered before the function returns.

Needs `pip install openai ./client` and a running server; deployed, set TRACER_URL and TRACER_API_KEY. Run as
a program it invokes itself once, as the runtime would; see README.md for a run without a key.
"""

import json
from typing import Any

from openai import OpenAI

from llm_tracer import SyncTracerClient
from llm_tracer.integrations.aws_lambda import lambda_handler
from llm_tracer.integrations.openai import wrap_openai

tracer = SyncTracerClient(
    api_key="project-dev"
)  # once, outside of the handler: it lives as long as the process
openai = wrap_openai(OpenAI(), tracer)


@lambda_handler(tracer, name="answer-question")
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    question = json.loads(event["body"])["question"]
    answer = openai.responses.create(model="gpt-4o-mini", instructions="Be brief.", input=question)
    return {"statusCode": 200, "body": json.dumps({"answer": answer.output_text}, ensure_ascii=False)}


class LocalContext:
    """What the runtime would give to the function."""

    function_name = "answer-question"
    aws_request_id = "local"
    memory_limit_in_mb = "512"

    def get_remaining_time_in_millis(self) -> int:
        return 3_000


def main() -> str:
    event = {
        "rawPath": "/ask",
        "headers": {"authorization": "Bearer of-the-caller", "content-type": "application/json"},
        "body": json.dumps({"question": "What should I see in Lisbon in one day?"}),
    }
    result = handler(event, LocalContext())
    return json.loads(result["body"])["answer"]


if __name__ == "__main__":
    print(main())
