#!/bin/sh
# sh draw_imagemagick.sh OUT_FOLDER
set -e
out=$1

# five stars, two moons, night blue
star() { # x y r
  awk -v x="$1" -v y="$2" -v r="$3" 'BEGIN{p="polygon";for(i=0;i<10;i++){a=-1.5708+i*0.628319;q=(i%2)?r*0.4:r;p=p sprintf(" %.1f,%.1f",x+q*cos(a),y+q*sin(a))}print p}'
}
convert -size 700x450 xc:'#101b45' -fill '#ffd93b' -draw "$(star 110 120 60)" -draw "$(star 260 300 45)" -draw "$(star 380 110 50)" -draw "$(star 90 350 40)" -draw "$(star 430 350 55)" \
  -fill white -draw "circle 590,220 590,130" -quality 90 "$out/shapes_stars.jpg"

# four paint chips with names
convert -size 640x900 xc:'#f4f1ea' \
  -fill '#b5533c' -draw "circle 150,150 150,50"  -fill '#7a8b69' -draw "circle 150,370 150,270" \
  -fill '#d9b44a' -draw "circle 150,590 150,490" -fill '#3b4a6b' -draw "circle 150,780 150,700" \
  -fill '#333333' -font Lato-Regular -pointsize 44 -annotate +300+165 'Terracotta' -annotate +300+385 'Sage' -annotate +300+605 'Mustard' -annotate +300+795 'Indigo' \
  -quality 90 "$out/palette_paint.jpg"

# blueprint of a garage house
convert -size 900x620 xc:'#1c4f9c' -fill none -stroke white -strokewidth 6 \
  -draw "rectangle 60,60 840,560" -draw "line 400,60 400,560" -draw "line 400,330 840,330" -draw "line 620,330 620,560" \
  -stroke '#1c4f9c' -strokewidth 9 -draw "line 400,180 400,260" -draw "line 480,330 560,330" -draw "line 690,330 770,330" \
  -stroke white -strokewidth 2 -draw "arc 320,100 480,260 90,180" -draw "line 400,180 320,180" \
  -draw "line 120,560 340,560" -stroke '#1c4f9c' -strokewidth 9 -draw "line 120,560 340,560" -stroke white -strokewidth 2 -draw "stroke-dasharray 10 8 line 120,560 340,560" \
  -stroke none -fill white -font DejaVu-Sans-Mono -pointsize 30 \
  -annotate +170+320 'GARAGE' -annotate +560+210 'STUDIO' -annotate +425+460 'LAUNDRY' -annotate +690+460 'WC' \
  "$out/plan_blueprint.png"

# a paper ticket
convert -size 520x760 xc:'#fdfcf7' -fill black -font DejaVu-Sans-Mono -pointsize 32 -gravity north \
  -annotate +0+40 'CITY CAFE' -pointsize 22 -annotate +0+90 '12 Main Street' -gravity northwest -pointsize 26 \
  -annotate +40+180 'Coffee' -annotate +370+180 '3.50' -annotate +40+230 'Muffin' -annotate +370+230 '2.80' -annotate +40+280 'Juice' -annotate +370+280 '4.20' \
  -stroke black -draw "line 40,330 480,330" -stroke none -font DejaVu-Sans-Mono-Bold -pointsize 34 -annotate +40+360 'TOTAL' -annotate +350+360 '10.50' \
  -font DejaVu-Sans-Mono -pointsize 24 -annotate +40+440 'Table 8' -gravity north -annotate +0+560 'Thank you!' \
  -attenuate 0.15 +noise Gaussian -quality 88 "$out/text_receipt.jpg"
