"""The parts of `vlm caption`: what is listed, how results are kept, and the run that joins them."""
