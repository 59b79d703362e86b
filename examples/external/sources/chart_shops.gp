set terminal pngcairo size 760,560 font "Liberation Sans,14"
set output "chart_shops.png"
set title "Products sold per shop"
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 border -1
set yrange [0:50]
set ytics 10
set ylabel "Boxes"
set key outside right top
set xrange [-0.7:2.7]
$d << EOD
North 30 20
South 45 15
West 10 25
EOD
plot $d using 2:xtic(1) lc rgb "#cc2222" title "Apples", $d using 3 lc rgb "#88bb33" title "Pears"
