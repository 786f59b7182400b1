"""Domain values -> Block Kit, one module for each surface. Pure: nothing is asked for or sent."""
