"""python charts_matplotlib.py OUT_FOLDER  -> chart_sales.png, chart_market.png"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

out = Path(sys.argv[1])

fig, ax = plt.subplots(figsize=(8, 5), dpi=100)
months, sales = ["Jan", "Feb", "Mar", "Apr", "May", "Jun"], [40, 55, 30, 70, 90, 65]
ax.bar(months, sales)
ax.set_title("Monthly sales")
ax.set_xlabel("Month")
ax.set_ylabel("Units sold")
ax.set_ylim(0, 100)
fig.tight_layout()
fig.savefig(out / "chart_sales.png")

fig, ax = plt.subplots(figsize=(7, 6), dpi=100)
ax.pie(
    [45, 25, 20, 10],
    labels=["Alpha", "Beta", "Gamma", "Other"],
    autopct="%d%%",
    startangle=90,
    colors=["tab:blue", "tab:orange", "tab:green", "lightgray"],
    textprops={"fontsize": 14},
)
ax.set_title("Market share 2024", fontsize=18)
fig.savefig(out / "chart_market.png")
