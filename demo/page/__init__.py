"""The parts of the page, one sentence each; `demo/app.py` puts them together."""
