// Keeps what is below out of the Go module: each folder could stand alone.
module github.com/sioemit/sioemit/sdk
go 1.26.0
