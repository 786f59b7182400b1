"""What Findme does, step by step, in terms of the ports."""
