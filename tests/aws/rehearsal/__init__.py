"""The whole deployment on this machine: packaged, deployed by Zappa to a fake AWS, run by the real runtime.

    .venv/bin/python -m tests.aws.rehearsal

AWS is moto, with what it lacks added in ``fake_aws``; the function runs under awslambdaric and the runtime
interface emulator that the aws-sam-cli wheel carries. What this cannot show is in docs/deploying.md.
"""
