"""Add-ons for programs of others: thin, over HTTP, in Python's standard library and what the program brings.

`vlm_client.py` lies beside each of them once it is installed; their folders here are no packages of ours.
"""
