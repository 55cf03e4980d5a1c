"""Traces out of the store into files of other tools, and out of their files into the store."""
