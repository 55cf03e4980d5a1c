"""What the templates are given: plain values, already computed."""
