"""Raw requests to the spans table, for tests of the operations themselves."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.storage.conftest import Call


def raw(sk: str, pk: str = "T", **values) -> dict:
    return {"pk": {"S": pk}, "sk": {"S": sk}, **values}


def key(sk: str, pk: str = "T") -> dict:
    return raw(sk, pk)


def query_pk(pk: str = "T", **parameters) -> dict:
    return {
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": pk}},
        **parameters,
    }


def fails(call: Call, operation: str, **parameters) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(operation, **parameters)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]
