"""Tracing of other packages. Each module is imported by itself and needs only the package it is named after:
``openai``, ``anthropic``, ``langchain``, ``aws_lambda``, ``notebook``.
"""
