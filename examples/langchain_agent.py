"""An agent of LangChain and LangGraph: one callback handler, and every node, model and tool is a span.

Needs `pip install langchain-openai langgraph ./client` and a running server; without a key: see README.md.
"""

from typing import Any

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

from llm_tracer import SyncTracerClient
from llm_tracer.integrations.langchain import TracerCallbackHandler


def agent(tracer: SyncTracerClient) -> Any:
    @tool
    def search_guide(query: str, city: str) -> str:
        """What the guide says about a city."""
        with tracer.span(
            "read the index", input_data={"query": query, "city": city}
        ):  # below the tool's span
            return f"The guide to {city} has three pages on {query!r}."

    model = ChatOpenAI(model="gpt-4o-mini", temperature=0).bind_tools([search_guide])
    graph = StateGraph(MessagesState)
    graph.add_node("agent", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("tools", ToolNode([search_guide]))
    graph.add_edge(START, "agent")
    graph.add_conditional_edges("agent", tools_condition)
    graph.add_edge("tools", "agent")
    return graph.compile(name="travel-agent")


def main() -> str:
    with SyncTracerClient(api_key="project-dev") as tracer:
        travel_agent, handler = agent(tracer), TracerCallbackHandler(tracer)
        question = "What should I see in Lisbon in one day?"
        with tracer.trace("request", user_id="ada", session_id="trip-3", input=question) as trace:
            result = travel_agent.invoke({"messages": [("user", question)]}, {"callbacks": [handler]})
            trace.set_output(result["messages"][-1].content)
    return trace.trace_id


if __name__ == "__main__":
    print("trace", main())
