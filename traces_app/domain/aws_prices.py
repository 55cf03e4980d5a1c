"""What AWS charges, by region: the one table of it. Without free tiers, discounts and taxes; US dollars.

DynamoDB, Standard table class, on demand: https://aws.amazon.com/dynamodb/pricing/on-demand/. The prices of
units are those since 1 November 2024, when AWS halved them in every region; where they are not those of
Virginia they are half of the list price before, unrounded. Lambda: https://aws.amazon.com/lambda/pricing/,
the first tier; requests that come by a function URL cost nothing beside Lambda's own price.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PRICES_AS_OF: Final = "2026-11-01"
MILLION: Final = 1_000_000
GB_BYTES: Final = 2**30
ARCHITECTURES: Final = ("arm64", "x86_64")


@dataclass(frozen=True, slots=True)
class AwsPrices:
    """Of one region and one architecture of Lambda."""

    region: str
    write_usd_per_million: float
    read_usd_per_million: float
    stored_usd_per_gb_month: float
    lambda_usd_per_gb_s: float
    lambda_usd_per_million: float

    @property
    def read_half_usd(self) -> float:
        return self.read_usd_per_million / MILLION / 2

    @property
    def write_usd(self) -> float:
        return self.write_usd_per_million / MILLION

    @property
    def request_usd(self) -> float:
        return self.lambda_usd_per_million / MILLION


_DYNAMODB: Final[dict[str, tuple[float, float, float]]] = {
    "us-east-1": (0.625, 0.125, 0.25),
    "us-east-2": (0.625, 0.125, 0.25),
    "us-west-1": (0.6971, 0.1395, 0.28),
    "us-west-2": (0.625, 0.125, 0.25),
    "ca-central-1": (0.6875, 0.1375, 0.275),
    "sa-east-1": (0.9375, 0.1875, 0.375),
    "eu-west-1": (0.70675, 0.1415, 0.283),
    "eu-west-2": (0.7423, 0.1485, 0.297),
    "eu-west-3": (0.7425, 0.1485, 0.297),
    "eu-central-1": (0.7625, 0.1525, 0.306),
    "eu-north-1": (0.67175, 0.1345, 0.269),
    "ap-south-1": (0.71155, 0.1425, 0.285),
    "ap-northeast-1": (0.71345, 0.1425, 0.285),
    "ap-northeast-2": (0.6778, 0.1355, 0.271),
    "ap-southeast-1": (0.71155, 0.1425, 0.285),
    "ap-southeast-2": (0.71155, 0.1425, 0.285),
}
"""A million write units, a million read units, a GB for a month."""

_LAMBDA_GB_S: Final = {"arm64": 0.0000133334, "x86_64": 0.0000166667}
_LAMBDA_REQUESTS: Final = 0.20
"""The same in all regions above."""

REGIONS: Final = tuple(_DYNAMODB)


class UnknownRegion(LookupError):
    """No prices of this region are in the table."""


def prices_of(region: str, architecture: str = "arm64") -> AwsPrices:
    """Raises UnknownRegion, naming those that are known."""
    if region not in _DYNAMODB:
        raise UnknownRegion(
            f"AWS_REGION={region!r}: no prices of it are known here, only of {', '.join(REGIONS)}."
        )
    return AwsPrices(region, *_DYNAMODB[region], _LAMBDA_GB_S[architecture], _LAMBDA_REQUESTS)
