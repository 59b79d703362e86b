"""What pixels tell: colours, segments, lines of text, distances, differences. Nothing here asks a model.

Arrays are H x W pixels; colours RGB uint8 or CIELAB (D65); boxes x, y, width, height in pixels of the picture as given.
"""
