"""What stands on charts: styles, categories, series, measures, titles; and what their kinds and trends are called."""

from __future__ import annotations

from ..base import words_in

STYLES = ("matplotlib", "ggplot", "excel", "minimal", "dark", "pastel", "dashboard", "schoolbook")
HELD_OUT_STYLES = ("sketch", "newspaper")
ROUND = ("pie", "donut")
CATEGORIES: dict[str, tuple[str, ...]] = {
    "Month": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "Year": tuple(str(y) for y in range(2008, 2027)),
    "Quarter": ("Q1", "Q2", "Q3", "Q4"),
    "Day": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "Group": ("A", "B", "C", "D", "E", "F", "G", "H"),
    "Hour": ("6am", "8am", "10am", "12pm", "2pm", "4pm", "6pm", "8pm"),
    "City": (
        "Paris", "London", "Rome", "Berlin", "Tokyo", "Lima", "Oslo", "Cairo", "Delhi", "Madrid", "Boston", "Dublin",
        "Vienna", "Milan", "Seoul", "Prague",
    ),
    "Fruit": ("Apple", "Banana", "Cherry", "Grape", "Kiwi", "Lemon", "Mango", "Pear", "Plum", "Melon", "Peach"),
    "Product": ("Laptop", "Phone", "Tablet", "Camera", "Printer", "Monitor", "Watch", "TV", "Mouse", "Desk", "Chair"),
    "Team": ("Tigers", "Lions", "Eagles", "Bears", "Sharks", "Wolves", "Hawks", "Bulls", "Foxes"),
    "Name": ("Anna", "Ben", "Carla", "David", "Emma", "Felix", "Grace", "Hugo", "Iris", "Jack", "Lucy", "Omar"),
    "Country": ("France", "Spain", "Italy", "Japan", "Brazil", "India", "Kenya", "Canada", "Peru", "China", "Egypt"),
    "Animal": ("Cats", "Dogs", "Birds", "Fish", "Horses", "Rabbits", "Mice", "Frogs", "Sheep"),
    "Department": ("HR", "IT", "Sales", "Legal", "Design", "Support", "Finance", "Labs"),
    "Language": ("Python", "Java", "Rust", "Go", "Ruby", "Swift", "Kotlin", "Perl", "PHP"),
    "Transport": ("Car", "Bus", "Train", "Bike", "Walk", "Plane", "Tram", "Ferry"),
    "Source": ("Solar", "Wind", "Coal", "Gas", "Hydro", "Oil", "Nuclear"),
    "Sport": ("Soccer", "Tennis", "Rugby", "Golf", "Hockey", "Chess", "Boxing", "Judo"),
    "Drink": ("Tea", "Coffee", "Juice", "Water", "Milk", "Cola", "Cocoa"),
    "Region": ("North", "South", "East", "West", "Centre"),
    "Subject": ("Maths", "Art", "Music", "History", "Physics", "Biology", "English"),
    "Expense": ("Rent", "Food", "Travel", "Clothes", "Savings", "Fun", "Bills", "Other"),
}  # fmt: skip
ORDERED = ("Month", "Year", "Quarter", "Day", "Hour", "Group")
SERIES = (
    ("North", "South", "East"), ("2022", "2023", "2024"), ("Men", "Women"), ("Boys", "Girls"), ("Online", "Store"),
    ("Plan", "Actual"), ("Team 1", "Team 2", "Team 3"), ("Alpha", "Beta", "Gamma"), ("Import", "Export"),
    ("Cars", "Bikes", "Trains"), ("Cats", "Dogs", "Birds"), ("Day", "Night"), ("Tea", "Coffee", "Juice"),
    ("Model X", "Model Y", "Model Z"), ("Adults", "Kids"), ("Income", "Costs"), ("Before", "After"), ("Urban", "Rural"),
    ("Web", "Mobile", "Shop"), ("Old", "New"), ("Paris", "London", "Rome"),
)  # fmt: skip
MEASURES = (
    "Sales", "Revenue", "Visitors", "Rainfall", "Temperature", "Profit", "Output", "Orders", "Users", "Score",
    "Exports", "Downloads", "Population", "Cost", "Energy", "Traffic", "Attendance", "Votes", "Goals", "Weight",
    "Height", "Price", "Budget", "Clicks", "Growth", "Tickets", "Speed", "Points", "Demand", "Income", "Students",
    "Books", "Calls", "Emissions", "Hours", "Members", "Distance", "Rating", "Errors", "Salary", "Views", "Donations",
    "Imports",
)  # fmt: skip
UNITS = ("(k)", "(units)", "(%)", "(EUR)", "(kg)", "(tons)", "(USD)", "index", "total", "per day", "level")
TITLES = (
    "{m} by {d}", "{m} per {d}", "{m} by {d}", "{m}", "{m} {y}", "Annual {m}", "Average {m}", "Total {m}", "{m} Report",
    "{m} Overview", "Our {m} in {y}", "{m} and {n}", "Survey Results", "Team Results", "Favourite {d}", "Top {d} List",
    "{m} Statistics", "Number of {m}", "Weekly {m}", "{m} Summary", "Change in {m}", "{d} Comparison",
    "Key Figures {y}", "World {m}", "{m} (Test {k})", "Figure {k}", "Chart {k}: {m}", "Market Share", "{d} Ranking",
    "Global {m} {y}",
)  # fmt: skip
PIE_TITLES = (
    "{m} by {d}", "Share of {m}", "{d} Shares", "Market Share", "{m} Split", "{m} Breakdown", "{d} Survey", "{m}",
)  # fmt: skip
KIND_NAMES = {
    "bar": "vertical bar chart",
    "barh": "horizontal bar chart",
    "grouped": "grouped bar chart",
    "line": "line chart",
    "pie": "pie chart",
    "donut": "donut chart",
    "scatter": "scatter plot",
}
KIND_ACCEPT = {
    "bar": ("vertical bar chart", "bar graph", "column chart", "bar plot", "bar", "vertical bar graph"),
    "barh": ("bar chart", "bar graph", "horizontal bar graph", "horizontal bars", "bar"),
    "grouped": ("bar chart", "bar graph", "grouped bar graph", "clustered bar chart", "clustered column chart", "bar"),
    "line": ("line graph", "line plot", "line"),
    "pie": ("pie", "pie graph", "circle chart"),
    "donut": ("doughnut chart", "donut", "ring chart", "pie chart", "doughnut"),
    "scatter": ("scatter chart", "scatterplot", "scatter graph", "scatter", "scatter diagram"),
}
NOUN = {
    "bar": "bar",
    "barh": "bar",
    "grouped": "group",
    "line": "point",
    "pie": "slice",
    "donut": "slice",
    "scatter": "point",
}
LINE_TREND = {
    "rising": ("up", "increasing", "upward", "upwards", "it rises"),
    "falling": ("down", "decreasing", "downward", "downwards", "it falls"),
    "flat": ("constant", "stable", "level", "it stays flat"),
    "rising then falling": ("up then down", "up and then down", "first rising, then falling"),
    "falling then rising": ("down then up", "down and then up", "first falling, then rising"),
}
WRITTEN = words_in(CATEGORIES, SERIES, MEASURES, UNITS, TITLES, PIE_TITLES)
