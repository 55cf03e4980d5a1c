"""Reading pages in tests: their links, forms and text, and what a strict policy forbids in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

VOID = frozenset({"input", "link", "meta", "br", "img", "hr"})


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    parent: Element | None = None
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())

    def get(self, name: str) -> str | None:
        return self.attributes.get(name)

    def has_class(self, name: str) -> bool:
        return name in (self.get("class") or "").split()

    def is_inside(self, other: Element) -> bool:
        return self is other or (self.parent is not None and self.parent.is_inside(other))


class Page(HTMLParser):
    """A parsed answer. ``text`` is all its text, ``elements`` stand in the order of the page."""

    def __init__(self, response: Any) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.text = ""
        self.feed(response.content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), self._open[-1] if self._open else None)
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs), self._open[-1] if self._open else None))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.text += data
        for element in self._open:
            element.pieces.append(data)

    def find(self, tag: str, class_name: str = "") -> list[Element]:
        return [
            element
            for element in self.elements
            if element.tag == tag and (not class_name or element.has_class(class_name))
        ]

    def links(self) -> list[str]:
        return [element.get("href") or "" for element in self.find("a")]

    def link(self, text: str) -> str:
        """The address of the first link with this text."""
        return next(element.get("href") or "" for element in self.find("a") if element.text == text)

    def hidden_values(self) -> dict[str, str]:
        return {
            element.get("name") or "": element.get("value") or ""
            for element in self.find("input")
            if element.get("type") == "hidden"
        }

    def breaches(self) -> list[str]:
        """Everything a policy without 'unsafe-inline' would block, and whatever would load from elsewhere."""
        found = []
        for element in self.elements:
            for name, value in element.attributes.items():
                is_script = (value or "").strip().lower().startswith(("javascript:", "vbscript:"))
                if name == "style" or name.startswith("on") or is_script:
                    found.append(f"<{element.tag} {name}={value}>")
                if name in ("src", "href") and (value or "").startswith(("//", "http:", "https:")):
                    found.append(f"<{element.tag} {name}={value}>")
            if element.tag == "style" or (element.tag == "script" and not element.get("src")):
                found.append(f"<{element.tag}>")
        return found
