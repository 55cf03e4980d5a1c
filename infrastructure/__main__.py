"""What the `just` recipes call: python -m infrastructure COMMAND STAGE. Run by .deploy/bin/python."""

from __future__ import annotations

import argparse
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infrastructure import commands
from infrastructure.deployment import WrongSetting
from infrastructure.stack import StackFailed


def main() -> None:
    arguments = parse()
    try:
        if arguments.command == "bootstrap":
            commands.bootstrap(boto3.Session())
        elif arguments.command == "setup":
            commands.setup(arguments.stage)
        else:
            commands.run(arguments.command, arguments.stage, arguments.words)
    except (WrongSetting, StackFailed, commands.NotDone) as error:
        sys.exit(str(error))
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"AWS said: {error}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="infrastructure", description=__doc__)
    parser.add_argument("command", choices=["bootstrap", "setup", *commands.ON_A_STAGE])
    parser.add_argument("stage", nargs="?", default="dev")
    parser.add_argument("words", nargs=argparse.REMAINDER, help="of the command, like create_key shop")
    return parser.parse_args()


if __name__ == "__main__":
    main()
