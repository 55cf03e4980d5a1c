"""Two traces or more side by side; with one, the last good run of the same name is found."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from traces_app import queries
from traces_app.explorer.pages.compare import LETTERS, Asked, compare_page
from traces_app.explorer.pages.shell import shell_of
from traces_app.explorer.pages.trace_page import Fact
from traces_app.explorer.refusals import show_not_found
from traces_app.explorer.twins import advertise, problem, summary_json
from traces_app.explorer.visible import visible_line
from traces_app.explorer.visitor import Visitor, project_json, project_page

RUNS_OFFERED: Final = 20
MAX_ID_CHARACTERS: Final = 64


@project_page
def compare(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    asked = _asked(request)
    try:
        traces = _traces(visitor, asked.trace_ids)
    except queries.TraceNotFound as missing:
        return show_not_found(request, visitor, str(missing))
    if len(traces) == 1:
        return _with_last_good(request, visitor, traces[0])
    if not traces:
        return _choose(request, visitor, None, [])
    twin = f"{reverse('explorer:compare_json')}?{asked.address().partition('?')[2]}"
    page = compare_page(traces, asked, visitor=visitor)
    context = {"page": page, "shell": shell_of(visitor, title="Compare", json_address=twin)}
    return advertise(render(request, "explorer/compare.html", context), twin)


@project_json
def compare_json(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    asked = _asked(request)
    try:
        traces = _traces(visitor, asked.trace_ids)
    except queries.TraceNotFound as missing:
        return problem(404, "No such trace", f"Project {visitor.project} holds no trace {missing}.")
    if len(traces) < 2:  # noqa: PLR2004
        return problem(400, "Two traces", "a and b: the ids of the traces to compare.")
    page = compare_page(traces, asked, visitor=visitor)
    return JsonResponse({"traces": [summary_json(one.summary) for one in traces], **_comparison(page)})


def _comparison(page: Any) -> dict[str, Any]:
    return {
        "changed": [{"label": change.label, "values": change.values} for change in page.changes],
        "rows": [
            {"name": row.name, "state": row.state, "durations": [cell and cell.text for cell in row.cells]}
            for row in page.rows
        ],
    }


def _asked(request: HttpRequest) -> Asked:
    ids = [request.GET.get(letter, "")[:MAX_ID_CHARACTERS] for letter in LETTERS.lower()]
    return Asked(
        tuple(dict.fromkeys(filter(None, ids))),
        row=request.GET.get("row", ""),
        page=request.GET.get("page", ""),
        only_changed=request.GET.get("only") == "changed",
        ignore_ids=request.GET.get("ids") != "shown",
        other=request.GET.get("with", "b"),
    )


def _traces(visitor: Visitor, trace_ids: tuple[str, ...]) -> list[queries.Trace]:
    return [queries.get_trace(visitor.project, one, now_ns=visitor.now_ns) for one in trace_ids]


def _with_last_good(request: HttpRequest, visitor: Visitor, trace: queries.Trace) -> HttpResponseBase:
    """Where there is one it is the first of the two: what is shown is what changed since."""
    runs = _other_runs(visitor, trace)
    good = next((one for one in runs if one.status == "ok" and _is_before(one, trace)), None)
    if good is None:
        return _choose(request, visitor, trace, runs)
    pair = (good.trace_id, trace.summary.trace_id)
    return HttpResponseRedirect(Asked(pair).address())


def _other_runs(visitor: Visitor, trace: queries.Trace) -> list[Any]:
    """Newest first, of those that start before this one and a little after."""
    summary = trace.summary
    filters = queries.TraceFilter(name=summary.name, until_ns=summary.start_ns)
    found = queries.list_traces(visitor.project, filters, limit=RUNS_OFFERED, now_ns=visitor.now_ns)
    return [one for one in found.traces if one.name == summary.name and one.trace_id != summary.trace_id]


def _is_before(one: Any, trace: queries.Trace) -> bool:
    return (one.start_ns or 0) <= (trace.summary.start_ns or 0)


def _choose(
    request: HttpRequest, visitor: Visitor, trace: queries.Trace | None, runs: list[Any]
) -> HttpResponseBase:
    name = visible_line(trace.summary.name or "(no name)") if trace else ""
    offered = [
        Fact(
            one.status,
            visible_line(one.input_preview or one.trace_id, 100),
            address=Asked((one.trace_id, trace.summary.trace_id)).address(),
        )
        for one in runs
        if trace
    ]
    context = {
        "name": name,
        "trace_id": trace.summary.trace_id if trace else "",
        "runs": offered,
        "shell": shell_of(visitor, title="Compare"),
    }
    return render(request, "explorer/compare_choose.html", context)
