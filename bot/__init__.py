"""The Slack edge of findme: it knows the pipeline, the pipeline never knows it."""
