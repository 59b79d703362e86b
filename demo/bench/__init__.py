"""`vlm bench`: how fast a server is, measured from outside, over real HTTP."""
