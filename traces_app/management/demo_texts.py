"""What the demo's people and models say."""

from __future__ import annotations

from typing import Any, Final

USERS: Final = ("amira", "björn", "chen.wei", "dolores", "emre", "fatoumata", "山田", "guest-4711")

FAILURES: Final = (
    ("RateLimitError", "429: the provider asks to wait 12 s (requests per minute)"),
    ("TimeoutError", "no answer from https://search.internal within 10 s"),
    ("ValidationError", "arguments.limit: 500 is greater than the maximum of 100"),
    ("ConnectionError", "connection reset by peer while reading the answer"),
    ("ContextLengthError", "this model takes 128,000 tokens; the messages have 131,406"),
)

ARTICLES: Final = (
    "Refunds are paid to the card that was used, three to five working days after the parcel has come back.",
    "A parcel that is marked as delivered but has not arrived is searched for by the carrier for up to ten days.",
    "Lithium batteries travel by road only. Orders with batteries therefore take two days longer to islands.",
    "The warranty covers faults of material for two years; it does not cover a screen broken by a fall.",
    "An invoice can be corrected until the end of the quarter. Write the order number and the right address.",
    "Grid batteries shift solar power into the evening; their price per kWh fell by more than half in five years.",
    "Heat pumps move heat instead of making it, so one kilowatt hour of current gives three or four of heat.",
    "An index helps a query only when the leading columns appear in its conditions, in any order.",
    "Retries without jitter arrive together and bring a recovering service down again.",
    "Чек за покупку приходит на почту в течение часа. Если его нет, проверьте папку «Спам».",
    "送料は5,000円以上のご注文で無料です。離島へのお届けは追加で2日かかります。",
    "يمكن إرجاع المنتج خلال ثلاثين يومًا بشرط أن يكون في غلافه الأصلي.",
    "La garantía cubre dos años; los accesorios, seis meses. ¿Necesita la factura? Escríbanos. 📦",
)

CONVERSATIONS: Final[tuple[dict[str, Any], ...]] = (
    {
        "system": "You answer customers of an online shop: friendly, short, and never promise what you cannot see.",
        "turns": [
            (
                "Hi, where is my order A-77?",
                "It left our warehouse yesterday and should reach you in two days.",
            ),
            (
                "Can I still change the address?",
                "Not any more, but the carrier can send it to a pick-up point near you.",
            ),
            (
                "Then send it to the one in Main Street.",
                "Done: it will wait for you at the Main Street point for seven days.",
            ),
            ("Great, thank you!", "You're welcome! 🙂 You will get a message when it is there."),
        ],
    },
    {
        "system": "You help with refunds. Quote the rule that applies.",
        "turns": [
            (
                "The headphones I got are broken.",
                "I'm sorry! The warranty covers this: I can send new ones or refund you.",
            ),
            (
                "A refund please.",
                "Refunds go to the card you paid with, three to five working days after the return.",
            ),
        ],
    },
    {
        "system": "あなたは丁寧なサポート担当です。日本語で答えてください。",
        "turns": [
            ("送料はいくらですか？", "5,000円以上のご注文で送料は無料です。それ未満は一律600円です。"),
            ("沖縄まで何日かかりますか？", "通常より2日長く、4〜5日ほどでお届けします。"),
            ("支払いはコンビニでできますか？", "はい、主要なコンビニでお支払いいただけます。"),
        ],
    },
)

RESEARCHER: Final = (
    "You research one part of a question. Use only what was found, name the source of each figure, and say so when "
    "the sources disagree or are older than two years. Answer in at most three sentences."
)

RESEARCH_QUESTIONS: Final = (
    (
        "Is a home battery worth its price in 2026?",
        ["Prices of home batteries", "Tariffs that change by the hour", "Years until cells wear out"],
    ),
    (
        "How do cities cool themselves without air conditioning?",
        ["Trees and shade", "Bright roofs", "Wind corridors", "District cooling"],
    ),
    ("Which vector index should a team of three run?", ["Recall and memory", "Running costs"]),
)

CODER: Final = (
    "You are a careful software engineer who edits a repository with tools: read_file, grep, edit_file and run_tests. "
    "Think in one sentence before each call. Change as little as needed, keep the style of the file, never delete a "
    "test to make it pass, and run the tests before you say that you are done. If a tool fails twice in the same way, "
    "stop and say what you know."
)

CODE_TASKS: Final[tuple[tuple[str, str, list[tuple[str, str, dict[str, Any], str]]], ...]] = (
    (
        "Fix the flaky test of the scheduler: it fails about once in twenty runs on a busy machine.",
        "fix/flaky-scheduler-test",
        [
            (
                "I'll look at the test first.",
                "read_file",
                {"path": "tests/test_scheduler.py", "lines": [40, 62]},
                "def test_runs_on_time(scheduler):\n    ran = []\n    scheduler.after(0.05, ran.append, 1)\n"
                "    time.sleep(0.1)\n    assert ran == [1]",
            ),
            (
                "It waits for a fixed time. I'll wait for the event instead.",
                "edit_file",
                {"path": "tests/test_scheduler.py", "old": "time.sleep(0.1)", "new": "assert done.wait(5)"},
                "1 file changed, 3 insertions, 1 deletion",
            ),
            (
                "Now let me run it a hundred times.",
                "run_tests",
                {"command": "pytest tests/test_scheduler.py --count=100 -q"},
                "100 passed in 8.41s",
            ),
        ],
    ),
    (
        "Add pagination to GET /invoices, newest first, at most 100 a page.",
        "feature/invoice-pages",
        [
            (
                "Where are the routes?",
                "grep",
                {"pattern": "@router.get", "path": "app/routes"},
                "app/routes/invoices.py:14: @router.get('/invoices')\napp/routes/users.py:9: @router.get('/users')",
            ),
            (
                "I'll add a cursor over (created_at, id), so that equal times do not lose a row.",
                "edit_file",
                {
                    "path": "app/routes/invoices.py",
                    "old": "return rows",
                    "new": "return page(rows, cursor, 100)",
                },
                "2 files changed, 41 insertions, 6 deletions",
            ),
            (
                "Tests for the last page and an empty list.",
                "edit_file",
                {"path": "tests/test_invoices.py", "old": "", "new": "def test_last_page(client): ..."},
                "1 file changed, 28 insertions",
            ),
            (
                "Run everything.",
                "run_tests",
                {"command": "pytest -q"},
                "1 failed, 211 passed\nE  assert 101 == 100",
            ),
            (
                "Off by one in the look-ahead row.",
                "edit_file",
                {"path": "app/routes/invoices.py", "old": "limit + 1]", "new": "limit]"},
                "1 file changed, 1 insertion, 1 deletion",
            ),
        ],
    ),
)
