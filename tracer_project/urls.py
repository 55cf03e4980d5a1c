"""Where each part of the site begins.

What our own client posts to is loaded with this module; each other part when the first path of its is asked
for. A Lambda instance that only takes spans in never loads a page, and one that shows pages no protobuf.
"""

from django.http import HttpRequest, HttpResponseRedirect
from django.urls import path, reverse
from django.urls.resolvers import RoutePattern, URLResolver

from traces_app.api.native.receive import receive_batch


class Section(URLResolver):  # type: ignore[misc, unused-ignore]
    """Paths below a prefix in a module that is not imported (as ``include`` would) before it is needed."""

    def __init__(self, prefix: str, module: str, namespace: str) -> None:
        super().__init__(RoutePattern(prefix), module, app_name=namespace, namespace=namespace)

    def _populate(self) -> None:
        """Django calls this for every section when the first address of any is made from its name.

        Nothing is to be done: names are looked up through the namespace, in the section's own patterns.
        """


def to_dashboard(_: HttpRequest) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("explorer:traces"))


handler404 = "traces_app.explorer.refusals.show_no_page"  # by name: not loaded before it is needed

urlpatterns = [
    path("", to_dashboard),
    path("dashboard", to_dashboard),
    path("api/ingest", receive_batch),
    Section("v1/", "traces_app.api.otlp.router", "otlp"),
    Section("api/public/otel/v1/", "traces_app.api.otlp.router", "langfuse"),
    Section("api/", "traces_app.api.urls", "api"),
    Section("dashboard/", "traces_app.explorer.urls", "explorer"),
]
