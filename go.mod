module bellwether

go 1.26
