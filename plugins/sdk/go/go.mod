module otlet

go 1.24
