"""DynamoDB's operations on an SQLite file, in this process.

PynamoDB calls ``EmbeddedClient`` exactly as it calls botocore's client, so local runs exercise the
requests, conditions, errors and capacity figures that production does. Left out, because nothing here asks
for them: secondary indexes, streams, PartiQL, the parameters that expressions replaced, reserved words
and the replay of a transaction's ClientRequestToken.
"""
