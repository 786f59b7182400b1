"""`findme eval`: how well an engine tells faces apart (LFW), and how well people are found."""
