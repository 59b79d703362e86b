#!/bin/sh
# sh make.sh OUT_FOLDER [PYTHON_WITH_MATPLOTLIB]   draws all pictures; versions in README.md
set -e
cd "$(dirname "$0")"
out=$(cd "$1" && pwd)
python=${2:-python3}

for n in shapes_circle_square shapes_outline palette_proportions wire_shop text_open; do rsvg-convert "$n.svg" -o "$out/$n.png"; done
for n in shapes_poster palette_strip plan_apartment text_parking; do inkscape "$n.svg" --export-type=png --export-filename="$out/$n.png"; done

page() { # name width,height
  profile=$(mktemp -d)
  chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update \
    --disable-sync --hide-scrollbars --user-data-dir="$profile" --screenshot="$out/$1.png" --window-size="$2" "file://$PWD/$1.html"
  rm -rf "$profile"
}
page shapes_css 600,600
page palette_brand 900,680
page ui_login 1024,720
page ui_settings 480,840
page ui_dashboard 1280,720
page plan_office 960,640
page chart_countries 900,520
page text_hours 600,780

"$python" charts_matplotlib.py "$out"
"$python" plan_cottage.py "$out"
sources=$PWD
(cd "$out" && gnuplot "$sources/chart_temperature.gp" && gnuplot "$sources/chart_shops.gp")
sh draw_imagemagick.sh "$out"

sh photo_of_screen.sh "$out/ui_dashboard.png" "$out/photo_dashboard.jpg" '90,120 930,60 960,640 60,590'
sh photo_of_screen.sh "$out/chart_sales.png" "$out/photo_sales.jpg" '140,70 880,130 910,620 100,690'
sh photo_of_screen.sh "$out/plan_cottage.png" "$out/photo_cottage.jpg" '110,90 900,70 870,690 150,650'

for f in "$out"/*.png; do pngquant --force --skip-if-larger --output "$f" 256 -- "$f" || true; done
