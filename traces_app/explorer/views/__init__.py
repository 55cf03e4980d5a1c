"""The pages: each reads its address, asks one question, and shows the answer."""
