"""The version of the client, sent with each batch."""

__version__ = "0.1.0"
