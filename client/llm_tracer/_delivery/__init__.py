"""The way out of finished spans: queue, batches, pace, transport, and the thread that moves them."""
