"""The workspace as a web page: act as its people, on this machine alone."""
