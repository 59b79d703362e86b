"""python plan_cottage.py OUT_FOLDER  -> plan_cottage.png"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import Arc, Rectangle

fig, ax = plt.subplots(figsize=(8, 6.4), dpi=100)
rooms = [
    ("Bedroom 1", 0, 5, 4, 4),
    ("Bedroom 2", 4, 5, 4, 4),
    ("Bath", 8, 5, 3, 4),
    ("Living room", 0, 0, 6.5, 5),
    ("Kitchen", 6.5, 0, 4.5, 5),
]
for name, x, y, w, h in rooms:
    ax.add_patch(Rectangle((x, y), w, h, fill=False, lw=5, ec="black"))
    ax.text(x + w / 2, y + h / 2, f"{name}\n{w:g} x {h:g} m", ha="center", va="center", fontsize=13, family="serif")
for x in (2.8, 4.3):  # bedroom doors, from the living room
    ax.plot([x, x + 0.9], [5, 5], color="white", lw=6)
    ax.plot([x, x], [5, 5.9], color="black", lw=1.5)
    ax.add_patch(Arc((x, 5), 1.8, 1.8, theta1=0, theta2=90, lw=1))
ax.plot([9, 9.9], [5, 5], color="white", lw=6)
ax.plot([9, 9], [5, 5.9], color="black", lw=1.5)
ax.add_patch(Arc((9, 5), 1.8, 1.8, theta1=0, theta2=90, lw=1))
ax.plot([6.5, 6.5], [2, 3.2], color="white", lw=6)
ax.plot([2, 3], [0, 0], color="white", lw=6)
ax.plot([2, 2], [0, 1], color="black", lw=1.5)
ax.add_patch(Arc((2, 0), 2, 2, theta1=0, theta2=90, lw=1))
ax.text(2.5, -0.25, "Entrance", ha="center", va="top", fontsize=11, family="serif")
ax.set_xlim(-0.5, 11.5)
ax.set_ylim(-1, 9.5)
ax.set_aspect("equal")
ax.axis("off")
fig.savefig(Path(sys.argv[1]) / "plan_cottage.png", bbox_inches="tight")
