set terminal pngcairo size 840,520 font "DejaVu Sans,13"
set output "chart_temperature.png"
set title "Average temperature" font ",18"
set ylabel "°C"
set grid
set key top left
set yrange [0:35]
set xrange [-0.3:5.3]
$d << EOD
0 Jan 5 14
1 Mar 9 17
2 May 15 22
3 Jul 21 30
4 Sep 16 27
5 Nov 8 19
EOD
plot $d using 1:3:xtic(2) with linespoints lw 3 pt 7 lc rgb "blue" title "London", \
     $d using 1:4 with linespoints lw 3 pt 5 lc rgb "red" title "Athens"
