"""Bodies in worlds: what they sense of it, and the one place where time passes."""
