"""How right the answers are, over all of LFW and three events: minutes, not seconds."""
