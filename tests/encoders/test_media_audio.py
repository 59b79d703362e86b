from .hazards import X
def test(): assert X
