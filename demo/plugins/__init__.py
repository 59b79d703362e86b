"""Skills: small jobs with structured results, on top of any model. One implementation, four doors."""
