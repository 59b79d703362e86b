"""`vlm serve`: an OpenAI-compatible server on the batched engine, safe by default.

A request passes: Trace (id, log, 500) -> Doorman (Host, Origin) -> Key -> Intake (bytes, pace) -> route.
"""
