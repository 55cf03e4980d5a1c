"""Types of CloudFormation that moto skips without a word, made through moto's own APIs."""

from __future__ import annotations

from typing import Any

import boto3
from moto.core.common_models import CloudFormationModel
from moto.dynamodb.models import dynamodb_backends

ENDPOINT_URL = ""


def client(service: str, region: str) -> Any:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    return boto3.client(service, region_name=region, endpoint_url=ENDPOINT_URL, **keys)


class Made:
    """What moto asks of a resource. Subclasses say how it is put and how it is dropped."""

    name_type = ""

    def __init__(self, name: str, properties: dict[str, Any], region: str, account: str) -> None:
        self.name, self.properties, self.region, self.account = name, properties, region, account

    @property
    def physical_resource_id(self) -> str:
        return self.name

    @classmethod
    def cloudformation_name_type(cls) -> str:
        return cls.name_type

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr == "Arn"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> Any:
        made = cls(resource_name, cloudformation_json["Properties"], region_name, account_id)
        made.put()
        return made

    @classmethod
    def update_from_cloudformation_json(
        cls, original: Any, new_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> Any:
        return cls.create_from_cloudformation_json(
            original.name or new_name, cloudformation_json, account_id, region_name
        )

    @classmethod
    def delete_from_cloudformation_json(
        cls, name: str, cloudformation_json: Any, account_id: str, region: str
    ) -> None:
        cls(name, cloudformation_json.get("Properties", {}), region, account_id).drop()

    def delete(self, *_: Any, **__: Any) -> None:
        self.drop()


class Alarm(Made, CloudFormationModel):
    name_type = "AlarmName"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::CloudWatch::Alarm"

    def put(self) -> None:
        wanted = {**self.properties, "AlarmName": self.name}
        for name in ("Period", "EvaluationPeriods"):
            if name in wanted:
                wanted[name] = int(wanted[name])
        for metric in wanted.get("Metrics", []):
            if "MetricStat" in metric:
                metric["MetricStat"]["Period"] = int(metric["MetricStat"]["Period"])
            metric["ReturnData"] = str(metric["ReturnData"]).lower() == "true"
        wanted["Threshold"] = float(wanted["Threshold"])
        client("cloudwatch", self.region).put_metric_alarm(**wanted)

    def drop(self) -> None:
        client("cloudwatch", self.region).delete_alarms(AlarmNames=[self.name])


class Subscription(Made, CloudFormationModel):
    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SNS::Subscription"

    def put(self) -> None:
        made = client("sns", self.region).subscribe(**self.properties, ReturnSubscriptionArn=True)
        self.name = made["SubscriptionArn"]

    def drop(self) -> None:
        client("sns", self.region).unsubscribe(SubscriptionArn=self.name)


class Budget(Made, CloudFormationModel):
    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::Budgets::Budget"

    def put(self) -> None:
        budget = dict(self.properties["Budget"])
        budget["BudgetLimit"] = {key: str(value) for key, value in budget["BudgetLimit"].items()}
        self.name = budget["BudgetName"]
        told = [
            {
                "Notification": {
                    **entry["Notification"],
                    "Threshold": float(entry["Notification"]["Threshold"]),
                },
                "Subscribers": [found for found in entry["Subscribers"] if found],
            }
            for entry in self.properties["NotificationsWithSubscribers"]
        ]
        self.drop()
        client("budgets", self.region).create_budget(
            AccountId=self.account, Budget=budget, NotificationsWithSubscribers=told
        )

    def drop(self) -> None:
        budgets = client("budgets", self.region)
        try:
            budgets.delete_budget(AccountId=self.account, BudgetName=self.name)
        except budgets.exceptions.NotFoundException:
            return


def make_table(
    make: Any, cls: Any, name: str, cloudformation_json: Any, account_id: str, region_name: str, **more: Any
) -> Any:
    """A table with its TTL and backups; one that is there is taken over, as an import does."""
    tables = dynamodb_backends[account_id][region_name].tables
    table = tables.get(name) or make(cls, name, cloudformation_json, account_id, region_name, **more)
    properties, dynamodb = cloudformation_json["Properties"], client("dynamodb", region_name)
    if not (table.ttl or {}).get("Enabled"):
        dynamodb.update_time_to_live(
            TableName=name, TimeToLiveSpecification=properties["TimeToLiveSpecification"]
        )
    backups = properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    dynamodb.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": str(backups).lower() == "true"},
    )
    return table
