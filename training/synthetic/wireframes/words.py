"""What stands on screens: styles, kinds of screen, labels; and what their elements are called."""

from __future__ import annotations

from typing import Any

from ..base import words_in

Plan = dict[str, Any]
"""A block of a screen, or all of it, before its elements have places."""
Element = dict[str, Any]
"""Something on the screen with its place: `kind`, `label`, `box`, `size` and more."""
STYLES = ("wireframe", "flat", "material", "dark", "blueprint", "bootstrap", "app")
HELD_OUT_STYLES = ("sketch", "classic")
# Kinds of screen -> other names that are equally true.
SCREENS: dict[str, tuple[str, ...]] = {
    "login form": ("login", "login screen", "login page", "sign-in form", "sign in form", "sign-in page"),
    "sign-up form": ("sign up form", "registration form", "sign-up", "sign-up page", "registration", "sign up"),
    "contact form": ("contact page", "contact", "contact us form", "message form"),
    "payment form": ("checkout", "payment", "checkout form", "payment page", "checkout page"),
    "settings page": ("settings", "settings screen", "preferences", "preferences page"),
    "survey": ("poll", "quiz", "questionnaire", "survey form"),
    "to-do list": ("to do list", "todo list", "task list", "checklist", "tasks"),
    "contact list": ("contacts", "list of contacts", "list of people", "people list", "list page"),
    "dashboard": ("dashboard page", "analytics dashboard", "admin dashboard"),
    "table page": ("table", "data table", "list page", "a table"),
    "product page": ("product", "product detail page", "shop page", "product screen"),
    "gallery page": ("gallery", "product gallery", "card grid", "product list", "catalogue", "shop page"),
    "landing page": ("home page", "homepage", "website", "web page"),
    "article": ("article page", "blog post", "news article", "blog"),
    "profile page": ("profile", "user profile", "profile screen"),
    "chat": ("chat screen", "chat app", "messages", "conversation", "messenger"),
    "dialog": ("modal", "dialog box", "pop-up", "popup", "modal dialog", "dialogue"),
    "music player": ("player", "audio player", "media player"),
}
TITLES: dict[str, tuple[str, ...]] = {
    "login form": (
        "Sign in", "Log in", "Welcome", "Welcome back", "Member login", "Login", "Hello again", "Your account",
    ),
    "sign-up form": ("Sign up", "Register", "Create account", "Join us", "New account", "Get started", "Join today"),
    "contact form": ("Contact us", "Contact", "Get in touch", "Write to us", "Feedback", "Support", "Ask us"),
    "payment form": ("Payment", "Checkout", "Your order", "Pay by card", "Billing", "Card details"),
    "settings page": (
        "Settings", "Preferences", "Options", "Privacy", "Notifications", "My settings", "Account", "General",
    ),
    "survey": (
        "Your opinion", "Quick poll", "Survey", "Question 1", "Question 2", "Question 3", "Vote now", "Rate us", "Quiz",
    ),
    "to-do list": ("To do", "My tasks", "Tasks", "Today", "Shopping list", "Checklist", "This week", "Chores"),
    "contact list": ("Contacts", "People", "Friends", "Team", "Members", "My team", "Students", "Players"),
    "dashboard": ("Dashboard", "Overview", "Statistics", "Analytics", "Today", "Reports", "My stats", "Summary"),
    "table page": ("Orders", "Users", "Invoices", "Products", "Results", "Files", "Records", "Bookings", "All items"),
    "gallery page": (
        "Gallery", "Shop", "Our products", "New arrivals", "Popular", "Collection", "Best sellers", "On sale",
    ),
    "landing page": (
        "Build faster", "Work smarter", "Hello world", "Learn anything", "Travel the world", "Eat well", "Start today",
        "Design made easy", "Your new home", "Music for all", "Stay healthy", "Save money",
    ),
    "article": (
        "City news", "A day at sea", "How to bake", "Green energy", "Winter is here", "The old bridge", "Space today",
        "Summer trips", "Local heroes", "Tiny robots", "Healthy food", "Wild birds", "Our story", "Latest news",
    ),
    "dialog": (
        "Delete file?", "Are you sure?", "Save changes?", "Warning", "Error", "Success", "Leave page?", "Log out?",
        "Confirm", "Update ready", "New message", "Thank you", "Remove item?", "Allow access?",
    ),
    "music player": (
        "Blue Moon", "Summer Rain", "Night Drive", "Golden Hour", "Sunrise", "River Song", "City Lights", "Ocean",
        "Wild Heart", "Slow Dance", "Morning Star", "Fireflies",
    ),
}  # fmt: skip
GREETINGS = (
    "Welcome", "Hello", "Overview", "Details", "Options", "New item", "Edit", "Filters", "Summary", "Step 1", "Step 2",
    "Help", "Results", "Today", "Booking", "Components", "Controls", "My list",
)  # fmt: skip
BRANDS = (
    "Acme", "Nova", "Bloom", "Orbit", "Zenith", "Pixel", "Maple", "Lumen", "Vertex", "Harbor", "Falcon", "Mint", "Echo",
    "Atlas", "Coral", "Delta", "Ember", "Flora", "Globe", "Haven", "Iris", "Juno", "Kite", "Lotus", "Metro", "Nimbus",
    "Oasis", "Polar", "Quartz", "Raven", "Solar", "Tempo", "Unity", "Velvet", "Willow", "Yonder", "Zebra", "Brandly",
    "Shoply", "Foodie", "MyApp", "BookNook", "FitLife", "GreenCo", "TechHub", "PayFast", "TaskPro", "Logo", "Company",
    "Brand", "Wave", "Cloudy",
)  # fmt: skip
BUTTONS = (
    "Save", "Cancel", "OK", "Submit", "Delete", "Edit", "Next", "Back", "Close", "Send", "Buy now", "Sign in",
    "Sign up", "Log in", "Log out", "Register", "Add", "Remove", "Search", "Upload", "Download", "Share", "Print",
    "Help", "Apply", "Reset", "Continue", "Confirm", "Start", "Stop", "Play", "Pause", "Yes", "No", "Done", "Copy",
    "Paste", "Undo", "Update", "Learn more", "Get started", "Add to cart", "Subscribe", "Follow", "Reply", "Book now",
    "Export", "Import", "View", "Open", "Skip", "Finish", "Accept", "Decline", "Retry", "Refresh", "New", "Create",
    "Order", "Checkout", "Join", "Vote", "Filter",
)  # fmt: skip
REMEMBER = ("Remember me", "Keep me signed in", "Stay logged in", "Remember password")
AGREE = ("I agree", "Accept terms", "Send me news", "I am over 18")
TEASERS = ("Get started", "Learn more", "Sign up", "Try free", "Contact us", "Download", "Watch demo", "Book now")
BENEFITS = (
    "Fast", "Secure", "Simple", "Free", "Support", "Teams", "Smart", "Cloud", "Mobile", "Easy", "Reports", "Global",
)  # fmt: skip
DIALOG_BUTTONS = (
    ("Delete", "Cancel"), ("OK",), ("OK", "Cancel"), ("Yes", "No"), ("Save", "Discard"), ("Leave", "Stay"),
    ("Retry", "Close"), ("Yes", "No", "Cancel"), ("Allow", "Deny"), ("Update", "Later"),
)  # fmt: skip
PLAYER_BUTTONS = (
    ("Play", "Next"), ("Pause",), ("Play",), ("Back", "Play", "Next"), ("Pause", "Stop"), ("Play", "Shuffle"),
)  # fmt: skip
FIELDS = (
    "Name", "Email", "Phone", "Address", "City", "Country", "Password", "Username", "First name", "Last name",
    "Company", "Subject", "Title", "Date", "Time", "Zip code", "Age", "Website", "Street", "Comment", "Amount",
    "Quantity", "Code",
)  # fmt: skip
LINKS = (
    "Home", "About", "Contact", "Blog", "Shop", "Help", "Pricing", "News", "Team", "Docs", "Login", "Products",
    "Features", "Services", "Support", "Cart", "FAQ", "Events", "Menu", "Careers", "Gallery", "Store", "Sale", "Men",
    "Women", "Kids",
)  # fmt: skip
MENU = (
    "Home", "Profile", "Settings", "Reports", "Users", "Orders", "Inbox", "Calendar", "Files", "Photos", "Projects",
    "Tasks", "Teams", "Billing", "Help", "Logout", "Security", "Messages", "Library", "Trash", "Drafts", "Sent",
    "Products", "Themes",
)  # fmt: skip
TABS = (
    "Home", "Search", "Profile", "Info", "Details", "Reviews", "Photos", "Map", "All", "Active", "Recent", "Saved",
    "Posts", "Likes", "Files", "General", "Account", "Day", "Week", "Month", "Year", "Chats", "Calls", "New", "Popular",
    "Open", "Closed",
)  # fmt: skip
TOGGLES = (
    "Wi-Fi", "Bluetooth", "Dark mode", "Location", "Sound", "Vibration", "Alerts", "Auto save", "Sync", "Email",
    "Updates", "Backup", "Camera", "Airplane mode", "Night light", "Autoplay", "Private mode", "Notifications",
    "Face ID", "Hotspot", "GPS", "Cookies", "Newsletter", "Captions", "Roaming", "Data saver", "Reminders", "Mute",
)  # fmt: skip
CHECKS = (
    "Remember me", "I agree", "Newsletter", "Gift wrap", "Express", "Red", "Blue", "Small", "Large", "Breakfast",
    "Parking", "Pool", "Wi-Fi", "Pets", "In stock", "On sale", "Free delivery", "Cheese", "Bacon", "Onions", "Monday",
    "Tuesday", "Friday",
)  # fmt: skip
TASKS = (
    "Buy milk", "Call mom", "Pay rent", "Walk the dog", "Clean room", "Read book", "Water plants", "Fix bike",
    "Cook dinner", "Book flight", "Send email", "Wash car", "Eggs", "Bread", "Apples", "Butter", "Rice", "Bananas",
    "Go running", "Feed cat", "Do laundry", "Write report", "Buy gift", "Study math", "Tomatoes", "Cheese", "Coffee",
    "Tea", "Plan trip", "Sleep early",
)  # fmt: skip
OPTIONS = (
    ("Yes", "No", "Maybe", "Not sure"), ("Small", "Medium", "Large", "Extra large"),
    ("Card", "Cash", "Transfer", "Voucher"), ("Red", "Green", "Blue", "Yellow"), ("Good", "Okay", "Bad", "Great"),
    ("Daily", "Weekly", "Monthly", "Never"), ("Standard", "Express", "Pick up", "Same day"),
    ("Basic", "Pro", "Team", "Free"), ("Tea", "Coffee", "Water", "Juice"),
    ("Option A", "Option B", "Option C", "Option D"), ("Paris", "London", "Rome", "Madrid"),
    ("Cat", "Dog", "Bird", "Fish"),
)  # fmt: skip
SELECTS = (
    ("Country", ("France", "Spain", "Japan", "Canada", "Brazil", "India", "Italy", "Norway")),
    ("Language", ("English", "German", "French", "Spanish", "Polish", "Greek")),
    ("Size", ("Small", "Medium", "Large")),
    ("Sort by", ("Price", "Date", "Name", "Rating")),
    ("Month", ("January", "March", "April", "May", "June", "July", "August", "October")),
    ("Quality", ("Low", "Medium", "High")),
    ("Role", ("Admin", "Editor", "Viewer", "Guest")),
    ("Colour", ("Red", "Blue", "Green", "Black")),
    ("Category", ("Books", "Music", "Games", "Toys", "Food")),
)
PRODUCTS = (
    "Lamp", "Chair", "Table", "Sofa", "Shoes", "Hat", "Watch", "Bag", "Camera", "Phone", "Laptop", "Book", "Mug",
    "Bike", "Guitar", "Jacket", "T-shirt", "Jeans", "Clock", "Plant", "Vase", "Pillow", "Ring", "Boots", "Scarf",
    "Desk", "Mirror", "Tent", "Ball", "Headphones", "Keyboard", "Backpack", "Sunglasses", "Teapot", "Blanket",
    "Sneakers", "Toaster", "Umbrella",
)  # fmt: skip
STATS = (
    "Users", "Sales", "Orders", "Visits", "Views", "Clicks", "Profit", "Tasks", "Likes", "Posts", "Errors", "Tickets",
    "Signups", "Revenue", "Products", "Messages", "Projects", "Returns", "Downloads", "Members",
)  # fmt: skip
NAMES = (
    "Anna", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Henry", "Ivy", "Jack", "Kate", "Leo", "Mia", "Noah",
    "Olivia", "Paul", "Quinn", "Rosa", "Sam", "Tom", "Uma", "Victor", "Wendy", "Xena", "Yara", "Zoe", "Alice", "Bob",
    "Carol", "Dan", "Eva", "Frank", "Gina", "Hugo", "Ines", "Jane Doe", "John Smith", "Mary Lee", "Max Weber",
    "Lucy Hill", "Peter Fox", "Nina Park",
)  # fmt: skip
MESSAGES = (
    "Hi!", "Hello", "How are you?", "Good, thanks", "See you soon", "On my way", "Lunch at 12?", "Sounds good", "Yes",
    "No", "Where are you?", "At home", "Call me", "Thank you!", "OK", "Nice photo", "Happy birthday!", "Good night",
    "I am late", "What time?", "At 5 pm", "Great!", "Any news?", "Not yet", "See you at 8", "Let's go", "Of course",
    "Good morning", "Be right back",
)  # fmt: skip
FOOTERS = (
    "Footer", "Copyright 2024", "© 2023 Acme", "© 2025", "All rights reserved", "Terms - Privacy", "Made with care",
    "Imprint", "Follow us", "Contact us", "Privacy policy", "Version 2.1", "Legal notice", "© 2022 Nova Inc",
)  # fmt: skip
_PEOPLE = (
    "Anna", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Henry", "Kate", "Leo", "Mia", "Noah", "Rosa", "Tom",
)  # fmt: skip
TABLES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("Name", "Email", "Role", "City"), _PEOPLE),
    (("Name", "Age", "City", "Score"), _PEOPLE),
    (("Customer", "Date", "Total", "Status"), _PEOPLE),
    (("Player", "Team", "Goals", "Cards"), _PEOPLE),
    (
        ("Product", "Price", "Stock", "Sold"),
        ("Lamp", "Chair", "Sofa", "Desk", "Shoes", "Mug", "Watch", "Bag", "Book", "Clock"),
    ),
    (("Order", "Date", "Price", "Status"), ("#101", "#102", "#205", "#317", "#440", "#512", "#608", "#733", "#894")),
    (
        ("File", "Size", "Type", "Date"),
        ("notes.txt", "photo.jpg", "plan.pdf", "song.mp3", "data.csv", "logo.png", "todo.md"),
    ),
    (
        ("City", "Temp", "Rain", "Wind"),
        ("Paris", "Rome", "Oslo", "Berlin", "Madrid", "Lima", "Cairo", "Tokyo", "London"),
    ),
    (("Task", "Owner", "Due", "Status"), ("Design", "Build", "Test", "Launch", "Review", "Plan", "Deploy", "Write")),
)
NOUN = {
    "button": "button", "field": "field", "select": "drop-down", "check": "check box", "radio": "radio button",
    "toggle": "toggle", "card": "card", "tab": "tab", "item": "list item", "link": "navigation link",
    "menu": "menu item", "bubble": "message", "image": "image", "search": "search box", "chart": "chart",
    "progress": "progress bar", "avatar": "avatar", "table": "table", "header": "header", "footer": "footer",
    "sidebar": "sidebar", "title": "title", "lines": "text",
}  # fmt: skip
DEVICE_NAMES: dict[str, tuple[str, ...]] = {
    "phone": ("mobile", "mobile phone", "smartphone"),
    "desktop": ("computer", "web", "pc"),
    "tablet": ("ipad",),
}
# What can be counted -> its names; "on"/"off" keys are states of toggles and check boxes.
COUNT: dict[str, str] = {
    "button": "[buttons|buttons|clickable buttons|push buttons]",
    "field": "[fields|input fields|text fields|form fields|text boxes|input boxes]",
    "check": "[check boxes|checkboxes|tick boxes]",
    "radio": "[radio buttons|options|choices]",
    "toggle": "[toggles|switches|toggle switches]",
    "card": "[cards|tiles]",
    "tab": "tabs",
    "item": "[list items|people|names|entries in the list]",
    "link": "[navigation links|nav links|links in the header|links in the navigation bar]",
    "menu": "[menu items|sidebar items|sidebar links|items in the sidebar|entries in the sidebar]",
    "bubble": "[messages|chat bubbles|speech bubbles]",
    "image": "[images|image placeholders|pictures|picture placeholders]",
    "row": "[rows in the table (without the header)|data rows|table rows below the header|rows below the header]",
    "column": "[columns|table columns|columns in the table]",
    "toggle on": "[toggles that are on|switches turned on|enabled toggles|active switches|toggles switched on]",
    "toggle off": "[toggles that are off|switches turned off|disabled toggles|toggles switched off]",
    "check on": "[checked boxes|ticked boxes|ticked items|checked items]",
    "check off": "[unchecked boxes|unticked boxes|unticked items|unchecked items|empty check boxes]",
}
EXISTS: dict[str, str] = {
    "sidebar": "[sidebar|sidebar|side menu|side panel]",
    "search": "[search box|search bar|search field]",
    "footer": "[footer|footer bar]",
    "header": "[header bar|top bar|header]",
    "modal": "[modal|dialog|pop-up|modal dialog]",
    "table": "[table|data table]",
    "chart": "[chart|graph|chart placeholder]",
    "image": "[image placeholder|picture|image]",
    "progress": "progress bar",
    "avatar": "[avatar|profile picture|user icon]",
    "button": "button",
    "tab": "[tab bar|row of tabs]",
    "toggle": "[toggle|toggle switch|switch]",
    "check": "[check box|checkbox]",
    "radio": "radio button",
    "select": "[drop-down|dropdown|drop-down list]",
    "card": "card",
    "field": "[input field|text field]",
}
WRITTEN = words_in(
    TITLES, BRANDS, BUTTONS, REMEMBER, AGREE, TEASERS, BENEFITS, DIALOG_BUTTONS, PLAYER_BUTTONS, FIELDS, LINKS, MENU,
    TABS, TOGGLES, CHECKS, TASKS, OPTIONS, SELECTS, PRODUCTS, STATS, NAMES, MESSAGES, TABLES,
)  # fmt: skip
