module perptestee

go 1.23
