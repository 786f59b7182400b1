"""One module for each Slack surface: ack, one use case, render."""
