#!/bin/sh
# sh photo_of_screen.sh PICTURE OUT.jpg CORNERS   a phone photo of PICTURE on a screen
# CORNERS: where the four corners go (top left, top right, bottom right, bottom left), in a 1000 x 760 photo
set -e
tmp=$(mktemp -d)
set -- "$1" "$2" $3
convert "$1" -resize '800x560!' -bordercolor '#111' -border 16 "$tmp/screen.png"   # the bezel of the monitor
convert -size 1000x760 gradient:'#6b6259'-'#3a342f' "$tmp/desk.png"
convert "$tmp/screen.png" -virtual-pixel transparent -background none -extent 1000x760 \
  -distort Perspective "0,0 $3  832,0 $4  832,592 $5  0,592 $6" "$tmp/warped.png"
convert "$tmp/desk.png" "$tmp/warped.png" -composite "$tmp/scene.png"
# pixel grid of the display, seen at an angle (moire), a glare, darker corners, sensor noise
convert -size 1000x760 xc: -fx '0.5+0.04*sin(i*1.9+j*0.13)+0.04*sin(j*2.1+i*0.09)' "$tmp/moire.png"
convert -size 1000x760 radial-gradient:'#ffffff'-'#9a9a9a' "$tmp/vignette.png"
convert -size 1000x760 gradient: -rotate 0 -distort SRT 35 -level 0,100% +level 42%,58% "$tmp/glare.png"
convert "$tmp/scene.png" "$tmp/moire.png" -compose overlay -composite "$tmp/glare.png" -compose softlight -composite \
  "$tmp/vignette.png" -compose multiply -composite -blur 0x0.8 -modulate 104,92 -attenuate 0.25 +noise Gaussian -quality 82 "$2"
rm -r "$tmp"
