"""Episode sets, metrics and reports."""
