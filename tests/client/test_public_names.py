"""What is public, and that the names agree."""

from __future__ import annotations

import inspect
import pkgutil

import llm_tracer
import llm_tracer.testing
from llm_tracer import SyncTracerClient, TracerClient


def test_all_names_of_all_exist_and_nothing_else_is_public() -> None:
    public = {
        name
        for name, value in vars(llm_tracer).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public | {"__version__"} == set(llm_tracer.__all__)
    assert set(llm_tracer.testing.__all__) <= set(vars(llm_tracer.testing))


def test_every_module_but_testing_is_private() -> None:
    modules = {module.name for module in pkgutil.iter_modules(llm_tracer.__path__)}
    assert {name for name in modules if not name.startswith("_")} == {"integrations", "testing"}


def test_both_clients_have_the_same_surface_with_the_same_parameters() -> None:
    def surface(client: type) -> dict[str, list[str]]:
        methods = inspect.getmembers(client, inspect.isfunction)
        return {
            name: [p for p in inspect.signature(method).parameters if p != "self"]
            for name, method in methods
            if not name.startswith("_")
        }

    asynchronous = surface(TracerClient)
    assert asynchronous.pop("aclose") == ["timeout"]
    assert asynchronous == surface(SyncTracerClient)


def test_methods_of_the_async_client_that_wait_are_awaited() -> None:
    awaited = {n for n, m in inspect.getmembers(TracerClient, inspect.iscoroutinefunction) if n[0] != "_"}
    assert awaited == {
        "aclose",
        "close",
        "complete_span",
        "complete_trace",
        "create_span",
        "create_trace",
        "flush",
    }


def test_earlier_names_still_stand_for_their_classes() -> None:
    assert llm_tracer.SpanContext is llm_tracer.Span
    assert llm_tracer.TraceContext is llm_tracer.Trace
