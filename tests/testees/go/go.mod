module perptestee

go 1.22
